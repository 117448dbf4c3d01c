// What the kernels of the normalizations share. x is seen as rows of C channels. The work tensor of batch_norm and
// row_norm holds, each `stride` = C rounded up to a multiple of 4:
//   mean, 1 / deviation, scale, shift, and of the backward pass a, b, c      dx = a dy + b x + c
// then, at `partials`, for each chunk of rows and each channel two sums. src/plan/norm.h is the C half.
#ifndef GS_NORM_GLSL
#define GS_NORM_GLSL

#define NORM_MEAN 0u
#define NORM_RDEV 1u
#define NORM_SCALE 2u
#define NORM_SHIFT 3u
#define NORM_A 4u
#define NORM_B 5u
#define NORM_C 6u

#endif
