// Op conv2d's gradient of the kernel (src/op/conv2d.c) for CPU drivers.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "conv2d_kernel_cpu.glsl"
