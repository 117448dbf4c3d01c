// RMSprop: include/rmsprop.glsl.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "rmsprop.glsl"
