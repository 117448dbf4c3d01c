// Adamax for CPU drivers: include/adamax.glsl.
#version 450
#extension GL_GOOGLE_include_directive : require
#define UPDATE_TEXELS
#include "adamax.glsl"
