// Op depthwise_conv2d's gradients of kernel and bias (src/op/depthwise_conv2d.c). What is made is an image of its own: a
// column is a tap, or the bias behind the last one; a row is a part of the sum over dy's pixels; channels are y's. VECTOR is 4
// where MULTIPLIER is 1.
#include "quad.glsl"

layout(constant_id = 4) const uint MULTIPLIER = 1;
layout(constant_id = 5) const uint SIZE_W = 3;

layout(push_constant) uniform PUSH {
    uint count; // of invocations
    uint taps;
    uint h, w, p, q; // of x, of dy
    uint stride_h, stride_w, dilation_h, dilation_w, pad_h, pad_w;
    uint pixels, part_pixels; // of dy, of a part
    uint part_stride, second; // elements of a part; where the bias is in it
    uint v, dy, out_;         // first elements
} push;

QUAD_INPUT(v, 0, 8)
QUAD_INPUT(dy, 1, 9)
QUAD_OUTPUT(out, 2)

void main() {
    uint item = item_index();
    if (item >= push.count) return;
    quad at = find_quad(item);
    uint tap = at.w, part = at.h, i = tap / SIZE_W, j = tap - i * SIZE_W;
    bool bias = tap == push.taps;
    uint first = part * push.part_pixels, end = min(first + push.part_pixels, push.pixels);
    uint line = first / push.q, q = first - line * push.q, image = line / push.p, p = line - image * push.p;
    vec4 sum = vec4(0.0);
    for (uint pixel = first; pixel < end; pixel++) {
        uint h = p * push.stride_h + i * push.dilation_h - push.pad_h;
        uint w = q * push.stride_w + j * push.dilation_w - push.pad_w;
        bool inside = h < push.h && w < push.w;
        vec4 dy = load_dy(push.dy + pixel * CHANNELS + at.channel);
        uint from = inside && !bias ? ((image * push.h + h) * push.w + w) * (CHANNELS / MULTIPLIER) : 0u;
        vec4 v = load_v(push.v + from + at.channel / MULTIPLIER);
        if (bias) sum += dy;
        else if (inside) sum += v * dy;
        q++;
        if (q == push.q) {
            q = 0u;
            p++;
        }
        if (p == push.p) {
            p = 0u;
            image++;
        }
    }
    uint to = part * push.part_stride + (bias ? push.second : tap * CHANNELS) + at.channel;
    store_out(push.out_ + to, sum);
}
