// What the kernels of op dense_crossentropy (src/op/dense_crossentropy.c) share.
#ifndef GS_DENSE_CROSSENTROPY_GLSL
#define GS_DENSE_CROSSENTROPY_GLSL
#include "epilogue_push.glsl"
#include "math.glsl"

#define MAX_CLASSES 32u

layout(constant_id = 0) const uint CLASSES = 10; // 1 .. MAX_CLASSES
layout(constant_id = 1) const uint WANT_ACCURACY = 0;
layout(constant_id = 2) const uint WANT_DLOGITS = 0;
layout(constant_id = 3) const uint WANT_DX = 0; // with WANT_DLOGITS
layout(constant_id = 4) const uint BIAS = 0;

layout(push_constant) uniform PUSH {
    uint row_count, features;
    // First elements; multiples of 4.
    uint x, kernel, bias, targets, loss, accuracy, dlogits, dx, epilogue_y;
    EPILOGUE_PUSH
} push;
#include "epilogue.glsl"
#include "precision.glsl" // a: x, then the gradient of the logits; b: the kernel

layout(set = 0, binding = 0) buffer ACTIVATIONS { float act[]; };
layout(set = 0, binding = 1) readonly buffer PARAMETERS { float param[]; };
layout(set = 0, binding = 2) readonly buffer TARGETS { int targets[]; };
layout(set = 0, binding = 3) writeonly buffer ROWS { float rows[]; };

#endif
