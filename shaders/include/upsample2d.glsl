// Op upsample2d (src/op/upsample2d.c), both passes. Along each axis pixel i of the larger image is made from pixels of the
// smaller one: from i / factor, or, BILINEAR, from the two around (i + 0.5) / factor - 0.5, clamped at the edges.
// Backward gathers: a pixel of the smaller image goes through the larger one's that are made from it.
#include "epilogue_push.glsl"
#include "quad.glsl"

layout(constant_id = 4) const uint BILINEAR = 0;
layout(constant_id = 5) const uint BACKWARD = 0;
layout(constant_id = 6) const uint FACTOR_H = 2;
layout(constant_id = 7) const uint FACTOR_W = 2;

layout(push_constant) uniform PUSH {
    uint count; // of invocations
    uint h, w;  // of what is read
    uint v, y, out_; // first elements
    EPILOGUE_PUSH
} push;
#include "epilogue.glsl"
#include "quad_epilogue.glsl"

QUAD_INPUT(v, 0, 8)
QUAD_INPUT(y, 1, 9) // for the backward epilogue
QUAD_OUTPUT(out, 2)

vec4 load_at(quad at, uint h, uint w) {
    return load_v(push.v + ((at.image * push.h + h) * push.w + w) * CHANNELS + at.channel);
}

// Where pixel i of the larger image comes from: `second` of the pixel behind `first`, the rest of `first`.
struct source {
    uint first, behind;
    float second;
};
source find_source(uint i, uint factor, uint length) {
    int twice = 2 * int(i) + 1 - int(factor); // of the place, times the factor
    source s;
    int first = twice < 0 ? -1 : twice / (2 * int(factor));
    s.second = float(twice - 2 * int(factor) * first) / float(2u * factor);
    s.first = uint(max(first, 0));
    s.behind = uint(min(first + 1, int(length) - 1));
    return s;
}

// What pixel i of the larger image takes from pixel `from`.
float share_of(uint i, uint from, uint factor, uint length) {
    if (BILINEAR == 0u) return 1.0;
    source s = find_source(i, factor, length);
    return (s.first == from ? 1.0 - s.second : 0.0) + (s.behind == from ? s.second : 0.0);
}

vec4 forward(quad at) {
    if (BILINEAR == 0u) return load_at(at, at.h / FACTOR_H, at.w / FACTOR_W);
    source h = find_source(at.h, FACTOR_H, push.h), w = find_source(at.w, FACTOR_W, push.w);
    vec4 above = mix(load_at(at, h.first, w.first), load_at(at, h.first, w.behind), w.second);
    vec4 below = mix(load_at(at, h.behind, w.first), load_at(at, h.behind, w.behind), w.second);
    return mix(above, below, h.second);
}

// Pixels of the larger image that may take something from pixel i.
uvec2 reached(uint i, uint factor, uint larger) {
    if (BILINEAR == 0u) return uvec2(i * factor, (i + 1u) * factor);
    return uvec2(i == 0u ? 0u : (i - 1u) * factor, min((i + 2u) * factor, larger));
}

vec4 backward(quad at) {
    uvec2 rows = reached(at.h, FACTOR_H, push.h), columns = reached(at.w, FACTOR_W, push.w);
    vec4 sum = vec4(0.0);
    for (uint h = rows.x; h < rows.y; h++)
        for (uint w = columns.x; w < columns.y; w++)
            sum += share_of(h, at.h, FACTOR_H, HIGH) * share_of(w, at.w, FACTOR_W, WIDE) * load_at(at, h, w);
    return sum;
}

void main() {
    uint item = item_index();
    if (item >= push.count) return;
    quad at = find_quad(item);
    vec4 v = BACKWARD != 0u ? backward(at) : forward(at);
    vec4 y = EPILOGUE_MODE == 2u ? load_y(push.y + at.element) : vec4(0.0);
    store_out(push.out_ + at.element, quad_epilogue(v, y, at.element));
}
