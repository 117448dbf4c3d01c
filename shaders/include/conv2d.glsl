// What the convolution kernels that gather share (src/op/conv2d.c). A result (B, rh, rw, rc) is made from a source
// (B, sh, sw, sc) and a kernel (kh, kw, C / groups, O), as a matrix product: a row is a pixel of the result, a column a
// channel of it, and the sum goes over the kernel's taps and over the source's channels of the group.
//   TRANSPOSED 0: the result is y, the source x.   source row = r stride + tap dilation - pad
//   TRANSPOSED 1: the result is dx, the source dy, and taps reach x where (x row + pad - tap dilation) divides by the
//   stride. Rows are ordered by their phase, the remainder of that division, so that all of a workgroup skip the same taps.
#ifndef GS_CONV2D_GLSL
#define GS_CONV2D_GLSL
#include "epilogue_push.glsl"

layout(constant_id = 0) const uint TRANSPOSED = 0;
layout(constant_id = 1) const uint BIAS = 0; // 1: adds extra[] to each row

layout(push_constant) uniform PUSH {
    uint rows; // of a phase
    uint rh, rw, rc, sh, sw, sc;
    uint n, kc; // channels of a group: of the result, of the source
    uint kh, kw;
    uint stride_h, stride_w, dilation_h, dilation_w;
    uint pad_h, pad_w;
    uint row_tiles, column_tiles; // of a phase, of a group
    uint a, b, c;                 // first elements of source, kernel, result
    uint extra;                   // bias (rc), or the y that the backward epilogue needs
    EPILOGUE_PUSH
} push;
#include "epilogue.glsl"

layout(set = 0, binding = 2) writeonly buffer C { float c[]; };
layout(set = 0, binding = 2) writeonly buffer C4 { vec4 c4[]; };

// Of a workgroup: column tiles are innermost, then row tiles, phases, groups.
struct tile_place {
    uint row, col, group;
    uint phase_h, phase_w;
    bool valid; // else beyond the last one, in a grid that was folded
};
tile_place find_tile(uint tile_rows, uint tile_columns) {
    uint tile = gl_WorkGroupID.x + gl_WorkGroupID.y * gl_NumWorkGroups.x;
    tile_place p;
    p.col = tile % push.column_tiles * tile_columns;
    tile /= push.column_tiles;
    p.row = tile % push.row_tiles * tile_rows;
    tile /= push.row_tiles;
    p.phase_h = p.phase_w = 0u;
    if (TRANSPOSED != 0u) {
        p.phase_w = tile % push.stride_w;
        tile /= push.stride_w;
        p.phase_h = tile % push.stride_h;
        tile /= push.stride_h;
    }
    p.group = tile;
    p.valid = p.group * push.n < push.rc;
    return p;
}

// A row's place: its image, the source pixel of a tap at 0, and the pixel of the result (NONE: there is none).
#define NONE 0xFFFFFFFFu
struct row_place {
    int h, w;
    uint image, pixel;
};
row_place find_row(uint row, uint phase_h, uint phase_w) {
    uint m = min(row, push.rows - 1u);
    uint step_h = TRANSPOSED != 0u ? push.stride_h : 1u, step_w = TRANSPOSED != 0u ? push.stride_w : 1u;
    uint across = (push.rw + step_w - 1u) / step_w, down = (push.rh + step_h - 1u) / step_h;
    uint line = m / across, w = m - line * across, image = line / down, h = line - image * down;
    uint out_h = h * step_h + phase_h, out_w = w * step_w + phase_w;
    row_place p;
    p.h = int(TRANSPOSED != 0u ? h : h * push.stride_h);
    p.w = int(TRANSPOSED != 0u ? w : w * push.stride_w);
    p.image = image;
    p.pixel = row < push.rows && out_h < push.rh && out_w < push.rw ? (image * push.rh + out_h) * push.rw + out_w : NONE;
    return p;
}

// What a tap adds to a row's place; false: the tap reaches nothing in this phase.
bool find_tap(uint tap, uint taps, uint phase, uint stride, uint dilation, uint pad, out int offset) {
    if (TRANSPOSED == 0u) {
        offset = int(tap * dilation) - int(pad);
        return true;
    }
    uint reach = taps * dilation, from = phase + pad + stride * reach - tap * dilation; // never negative
    offset = int(from / stride) - int(reach);
    return from % stride == 0u;
}
bool tap_h(uint tap, uint phase, out int offset) {
    return find_tap(tap, push.kh, phase, push.stride_h, push.dilation_h, push.pad_h, offset);
}
bool tap_w(uint tap, uint phase, out int offset) {
    return find_tap(tap, push.kw, phase, push.stride_w, push.dilation_w, push.pad_w, offset);
}

#endif
