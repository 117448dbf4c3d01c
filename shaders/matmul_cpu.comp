// Op matmul (src/op/matmul.c) for CPU drivers.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "matmul_cpu.glsl"
