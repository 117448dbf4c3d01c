// Op pad2d (src/op/pad2d.c), both passes: a window of an image, with zeros where it reaches beyond.
#include "epilogue_push.glsl"
#include "quad.glsl"

layout(push_constant) uniform PUSH {
    uint count; // of invocations
    uint h, w;  // of what is read
    int top, left; // its place of the first pixel made
    uint v, y, out_; // first elements
    EPILOGUE_PUSH
} push;
#include "epilogue.glsl"
#include "quad_epilogue.glsl"

QUAD_INPUT(v, 0, 8)
QUAD_INPUT(y, 1, 9) // for the backward epilogue
QUAD_OUTPUT(out, 2)

void main() {
    uint item = item_index();
    if (item >= push.count) return;
    quad at = find_quad(item);
    uint h = uint(int(at.h) + push.top), w = uint(int(at.w) + push.left);
    bool inside = h < push.h && w < push.w;
    vec4 v = load_v(push.v + (inside ? ((at.image * push.h + h) * push.w + w) * CHANNELS + at.channel : 0u));
    if (!inside) v = vec4(0.0);
    vec4 y = EPILOGUE_MODE == 2u ? load_y(push.y + at.element) : vec4(0.0);
    store_out(push.out_ + at.element, quad_epilogue(v, y, at.element));
}
