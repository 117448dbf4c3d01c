// The examination of a healthy device: every op is reached, with the kernels of both classes, or there is a reason.
#include "context/context.h"
#include "doctor/doctor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void examine(const char *kernels) {
    gs_context *context;
    gs_doctor_report *report;
    setenv("GRADSMITH_KERNELS", kernels, 1);
    assert_int_equal(gs_context_create(&context, &(gs_context_params){.no_autotune = true}), GS_OK);
    if (gs_doctor_run(context, &(gs_doctor_params){.no_timing = true}, &report) != GS_OK)
        fail_msg("%s", gs_context_message(context));
    unsetenv("GRADSMITH_KERNELS");
    gs__gpu *gpu;
    assert_int_equal(gs__context_gpu(context, &gpu), GS_OK);
    uint32_t count, rows = 0;
    const gs_op *const *ops = gs__op_table(&count);
    for (uint32_t i = 0; i < count; i++) {
        rows += ops[i]->backward ? 2 : 1;
        for (int backward = 0; backward < (ops[i]->backward ? 2 : 1); backward++) {
            const gs_doctor_op *found = NULL;
            for (uint32_t k = 0; k < report->op_count; k++)
                if (strcmp(report->ops[k].name, ops[i]->name) == 0 && report->ops[k].backward == (backward == 1))
                    found = &report->ops[k];
            assert_non_null(found);
            const char *excuse =
                gs__doctor_excuse(ops[i], backward ? GS__BACKWARD : GS__FORWARD, gs__gpu_get_caps(gpu));
            if (!found->checked && !excuse)
                fail_msg("%s %s: no model of src/doctor/cases.c holds it", ops[i]->name,
                         backward ? "backward" : "forward");
            if (found->checked && excuse) fail_msg("%s is checked although it \"%s\"", ops[i]->name, excuse);
            if (found->wrong) fail_msg("%s: %s", ops[i]->name, found->note);
        }
    }
    assert_int_equal(report->op_count, rows);
    assert_int_equal(report->wrong_op_count, 0);
    assert_true(report->model_count > 20 && report->step_count == 3 * report->model_count);
    if (!report->safe) fail_msg("%s", report->verdict);
    gs_doctor_report_destroy(&report);
    assert_null(report);
    gs_doctor_report_destroy(&report);
    gs_context_destroy(&context);
}

static void kernels_for_cpus(void **state) {
    (void)state;
    examine("cpu");
}

static void kernels_for_gpus(void **state) {
    (void)state;
    examine("gpu");
}

static void bad_calls(void **state) {
    (void)state;
    gs_context *context;
    gs_doctor_report *report;
    const volatile int stop = 1;
    assert_int_equal(gs_doctor_run(NULL, NULL, &report), GS_ERR_ARGUMENT);
    assert_int_equal(gs_context_create(&context, NULL), GS_OK);
    assert_int_equal(gs_doctor_run(context, NULL, NULL), GS_ERR_ARGUMENT);
    assert_int_equal(gs_doctor_run(context, &(gs_doctor_params){.stop = &stop}, &report), GS_STOPPED);
    assert_null(report);
    gs_context_destroy(&context);
    assert_int_equal(gs_context_create(&context, &(gs_context_params){.device = "no such device"}), GS_OK);
    assert_int_equal(gs_doctor_run(context, NULL, &report), GS_ERR_ARGUMENT);
    gs_context_destroy(&context);
    gs_doctor_report_destroy(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kernels_for_cpus),
        cmocka_unit_test(kernels_for_gpus),
        cmocka_unit_test(bad_calls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
