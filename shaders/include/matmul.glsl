// What the matmul kernels share: C (m, n) = A (m, k) B (k, n), see src/op/matmul.c.
#ifndef GS_MATMUL_GLSL
#define GS_MATMUL_GLSL
#include "epilogue_push.glsl"

layout(constant_id = 0) const uint TRANS_A = 0; // 1: A is stored as (k, m)
layout(constant_id = 1) const uint TRANS_B = 0; // 1: B is stored as (n, k)
layout(constant_id = 2) const uint EXTRA = 0;

#define BIAS 1u      // adds extra[] to each row
#define SUMS 2u      // also writes the column sums of B, of TRANS_B = 0
#define ONLY_SUMS 3u // and no C

layout(push_constant) uniform PUSH {
    uint m, n, k;
    uint a, b, c; // first elements; multiples of 4
    uint extra;   // bias (n), or the y (m, n) that the backward epilogue needs
    uint sums;    // column sums (n), behind C's binding
    uint steps;   // of k in a part, where C is made of several (matmul.comp)
    EPILOGUE_PUSH
} push;
#include "epilogue.glsl"
#include "precision.glsl"

layout(set = 0, binding = 2) writeonly buffer C { float c[]; };
layout(set = 0, binding = 2) writeonly buffer C4 { vec4 c4[]; };

// Workgroups are tiles in row-major order.
uint tile_index() { return gl_WorkGroupID.x + gl_WorkGroupID.y * gl_NumWorkGroups.x; }

#endif
