// Op depthwise_conv2d (src/op/depthwise_conv2d.c) for CPU drivers.
#version 450
#extension GL_GOOGLE_include_directive : require
#define TEXELS
#include "depthwise_conv2d.glsl"
