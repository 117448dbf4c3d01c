// The plan of a training step: what it tells, few allocations, one arena or several.
#include "context/context.h"
#include "gpu/gpu.h"
#include "model/model.h"
#include <gradsmith/gradsmith.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { COUNT = 100, FEATURES = 33 };

static void ok(gs_context *context, gs_status status) {
    if (status != GS_OK) fail_msg("%s: %s", gs_status_name(status), gs_context_message(context));
}

static gs_context *open_context(void) {
    gs_context *context;
    assert_int_equal(gs_context_create(&context, NULL), GS_OK);
    return context;
}

static gs_data *make_data(gs_context *context) {
    static uint8_t x[COUNT * FEATURES], y[COUNT];
    gs_data *data;
    for (uint32_t i = 0; i < sizeof x; i++) x[i] = (uint8_t)(i * 73 + i / 11);
    for (uint32_t i = 0; i < COUNT; i++) y[i] = (uint8_t)(i % 5);
    ok(context, gs_data_create(context,
                               &(gs_data_params){.x = x,
                                                 .x_shape = {2, {COUNT, FEATURES}},
                                                 .x_dtype = GS_U8,
                                                 .y = y,
                                                 .y_shape = {1, {COUNT}},
                                                 .y_dtype = GS_U8},
                               &data));
    return data;
}

static gs_model *make_model(gs_context *context, gs_optimizer optimizer) {
    gs_model *model;
    ok(context, gs_model_from_layers(context, "33 dense:96:gelu dropout:0.2 dense:80:relu dense:5", 3, &model));
    ok(context, gs_model_compile(model, &(gs_compile_params){.optimizer = optimizer}));
    return model;
}

static bool overlap(uint64_t a, uint64_t a_end, uint64_t b, uint64_t b_end) {
    return a < b_end && b < a_end;
}

// No two activations that live at the same time share bytes, and some do share.
static void check_arena(const gs_plan *plan) {
    uint64_t sum = 0;
    bool shared = false;
    for (uint32_t i = 0; i < plan->value_count; i++) {
        const gs_plan_value *a = &plan->values[i];
        assert_true(a->memory < plan->memory_count && a->first <= a->last && a->last < plan->dispatch_count);
        assert_true(a->offset + a->bytes <= plan->memory[a->memory].bytes);
        assert_true(a->name[0] && a->bytes > 0);
        if (strcmp(a->use, "activation") != 0) continue;
        sum += (a->bytes + 255) / 256 * 256;
        for (uint32_t j = 0; j < i; j++) {
            const gs_plan_value *b = &plan->values[j];
            if (strcmp(b->use, "activation") != 0) continue;
            const bool together = a->first <= b->last && b->first <= a->last;
            const bool same = overlap(a->offset, a->offset + a->bytes, b->offset, b->offset + b->bytes);
            assert_false(together && same);
            shared = shared || same;
        }
    }
    assert_true(shared);
    assert_int_equal(sum, plan->unshared_activation_bytes);
    assert_true(plan->activation_bytes < sum);
}

// Between a write and what touches the same bytes later there is a barrier.
static void check_barriers(const gs_plan *plan) {
    for (uint32_t i = 0; i < plan->dispatch_count; i++)
        for (uint32_t j = i + 1; j < plan->dispatch_count; j++) {
            if (plan->dispatches[j].barrier) break;
            for (uint32_t a = 0; a < plan->dispatches[i].access_count; a++)
                for (uint32_t b = 0; b < plan->dispatches[j].access_count; b++) {
                    const gs_plan_access *x = &plan->dispatches[i].accesses[a], *y = &plan->dispatches[j].accesses[b];
                    if (plan->values[x->value].memory != plan->values[y->value].memory || !(x->writes || y->writes))
                        continue;
                    assert_false(overlap(x->offset, x->offset + x->bytes, y->offset, y->offset + y->bytes));
                }
        }
}

static void tells_the_step(void **state) {
    (void)state;
    gs_context *context = open_context();
    gs_model *model = make_model(context, gs_adam(.learning_rate = 0));
    gs_plan *plan;
    gs_memory_info memory;
    ok(context, gs_model_plan(model, 32, &plan));
    ok(context, gs_model_memory(model, 32, &memory));
    assert_int_equal(plan->batch_size, 32);
    assert_true(plan->memory_count <= 5);
    assert_int_equal(plan->activation_bytes, memory.activation_bytes);
    assert_string_equal(plan->dispatches[0].op, "gather");
    // CPU drivers keep no gradients.
    const bool fused = strcmp(plan->dispatches[plan->dispatch_count - 1].op, "matmul_adam") == 0;
    assert_int_equal(plan->gradient_bytes, fused ? 0 : memory.gradient_bytes);
    if (!fused) assert_string_equal(plan->dispatches[plan->dispatch_count - 1].op, "adam");
    check_arena(plan);
    check_barriers(plan);
    for (uint32_t i = 0; i < plan->dispatch_count; i++)
        for (uint32_t a = 0; a < plan->dispatches[i].access_count; a++) {
            const gs_plan_access *access = &plan->dispatches[i].accesses[a];
            const gs_plan_value *value = &plan->values[access->value];
            assert_true(access->reads || access->writes);
            assert_true(value->first <= i && i <= value->last);
            assert_true(access->offset >= value->offset &&
                        access->offset + access->bytes <= value->offset + value->bytes);
        }
    gs_plan_destroy(&plan);
    assert_null(plan);
    gs_plan_destroy(&plan);

    // An evaluation, where there is nothing to train.
    gs_model *fixed;
    ok(context, gs_model_from_layers(context, "33 activation:relu", 3, &fixed));
    ok(context, gs_model_plan(fixed, 7, &plan));
    assert_string_equal(plan->dispatches[plan->dispatch_count - 1].op, "tick");
    assert_true(plan->memory_count <= 3);
    gs_plan_destroy(&plan);
    assert_int_equal(gs_model_plan(fixed, 0, &plan), GS_ERR_ARGUMENT);
    assert_null(plan);
    assert_int_equal(gs_model_plan(NULL, 1, &plan), GS_ERR_ARGUMENT);
    assert_int_equal(gs_model_plan(fixed, 1, NULL), GS_ERR_ARGUMENT);
    gs_model_destroy(&fixed);
    gs_model_destroy(&model);
    gs_context_destroy(&context);
}

// On GPUs long sums are made in parts, which have a place in the arena while they live.
static void tells_parts_of_sums(void **state) {
    (void)state;
    setenv("GRADSMITH_KERNELS", "gpu", 1);
    gs_context *context = open_context();
    gs_model *model = make_model(context, gs_sgd(.learning_rate = 0.1f));
    gs_plan *plan;
    ok(context, gs_model_plan(model, 1100, &plan));
    unsetenv("GRADSMITH_KERNELS");
    check_arena(plan);
    check_barriers(plan);
    uint32_t found = 0;
    for (uint32_t i = 0; i < plan->value_count; i++) {
        const gs_plan_value *value = &plan->values[i];
        if (!strstr(value->name, ", parts")) continue;
        found++;
        assert_true(value->shape.rank == 2 && value->shape.dim[0] == 4);
        assert_int_equal(value->last, value->first + 1);
        assert_string_equal(plan->dispatches[value->first].kernel, "matmul_gradients");
        assert_string_equal(plan->dispatches[value->last].kernel, "matmul_gradients_sum");
        assert_true(plan->dispatches[value->last].barrier);
    }
    assert_int_equal(found, 1);
    gs_plan_destroy(&plan);
    gs_model_destroy(&model);
    gs_context_destroy(&context);
}

struct watch {
    gs_context *context;
    uint32_t most;
};

static bool count_allocations(void *user, const gs_event *event) {
    (void)event;
    struct watch *watch = user;
    gs__gpu *gpu;
    ok(watch->context, gs__context_gpu(watch->context, &gpu));
    const gs__memory_use use = gs__gpu_memory_use(gpu);
    if (use.count > watch->most) watch->most = use.count;
    return true;
}

static void five_allocations(void **state) {
    (void)state;
    gs_context *context = open_context();
    gs_model *model = make_model(context, gs_adam(.learning_rate = 0));
    gs_data *data = make_data(context);
    struct watch watch = {.context = context};
    gs_fit_params fit = {.epochs = 2, .batch_size = 16, .callback = count_allocations, .user = &watch};
    ok(context, gs_model_fit(model, data, &fit, NULL));
    assert_in_range(watch.most, 1, 5);
    gs_model_destroy(&model);
    gs_data_destroy(&data);
    gs__gpu *gpu;
    ok(context, gs__context_gpu(context, &gpu));
    assert_int_equal(gs__gpu_memory_use(gpu).count, 0);
    assert_int_equal(gs__gpu_memory_use(gpu).bytes, 0);
    gs_context_destroy(&context);
}

// Weights after a training on a device that allows buffers of at most so many bytes.
static float *train(uint64_t max_buffer_bytes, uint32_t *allocations) {
    gs_context *context = open_context();
    gs__gpu *gpu;
    ok(context, gs__context_gpu(context, &gpu));
    if (max_buffer_bytes) ((gs__gpu_caps *)(uintptr_t)gs__gpu_get_caps(gpu))->max_buffer_bytes = max_buffer_bytes;
    gs_model *model = make_model(context, gs_sgd(.learning_rate = 0));
    gs_data *data = make_data(context);
    struct watch watch = {.context = context};
    gs_fit_params fit = {.epochs = 2, .batch_size = 99, .seed = 1, .callback = count_allocations, .user = &watch};
    ok(context, gs_model_fit(model, data, &fit, NULL));
    *allocations = watch.most;
    ok(context, gs__model_download(model));
    float *weights = malloc(model->parameter_bytes);
    assert_non_null(weights);
    memcpy(weights, model->weights, model->parameter_bytes);
    gs_model_destroy(&model);
    gs_data_destroy(&data);
    gs_context_destroy(&context);
    return weights;
}

// What one allocation cannot hold lies in several, with the same results.
static void arena_in_parts(void **state) {
    (void)state;
    uint32_t one, parts;
    // The snapshots of the State just fit; the arena does not.
    float *a = train(0, &one), *b = train(270000, &parts);
    assert_true(one < parts);
    assert_memory_equal(a, b, (33 * 96 + 96) * sizeof *a);
    free(a), free(b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_the_step),
        cmocka_unit_test(tells_parts_of_sums),
        cmocka_unit_test(five_allocations),
        cmocka_unit_test(arena_in_parts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
