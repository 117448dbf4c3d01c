// Nadam for CPU drivers: include/nadam.glsl.
#version 450
#extension GL_GOOGLE_include_directive : require
#define UPDATE_TEXELS
#include "nadam.glsl"
