// What the kernels for a convolution's gradient of its kernel share (src/op/conv2d.c): C (m, n) = A^T B, where a row of C
// is a tap and a channel of the image, a column a channel of dy, and the sum goes over dy's pixels.
#ifndef GS_CONV2D_KERNEL_GLSL
#define GS_CONV2D_KERNEL_GLSL

layout(constant_id = 0) const uint SUMS = 0; // 1: also writes the column sums of dy

layout(push_constant) uniform PUSH {
    uint m, n, pixels;
    uint h, w, channels; // of the image
    uint kc, kw;         // channels of a group, taps of a row
    uint ph, pw, pc;     // of dy: height, width, channels
    uint stride_h, stride_w, dilation_h, dilation_w;
    uint pad_h, pad_w;
    uint row_tiles, column_tiles; // of a group
    uint groups;
    uint part_pixels; // of dy, in a part of the sum; a multiple of 4
    uint part_stride; // elements of a part of C; its column sums follow the kernel
    uint a, b, c;     // first elements of image, dy, C
    uint sums;        // of the column sums
} push;

layout(set = 0, binding = 2) writeonly buffer C { float c[]; };
layout(set = 0, binding = 2) writeonly buffer C4 { vec4 c4[]; };

// Of a workgroup: column tiles are innermost, then row tiles, groups, parts of the sum.
struct tile_place {
    uint row, col, group, part;
    bool valid;
};
tile_place find_tile(uint tile_rows, uint tile_columns) {
    uint tile = gl_WorkGroupID.x + gl_WorkGroupID.y * gl_NumWorkGroups.x;
    tile_place p;
    p.col = tile % push.column_tiles * tile_columns;
    tile /= push.column_tiles;
    p.row = tile % push.row_tiles * tile_rows;
    tile /= push.row_tiles;
    p.group = tile % push.groups;
    p.part = tile / push.groups;
    p.valid = p.part * push.part_pixels < push.pixels;
    return p;
}

// A row's tap and channel: what to add to a pixel's place in the image.
struct row_place {
    int h, w;
    uint channel;
};
row_place find_row(uint row, uint group) {
    uint tap = row / push.kc, y = tap / push.kw, x = tap - y * push.kw;
    return row_place(int(y * push.dilation_h) - int(push.pad_h), int(x * push.dilation_w) - int(push.pad_w),
                     group * push.kc + row - tap * push.kc);
}

// A pixel of dy.
struct pixel_place {
    uint image, h, w;
};
pixel_place find_pixel(uint pixel) {
    uint line = pixel / push.pw, image = line / push.ph;
    return pixel_place(image, line - image * push.ph, pixel - line * push.pw);
}
pixel_place advance(pixel_place p, pixel_place by) {
    p.w += by.w;
    bool carry = p.w >= push.pw;
    if (carry) p.w -= push.pw;
    p.h += by.h + (carry ? 1u : 0u);
    carry = p.h >= push.ph;
    if (carry) p.h -= push.ph;
    p.image += by.image + (carry ? 1u : 0u);
    return p;
}

// Element of the image that a row meets at a pixel; false: the padding.
bool find_element(row_place r, pixel_place p, out uint element) {
    uint h = uint(int(p.h * push.stride_h) + r.h), w = uint(int(p.w * push.stride_w) + r.w);
    bool inside = h < push.h && w < push.w;
    element = push.a + r.channel;
    if (inside) element += ((p.image * push.h + h) * push.w + w) * push.channels;
    return inside;
}

#endif
