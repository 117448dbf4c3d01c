// The context's choice of a device, and what it says when there is none of that kind.
#include "context/context.h"
#include "gpu_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void test_without_device(void **state) {
    (void)state;
    gs_context *context = NULL;
    assert_int_equal(gs_context_create(&context, NULL), GS_OK);
    assert_string_equal(gs_context_message(context), "");
    assert_int_equal(gs__context_check_validation(context), GS_OK);
    gs_context_destroy(&context);
    assert_null(context);
    gs_context_destroy(&context);
    gs_context_destroy(NULL);
    assert_int_equal(gs_context_create(NULL, NULL), GS_ERR_ARGUMENT);
    assert_int_equal(gs_device_list(NULL, NULL, 0, NULL), GS_ERR_ARGUMENT);
    assert_int_equal(gs_device_get(NULL, NULL, NULL, 0), GS_ERR_ARGUMENT);
    assert_string_equal(gs_context_message(NULL), "");
}

static void test_list_and_get(void **state) {
    (void)state;
    gs_context *context = NULL;
    assert_int_equal(gs_context_create(&context, NULL), GS_OK);
    uint32_t count = 0, again = 0;
    assert_int_equal(gs_device_list(context, NULL, 0, &count), GS_OK);
    assert_true(count > 0);
    gs_device_info first, chosen;
    char reason[100] = "";
    assert_int_equal(gs_device_list(context, &first, 1, &again), GS_OK);
    assert_int_equal(again, count);
    assert_int_equal(first.index, 0);
    assert_int_equal(gs_device_get(context, &chosen, reason, sizeof reason), GS_OK);
    assert_true(chosen.index < count);
    assert_true(reason[0] != 0);
    assert_int_equal(gs_device_get(context, &chosen, NULL, 0), GS_OK);
    assert_int_equal(gs_device_list(context, NULL, 1, &count), GS_ERR_ARGUMENT);
    assert_int_equal(gs_device_list(context, &first, 1, NULL), GS_ERR_ARGUMENT);
    assert_int_equal(gs_device_get(context, NULL, NULL, 0), GS_ERR_ARGUMENT);
    assert_non_null(strstr(gs_context_message(context), "info"));
    gs_context_destroy(&context);
}

static void test_open(void **state) {
    (void)state;
    gs_context *context = NULL;
    char name[4] = "0";
    assert_int_equal(gs_context_create(&context, &(gs_context_params){.device = name}), GS_OK);
    strcpy(name, "99"); // params are copied
    gs__gpu *gpu = NULL, *again = NULL;
    gs_status status = gs__context_gpu(context, &gpu);
    if (status != GS_OK) fail_msg("%s", gs_context_message(context));
    assert_int_equal(gs__context_gpu(context, &again), GS_OK);
    assert_ptr_equal(gpu, again);
    assert_ptr_equal(gs__gpu_error(gpu), gs__context_error(context));
    gs_device_info info;
    char reason[100] = "";
    assert_int_equal(gs_device_get(context, &info, reason, sizeof reason), GS_OK);
    assert_int_equal(info.index, 0);
    assert_true(reason[0] != 0);
    assert_int_equal(gs__context_check_validation(context), GS_OK);
    gs_context_destroy(&context);
}

static void test_wrong_device(void **state) {
    (void)state;
    static const char *const wanted[] = {"99", "no such device"};
    for (size_t i = 0; i < 2; i++) {
        gs_context *context = NULL;
        gs_device_info info;
        gs__gpu *gpu = NULL;
        assert_int_equal(gs_context_create(&context, &(gs_context_params){.device = wanted[i]}), GS_OK);
        assert_int_equal(gs_device_get(context, &info, NULL, 0), GS_ERR_ARGUMENT);
        assert_non_null(strstr(gs_context_message(context), wanted[i]));
        assert_int_equal(gs__context_gpu(context, &gpu), GS_ERR_ARGUMENT);
        assert_null(gpu);
        gs_context_destroy(&context);
    }
}

// Two at once, each with its own device and message.
static void test_two_contexts(void **state) {
    (void)state;
    gs_context *a = NULL, *b = NULL;
    gs__gpu *gpu_a = NULL, *gpu_b = NULL;
    assert_int_equal(gs_context_create(&a, NULL), GS_OK);
    assert_int_equal(gs_context_create(&b, NULL), GS_OK);
    assert_int_equal(gs__context_gpu(a, &gpu_a), GS_OK);
    assert_int_equal(gs__context_gpu(b, &gpu_b), GS_OK);
    assert_ptr_not_equal(gpu_a, gpu_b);
    assert_int_equal(gs_device_get(a, NULL, NULL, 0), GS_ERR_ARGUMENT);
    assert_true(gs_context_message(a)[0] != 0);
    assert_string_equal(gs_context_message(b), "");
    gs_context_destroy(&a);
    gs_device_info info;
    assert_int_equal(gs_device_get(b, &info, NULL, 0), GS_OK);
    gs_context_destroy(&b);
}

int main(void) {
    int skipped = fixture_find_device();
    if (skipped) return skipped;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_without_device), cmocka_unit_test(test_list_and_get), cmocka_unit_test(test_open),
        cmocka_unit_test(test_wrong_device),   cmocka_unit_test(test_two_contexts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
