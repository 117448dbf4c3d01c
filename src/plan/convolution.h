// The three products of a convolution, for the ops that are made of such. An image (B, H, W, C), a kernel
// (KH, KW, C / groups, O) and the map (B, P, Q, O) that they give.
//   map[b, p, q, o] = sum of image[b, p stride + i dilation - pad, q stride + j dilation - pad, c] kernel[i, j, c', o]
// over the taps i, j and the channels c of o's group, of which c' is the number in the group. No product makes a copy of
// the image's patches. src/op/conv2d.c implements this.
#ifndef GS_PLAN_CONVOLUTION_H
#define GS_PLAN_CONVOLUTION_H

#include "plan/record.h"

typedef struct gs__convolution {
    uint32_t batch, h, w, c; // of the image
    uint32_t p, q, o;        // of the map
    uint32_t kh, kw;
    uint32_t stride[2], dilation[2], pad[2]; // of rows, of columns
    uint32_t groups;
} gs__convolution;

// How a result is stored.
typedef struct gs__convolution_end {
    gs__value bias; // may be absent; not with `backward`
    gs__epilogue epilogue;
    bool backward;        // the epilogue's direction
    gs__value epilogue_y; // backward
} gs__convolution_end;

// map = image * kernel.
gs_status gs__convolution_record(gs__recorder *recorder, const gs__convolution *v, gs__value image, gs__value kernel,
                                 gs__value map, const gs__convolution_end *end);
// The adjoint: an image from a map.
gs_status gs__convolution_record_adjoint(gs__recorder *recorder, const gs__convolution *v, gs__value map,
                                         gs__value kernel, gs__value image, const gs__convolution_end *end);
// dkernel from image and map, of which one is a gradient; `sums` (O), may be absent: sums of the map's channels.
gs_status gs__convolution_record_kernel(gs__recorder *recorder, const gs__convolution *v, gs__value image,
                                        gs__value map, gs__value dkernel, gs__value sums, gs__value scratch);
// Floats of scratch for that.
uint64_t gs__convolution_scratch(const gs__convolution *v);

// References; `bias` and `sums` may be NULL.
void gs__convolution_ref(const gs__convolution *v, const double *image, const double *kernel, const double *bias,
                         double *map);
void gs__convolution_ref_adjoint(const gs__convolution *v, const double *map, const double *kernel, const double *bias,
                                 double *image);
void gs__convolution_ref_kernel(const gs__convolution *v, const double *image, const double *map, double *dkernel,
                                double *sums);

#endif
