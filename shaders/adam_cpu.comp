// Adam for CPU drivers: include/adam.glsl.
#version 450
#extension GL_GOOGLE_include_directive : require
#define UPDATE_TEXELS
#include "adam.glsl"
