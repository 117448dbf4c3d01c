// Op matmul (src/op/matmul.c) on matrix units that take float16. assets/spirv has it compiled: see cmake/shaders.cmake.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "matmul_coop.glsl"
