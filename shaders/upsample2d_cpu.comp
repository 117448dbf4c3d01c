// Op upsample2d (src/op/upsample2d.c) for CPU drivers.
#version 450
#extension GL_GOOGLE_include_directive : require
#define TEXELS
#include "upsample2d.glsl"
