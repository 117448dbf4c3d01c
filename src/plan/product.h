// A matrix product as matmul records it, for the ops that are made of such. src/op/matmul.c and matmul_gradients.c
// implement it.
#ifndef GS_PLAN_PRODUCT_H
#define GS_PLAN_PRODUCT_H

#include "plan/record.h"

// As in shaders/include/matmul.glsl.
typedef enum gs__product_extra {
    GS__PRODUCT_PLAIN,
    GS__PRODUCT_BIAS,      // + bias
    GS__PRODUCT_SUMS,      // and the column sums of B
    GS__PRODUCT_ONLY_SUMS, // no C
} gs__product_extra;

// C (m, n) = A (m, k) B (k, n), then the epilogue. trans: the factor is stored as its transpose.
typedef struct gs__product {
    uint32_t m, n, k;
    bool trans_a, trans_b;
    gs__value a, b, c;
    gs__product_extra extra;
    gs__value bias, sums; // (n)
    gs__epilogue epilogue;
    bool backward;        // the epilogue's direction
    gs__value epilogue_y; // backward
    gs__value scratch;    // of gs__product_scratch
    gs_precision precision;
    bool gradient_a, gradient_b; // that factor is a gradient: float16 takes it times the loss scale
} gs__product;

// The scratch memory of a product that is summed up in several parts (plan/tile.h) on such a device; rank 0: none.
gs_shape gs__product_scratch(const gs__gpu_caps *caps, uint32_t m, uint32_t n, uint32_t k);
// One dispatch, and one that adds up the parts where product->scratch is given and the device asks for parts.
gs_status gs__product_record(gs__recorder *recorder, const gs__product *product);

// dkernel (I, O) = x (M, I)^T dy (M, O), dbias (O) = column sums of dy as the product takes it; either may be absent. At
// most two dispatches.
gs_status gs__product_record_gradients(gs__recorder *recorder, gs__value x, gs__value dy, uint32_t m, uint32_t i,
                                       uint32_t o, gs__value dkernel, gs__value dbias, gs_precision precision);

enum { GS__MAX_PAIRS = 4 };

// The same for several x and dy of as many rows, by the kernels for GPUs: one dispatch, and one that adds up the parts.
// The gradients must lie in one storage; without a dkernel the others of its pair are not made.
typedef struct gs__gradients {
    uint32_t rows, count;
    struct gs__gradients_pair {
        uint32_t i, o;
        gs__value x, dy, dkernel, dbias; // dbias may be absent
    } pair[GS__MAX_PAIRS];
    gs__value scratch; // of gs__gradients_scratch; absent: one part
    gs_precision precision;
} gs__gradients;
gs_shape gs__gradients_scratch(const gs__gpu_caps *caps, const gs__gradients *gradients);
gs_status gs__gradients_record(gs__recorder *recorder, const gs__gradients *gradients);

#endif
