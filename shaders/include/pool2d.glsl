// Op pool2d (src/op/pool2d.c), both passes: the largest or the mean of windows of an image (B, h, w, c), giving (B, p, q, c).
// An invocation makes 4 neighbouring channels, or one element where c is not a multiple of 4. TEXELS: operands are read as
// texels, for CPU drivers.
// Backward gathers: a pixel of the image goes through the windows that it is in. Of the largest it asks which of their
// pixels that was: its number in the window, counted row by row.
#include "epilogue_push.glsl"
#include "quad.glsl"

layout(constant_id = 4) const uint AVERAGE = 0;
layout(constant_id = 5) const uint BACKWARD = 0;
layout(constant_id = 6) const uint PLACES = 0; // 1: forward stores which pixel was the largest
layout(constant_id = 7) const uint SIZE_H = 2;
layout(constant_id = 8) const uint SIZE_W = 2;
layout(constant_id = 9) const uint STRIDE_H = 2;
layout(constant_id = 10) const uint STRIDE_W = 2;

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
#include "quad_epilogue.glsl"

QUAD_INPUT(v, 0, 8)
QUAD_INPUT(places, 1, 9)
QUAD_INPUT(y, 2, 10)
QUAD_OUTPUT(out, 3)

// Pixels of the image along one axis that a window has.
uint covered(uint window, uint size, uint stride, uint pad, uint length) {
    int begin = int(window * stride) - int(pad);
    return uint(min(begin + int(size), int(length)) - max(begin, 0));
}

bvec4 larger(vec4 v, vec4 best) {
    return bvec4(v.x > best.x || isnan(v.x), v.y > best.y || isnan(v.y), v.z > best.z || isnan(v.z),
                 v.w > best.w || isnan(v.w));
}

void forward(quad at) {
    vec4 result = vec4(AVERAGE != 0u ? 0.0 : -INF), place = vec4(0.0);
    bool first = true;
    for (uint i = 0; i < SIZE_H; i++)
        for (uint j = 0; j < SIZE_W; j++) {
            uint h = at.h * STRIDE_H + i - push.pad_h, w = at.w * STRIDE_W + j - push.pad_w;
            bool inside = h < push.h && w < push.w;
            vec4 v = load_v(push.v + (inside ? ((at.image * push.h + h) * push.w + w) * CHANNELS + at.channel : 0u));
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
        result /= float(covered(at.h, SIZE_H, STRIDE_H, push.pad_h, push.h) *
                        covered(at.w, SIZE_W, STRIDE_W, push.pad_w, push.w));
    if (PLACES != 0u) store_out(push.out_places + at.element, place);
    store_out(push.out_ + at.element, quad_epilogue(result, vec4(0.0), at.element));
}

void backward(quad at) {
    vec4 result = vec4(0.0);
    uint last_p = (at.h + push.pad_h) / STRIDE_H, last_q = (at.w + push.pad_w) / STRIDE_W;
    for (uint a = 0; a < (SIZE_H + STRIDE_H - 1u) / STRIDE_H; a++)
        for (uint b = 0; b < (SIZE_W + STRIDE_W - 1u) / STRIDE_W; b++) {
            uint p = last_p - a, q = last_q - b; // below 0: beyond all windows
            uint i = at.h + push.pad_h - p * STRIDE_H, j = at.w + push.pad_w - q * STRIDE_W;
            bool inside = p < push.p && q < push.q && i < SIZE_H && j < SIZE_W;
            uint from = inside ? ((at.image * push.p + p) * push.q + q) * CHANNELS + at.channel : 0u;
            vec4 dy = load_v(push.v + from);
            if (!inside) continue;
            if (AVERAGE != 0u)
                result += dy / float(covered(p, SIZE_H, STRIDE_H, push.pad_h, push.h) *
                                     covered(q, SIZE_W, STRIDE_W, push.pad_w, push.w));
            else
                result += mix(vec4(0.0), dy, equal(load_places(push.places + from), vec4(float(i * SIZE_W + j))));
        }
    vec4 y = EPILOGUE_MODE == 2u ? load_y(push.y + at.element) : vec4(0.0);
    store_out(push.out_ + at.element, quad_epilogue(result, y, at.element));
}

void main() {
    uint item = item_index();
    if (item >= push.count) return;
    if (BACKWARD != 0u) backward(find_quad(item));
    else forward(find_quad(item));
}
