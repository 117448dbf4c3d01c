// The reference model W1 on Fashion-MNIST: 784-64 relu-dropout 0.2-10, batch 32, Adam 1e-3, 5 epochs, seeds 1 to 3.
#include <gradsmith/gradsmith.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static void ok(gs_context *context, gs_status status) {
    if (status != GS_OK) fail_msg("%s: %s", gs_status_name(status), gs_context_message(context));
}

static void mean_accuracy_of_three_seeds(void **state) {
    (void)state;
    gs_context *context;
    gs_data *train, *test;
    double sum = 0;
    assert_int_equal(gs_context_create(&context, NULL), GS_OK);
    ok(context, gs_data_load(context, "fashion-mnist", NULL, &train));
    ok(context, gs_data_load(context, "fashion-mnist:test", NULL, &test));
    for (uint64_t seed = 1; seed <= 3; seed++) {
        gs_model *model;
        gs_result result;
        ok(context, gs_model_from_layers(context, "784 dense:64:relu dropout:0.2 dense:10", seed, &model));
        ok(context, gs_model_compile(model, &(gs_compile_params){.optimizer = gs_adam(.learning_rate = 1e-3f)}));
        ok(context, gs_model_fit(model, train, &(gs_fit_params){.epochs = 5, .batch_size = 32, .seed = seed}, NULL));
        ok(context, gs_model_evaluate(model, test, 0, &result));
        print_message("  seed %d: test accuracy %.4f, loss %.4f\n", (int)seed, result.metrics[0], result.loss);
        sum += result.metrics[0];
        gs_model_destroy(&model);
    }
    print_message("  mean test accuracy %.4f\n", sum / 3);
    assert_true(sum / 3 >= 0.860);
    gs_data_destroy(&train);
    gs_data_destroy(&test);
    gs_context_destroy(&context);
}

int main(void) {
    const char *sanitizers = getenv("GRADSMITH_SANITIZE");
    if (sanitizers && *sanitizers) {
        printf("skipped: 28000 steps are left to the build without sanitizers\n");
        return 77;
    }
    const struct CMUnitTest tests[] = {cmocka_unit_test(mean_accuracy_of_three_seeds)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
