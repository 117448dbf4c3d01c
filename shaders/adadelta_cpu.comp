// Adadelta for CPU drivers: include/adadelta.glsl.
#version 450
#extension GL_GOOGLE_include_directive : require
#define UPDATE_TEXELS
#include "adadelta.glsl"
