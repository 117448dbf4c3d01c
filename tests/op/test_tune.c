// Choosing kernels by measurement: wrong ways are dropped, the choice is kept, no way of matmul changes a bit.
#define _XOPEN_SOURCE 700 // nftw
#include "harness.h"
#include "plan/tune.h"
#include "shaders/test_ways.h"

#include <ftw.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// --- a device with a cache --------------------------------------------------------------------------------------
static char folder[512];

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *place) {
    (void)info, (void)kind, (void)place;
    return remove(path);
}

static int folder_setup(void **state) {
    (void)state;
    const char *parent = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/gradsmith-test-XXXXXX", parent && parent[0] ? parent : "/tmp");
    return mkdtemp(folder) && setenv("GRADSMITH_CACHE", folder, 1) == 0 ? 0 : -1;
}

static int folder_teardown(void **state) {
    (void)state;
    setenv("GRADSMITH_CACHE", "off", 1);
    return nftw(folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

typedef struct device {
    gs__error error;
    gs__instance *instance;
    gs__gpu *gpu;
    char note[512];
    uint32_t notes;
} device;

static void keep_note(void *user, const char *text) {
    device *d = user;
    d->notes++;
    snprintf(d->note, sizeof d->note, "%s", text);
}

static void open_device(device *d) {
    *d = (device){0};
    const char *validate = getenv("GRADSMITH_VALIDATE");
    const gs__instance_params params = {.validate = validate && *validate == '1'};
    uint32_t index;
    op_expect_ok(&d->error, gs__instance_create(&d->error, &params, &d->instance), "instance");
    op_expect_ok(&d->error, gs__instance_choose(&d->error, d->instance, NULL, &index, NULL, 0), "device");
    op_expect_ok(&d->error, gs__gpu_open(&d->error, d->instance, index, &d->gpu), "open");
    gs__gpu_options_of(d->gpu)->note = keep_note;
    gs__gpu_options_of(d->gpu)->note_user = d;
}

static void close_device(device *d) {
    const char *first = NULL;
    gs__gpu_close(d->gpu);
    if (gs__instance_validation_errors(d->instance, &first)) fail_msg("validation: %s", first);
    gs__instance_destroy(d->instance);
}

// --- an op with ways of our making --------------------------------------------------------------------------------
enum { COUNT = 5000 };

struct made_way {
    const char *name;
    float factor, add;
    uint32_t repeat, groups; // groups 0: as many as it takes
};
static const struct made_way *made_ways;
static uint32_t made_count;
static bool made_expect;
static const char *made_key = "scale";

static gs__expected twice(const void *push_constants, const uint32_t *spec, const struct gs_state *state,
                          const float *const windows[GS__MAX_BINDINGS], uint64_t element) {
    (void)spec, (void)state;
    const struct gs_push_test_ways *push = push_constants;
    return (gs__expected){2 * (double)windows[0][push->x + element], 1e-6};
}

static gs_status scale_forward(gs__recorder *recorder, const gs__node *node) {
    struct gs_push_test_ways push = {.count = gs__value_count(recorder, node->x[0])};
    gs__dispatch d = gs__dispatch_init(&gs__shader_test_ways, GS_SPEC_TEST_WAYS_COUNT, &push, sizeof push);
    gs__choice choice = {.way_count = made_count, .work = COUNT, .expect = made_expect ? twice : NULL};
    snprintf(choice.key, sizeof choice.key, "%s", made_key);
    for (uint32_t i = 0; i < made_count; i++) {
        gs__way *way = &choice.ways[i];
        *way = (gs__way){.shader = &gs__shader_test_ways, .spec_count = GS_SPEC_TEST_WAYS_COUNT};
        snprintf(way->name, sizeof way->name, "%s", made_ways[i].name);
        memcpy(&way->spec[GS_SPEC_TEST_WAYS_FACTOR], &made_ways[i].factor, sizeof(float));
        memcpy(&way->spec[GS_SPEC_TEST_WAYS_ADD], &made_ways[i].add, sizeof(float));
        way->spec[GS_SPEC_TEST_WAYS_REPEAT] = made_ways[i].repeat;
        way->groups = made_ways[i].groups ? made_ways[i].groups : (push.count + 63) / 64;
    }
    gs__bind(recorder, &d, 0, GS__READ, node->x[0], &push.x);
    gs__bind(recorder, &d, 1, GS__WRITE, node->y[0], &push.y);
    return gs__dispatch_record_choice(recorder, &d, &choice);
}

static const gs_op scale_op = {.name = "scale", .inputs = 1, .outputs = 1, .forward = scale_forward};

// Plans and runs the op once; returns the way that was taken. *y: COUNT results for x = 1, 2, 3, ...
static const char *run_scale(device *d, double *y) {
    static char name[GS__WAY_NAME_BYTES];
    gs__graph graph;
    gs__plan *plan;
    gs__node node = {.op = &scale_op};
    const gs_shape shape = {1, {COUNT}};
    double x[COUNT];
    gs__graph_init(&graph, &d->error, false, COUNT);
    op_expect_ok(&d->error, gs__graph_value(&graph, &shape, GS_F32, GS__STORAGE_SAMPLES, "x", &node.x[0]), "x");
    op_expect_ok(&d->error, gs__graph_value(&graph, &shape, GS_F32, GS__STORAGE_TARGETS, "y", &node.y[0]), "y");
    op_expect_ok(&d->error, gs__graph_append(&graph, &node), "node");
    op_expect_ok(&d->error, gs__plan_create(&d->error, &(gs__plan_params){.gpu = d->gpu, .graph = &graph}, &plan),
                 "plan");
    for (uint32_t i = 0; i < COUNT; i++) x[i] = i + 1;
    op_write(plan, &d->error, node.x[0], x);
    op_expect_ok(&d->error, op_run_step(plan), "step");
    op_read(plan, &d->error, node.y[0], y);
    gs__plan_destroy(plan);
    gs__graph_deinit(&graph);

    gs__choice choice = {.way_count = made_count};
    snprintf(choice.key, sizeof choice.key, "%s", made_key);
    for (uint32_t i = 0; i < made_count; i++) {
        choice.ways[i].shader = &gs__shader_test_ways;
        snprintf(choice.ways[i].name, sizeof name, "%s", made_ways[i].name);
    }
    snprintf(name, sizeof name, "%s", gs__tuner_find(gs__tuner_get(d->gpu), &choice)->name);
    return name;
}

static void use_ways(const char *key, const struct made_way *ways, uint32_t count, bool expect) {
    made_key = key;
    made_ways = ways;
    made_count = count;
    made_expect = expect;
}

static void expect_doubled(const double *y) {
    for (uint32_t i = 0; i < COUNT; i++)
        if (fabs(y[i] - 2.0 * (i + 1)) > 1e-3) fail_msg("y[%u] is %g, expected %g", i, y[i], 2.0 * (i + 1));
}

enum { SLOW = 1000 };

static void fastest_is_kept(void **state) {
    (void)state;
    static const struct made_way ways[] = {
        {"slow", 2, 0, SLOW, 0}, {"fast", 2, 0, 1, 0}, {"slower", 2, 0, SLOW + 9, 0}};
    double y[COUNT];
    device d;
    use_ways("kept", ways, 3, true);
    open_device(&d);
    assert_string_equal(run_scale(&d, y), "fast");
    expect_doubled(y);
    assert_int_equal(gs__tuner_get(d.gpu)->measured, 1);
    assert_string_equal(run_scale(&d, y), "fast"); // known now
    assert_int_equal(gs__tuner_get(d.gpu)->measured, 1);
    assert_int_equal(d.notes, 0);
    close_device(&d);
    // Another process: known from the file.
    open_device(&d);
    assert_string_equal(run_scale(&d, y), "fast");
    assert_int_equal(gs__tuner_get(d.gpu)->measured, 0);
    close_device(&d);
    // Without what was chosen among the ways: the rule.
    static const struct made_way others[] = {{"a", 2, 0, 1, 0}, {"b", 2, 0, 1, 0}, {"c", 2, 0, 1, 0}};
    use_ways("kept", others, 3, true);
    open_device(&d);
    assert_string_equal(run_scale(&d, y), "a");
    assert_int_equal(gs__tuner_get(d.gpu)->measured, 0);
    close_device(&d);
}

static void wrong_way_is_dropped(void **state) {
    (void)state;
    // The fast ones: another factor; an addition that only the smallest values show; a part that is not written.
    static const struct made_way ways[] = {
        {"slow", 2, 0, SLOW, 0}, {"factor", 2.001f, 0, 1, 0}, {"tiny", 2, 1e-7f, 1, 0}, {"part", 2, 0, 1, COUNT / 64}};
    double y[COUNT];
    for (int expect = 0; expect < 2; expect++) {
        device d;
        use_ways(expect ? "wrong,expect" : "wrong", ways, 4, expect);
        open_device(&d);
        assert_string_equal(run_scale(&d, y), "slow");
        expect_doubled(y);
        assert_int_equal(gs__tuner_get(d.gpu)->dropped, 3);
        assert_int_equal(d.notes, 3);
        assert_non_null(strstr(d.note, "kernel test_ways in the form part (wrong"));
        close_device(&d);
    }
}

// Only the reference can tell that it is the rule's way that is wrong.
static void wrong_rule_is_dropped(void **state) {
    (void)state;
    static const struct made_way ways[] = {{"wrong", 3, 0, 1, 0}, {"right", 2, 0, 1, 0}};
    double y[COUNT];
    device d;
    use_ways("rule", ways, 2, true);
    open_device(&d);
    assert_string_equal(run_scale(&d, y), "right");
    expect_doubled(y);
    assert_int_equal(d.notes, 1);
    assert_non_null(strstr(d.note, "gives wrong results on"));
    close_device(&d);
}

static void not_measured(void **state) {
    (void)state;
    static const struct made_way ways[] = {{"slow", 2, 0, 1000, 0}, {"fast", 2, 0, 1, 0}};
    double y[COUNT];
    device d;
    use_ways("unmeasured", ways, 2, true);
    open_device(&d);
    gs__gpu_options_of(d.gpu)->no_autotune = true;
    assert_string_equal(run_scale(&d, y), "slow");
    close_device(&d);
    setenv("GRADSMITH_CACHE", "off", 1);
    open_device(&d);
    assert_string_equal(run_scale(&d, y), "slow");
    close_device(&d);
    setenv("GRADSMITH_CACHE", folder, 1);
    setenv("GRADSMITH_SHADER_DIR", folder, 1);
    open_device(&d);
    assert_string_equal(run_scale(&d, y), "slow");
    close_device(&d);
    unsetenv("GRADSMITH_SHADER_DIR");
    // No time left: the rule, and nothing is kept.
    open_device(&d);
    gs__tuner_get(d.gpu)->left_ns = 1;
    assert_string_equal(run_scale(&d, y), "slow");
    assert_int_equal(gs__tuner_get(d.gpu)->left_ns, 0);
    assert_int_equal(gs__tuner_get(d.gpu)->count, 0);
    close_device(&d);
    // What was chosen is not used either without tuning.
    open_device(&d);
    run_scale(&d, y);
    assert_int_equal(gs__tuner_get(d.gpu)->measured, 1);
    close_device(&d);
    open_device(&d);
    gs__gpu_options_of(d.gpu)->no_autotune = true;
    assert_string_equal(run_scale(&d, y), "slow");
    close_device(&d);
}

// --- the file -----------------------------------------------------------------------------------------------------
static void two_writers(void **state) {
    (void)state;
    gs__choice a = {.key = "a", .way_count = 2}, b = {.key = "b", .way_count = 2};
    device first, second;
    for (int i = 0; i < 2; i++) {
        a.ways[i].shader = b.ways[i].shader = &gs__shader_test_ways;
        snprintf(a.ways[i].name, sizeof a.ways[i].name, "way%d", i);
        memcpy(b.ways[i].name, a.ways[i].name, sizeof b.ways[i].name);
    }
    open_device(&first);
    open_device(&second);
    gs__tuner *one = gs__tuner_get(first.gpu), *two = gs__tuner_get(second.gpu);
    gs__tuner_set(one, &a, &a.ways[1]);
    gs__tuner_set(two, &b, &b.ways[1]);
    gs__tuner_save(one, first.gpu);
    gs__tuner_save(two, second.gpu);
    close_device(&first);
    close_device(&second);
    open_device(&first);
    one = gs__tuner_get(first.gpu);
    assert_int_equal(one->count, 2);
    assert_string_equal(gs__tuner_find(one, &a)->name, "way1");
    assert_string_equal(gs__tuner_find(one, &b)->name, "way1");
    assert_false(gs__tuner_wants(one, &a));
    close_device(&first);
}

static void strange_files(void **state) {
    (void)state;
    char longest[400];
    memset(longest, 'k', sizeof longest - 1);
    longest[sizeof longest - 1] = 0;
    char text[1024];
    snprintf(text, sizeof text, "\n\nno-way\n way\nkey \n%s way\nkey %s\ngood,key way\ngood,key other", longest,
             longest);
    device d;
    open_device(&d);
    assert_true(gs__gpu_cache_write(d.gpu, "tuning", text, strlen(text)));
    gs__tuner *tuner = gs__tuner_get(d.gpu);
    for (uint32_t i = 0; i < tuner->count; i++)
        if (strcmp(tuner->entries[i].key, "good,key") == 0) assert_string_equal(tuner->entries[i].way, "way");
    assert_true(tuner->count >= 1 && tuner->count <= 3);
    close_device(&d);
}

// --- matmul -------------------------------------------------------------------------------------------------------
static gs__graph *matmul_graph(device *d, const int64_t size[3], bool fused, gs__value out[5]) {
    gs__graph *graph = calloc(1, sizeof *graph);
    gs__value x[3], y, dy[GS__MAX_OUTPUTS] = {0};
    const gs_shape shapes[3] = {{2, {size[0], size[1]}}, {2, {size[1], size[2]}}, {1, {size[2]}}};
    const gs_shape y_shape = {2, {size[0], size[2]}};
    assert_non_null(graph);
    gs__graph_init(graph, &d->error, true, (uint32_t)size[0]);
    for (uint32_t i = 0; i < 3; i++) {
        const gs__storage storage = i ? GS__STORAGE_PARAMETER : GS__STORAGE_SAMPLES;
        op_expect_ok(&d->error, gs__graph_value(graph, &shapes[i], GS_F32, storage, NULL, &x[i]), "x");
        graph->values[x[i]].wants_grad = true;
    }
    op_expect_ok(&d->error, gs__graph_apply(graph, "matmul", "fc1", NULL, x, 3, &y), "matmul");
    op_expect_ok(&d->error, gs__graph_value(graph, &y_shape, GS_F32, GS__STORAGE_TARGETS, NULL, &dy[0]), "dy");
    gs__node *node;
    op_expect_ok(&d->error, gs__graph_backward_node(graph, 0, dy, &node), "backward");
    if (fused) {
        graph->nodes[0].epilogue = (gs__epilogue){.activation = GS_ACTIVATION_TANH, .rate = 0.25f, .key = 5};
        node->epilogue = (gs__epilogue){.activation = GS_ACTIVATION_SIGMOID, .rate = 0.5f, .key = 6};
        node->epilogue_y = x[0];
    }
    graph->storage_bytes[GS__STORAGE_GRADIENT] = graph->storage_bytes[GS__STORAGE_PARAMETER];
    for (uint32_t i = 1; i < 3; i++) {
        gs__value_info *gradient = &graph->values[node->dx[i]];
        gradient->storage = GS__STORAGE_GRADIENT;
        gradient->offset = graph->values[x[i]].offset;
    }
    memcpy(out, (gs__value[]){y, node->dx[0], node->dx[1], node->dx[2]}, 4 * sizeof *out);
    for (uint32_t i = 0; i < 4; i++) graph->values[out[i]].pinned = true;
    return graph;
}

// Values of a storage that repeat nothing and are exact in float.
static void fill(gs__plan *plan, device *d, gs__value value, uint64_t seed) {
    uint64_t count = 0;
    gs__shape_count(&plan->graph->values[value].shape, &count);
    double *values = malloc(count * sizeof *values);
    assert_non_null(values);
    for (uint64_t i = 0; i < count; i++) values[i] = (double)(float)op_random(&seed, -1, 1);
    op_write(plan, &d->error, value, values);
    free(values);
}

// Results of the forward and the backward pass with way `forced` of each choice, one behind the other.
static float *matmul_results(device *d, const int64_t size[3], bool fused, int32_t forced, uint64_t *total) {
    gs__value out[5];
    gs__graph *graph = matmul_graph(d, size, fused, out);
    gs__plan *plan;
    gs__tuner_get(d->gpu)->forced = forced;
    op_expect_ok(&d->error, gs__plan_create(&d->error, &(gs__plan_params){.gpu = d->gpu, .graph = graph}, &plan),
                 "plan");
    struct gs_state state = {.set = {.seed_lo = 3, .batch = (uint32_t)size[0], .data_count = (uint32_t)size[0]}};
    op_expect_ok(&d->error, gs__plan_set_state(plan, &state), "state");
    for (gs__value v = 1; v < graph->value_count; v++)
        if (graph->values[v].storage != GS__STORAGE_ACTIVATION && graph->values[v].storage != GS__STORAGE_GRADIENT)
            fill(plan, d, v, v);
    op_expect_ok(&d->error, op_run_step(plan), "step");
    *total = 0;
    uint64_t counts[4] = {0};
    for (uint32_t i = 0; i < 4; i++) {
        gs__shape_count(&graph->values[out[i]].shape, &counts[i]);
        *total += counts[i];
    }
    float *results = malloc(*total * sizeof *results), *at = results;
    assert_non_null(results);
    for (uint32_t i = 0; i < 4; i++) {
        op_expect_ok(&d->error, gs__plan_read(plan, out[i], at, counts[i] * sizeof *at), "read");
        at += counts[i];
    }
    gs__plan_destroy(plan);
    gs__graph_deinit(graph);
    free(graph);
    return results;
}

static const int64_t sizes[][3] = {{33, 65, 31}, {32, 20, 66}, {5, 24, 12}, {1050, 12, 36}, {4, 1030, 9}};
enum { SIZE_COUNT = sizeof sizes / sizeof *sizes };

static void ways_give_the_same_bits(void **state) {
    const char *classes[] = {"gpu", "cpu", "cpu", "integrated", "gcn"};
    (void)state;
    for (int c = 0; c < 5; c++) {
        device d;
        setenv("GRADSMITH_KERNELS", classes[c], 1);
        open_device(&d);
        unsetenv("GRADSMITH_KERNELS");
        // Plain loads where the device could shuffle: the third family.
        gs__gpu_caps *caps = (gs__gpu_caps *)(uintptr_t)gs__gpu_get_caps(d.gpu);
        const bool new = c != 2 || gs__caps_shuffle(caps);
        if (c == 2) caps->subgroup_shuffle = false;
        for (uint32_t s = c < 3 ? 0 : SIZE_COUNT - 1; new &&s < SIZE_COUNT; s++)
            for (int fused = s < 1; fused >= 0; fused--) {
                uint64_t count = 0, again = 0;
                float *rule = matmul_results(&d, sizes[s], fused, 0, &count);
                for (int32_t way = 1; way < (s == 1 || c > 2 ? GS__MAX_WAYS : 4); way++) {
                    float *results = matmul_results(&d, sizes[s], fused, way, &again);
                    assert_int_equal(again, count);
                    for (uint64_t i = 0; i < count; i++)
                        if (memcmp(&results[i], &rule[i], sizeof *rule) != 0)
                            fail_msg("%s kernels, size %u, way %d: result %llu is %.9g, by the rule %.9g", classes[c],
                                     s, way, (unsigned long long)i, (double)results[i], (double)rule[i]);
                    free(results);
                }
                free(rule);
            }
        close_device(&d);
    }
}

// Measuring drops none of them: reference and kernels agree, for all kinds of products.
static void matmul_is_measured(void **state) {
    (void)state;
    for (int c = 0; c < 2; c++) {
        device d;
        setenv("GRADSMITH_KERNELS", c ? "cpu" : "gpu", 1);
        open_device(&d);
        unsetenv("GRADSMITH_KERNELS");
        gs__tuner *tuner = gs__tuner_get(d.gpu);
        tuner->left_ns = 100 * GS__TUNE_NS;
        const uint32_t known = tuner->count;
        uint64_t count;
        free(matmul_results(&d, sizes[0], true, -1, &count));
        free(matmul_results(&d, sizes[1], false, -1, &count));
        free(matmul_results(&d, sizes[3], false, -1, &count)); // dW in parts on GPUs
        free(matmul_results(&d, sizes[4], false, -1, &count)); // the forward pass
        if (d.notes) fail_msg("%s", d.note);
        assert_int_equal(tuner->measured, tuner->count - known);
        print_message("%s kernels: %u choices measured\n", c ? "CPU" : "GPU", tuner->measured);
        assert_true(tuner->measured >= (c ? 6 : 12));
        close_device(&d);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(fastest_is_kept, folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(wrong_way_is_dropped, folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(wrong_rule_is_dropped, folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(not_measured, folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(two_writers, folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(strange_files, folder_setup, folder_teardown),
        cmocka_unit_test(ways_give_the_same_bits),
        cmocka_unit_test_setup_teardown(matmul_is_measured, folder_setup, folder_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
