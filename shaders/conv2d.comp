// Op conv2d and its gradient of x (src/op/conv2d.c) for GPUs: an implicit matrix product by tiles. Steps of the sum are
// the taps that reach anything in this phase, each with the channels of the source.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "conv2d.glsl"
#include "conv2d_gpu.glsl"

layout(constant_id = 8) const uint CHANNELS = 1; // push.kc, known so that divisions by it are cheap

layout(set = 0, binding = 3) readonly buffer X { float extra[]; };

// Taps first, first + step, ..., `count` of them.
struct tap_range {
    uint first, step_, count;
};
tap_range find_taps(uint taps, uint phase, uint stride, uint dilation, uint pad) {
    tap_range r = tap_range(0u, 1u, taps);
    if (TRANSPOSED == 0u) return r;
    int offset;
    while (r.first < taps && !find_tap(r.first, taps, phase, stride, dilation, pad, offset)) r.first++;
    while (r.step_ * dilation % stride != 0u) r.step_++;
    r.count = r.first < taps ? (taps - r.first + r.step_ - 1u) / r.step_ : 0u;
    return r;
}

tile_place tile;
tap_range taps_h, taps_w;
uint steps;
row_place places[LOADS_A];

void load(uint k) {
    // A thread's loads of A, and of B when that is transposed, are all of one step.
    uint step_ = k + gl_LocalInvocationID.x % TILE_K, at = step_ / CHANNELS, channel = step_ - at * CHANNELS;
    uint line = taps_w.count > 0u ? at / taps_w.count : 0u;
    uint y = taps_h.first + line * taps_h.step_, x = taps_w.first + (at - line * taps_w.count) * taps_w.step_;
    int dh, dw;
    tap_h(y, tile.phase_h, dh);
    tap_w(x, tile.phase_w, dw);
    for (uint i = 0; i < LOADS_A; i++) {
        uint h = uint(places[i].h + dh), w = uint(places[i].w + dw);
        a_next[i] = 0.0;
        if (step_ < steps && places[i].pixel != NONE && h < push.sh && w < push.sw)
            a_next[i] = a[push.a + ((places[i].image * push.sh + h) * push.sw + w) * push.sc + tile.group * push.kc + channel];
    }
    for (uint i = 0; i < LOADS_B; i++) {
        uvec2 p = place(i, TILE_N, TRANSPOSED != 0u);
        uint n = tile.col + p.x, s = k + p.y;
        uint e = TRANSPOSED == 0u ? s * push.rc + tile.group * push.n + n
                                  : ((y * push.kw + x) * push.n + n) * push.sc + tile.group * push.kc + channel;
        b_next[i] = 0.0;
        if (n < push.n && s < steps) b_next[i] = b[push.b + e];
    }
}

void store() {
    for (uint i = 0; i < THREAD_M; i++) {
        uint pixel = find_row(tile.row + row_of(i), tile.phase_h, tile.phase_w).pixel;
        if (pixel == NONE) continue;
        for (uint j = 0; j < THREAD_N; j++) {
            uint n = tile.col + column_of(j), channel = tile.group * push.n + n, e = pixel * push.rc + channel;
            if (n >= push.n) continue;
            float v = acc[i * THREAD_N + j], x = 0.0;
            if (BIAS != 0u || EPILOGUE_MODE == 2u) x = extra[push.extra + (BIAS != 0u ? channel : e)];
            if (BIAS != 0u) v += x;
            c[push.c + e] = epilogue1(v, x, e);
        }
    }
}

void main() {
    tile = find_tile(TILE_M, TILE_N);
    if (!tile.valid) return;
    taps_h = find_taps(push.kh, tile.phase_h, push.stride_h, push.dilation_h, push.pad_h);
    taps_w = find_taps(push.kw, tile.phase_w, push.stride_w, push.dilation_w, push.pad_w);
    steps = taps_h.count * taps_w.count * CHANNELS;
    for (uint i = 0; i < LOADS_A; i++)
        places[i] = find_row(tile.row + place(i, TILE_M, true).x, tile.phase_h, tile.phase_w);
    for (uint i = 0; i < THREAD_M * THREAD_N; i++) acc[i] = 0.0;
    load(0u);
    for (uint k = 0; k < steps; k += TILE_K) {
        share(true, TRANSPOSED != 0u);
        barrier();
        if (k + TILE_K < steps) load(k + TILE_K);
        multiply();
        barrier();
    }
    store();
}
