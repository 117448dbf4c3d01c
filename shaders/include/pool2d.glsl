// Op pool2d (src/op/pool2d.c), both passes: the largest or the mean of windows of an image (B, h, w, c), giving (B, p, q, c).
// An invocation makes 4 neighbouring channels, or one element where c is not a multiple of 4. TEXELS: operands are read as
// texels, for CPU drivers.
// Backward gathers: a pixel of the image goes through the windows that it is in. Of the largest it asks which of their
// pixels that was: its number in the window, counted row by row.
#include "epilogue_push.glsl"
#include "item.glsl"

layout(constant_id = 0) const uint AVERAGE = 0;
layout(constant_id = 1) const uint BACKWARD = 0;
layout(constant_id = 2) const uint PLACES = 0; // 1: forward stores which pixel was the largest
layout(constant_id = 3) const uint VECTOR = 4; // 4, or 1
layout(constant_id = 4) const uint SIZE_H = 2;
layout(constant_id = 5) const uint SIZE_W = 2;
layout(constant_id = 6) const uint STRIDE_H = 2;
layout(constant_id = 7) const uint STRIDE_W = 2;
// Channels, and the size of what is made: known, so that divisions by them are cheap.
layout(constant_id = 8) const uint CHANNELS = 4;
layout(constant_id = 9) const uint HIGH = 1;
layout(constant_id = 10) const uint WIDE = 1;
layout(local_size_x = 64) in;

layout(push_constant) uniform PUSH {
    uint count; // of invocations
    uint h, w, p, q;
    uint pad_h, pad_w;
    uint v, places; // first elements: x, or dy and the numbers
    uint y;         // for the backward epilogue
    uint out_, out_places;
    EPILOGUE_PUSH
} push;
#include "epilogue.glsl"

layout(set = 0, binding = 3) writeonly buffer OUT { float out1[]; };
layout(set = 0, binding = 3) writeonly buffer OUT4 { vec4 out4[]; };

// Where VECTOR is 1 the other three are of no account.
#ifdef TEXELS
#extension GL_EXT_samplerless_texture_functions : require
layout(set = 0, binding = 8) uniform textureBuffer v_texels;
layout(set = 0, binding = 9) uniform textureBuffer places_texels;
layout(set = 0, binding = 10) uniform textureBuffer y_texels;
#define LOAD(name, texels)                                                                                    \
    vec4 name(uint e) {                                                                                       \
        vec4 t = texelFetch(texels, int(e >> 2));                                                             \
        if (VECTOR == 4u) return t;                                                                           \
        vec2 pair = (e & 2u) != 0u ? t.zw : t.xy;                                                             \
        return vec4((e & 1u) != 0u ? pair.y : pair.x);                                                        \
    }
LOAD(load_v, v_texels)
LOAD(load_places, places_texels)
LOAD(load_y, y_texels)
#else
layout(set = 0, binding = 0) readonly buffer V { float v1[]; };
layout(set = 0, binding = 0) readonly buffer V4 { vec4 v4[]; };
layout(set = 0, binding = 1) readonly buffer P { float p1[]; };
layout(set = 0, binding = 1) readonly buffer P4 { vec4 p4[]; };
layout(set = 0, binding = 2) readonly buffer Y { float y1[]; };
layout(set = 0, binding = 2) readonly buffer Y4 { vec4 y4[]; };
vec4 load_v(uint e) { return VECTOR == 4u ? v4[e >> 2] : vec4(v1[e]); }
vec4 load_places(uint e) { return VECTOR == 4u ? p4[e >> 2] : vec4(p1[e]); }
vec4 load_y(uint e) { return VECTOR == 4u ? y4[e >> 2] : vec4(y1[e]); }
#endif

void store(uint to, vec4 v) {
    if (VECTOR == 4u) out4[to >> 2] = v;
    else out1[to] = v.x;
}

// Pixels of the image along one axis that a window has.
uint covered(uint window, uint size, uint stride, uint pad, uint length) {
    int begin = int(window * stride) - int(pad);
    return uint(min(begin + int(size), int(length)) - max(begin, 0));
}

bvec4 larger(vec4 v, vec4 best) {
    return bvec4(v.x > best.x || isnan(v.x), v.y > best.y || isnan(v.y), v.z > best.z || isnan(v.z),
                 v.w > best.w || isnan(v.w));
}

void forward(uint e, uint image, uint p, uint q, uint channel) {
    vec4 result = vec4(AVERAGE != 0u ? 0.0 : -INF), place = vec4(0.0);
    bool first = true;
    for (uint i = 0; i < SIZE_H; i++)
        for (uint j = 0; j < SIZE_W; j++) {
            uint h = p * STRIDE_H + i - push.pad_h, w = q * STRIDE_W + j - push.pad_w;
            bool inside = h < push.h && w < push.w;
            vec4 v = load_v(push.v + (inside ? ((image * push.h + h) * push.w + w) * CHANNELS + channel : 0u));
            if (AVERAGE != 0u) {
                if (inside) result += v;
                continue;
            }
            bvec4 take = bvec4(uvec4(larger(v, result)) | uvec4(first));
            if (!inside) take = bvec4(false);
            result = mix(result, v, take);
            place = mix(place, vec4(float(i * SIZE_W + j)), take);
            if (inside) first = false;
        }
    if (AVERAGE != 0u)
        result /= float(covered(p, SIZE_H, STRIDE_H, push.pad_h, push.h) *
                        covered(q, SIZE_W, STRIDE_W, push.pad_w, push.w));
    if (PLACES != 0u) store(push.out_places + e, place);
    store(push.out_ + e, VECTOR == 4u ? epilogue4(result, vec4(0.0), e) : vec4(epilogue1(result.x, 0.0, e)));
}

void backward(uint e, uint image, uint h, uint w, uint channel) {
    vec4 result = vec4(0.0);
    uint last_p = (h + push.pad_h) / STRIDE_H, last_q = (w + push.pad_w) / STRIDE_W;
    for (uint a = 0; a < (SIZE_H + STRIDE_H - 1u) / STRIDE_H; a++)
        for (uint b = 0; b < (SIZE_W + STRIDE_W - 1u) / STRIDE_W; b++) {
            uint p = last_p - a, q = last_q - b; // below 0: beyond all windows
            uint i = h + push.pad_h - p * STRIDE_H, j = w + push.pad_w - q * STRIDE_W;
            bool inside = p < push.p && q < push.q && i < SIZE_H && j < SIZE_W;
            uint from = inside ? ((image * push.p + p) * push.q + q) * CHANNELS + channel : 0u;
            vec4 dy = load_v(push.v + from);
            if (!inside) continue;
            if (AVERAGE != 0u)
                result += dy / float(covered(p, SIZE_H, STRIDE_H, push.pad_h, push.h) *
                                     covered(q, SIZE_W, STRIDE_W, push.pad_w, push.w));
            else
                result += mix(vec4(0.0), dy, equal(load_places(push.places + from), vec4(float(i * SIZE_W + j))));
        }
    vec4 y = EPILOGUE_MODE == 2u ? load_y(push.y + e) : vec4(0.0);
    store(push.out_ + e, VECTOR == 4u ? epilogue4(result, y, e) : vec4(epilogue1(result.x, y.x, e)));
}

void main() {
    uint item = item_index();
    if (item >= push.count) return;
    uint pixel = item / (CHANNELS / VECTOR), channel = item * VECTOR - pixel * CHANNELS;
    uint line = pixel / WIDE, w = pixel - line * WIDE, image = line / HIGH, h = line - image * HIGH;
    if (BACKWARD != 0u) backward(item * VECTOR, image, h, w, channel);
    else forward(item * VECTOR, image, h, w, channel);
}
