// Op depthwise_conv2d (src/op/depthwise_conv2d.c), y and dx: each channel of an image is convolved with MULTIPLIER kernels of its
// own. VECTOR is 4 where MULTIPLIER is 1.
//   BACKWARD 0: y is made; x is read at h stride + tap dilation - pad
//   BACKWARD 1: dx is made; dy is read where (h + pad - tap dilation) / stride has no remainder
#include "epilogue_push.glsl"
#include "quad.glsl"

layout(constant_id = 4) const uint BACKWARD = 0;
layout(constant_id = 5) const uint MULTIPLIER = 1;
layout(constant_id = 6) const uint SIZE_H = 3;
layout(constant_id = 7) const uint SIZE_W = 3;
layout(constant_id = 8) const uint STRIDE_H = 1;
layout(constant_id = 9) const uint STRIDE_W = 1;
layout(constant_id = 10) const uint BIAS = 0;

layout(push_constant) uniform PUSH {
    uint count; // of invocations
    uint h, w;  // of what is read
    uint dilation_h, dilation_w, pad_h, pad_w;
    uint v, kernel, out_; // first elements
    uint extra;           // bias, or the y that the backward epilogue needs
    EPILOGUE_PUSH
} push;
#include "epilogue.glsl"
#include "quad_epilogue.glsl"

QUAD_INPUT(v, 0, 8)
QUAD_INPUT(kernel, 1, 9)
QUAD_INPUT(extra, 2, 10)
QUAD_OUTPUT(out, 3)

// The pixel that is read along one axis; false: none.
bool find_source(uint at, uint tap, uint stride, uint dilation, uint pad, uint length, out uint source) {
    if (BACKWARD == 0u) {
        source = at * stride + tap * dilation - pad;
        return source < length;
    }
    uint reach = at + pad - tap * dilation; // below 0: larger than all
    source = reach / stride;
    return int(reach) >= 0 && source * stride == reach && source < length;
}

void main() {
    uint item = item_index();
    if (item >= push.count) return;
    quad at = find_quad(item);
    // Channels of what is read, and of y.
    uint channels = BACKWARD != 0u ? CHANNELS * MULTIPLIER : CHANNELS / MULTIPLIER;
    uint filters = BACKWARD != 0u ? channels : CHANNELS;
    vec4 sum = vec4(0.0);
    for (uint i = 0; i < SIZE_H; i++)
        for (uint j = 0; j < SIZE_W; j++) {
            uint h, w;
            bool inside = find_source(at.h, i, STRIDE_H, push.dilation_h, push.pad_h, push.h, h);
            inside = find_source(at.w, j, STRIDE_W, push.dilation_w, push.pad_w, push.w, w) && inside;
            uint from = push.v + (inside ? ((at.image * push.h + h) * push.w + w) * channels : 0u);
            uint tap = push.kernel + (i * SIZE_W + j) * filters;
            if (BACKWARD == 0u) {
                vec4 v = load_v(from + at.channel / MULTIPLIER);
                if (inside) sum += v * load_kernel(tap + at.channel);
            } else {
                for (uint m = 0; m < MULTIPLIER; m++) {
                    vec4 v = load_v(from + at.channel * MULTIPLIER + m);
                    if (inside) sum += v * load_kernel(tap + at.channel * MULTIPLIER + m);
                }
            }
        }
    if (BIAS != 0u) sum += load_extra(push.extra + at.channel);
    vec4 y = EPILOGUE_MODE == 2u ? load_extra(push.extra + at.element) : vec4(0.0);
    store_out(push.out_ + at.element, quad_epilogue(sum, y, at.element));
}
