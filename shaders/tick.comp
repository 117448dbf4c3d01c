// Ends a step in which nothing is updated (evaluation). One workgroup.
#version 450
#extension GL_GOOGLE_include_directive : require

layout(local_size_x = 64, local_size_x_id = 0) in;
#define TICK_BINDING 0
#include "tick.glsl"

layout(push_constant) uniform PUSH { TICK_PUSH } push;

void main() { TICK_STEP(gl_LocalInvocationID.x); }
