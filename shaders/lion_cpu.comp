// Lion for CPU drivers: include/lion.glsl.
#version 450
#extension GL_GOOGLE_include_directive : require
#define UPDATE_TEXELS
#include "lion.glsl"
