// Several products A^T B with column sums of B in one dispatch on CPU drivers: shaders/include/matmul_gradients_cpu.glsl.
#ifndef GS_PLAN_GRADIENTS_H
#define GS_PLAN_GRADIENTS_H

#include "plan/record.h"

// A product in the push constants.
typedef struct gs__gradient_product {
    uint32_t m, n;          // C (m, n) = A (k, m)^T B (k, n)
    uint32_t a, b, c, sums; // first elements
    uint32_t end;           // workgroups of this product and those before it
} gs__gradient_product;

#define GS__NO_SUMS UINT32_MAX // no sums are wanted
// Constant ids of the shader.
enum {
    GS__GRADIENT_SPEC_ROWS = 0,
    GS__GRADIENT_SPEC_TAIL = 1,
    GS__GRADIENT_SPEC_ALIGNED = 2,
    GS__GRADIENT_SPEC_ANY_ROWS = 4
};

// Divides products 0 .. count - 1 among workgroups; products count .. capacity - 1 are none. Sets `end` of all and the
// dispatch's constants; returns the workgroups.
uint32_t gs__gradient_tiles(gs__dispatch *dispatch, gs__gradient_product *products, uint32_t count, uint32_t capacity,
                            uint32_t k);

#endif
