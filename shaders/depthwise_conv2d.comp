// Op depthwise_conv2d (src/op/depthwise_conv2d.c).
#version 450
#extension GL_GOOGLE_include_directive : require
#include "depthwise_conv2d.glsl"
