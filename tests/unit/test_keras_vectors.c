// The references of activations and losses against what Keras 3 computes: assets/golden/ops, by
// tools/golden/make_op_vectors.py. tests/op compares the kernels with the references.
#include "base/file.h"
#include "base/json.h"
#include "op/attr.h"
#include "plan/op.h"
#include "state.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { MAX = 64 };

typedef struct vectors {
    gs__error error;
    gs__json *json;
} vectors;

static void expect_ok(const gs__error *error, gs_status status) {
    if (status != GS_OK) fail_msg("%s", error->message);
}

static void load(vectors *v, const char *name) {
    char path[4096];
    const char *root = getenv("GRADSMITH_SOURCE_DIR");
    if (!root) fail_msg("GRADSMITH_SOURCE_DIR is not set: run by ctest, or set it to the source folder");
    snprintf(path, sizeof path, "%s/assets/golden/ops/%s.json", root, name);
    char *text;
    size_t bytes;
    expect_ok(&v->error, gs__file_read(&v->error, path, 1 << 20, &text, &bytes));
    expect_ok(&v->error, gs__json_parse(&v->error, text, bytes, path, &v->json));
    free(text);
}

static const cJSON *cases_of(vectors *v) {
    const cJSON *cases;
    expect_ok(&v->error, gs__json_get_array(v->json, gs__json_root(v->json), "cases", GS__JSON_REQUIRED, &cases));
    return cases;
}

static uint64_t numbers(vectors *v, const cJSON *item, const char *key, double *values) {
    const cJSON *array, *number;
    uint64_t count = 0;
    expect_ok(&v->error, gs__json_get_array(v->json, item, key, GS__JSON_REQUIRED, &array));
    cJSON_ArrayForEach(number, array) {
        assert_true(count < MAX);
        expect_ok(&v->error, gs__json_as_number(v->json, number, &values[count++]));
    }
    return count;
}

static gs_shape shape_of(vectors *v, const cJSON *item) {
    double dims[MAX];
    gs_shape shape = {.rank = (uint32_t)numbers(v, item, "shape", dims)};
    for (uint32_t i = 0; i < shape.rank; i++) shape.dim[i] = (int64_t)dims[i];
    return shape;
}

static const char *name_of(vectors *v, const cJSON *item) {
    const char *name;
    expect_ok(&v->error, gs__json_get_string(v->json, item, "name", GS__JSON_REQUIRED, &name));
    return name;
}

static void compare(const char *name, const char *what, const double *found, const double *expected, uint64_t count,
                    double relative, double absolute) {
    for (uint64_t i = 0; i < count; i++)
        if (!(fabs(found[i] - expected[i]) <= absolute + relative * fabs(expected[i])))
            fail_msg("%s: %s[%llu] is %.9g, but Keras has %.9g", name, what, (unsigned long long)i, found[i],
                     expected[i]);
}

static void check_activation(vectors *v, const cJSON *item) {
    double x[MAX], y[MAX], dy[MAX], dx[MAX], alpha = 0, found_y[MAX], found_dx[MAX];
    const uint64_t count = numbers(v, item, "x", x);
    assert_true(count == numbers(v, item, "y", y) && count == numbers(v, item, "dy", dy));
    assert_true(count == numbers(v, item, "dx", dx));
    expect_ok(&v->error, gs__json_get_number(v->json, item, "alpha", GS__JSON_OPTIONAL, &alpha));
    const char *name = name_of(v, item);
    gs__activation_attr attr = {.kind = GS_ACTIVATION_SOFTMAX, .alpha = (float)alpha};
#define FIND(constant, value, text)                                                                                    \
    if (strcmp(name, text) == 0) attr.kind = constant;
    GS_ACTIVATION_MAP(FIND)
#undef FIND
    gs__node node = {.op = gs__op_find(attr.kind == GS_ACTIVATION_SOFTMAX ? "softmax" : "activation")};
    memcpy(node.attr.bytes, &attr, sizeof attr);
    gs__reference r = {.node = &node, .x = {x}, .y = {found_y}, .dy = {dy}, .dx = {found_dx}};
    r.x_shape[0] = r.y_shape[0] = shape_of(v, item);
    node.op->ref_forward(&r);
    node.op->ref_backward(&r);
    compare(name, "y", found_y, y, count, 2e-7, 1e-12);
    compare(name, "dx", found_dx, dx, count, 2e-7, 1e-12);
}

static void activations(void **state) {
    (void)state;
    vectors v = {0};
    const cJSON *item;
    uint32_t count = 0;
    load(&v, "activations");
    cJSON_ArrayForEach(item, cases_of(&v)) {
        check_activation(&v, item);
        count++;
    }
    assert_in_range(count, 10, 100);
    gs__json_destroy(v.json);
}

static float float_of(vectors *v, const cJSON *item, const char *key) {
    double value = 0;
    expect_ok(&v->error, gs__json_get_number(v->json, item, key, GS__JSON_OPTIONAL, &value));
    return (float)value;
}

static gs__node loss_node(vectors *v, const cJSON *item) {
    const char *name = name_of(v, item);
    bool from_logits = false, balanced = false;
    expect_ok(&v->error, gs__json_get_bool(v->json, item, "from_logits", GS__JSON_OPTIONAL, &from_logits));
    expect_ok(&v->error, gs__json_get_bool(v->json, item, "class_balancing", GS__JSON_OPTIONAL, &balanced));
    const float smoothing = float_of(v, item, "label_smoothing");
    const float gamma = float_of(v, item, "gamma"), alpha = float_of(v, item, "alpha");
    gs_loss loss;
    gs__node node = {0};
    if (gs_loss_parse(name, &loss) != GS_OK) fail_msg("no loss %s", name);
    const gs__pointwise_loss_attr pointwise = {
        loss.kind, float_of(v, item, "delta"), !from_logits, balanced, gamma, alpha, smoothing};
    const gs__row_loss_attr row = {loss.kind, !from_logits, gamma, alpha, smoothing};
    const gs__sparse_crossentropy_attr sparse = {.from_probabilities = !from_logits, .smoothing = smoothing};
    const gs__crossentropy_attr dense = {.from_probabilities = !from_logits, .smoothing = smoothing};
    switch (loss.kind) {
    case GS_LOSS_SPARSE_CROSSENTROPY:
        node.op = gs__op_find("sparse_crossentropy");
        memcpy(node.attr.bytes, &sparse, sizeof sparse);
        break;
    case GS_LOSS_CATEGORICAL_CROSSENTROPY:
    case GS_LOSS_BINARY_CROSSENTROPY:
        node.op = gs__op_find(name);
        memcpy(node.attr.bytes, &dense, sizeof dense);
        break;
    case GS_LOSS_COSINE_SIMILARITY:
    case GS_LOSS_CATEGORICAL_HINGE:
    case GS_LOSS_CATEGORICAL_FOCAL:
        node.op = gs__op_find("row_loss");
        memcpy(node.attr.bytes, &row, sizeof row);
        break;
    default:
        node.op = gs__op_find("pointwise_loss");
        memcpy(node.attr.bytes, &pointwise, sizeof pointwise);
    }
    assert_non_null(node.op);
    return node;
}

static void check_loss(vectors *v, const cJSON *item) {
    double x[MAX], targets[MAX], rows[MAX], dx[MAX], found_rows[MAX], found_dx[MAX], loss, sum = 0;
    const uint64_t count = numbers(v, item, "y_pred", x), row_count = numbers(v, item, "rows", rows);
    numbers(v, item, "y_true", targets);
    assert_true(count == numbers(v, item, "dy_pred", dx));
    expect_ok(&v->error, gs__json_get_number(v->json, item, "loss", GS__JSON_REQUIRED, &loss));
    const gs__node node = loss_node(v, item);
    const struct gs_state state = {.cur = {.rows = (uint32_t)row_count}};
    gs__reference r = {.node = &node, .x = {x, targets}, .y = {found_rows}, .dx = {found_dx}, .state = &state};
    r.x_shape[0] = shape_of(v, item);
    assert_true((uint64_t)r.x_shape[0].dim[0] == row_count);
    node.op->ref_forward(&r);
    for (uint64_t i = 0; i < row_count; i++) sum += found_rows[i] / (double)row_count;
    // Keras computes in float32.
    compare(name_of(v, item), "rows", found_rows, rows, row_count, 2e-6, 1e-7);
    compare(name_of(v, item), "loss", &sum, &loss, 1, 2e-6, 1e-7);
    compare(name_of(v, item), "dy_pred", found_dx, dx, count, 5e-6, 1e-7);
}

static void losses(void **state) {
    (void)state;
    vectors v = {0};
    const cJSON *item;
    uint32_t count = 0;
    load(&v, "losses");
    cJSON_ArrayForEach(item, cases_of(&v)) {
        check_loss(&v, item);
        count++;
    }
    assert_in_range(count, 10, 100);
    gs__json_destroy(v.json);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(activations), cmocka_unit_test(losses)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
