// Op dense_crossentropy (src/op/dense_crossentropy.c) for CPU drivers whose subgroups have 8 lanes and can shuffle.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_KHR_shader_subgroup_shuffle : require
#define SHUFFLE
#include "dense_crossentropy_cpu.glsl"
