// Op pad2d (src/op/pad2d.c).
#version 450
#extension GL_GOOGLE_include_directive : require
#include "pad2d.glsl"
