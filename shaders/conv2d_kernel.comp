// Op conv2d's gradient of the kernel (src/op/conv2d.c) for GPUs: an implicit matrix product by tiles. Steps of the sum are
// the pixels of dy, in parts.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "conv2d_kernel.glsl"
#include "conv2d_gpu.glsl"

tile_place tile;
row_place row; // a thread's loads of A are all of one row
pixel_place places[LOADS_A];

void load(uint pixel, uint end) {
    bool valid = tile.row + gl_LocalInvocationID.x % TILE_M < push.m;
    pixel_place by = find_pixel(TILE_K);
    for (uint i = 0; i < LOADS_A; i++) {
        uint e;
        bool inside = find_element(row, places[i], e);
        a_next[i] = 0.0;
        if (inside && valid && pixel + place(i, TILE_M, false).y < end) a_next[i] = a[e];
        places[i] = advance(places[i], by);
    }
    for (uint i = 0; i < LOADS_B; i++) {
        uvec2 p = place(i, TILE_N, false) + uvec2(tile.col, pixel);
        b_next[i] = 0.0;
        if (p.x < push.n && p.y < end) b_next[i] = b[push.b + p.y * push.pc + tile.group * push.n + p.x];
    }
}

void main() {
    tile = find_tile(TILE_M, TILE_N);
    if (!tile.valid) return;
    uint first = tile.part * push.part_pixels, end = min(first + push.part_pixels, push.pixels);
    row = find_row(min(tile.row + gl_LocalInvocationID.x % TILE_M, push.m - 1u), tile.group);
    for (uint i = 0; i < LOADS_A; i++) places[i] = find_pixel(first + place(i, TILE_M, false).y);
    for (uint i = 0; i < THREAD_M * THREAD_N; i++) acc[i] = 0.0;
    // The workgroups of the first tile row add up the columns of B, thread i column i.
    bool sums = SUMS != 0u && tile.row == 0u && gl_LocalInvocationID.x < TILE_N;
    float sum = 0.0;
    load(first, end);
    for (uint pixel = first; pixel < end; pixel += TILE_K) {
        share(false, false);
        barrier();
        if (pixel + TILE_K < end) load(pixel + TILE_K, end);
        multiply();
        if (sums)
            for (uint i = 0; i < TILE_K; i++) sum += b_tile[i * STRIDE_B + gl_LocalInvocationID.x];
        barrier();
    }
    uint base = tile.part * push.part_stride + tile.group * push.n;
    if (sums && tile.col + gl_LocalInvocationID.x < push.n)
        c[push.sums + base + tile.col + gl_LocalInvocationID.x] = sum;
    for (uint i = 0; i < THREAD_M; i++) {
        uint m = tile.row + row_of(i);
        if (m >= push.m) continue;
        for (uint j = 0; j < THREAD_N; j++) {
            uint n = tile.col + column_of(j);
            if (n < push.n) c[push.c + base + m * push.pc + n] = acc[i * THREAD_N + j];
        }
    }
}
