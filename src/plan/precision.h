// Rounding in mixed precision. The GLSL twin is shaders/include/precision.glsl.
#ifndef GS_PLAN_PRECISION_H
#define GS_PLAN_PRECISION_H

#include <gradsmith/precision.h>
#include <stdbool.h>
#include <stdint.h>

struct gs_state;

// Constant 15 of a kernel that includes precision.glsl. `gradient_a`, `gradient_b`: that factor is a gradient, which
// float16 takes times the loss scale.
enum { GS__PRECISION_SPEC = 15 };
uint32_t gs__precision_spec(gs_precision precision, bool gradient_a, bool gradient_b);

// --- reference ------------------------------------------------------------------------------------------------
// A factor as a product takes it; of a gradient, divided by the loss scale again.
double gs__narrow(gs_precision precision, double value);
double gs__narrow_gradient(gs_precision precision, const struct gs_state *state, double gradient);

// The same in terms of a kernel's constant.
double gs__narrow_a(uint32_t spec, const struct gs_state *state, double value);
double gs__narrow_b(uint32_t spec, const struct gs_state *state, double value);

#endif
