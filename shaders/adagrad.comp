// Adagrad: include/adagrad.glsl.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "adagrad.glsl"
