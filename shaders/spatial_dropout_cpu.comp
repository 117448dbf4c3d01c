// Op spatial_dropout (src/op/spatial_dropout.c) for CPU drivers.
#version 450
#extension GL_GOOGLE_include_directive : require
#define TEXELS
#include "spatial_dropout.glsl"
