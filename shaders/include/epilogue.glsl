// What a kernel does to each value before it stores it, so that elementwise ops cost no dispatch of their own.
//   forward:  y  = dropout(activate(v))
//   backward: dx = activate'(y) * dropout(v)      v: gradient of y; y: the forward's stored result, after dropout
// Dropout masks are recomputed from (seed, step, key, element), never stored. C twin: src/plan/epilogue.c.
//
// The kernel's push-constant block must have the members that EPILOGUE_PUSH names. `element` is the row-major index
// in the tensor that is stored.
#ifndef GS_EPILOGUE_GLSL
#define GS_EPILOGUE_GLSL
#include "activation.glsl"
#include "philox.glsl"
#include "state.glsl"

layout(constant_id = 12) const uint EPILOGUE_MODE = 0; // 0 none, 1 forward, 2 backward
layout(constant_id = 13) const uint EPILOGUE_ACTIVATION = 0;
layout(constant_id = 14) const uint EPILOGUE_DROPOUT = 0; // 1: on

#define EPILOGUE_PUSH                                                                                         \
    float epilogue_alpha;    /* of the activation */                                                          \
    float epilogue_scale;    /* 1 / (1 - rate) */                                                             \
    uint epilogue_threshold; /* an element is dropped when its random word is below rate * 2^32 */            \
    uint epilogue_key;       /* of the dropout layer */

// Scale factors of the elements 4 * group .. 4 * group + 3.
vec4 dropout4(uint group, uint key, uint threshold, float scale) {
    uvec4 word = philox(uvec4(group, state.cur.step_lo, state.cur.step_hi, key), uvec2(state.set.seed_lo, state.set.seed_hi));
    return mix(vec4(scale), vec4(0.0), lessThan(word, uvec4(threshold)));
}

float dropout1(uint element, uint key, uint threshold, float scale) {
    return dropout4(element >> 2, key, threshold, scale)[element & 3u];
}

float epilogue1(float v, float y, uint element) {
    float keep = 1.0;
    if (EPILOGUE_DROPOUT != 0u)
        keep = dropout1(element, push.epilogue_key, push.epilogue_threshold, push.epilogue_scale);
    if (EPILOGUE_MODE == 1u) return keep * activate(EPILOGUE_ACTIVATION, v, push.epilogue_alpha);
    if (EPILOGUE_MODE == 2u)
        // A dropped element has y = 0, whatever the activation gave; keep = 0 makes its derivative irrelevant.
        return keep * v * activate_grad(EPILOGUE_ACTIVATION, 0.0, y / push.epilogue_scale, push.epilogue_alpha);
    return v;
}

// Four neighbours; `element` is a multiple of 4.
vec4 epilogue4(vec4 v, vec4 y, uint element) {
    vec4 keep = vec4(1.0);
    if (EPILOGUE_DROPOUT != 0u)
        keep = dropout4(element >> 2, push.epilogue_key, push.epilogue_threshold, push.epilogue_scale);
    vec4 r = v;
    for (int i = 0; i < 4; i++) {
        if (EPILOGUE_MODE == 1u) r[i] = keep[i] * activate(EPILOGUE_ACTIVATION, v[i], push.epilogue_alpha);
        if (EPILOGUE_MODE == 2u)
            r[i] = keep[i] * v[i] * activate_grad(EPILOGUE_ACTIVATION, 0.0, y[i] / push.epilogue_scale, push.epilogue_alpha);
    }
    return r;
}

#endif
