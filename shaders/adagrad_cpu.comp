// Adagrad for CPU drivers: include/adagrad.glsl.
#version 450
#extension GL_GOOGLE_include_directive : require
#define UPDATE_TEXELS
#include "adagrad.glsl"
