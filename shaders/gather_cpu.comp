// Op gather (src/op/gather.c) for CPU drivers, where rows of samples are whole texels.
#version 450
#extension GL_EXT_control_flow_attributes : require
#extension GL_EXT_samplerless_texture_functions : require
#extension GL_GOOGLE_include_directive : require
#define GATHER_TEXELS
#include "gather.glsl"
