// Op conv2d and its gradient of x (src/op/conv2d.c) for CPU drivers.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "conv2d_cpu.glsl"
