// Op spatial_dropout (src/op/spatial_dropout.c).
#version 450
#extension GL_GOOGLE_include_directive : require
#include "spatial_dropout.glsl"
