// Op matmul_adam (src/op/matmul_adam.c) for CPU drivers whose subgroups have 8 lanes and can shuffle.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_KHR_shader_subgroup_shuffle : require
#define SHUFFLE
#define ADAM
#include "matmul_gradients_cpu.glsl"
