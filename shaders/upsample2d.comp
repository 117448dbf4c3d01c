// Op upsample2d (src/op/upsample2d.c).
#version 450
#extension GL_GOOGLE_include_directive : require
#include "upsample2d.glsl"
