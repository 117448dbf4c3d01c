// Checks an op on the device against its reference, and the reference against numeric gradients.
//
//     static void odd_shapes(void **state) {
//         for (uint32_t i = 0; i < 3; i++)
//             op_check(*state, &(op_case){.op = "softmax", .x = {{.shape = {2, {3, 5}}, .low = -2, .high = 2}}});
//     }
//     int main(void) {
//         const struct CMUnitTest tests[] = {cmocka_unit_test(odd_shapes)};
//         return cmocka_run_group_tests(tests, op_setup, op_teardown);
//     }
//
// Every case runs with the kernels of both classes (GPU, CPU). $GRADSMITH_VALIDATE=1: under the validation layer, whose
// messages fail the test. $GRADSMITH_DEVICE chooses the device.
#ifndef GS_TESTS_OP_HARNESS_H
#define GS_TESTS_OP_HARNESS_H

#include "plan/internal.h"
#include "plan/plan.h"
#include "plan/record.h"
#include "state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

typedef struct op_input {
    gs_shape shape; // rank 0 with `absent`: none
    gs_dtype dtype;
    gs__storage storage;  // ACTIVATION, PARAMETER, SAMPLES, TARGETS
    double low, high;     // uniform random values; both 0: -1 .. 1. Integers for i32 and u8, `high` excluded
    const double *values; // instead of random ones
    bool absent;
    bool constant; // no gradient is asked for
} op_input;

typedef struct op_case {
    const char *op;
    const void *attr;
    op_input x[GS__MAX_INPUTS];
    uint32_t batch;                 // of the graph; 0: dimension 0 of x[0]
    uint32_t rows;                  // State.cur.rows; 0: batch
    struct gs_settings set;         // seed_lo etc.; batch and data_count are filled in when 0
    struct gs_position position;    // cur and next; rows are filled in when 0
    gs_precision precision;         // of the node
    gs__epilogue epilogue;          // of the forward pass
    gs__epilogue backward_epilogue; // of the backward pass, on dx[0]
    double relative, absolute;      // tolerances: |found - expected| <= absolute + relative |expected|; 0: 1e-5, 1e-6
    double gradient_tolerance;      // of the numeric check of the reference; 0: 1e-5
    bool no_backward, no_numeric;   // skip these checks (say why where it is used)
    uint32_t own;         // bit i: y[i] is the kernels' own (scratch, saved for backward): not compared, no dy
    bool gradient_of_sum; // self-gradient ops: of the sum of y[0], not of its mean over the rows
} op_case;

// Opens the device once for each kernel class.
int op_setup(void **state);
int op_teardown(void **state);

// Fails the running test with the case, tensor and element that differ most.
void op_check(void *state, const op_case *c);

// --- pieces, for tests that need more -------------------------------------------------------------------------------
typedef struct op_fixture {
    gs__error error;
    gs__instance *instance;
    gs__gpu *gpu[2]; // GS__KERNELS_GPU, GS__KERNELS_CPU
} op_fixture;

// Deterministic values for a test.
double op_random(uint64_t *seed, double low, double high);
// Fails unless the status is GS_OK, printing the message.
void op_expect_ok(const gs__error *error, gs_status status, const char *what);
// Runs one step of a plan and waits; does not look at the canary (the graph needs no tick).
gs_status op_run_step(gs__plan *plan);
// Values of a tensor to and from doubles (i32 and u8 too).
void op_write(gs__plan *plan, gs__error *error, gs__value value, const double *values);
void op_read(gs__plan *plan, gs__error *error, gs__value value, double *values);
// Fails at the element that differs most beyond absolute + relative |expected|. NaN equals NaN.
void op_compare(const char *what, const double *found, const double *expected, uint64_t count, double relative,
                double absolute);

#endif
