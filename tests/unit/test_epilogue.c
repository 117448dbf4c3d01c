#include "plan/epilogue.h"

#include "base/rng.h"
#include "state.h"
#include <float.h>
#include <math.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void near(double found, double expected, double tolerance) {
    if (!(fabs(found - expected) <= tolerance * (1 + fabs(expected))))
        fail_msg("found %.17g, expected %.17g", found, expected);
}

// Values by mpmath, 17 digits.
static void activations_at_known_points(void **state) {
    (void)state;
    near(gs__activate(GS_ACTIVATION_GELU, 1, 0), 0.84134474606854295, 1e-15);
    near(1e6 * gs__activate(GS_ACTIVATION_GELU, -5, 0), -1.4332578593959696, 1e-14);
    near(gs__activate(GS_ACTIVATION_SILU, 1, 0), 0.73105857863000488, 1e-15);
    near(gs__activate(GS_ACTIVATION_SIGMOID, -1000, 0), 0, 0);
    near(gs__activate(GS_ACTIVATION_SIGMOID, 2, 0), 0.88079707797788244, 1e-15);
    near(gs__activate(GS_ACTIVATION_TANH, 0.5, 0), 0.46211715726000976, 1e-15);
    near(gs__activate(GS_ACTIVATION_SOFTPLUS, 1, 0), 1.3132616875182228, 1e-15);
    near(gs__activate(GS_ACTIVATION_SOFTPLUS, 1e4, 0), 1e4, 0);
    near(gs__activate(GS_ACTIVATION_ELU, -1, 0.5), -0.31606027941427884, 1e-15);
    near(gs__activate(GS_ACTIVATION_LEAKY_RELU, -2, 0.25), -0.5, 0);
    near(gs__activate(GS_ACTIVATION_RELU, -2, 0), 0, 0);
    near(gs__activate(GS_ACTIVATION_LINEAR, -2, 0), -2, 0);
}

static void gradients_are_numeric_gradients(void **state) {
    (void)state;
    const double h = 1e-3;
    for (int k = GS_ACTIVATION_LINEAR; k <= GS_ACTIVATION_SOFTPLUS; k++)
        for (double x = -6.05; x < 6; x += 0.1) { // never within 2 h of the kink at 0
            const gs_activation kind = (gs_activation)k;
            const double alpha = 0.3;
            const double numeric = (8 * (gs__activate(kind, x + h, alpha) - gs__activate(kind, x - h, alpha)) -
                                    gs__activate(kind, x + 2 * h, alpha) + gs__activate(kind, x - 2 * h, alpha)) /
                                   (12 * h);
            const double y = gs__activate(kind, x, alpha);
            const double given_x = gs__activation_grad_needs_x(kind) ? x : NAN; // must not be looked at
            near(gs__activate_grad(kind, given_x, y, alpha), numeric, 1e-9);
        }
}

static void nan_stays_nan(void **state) {
    (void)state;
    for (int k = GS_ACTIVATION_LINEAR; k <= GS_ACTIVATION_SOFTPLUS; k++)
        assert_true(isnan(gs__activate((gs_activation)k, NAN, 0.5)));
}

static void dropout_of_a_known_word(void **state) {
    (void)state;
    const struct gs_state s = {.cur = {.step_lo = 0x85A308D3u, .step_hi = 0x13198A2Eu},
                               .set = {.seed_lo = 0xA4093822u, .seed_hi = 0x299F31D0u}};
    // The third known-answer vector of Random123 (philox4x32-10): counter 243F6A88 85A308D3 13198A2E 03707344.
    const uint32_t words[4] = {0xD16CFE09u, 0x94FDCCEBu, 0x5001E420u, 0x24126EA1u};
    for (uint32_t i = 0; i < 4; i++) {
        const double uniform = words[i] / 4294967296.0;
        const uint64_t element = 4 * (uint64_t)0x243F6A88u + i;
        near(gs__dropout_factor(&s, 0x03707344u, (float)(uniform + 1e-6), element), 0, 0);
        const float below = (float)(uniform - 1e-6);
        near(gs__dropout_factor(&s, 0x03707344u, below, element), 1 / (1 - (double)below), 1e-7);
    }
}

static void dropout_constants(void **state) {
    (void)state;
    near((double)gs__dropout_scale(0), 1, 0);
    near((double)gs__dropout_scale(0.5f), 2, 0);
    near((double)gs__dropout_scale(0.2f), 1.25, 1e-7);
    assert_int_equal(gs__dropout_threshold(0), 0);
    assert_int_equal(gs__dropout_threshold(0.5f), 0x80000000u);
    assert_int_equal(gs__dropout_threshold(1 - FLT_EPSILON / 2), 0xFFFFFF00u);
}

static void specialization(void **state) {
    (void)state;
    uint32_t spec[GS__EPILOGUE_SPEC_COUNT];
    gs__epilogue_spec(&(gs__epilogue){0}, true, spec);
    assert_int_equal(spec[0], 0);
    gs__epilogue_spec(&(gs__epilogue){.activation = GS_ACTIVATION_TANH}, false, spec);
    assert_true(spec[0] == 1 && spec[1] == GS_ACTIVATION_TANH && spec[2] == 0);
    gs__epilogue_spec(&(gs__epilogue){.rate = 0.25f}, true, spec);
    assert_true(spec[0] == 2 && spec[1] == GS_ACTIVATION_LINEAR && spec[2] == 1);
}

// dx = activate'(v) * dropout(dy), from the stored result alone.
static void backward_undoes_forward(void **state) {
    (void)state;
    enum { COUNT = 97 };
    const struct gs_state s = {.set = {.seed_lo = 3}};
    const gs__epilogue e = {.activation = GS_ACTIVATION_SIGMOID, .rate = 0.4f, .key = 6};
    double v[COUNT], y[COUNT], dx[COUNT];
    uint32_t dropped = 0;
    for (uint32_t i = 0; i < COUNT; i++) {
        y[i] = v[i] = 0.1 * i - 4;
        dx[i] = 1 + i;
    }
    gs__epilogue_forward(&e, &s, y, COUNT);
    gs__epilogue_backward(&e, &s, y, dx, COUNT);
    for (uint32_t i = 0; i < COUNT; i++) {
        const double sigmoid = 1 / (1 + exp(-v[i])), keep = gs__dropout_factor(&s, 6, 0.4f, i);
        near(y[i], keep * sigmoid, 1e-15);
        near(dx[i], (1 + i) * keep * sigmoid * (1 - sigmoid), 1e-12);
        dropped += keep == 0;
    }
    assert_in_range(dropped, 20, 60);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(activations_at_known_points),
        cmocka_unit_test(gradients_are_numeric_gradients),
        cmocka_unit_test(nan_stays_nan),
        cmocka_unit_test(dropout_of_a_known_word),
        cmocka_unit_test(dropout_constants),
        cmocka_unit_test(specialization),
        cmocka_unit_test(backward_undoes_forward),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
