// Op gather (src/op/gather.c).
#version 450
#extension GL_GOOGLE_include_directive : require
#include "gather.glsl"
