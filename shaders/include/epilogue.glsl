// What a kernel does to each value before it stores it, so that elementwise ops cost no dispatch of their own.
//   forward:  y  = dropout(activate(v))
//   backward: dx = activate'(y) * dropout(v)      v: gradient of y; y: the forward's stored result, after dropout
// Dropout masks are recomputed from (seed, step, key, element), never stored. C twin: src/plan/epilogue.c.
//
// `element` is the row-major index in the tensor that is stored. In the kernel:
//     #include "epilogue_push.glsl"
//     layout(push_constant) uniform PUSH { ...; EPILOGUE_PUSH } push;
//     #include "epilogue.glsl"
#ifndef GS_EPILOGUE_GLSL
#define GS_EPILOGUE_GLSL
#include "activation.glsl"
#include "philox.glsl"
#include "state.glsl"

#ifndef EPILOGUE_POSITION
#define EPILOGUE_POSITION state.cur // of the step
#endif

layout(constant_id = 12) const uint EPILOGUE_MODE = 0; // 0 none, 1 forward, 2 backward
layout(constant_id = 13) const uint EPILOGUE_ACTIVATION = 0;
layout(constant_id = 14) const uint EPILOGUE_DROPOUT = 0; // 1: on

// Scale factors of the elements 4 * group .. 4 * group + 3.
vec4 dropout4(uint group, uint key, uint threshold, float scale) {
    uvec4 counter = uvec4(group, EPILOGUE_POSITION.step_lo, EPILOGUE_POSITION.step_hi, key);
    uvec4 word = philox(counter, uvec2(state.set.seed_lo, state.set.seed_hi));
    return mix(vec4(scale), vec4(0.0), lessThan(word, uvec4(threshold)));
}

float dropout1(uint element, uint key, uint threshold, float scale) {
    vec4 factor = dropout4(element >> 2, key, threshold, scale);
    return (element & 2u) == 0u ? ((element & 1u) == 0u ? factor.x : factor.y)
                                : ((element & 1u) == 0u ? factor.z : factor.w);
}

float epilogue_(uint mode, float v, float y, float keep) {
    if (mode == 1u) return keep * activate(EPILOGUE_ACTIVATION, v, push.epilogue_alpha);
    // A dropped element has y = 0, whatever the activation gave; keep = 0 makes its derivative irrelevant.
    if (mode == 2u)
        return keep * v * activate_grad(EPILOGUE_ACTIVATION, 0.0, y / push.epilogue_scale, push.epilogue_alpha);
    return v;
}

float epilogue1(float v, float y, uint element) {
    float keep = 1.0;
    if (EPILOGUE_DROPOUT != 0u)
        keep = dropout1(element, push.epilogue_key, push.epilogue_threshold, push.epilogue_scale);
    return epilogue_(EPILOGUE_MODE, v, y, keep);
}

// Four neighbours; `element` is a multiple of 4.
vec4 epilogue4_as(uint mode, vec4 v, vec4 y, uint element) {
    vec4 keep = vec4(1.0);
    if (EPILOGUE_DROPOUT != 0u)
        keep = dropout4(element >> 2, push.epilogue_key, push.epilogue_threshold, push.epilogue_scale);
    return vec4(epilogue_(mode, v.x, y.x, keep.x), epilogue_(mode, v.y, y.y, keep.y),
                epilogue_(mode, v.z, y.z, keep.z), epilogue_(mode, v.w, y.w, keep.w));
}
vec4 epilogue4(vec4 v, vec4 y, uint element) { return epilogue4_as(EPILOGUE_MODE, v, y, element); }

#endif
