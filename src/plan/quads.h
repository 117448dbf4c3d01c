// Dispatch of kernels that make an image (B, H, W, C) four channels at a time: those that include shaders/include/quad.glsl.
#ifndef GS_PLAN_QUADS_H
#define GS_PLAN_QUADS_H

#include "plan/record.h"

// An image, or a series (B, W, C) as an image of one row.
gs_shape gs__image_of(const gs_shape *shape);

// Whether the kernel that reads these as texels, `count` values of which some may be absent, can be used.
bool gs__quads_texels(const gs__recorder *recorder, const gs__value *values, uint32_t count);

// Channels of an invocation where it makes this image and reads such of the same channels: 4, or 1.
uint32_t gs__quads_vector(const gs_shape *image);

// Sets the constants of quad.glsl, which come first in every such kernel, for the image that is made.
void gs__quads_spec(gs__dispatch *dispatch, const gs_shape *image, uint32_t vector);

// Records the dispatch for `elements` of it.
gs_status gs__quads_record(gs__recorder *recorder, gs__dispatch *dispatch, uint32_t elements, uint32_t vector);

#endif
