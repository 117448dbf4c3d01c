// SGD for CPU drivers: include/sgd.glsl.
#version 450
#extension GL_GOOGLE_include_directive : require
#define UPDATE_TEXELS
#include "sgd.glsl"
