// Op depthwise_conv2d's gradients of kernel and bias (src/op/depthwise_conv2d.c).
#version 450
#extension GL_GOOGLE_include_directive : require
#include "depthwise_kernel.glsl"
