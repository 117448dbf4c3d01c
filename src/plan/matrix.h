// Products on matrix units: in mixed precision, on devices with cooperative matrices (shaders/include/matmul_coop.glsl).
#ifndef GS_PLAN_MATRIX_H
#define GS_PLAN_MATRIX_H

#include "plan/product.h"
#include "plan/tune.h"

// Whether the device's matrix units take products of that precision and size. Sizes and device alone decide, and that
// the kernel has once given right results there: a choice by measurement would make the bits depend on timing.
bool gs__matrix_takes(gs__recorder *recorder, gs_precision precision, uint32_t m, uint32_t n, uint32_t k);

// Fills in the ways of a product that gs__matrix_takes, without the constants that are the op's own, the rule's way
// first. They all sum up in the same order.
void gs__matrix_ways(const gs__gpu_caps *caps, const gs__product *product, gs__choice *choice);

#endif
