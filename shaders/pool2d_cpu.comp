// Op pool2d (src/op/pool2d.c) for CPU drivers.
#version 450
#extension GL_GOOGLE_include_directive : require
#define TEXELS
#include "pool2d.glsl"
