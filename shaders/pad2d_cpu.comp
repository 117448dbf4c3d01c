// Op pad2d (src/op/pad2d.c) for CPU drivers.
#version 450
#extension GL_GOOGLE_include_directive : require
#define TEXELS
#include "pad2d.glsl"
