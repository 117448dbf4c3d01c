// Op dense_crossentropy (src/op/dense_crossentropy.c) for CPU drivers.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "dense_crossentropy_cpu.glsl"
