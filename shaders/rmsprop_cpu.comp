// RMSprop for CPU drivers: include/rmsprop.glsl.
#version 450
#extension GL_GOOGLE_include_directive : require
#define UPDATE_TEXELS
#include "rmsprop.glsl"
