// Op matmul_gradients (src/op/matmul_gradients.c) for CPU drivers.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "matmul_gradients_cpu.glsl"
