// Op conv2d and its gradient of x (src/op/conv2d.c) for CPU drivers whose subgroups have 8 lanes and can shuffle.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_KHR_shader_subgroup_shuffle : require
#define SHUFFLE
#include "conv2d_cpu.glsl"
