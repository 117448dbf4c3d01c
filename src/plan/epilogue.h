// What a kernel does to each value before it stores it. The GLSL twin is shaders/include/epilogue.glsl.
#ifndef GS_PLAN_EPILOGUE_H
#define GS_PLAN_EPILOGUE_H

#include <gradsmith/layer.h>
#include <stdbool.h>
#include <stdint.h>

struct gs_state;

// forward: y = dropout(activate(v)); backward: dx = activate'(y) * dropout(v).
typedef struct gs__epilogue {
    gs_activation activation; // GS_ACTIVATION_LINEAR: none
    float alpha;              // of the activation, already defaulted
    float rate;               // of the dropout, 0: none, below 1
    uint32_t key;             // of the dropout layer: another for each
} gs__epilogue;

static inline bool gs__epilogue_empty(const gs__epilogue *e) {
    return e->activation == GS_ACTIVATION_LINEAR && e->rate == 0.0f;
}

// Specialization constants 12..14 of a kernel that includes epilogue.glsl.
enum { GS__EPILOGUE_SPEC = 12, GS__EPILOGUE_SPEC_COUNT = 3 };
void gs__epilogue_spec(const gs__epilogue *e, bool backward, uint32_t spec[GS__EPILOGUE_SPEC_COUNT]);

// Values of the four push constants of EPILOGUE_PUSH.
float gs__dropout_scale(float rate);        // 1 / (1 - rate)
uint32_t gs__dropout_threshold(float rate); // rate * 2^32
#define GS__EPILOGUE_PUSH(push, e)                                                                                     \
    ((push).epilogue_alpha = (e)->alpha, (push).epilogue_scale = gs__dropout_scale((e)->rate),                         \
     (push).epilogue_threshold = gs__dropout_threshold((e)->rate), (push).epilogue_key = (e)->key)

// --- reference ------------------------------------------------------------------------------------------------
double gs__activate(gs_activation kind, double x, double alpha);
// dy/dx. GELU and SILU need x; the others need only y.
double gs__activate_grad(gs_activation kind, double x, double y, double alpha);
bool gs__activation_grad_needs_x(gs_activation kind);
// Factor of element `element` of a dropout layer at this step: 0 or 1 / (1 - rate).
double gs__dropout_factor(const struct gs_state *state, uint32_t key, float rate, uint64_t element);

void gs__epilogue_forward(const gs__epilogue *e, const struct gs_state *state, double *y, uint64_t count);
// dx (in place) *= dropout * activate'(y), y being the stored result.
void gs__epilogue_backward(const gs__epilogue *e, const struct gs_state *state, const double *y, double *dx,
                           uint64_t count);

// One element, in terms of a kernel's interface: its constants 12..14 and what EPILOGUE_PUSH holds. `y`: backward only.
typedef struct gs__epilogue_values {
    float alpha, scale;
    uint32_t threshold, key;
} gs__epilogue_values;
#define GS__EPILOGUE_VALUES(push)                                                                                      \
    ((gs__epilogue_values){(push)->epilogue_alpha, (push)->epilogue_scale, (push)->epilogue_threshold,                 \
                           (push)->epilogue_key})
double gs__epilogue_element(const uint32_t spec[GS__EPILOGUE_SPEC_COUNT], const gs__epilogue_values *values,
                            const struct gs_state *state, double v, double y, uint64_t element);

#endif
