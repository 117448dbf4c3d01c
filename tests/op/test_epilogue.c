// The op `epilogue`; the C functions of src/plan/epilogue.h have tests/unit/test_epilogue.c.
#include "harness.h"

#include <math.h>

static void all_kinds(void **state) {
    static const gs_shape shapes[] = {{1, {1}}, {1, {3}}, {2, {7, 13}}, {2, {33, 127}}};
    static const gs_activation kinds[] = {GS_ACTIVATION_LINEAR,  GS_ACTIVATION_RELU,    GS_ACTIVATION_LEAKY_RELU,
                                          GS_ACTIVATION_ELU,     GS_ACTIVATION_SIGMOID, GS_ACTIVATION_TANH,
                                          GS_ACTIVATION_SOFTPLUS};
    static double values[33 * 127];
    uint64_t seed = 3;
    for (uint32_t i = 0; i < 33 * 127; i++) {
        const double v = op_random(&seed, -4, 4);
        values[i] = fabs(v) < 0.01 ? -0.01 : v; // away from the kink
    }
    for (uint32_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        for (uint32_t j = 0; j < 4; j++)
            for (uint32_t k = 0; k < 3; k++) {
                const gs__epilogue attr = {kinds[i], 0.3f, 0.45f * (float)k, k};
                // 1 - y^2 cancels where y is near 1, and dropout scales it up.
                const double absolute = 1e-6 * (double)gs__dropout_scale(attr.rate);
                op_check(*state, &(op_case){.op = "epilogue",
                                            .attr = &attr,
                                            .absolute = absolute,
                                            .x = {{.shape = shapes[j], .values = values}},
                                            .set = {.seed_lo = i, .seed_hi = 1},
                                            .position = {.step_lo = j}});
            }
}

static void nan_stays_nan(void **state) {
    const double values[4] = {NAN, 1, NAN, -1};
    for (int kind = 0; kind <= GS_ACTIVATION_SOFTPLUS; kind++) {
        if (gs__activation_grad_needs_x((gs_activation)kind)) continue; // never folded in training
        op_check(*state, &(op_case){.op = "epilogue",
                                    .attr = &(gs__epilogue){(gs_activation)kind, 0.5f, 0.5f, 2},
                                    .x = {{.shape = {1, {4}}, .values = values}},
                                    .no_numeric = true}); // NaN
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(all_kinds), cmocka_unit_test(nan_stays_nan)};
    return cmocka_run_group_tests(tests, op_setup, op_teardown);
}
