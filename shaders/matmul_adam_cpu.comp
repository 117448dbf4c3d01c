// Op matmul_adam (src/op/matmul_adam.c) for CPU drivers.
#version 450
#extension GL_GOOGLE_include_directive : require
#define ADAM
#include "matmul_gradients_cpu.glsl"
