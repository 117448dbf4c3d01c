// Op spatial_dropout (src/op/spatial_dropout.c), both passes: whole channels of a sample are dropped.
#include "epilogue_push.glsl"
#include "quad.glsl"

layout(push_constant) uniform PUSH {
    uint count; // of invocations
    float scale;
    uint threshold, key; // as in EPILOGUE_PUSH
    uint v, y, out_;     // first elements
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
    uint mask = at.image * CHANNELS + at.channel;
    vec4 keep = VECTOR == 4u ? dropout4(mask >> 2, push.key, push.threshold, push.scale)
                             : vec4(dropout1(mask, push.key, push.threshold, push.scale));
    vec4 y = EPILOGUE_MODE == 2u ? load_y(push.y + at.element) : vec4(0.0);
    store_out(push.out_ + at.element, quad_epilogue(keep * load_v(push.v + at.element), y, at.element));
}
