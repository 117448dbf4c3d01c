// Op pool2d (src/op/pool2d.c).
#version 450
#extension GL_GOOGLE_include_directive : require
#include "pool2d.glsl"
