// Kernels, recordings, barriers, timestamps.
#include "gpu_fixture.h"
#include "shaders/test_affine.h"
#include "shaders/test_bump.h"
#include "shaders/test_texel.h"
#include "state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static uint32_t bits(float value) {
    uint32_t word;
    memcpy(&word, &value, sizeof word);
    return word;
}

static void groups_for(uint32_t count, uint32_t groups[3]) {
    groups[0] = (count + 63) / 64;
    groups[1] = groups[2] = 1;
}

static gs__pipeline *pipeline_of(fixture *f, const gs__shader *shader, const uint32_t *spec, uint32_t spec_count) {
    gs__pipeline *pipeline = NULL;
    assert_ok(f, gs__pipeline_get(f->gpu, shader, spec, spec_count, &pipeline));
    return pipeline;
}

static void run(fixture *f, gs__commands *commands) {
    assert_ok(f, gs__commands_end(commands));
    assert_ok(f, gs__commands_submit(commands));
    assert_ok(f, gs__commands_wait(commands));
}

static void test_dispatch(void **state) {
    fixture *f = *state;
    enum { COUNT = 1000, BYTES = COUNT * 4 };
    float x[COUNT], y[COUNT];
    struct gs_state device_state = {.set.learning_rate = 0.25f};
    uint32_t align = gs__gpu_get_caps(f->gpu)->offset_align, groups[3];
    // Both tensors in one buffer, y behind x.
    uint64_t y_offset = (BYTES + align - 1) / align * align;
    gs__buffer *buffer = fixture_buffer(f, y_offset + BYTES), *uniform = fixture_buffer(f, sizeof device_state);
    for (int i = 0; i < COUNT; i++) x[i] = (float)i;
    assert_ok(f, gs__buffer_write(buffer, 0, x, BYTES));
    assert_ok(f, gs__buffer_write(uniform, 0, &device_state, sizeof device_state));
    gs__commands *commands = fixture_commands(f, 0);
    groups_for(COUNT, groups);
    static const float scales[] = {2, -0.5f};
    for (uint32_t s = 0; s < 2; s++) {
        for (uint32_t repeat = 1; repeat <= 2; repeat++) {
            uint32_t spec[] = {bits(scales[s]), repeat};
            gs__pipeline *pipeline = pipeline_of(f, &gs__shader_test_affine, spec, 2);
            assert_ptr_equal(pipeline, pipeline_of(f, &gs__shader_test_affine, spec, 2));
            gs__range ranges[] = {{buffer, 0, BYTES}, {buffer, y_offset, BYTES}}, uniform_range = whole(uniform);
            struct gs_push_test_affine push = {COUNT, 3};
            assert_ok(f, gs__commands_begin(commands));
            assert_ok(f, gs__commands_dispatch(commands, pipeline, ranges, &uniform_range, &push, sizeof push, groups));
            run(f, commands);
            assert_ok(f, gs__buffer_read(buffer, y_offset, y, BYTES));
            for (int i = 0; i < COUNT; i++) {
                float want = x[i];
                for (uint32_t r = 0; r < repeat; r++) want = scales[s] * want + 3.25f;
                assert_true(y[i] == want);
            }
        }
    }
    gs__commands_destroy(commands);
    gs__buffer_destroy(buffer);
    gs__buffer_destroy(uniform);
}

static void test_texel(void **state) {
    fixture *f = *state;
    enum { COUNT = 301, FLOATS = 4 * COUNT - 3 }; // the last texel is padded with zeros
    float x[FLOATS], y[COUNT];
    uint32_t groups[3];
    for (int i = 0; i < FLOATS; i++) x[i] = (float)(i % 97);
    gs__buffer *input = fixture_buffer(f, sizeof x), *output = fixture_buffer(f, sizeof y);
    assert_ok(f, gs__buffer_write(input, 0, x, sizeof x));
    gs__pipeline *pipeline = pipeline_of(f, &gs__shader_test_texel, NULL, 0);
    gs__commands *commands = fixture_commands(f, 0);
    gs__range ranges[] = {whole(input), whole(output)};
    struct gs_push_test_texel push = {COUNT, 5};
    groups_for(COUNT, groups);
    for (int round = 0; round < 2; round++) { // begin drops the views and makes them again
        assert_ok(f, gs__commands_begin(commands));
        for (int i = 0; i < 3; i++) {
            assert_ok(f, gs__commands_dispatch(commands, pipeline, ranges, NULL, &push, sizeof push, groups));
            gs__commands_barrier(commands, false);
        }
        run(f, commands);
    }
    assert_ok(f, gs__buffer_read(output, 0, y, sizeof y));
    for (int i = 0; i < COUNT; i++) {
        float want = x[5];
        for (int k = 4 * i; k < 4 * i + 4 && k < FLOATS; k++) want += x[k];
        assert_true(y[i] == want);
    }
    gs__commands_destroy(commands);
    gs__buffer_destroy(input);
    gs__buffer_destroy(output);
}

// x -> 3 x + add, many times over, across dispatches, copies, fills and submissions.
static void test_chain(void **state) {
    fixture *f = *state;
    enum { COUNT = 100000, BYTES = COUNT * 4, LINKS = 20, SUBMISSIONS = 3 };
    uint32_t groups[3], *words = malloc(BYTES), want = 0;
    assert_non_null(words);
    gs__buffer *buffer = fixture_buffer(f, BYTES), *copy = fixture_buffer(f, BYTES);
    gs__pipeline *pipeline = pipeline_of(f, &gs__shader_test_bump, NULL, 0);
    gs__commands *first = fixture_commands(f, 0), *commands = fixture_commands(f, 0);
    groups_for(COUNT, groups);
    gs__range range = whole(buffer), copied = whole(copy);

    assert_ok(f, gs__commands_begin(first));
    gs__commands_fill(first, range, 7);
    assert_ok(f, gs__commands_end(first));
    want = 7;
    assert_ok(f, gs__commands_begin(commands));
    for (uint32_t i = 0; i < LINKS; i++) {
        struct gs_push_test_bump push = {COUNT, i};
        assert_ok(f, gs__commands_dispatch(commands, pipeline, &range, NULL, &push, sizeof push, groups));
        gs__commands_barrier(commands, false);
        // There and back, so that a barrier towards copies and one towards dispatches are both needed.
        if (i % 5 != 4) continue;
        gs__commands_copy(commands, range, copy, 0);
        gs__commands_barrier(commands, false);
        gs__commands_fill(commands, range, 0);
        gs__commands_barrier(commands, i % 2 == 0);
        gs__commands_copy(commands, copied, buffer, 0);
        gs__commands_barrier(commands, false);
    }
    assert_ok(f, gs__commands_end(commands));
    assert_ok(f, gs__commands_submit(first));
    for (int s = 0; s < SUBMISSIONS; s++) {
        assert_ok(f, gs__commands_submit(commands));
        for (uint32_t i = 0; i < LINKS; i++) want = 3 * want + i;
    }
    assert_ok(f, gs__commands_wait(commands));
    assert_ok(f, gs__commands_wait(commands)); // returns at once
    assert_ok(f, gs__buffer_read(buffer, 0, words, BYTES));
    for (int i = 0; i < COUNT; i++) assert_int_equal(words[i], want);
    gs__commands_destroy(commands);
    gs__commands_destroy(first);
    gs__buffer_destroy(buffer);
    gs__buffer_destroy(copy);
    free(words);
}

// More sets and views than a pool holds at first, all different.
static void test_many_sets(void **state) {
    fixture *f = *state;
    enum { SETS = 300 };
    uint32_t align = gs__gpu_get_caps(f->gpu)->offset_align, word;
    gs__buffer *buffer = fixture_buffer(f, (uint64_t)SETS * align);
    gs__pipeline *pipeline = pipeline_of(f, &gs__shader_test_bump, NULL, 0);
    gs__commands *commands = fixture_commands(f, 0);
    static const uint32_t one_group[3] = {1, 1, 1};
    for (uint32_t round = 0; round < 3; round++) {
        assert_ok(f, gs__commands_begin(commands));
        for (uint32_t i = 0; i < SETS; i++) {
            gs__range range = {buffer, (uint64_t)i * align, 4};
            struct gs_push_test_bump push = {1, i};
            assert_ok(f, gs__commands_dispatch(commands, pipeline, &range, NULL, &push, sizeof push, one_group));
        }
        run(f, commands);
        assert_ok(f, gs__buffer_read(buffer, (uint64_t)(SETS - 1) * align, &word, 4));
        static const uint32_t factors[] = {1, 4, 13};
        assert_int_equal(word, (SETS - 1) * factors[round]);
    }
    gs__commands_destroy(commands);
    gs__buffer_destroy(buffer);
}

static void test_timestamps(void **state) {
    fixture *f = *state;
    enum { STAMPS = 5 };
    gs__commands *commands = NULL;
    double ns[STAMPS];
    if (!gs__gpu_get_caps(f->gpu)->timestamps) {
        assert_status(f, GS_ERR_UNSUPPORTED, gs__commands_create(f->gpu, STAMPS, &commands));
        print_message("the device has no timestamps\n");
        return;
    }
    commands = fixture_commands(f, STAMPS);
    gs__buffer *buffer = fixture_buffer(f, 1 << 20);
    gs__pipeline *pipeline = pipeline_of(f, &gs__shader_test_bump, NULL, 0);
    gs__range range = whole(buffer);
    struct gs_push_test_bump push = {1 << 18, 1};
    uint32_t groups[3];
    groups_for(push.count, groups);
    for (int round = 0; round < 2; round++) {
        assert_ok(f, gs__commands_begin(commands));
        for (uint32_t i = 0; i < STAMPS; i++) {
            gs__commands_timestamp(commands, i);
            gs__commands_barrier(commands, false);
            assert_ok(f, gs__commands_dispatch(commands, pipeline, &range, NULL, &push, sizeof push, groups));
            gs__commands_barrier(commands, false);
        }
        run(f, commands);
        assert_ok(f, gs__commands_timestamps(commands, ns, STAMPS));
        assert_true(ns[0] == 0);
        for (int i = 1; i < STAMPS; i++) assert_true(ns[i] >= ns[i - 1]);
        assert_true(ns[STAMPS - 1] > 0 && ns[STAMPS - 1] < 60e9);
    }
    // Not recorded; recorded twice; out of range.
    assert_ok(f, gs__commands_begin(commands));
    gs__commands_timestamp(commands, 0);
    run(f, commands);
    assert_ok(f, gs__commands_timestamps(commands, ns, 1));
    assert_status(f, GS_ERR_INTERNAL, gs__commands_timestamps(commands, ns, 2));
    assert_ok(f, gs__commands_begin(commands));
    gs__commands_timestamp(commands, 0);
    gs__commands_timestamp(commands, 0);
    assert_status(f, GS_ERR_INTERNAL, gs__commands_end(commands));
    assert_ok(f, gs__commands_begin(commands));
    gs__commands_timestamp(commands, STAMPS);
    assert_status(f, GS_ERR_INTERNAL, gs__commands_end(commands));
    assert_status(f, GS_ERR_INTERNAL, gs__commands_submit(commands));
    gs__commands_destroy(commands);
    gs__buffer_destroy(buffer);
}

static void test_dispatch_errors(void **state) {
    fixture *f = *state;
    const gs__gpu_caps *caps = gs__gpu_get_caps(f->gpu);
    gs__buffer *buffer = fixture_buffer(f, 4096);
    gs__pipeline *pipeline = pipeline_of(f, &gs__shader_test_bump, NULL, 0);
    gs__commands *commands = fixture_commands(f, 0);
    struct gs_push_test_bump push = {1, 1};
    uint32_t one[3] = {1, 1, 1}, none[3] = {1, 0, 1}, many[3] = {1, caps->max_groups[1], 1};
    gs__range good = whole(buffer);
    assert_status(f, GS_ERR_INTERNAL, gs__commands_dispatch(commands, pipeline, &good, NULL, &push, sizeof push, one));
    assert_ok(f, gs__commands_begin(commands));
    static const uint64_t bad[][2] = {{4, 16}, {0, 4097}, {4096, 4}, {0, 0}, {256, UINT64_MAX}};
    for (int i = 0; i < 5; i++) {
        gs__range range = {buffer, bad[i][0], bad[i][1]};
        assert_status(f, GS_ERR_INTERNAL,
                      gs__commands_dispatch(commands, pipeline, &range, NULL, &push, sizeof push, one));
    }
    gs__range unbound = {NULL, 0, 4};
    assert_status(f, GS_ERR_INTERNAL,
                  gs__commands_dispatch(commands, pipeline, &unbound, NULL, &push, sizeof push, one));
    assert_status(f, GS_ERR_INTERNAL, gs__commands_dispatch(commands, pipeline, &good, NULL, &push, 4, one));
    assert_ok(f, gs__commands_dispatch(commands, pipeline, &good, NULL, &push, sizeof push, none));
    if (many[1] < UINT32_MAX) {
        many[1]++;
        assert_status(f, GS_ERR_UNSUPPORTED,
                      gs__commands_dispatch(commands, pipeline, &good, NULL, &push, sizeof push, many));
    }
    gs__pipeline *affine = pipeline_of(f, &gs__shader_test_affine, NULL, 0);
    gs__range two[] = {good, good};
    struct gs_push_test_affine affine_push = {1, 1};
    assert_status(f, GS_ERR_INTERNAL,
                  gs__commands_dispatch(commands, affine, two, NULL, &affine_push, sizeof affine_push, one));
    assert_non_null(strstr(f->error.message, "State is not bound"));
    assert_ok(f, gs__commands_end(commands));

    for (int i = 0; i < 3; i++) {
        assert_ok(f, gs__commands_begin(commands));
        if (i == 0) gs__commands_copy(commands, good, buffer, 4);
        if (i == 1) gs__commands_fill(commands, (gs__range){buffer, 0, 6}, 0);
        if (i == 2) gs__commands_copy(commands, (gs__range){buffer, 0, 8}, buffer, 4);
        assert_status(f, GS_ERR_INTERNAL, gs__commands_end(commands));
    }
    gs__commands_destroy(commands);
    gs__buffer_destroy(buffer);
}

// A view of more texels than the device can address, and a range that no binding may have.
static void test_range_limits(void **state) {
    fixture *f = *state;
    const gs__gpu_caps *caps = gs__gpu_get_caps(f->gpu);
    const uint64_t most = UINT64_C(256) << 20; // what a test may take of a machine's memory
    uint64_t bytes = caps->max_texel_elements * UINT64_C(16) + 16;
    if (bytes > caps->max_storage_range) bytes = caps->max_storage_range + 16;
    if (bytes > most || bytes > caps->max_buffer_bytes) {
        print_message("not tested here: the device can bind %llu bytes\n", (unsigned long long)bytes - 16);
        return;
    }
    gs__buffer *buffer = fixture_buffer(f, bytes);
    gs__range ranges[] = {whole(buffer), {buffer, 0, 256}};
    gs__pipeline *pipeline = pipeline_of(f, &gs__shader_test_texel, NULL, 0);
    gs__commands *commands = fixture_commands(f, 0);
    struct gs_push_test_texel push = {1, 0};
    static const uint32_t one[3] = {1, 1, 1};
    assert_ok(f, gs__commands_begin(commands));
    assert_status(f, GS_ERR_UNSUPPORTED,
                  gs__commands_dispatch(commands, pipeline, ranges, NULL, &push, sizeof push, one));
    ranges[0].bytes -= 16;
    assert_ok(f, gs__commands_dispatch(commands, pipeline, ranges, NULL, &push, sizeof push, one));
    assert_ok(f, gs__commands_end(commands));
    gs__commands_destroy(commands);
    gs__buffer_destroy(buffer);
}

static void write_file(const char *path, const void *data, size_t bytes) {
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, bytes, file), bytes);
    assert_int_equal(fclose(file), 0);
}

// GRADSMITH_SHADER_DIR: a copy of the shader's facts has a new address, so that it is looked up anew.
static void test_override(void **state) {
    fixture *f = *state;
    char folder[256], path[300];
    const char *temporary = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%.200s/gradsmith-XXXXXX", temporary ? temporary : "/tmp");
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/test_bump.spv", folder);
    setenv("GRADSMITH_SHADER_DIR", folder, 1);
    static gs__shader shaders[7]; // must outlive the gpu
    for (int i = 0; i < 7; i++) shaders[i] = gs__shader_test_bump;
    gs__pipeline *pipeline = NULL;

    assert_ok(f, gs__pipeline_get(f->gpu, &shaders[0], NULL, 0, &pipeline)); // no such file
    const gs__shader *s = &gs__shader_test_bump;
    write_file(path, s->words, 4 * s->word_count);
    shaders[1].words = NULL; // only the file can give them
    shaders[1].word_count = 0;
    assert_ok(f, gs__pipeline_get(f->gpu, &shaders[1], NULL, 0, &pipeline));
    write_file(path, s->words, 4 * s->word_count - 1);
    assert_status(f, GS_ERR_FORMAT, gs__pipeline_get(f->gpu, &shaders[2], NULL, 0, &pipeline));
    assert_null(pipeline);
    assert_non_null(strstr(f->error.message, "multiple of 4"));
    write_file(path, s->words + 1, 4 * s->word_count - 4);
    assert_status(f, GS_ERR_FORMAT, gs__pipeline_get(f->gpu, &shaders[3], NULL, 0, &pipeline));
    assert_non_null(strstr(f->error.message, "0x07230203"));
    write_file(path, s->words, 4 * s->word_count - 4);
    assert_status(f, GS_ERR_FORMAT, gs__pipeline_get(f->gpu, &shaders[4], NULL, 0, &pipeline));
    assert_non_null(strstr(f->error.message, "cut off"));
    write_file(path, gs__shader_test_affine.words, 4 * gs__shader_test_affine.word_count);
    assert_status(f, GS_ERR_FORMAT, gs__pipeline_get(f->gpu, &shaders[5], NULL, 0, &pipeline));
    assert_non_null(strstr(f->error.message, "binding"));

    setenv("GRADSMITH_SHADER_DIR", path, 1); // a mistyped folder must not look like a tested kernel
    assert_status(f, GS_ERR_FILE, gs__pipeline_get(f->gpu, &shaders[6], NULL, 0, &pipeline));
    assert_non_null(strstr(f->error.message, "not a folder"));
    unsetenv("GRADSMITH_SHADER_DIR");
    unlink(path);
    rmdir(folder);
}

static void count_statistic(void *user, const char *name, double value) {
    (void)value;
    assert_true(name[0] != 0);
    ++*(uint32_t *)user;
}

static void test_statistics(void **state) {
    fixture *f = *state;
    uint32_t count = 0;
    gs__pipeline *pipeline = pipeline_of(f, &gs__shader_test_bump, NULL, 0);
    assert_status(f, GS_ERR_UNSUPPORTED, gs__pipeline_statistics(pipeline, count_statistic, &count));
    assert_int_equal(count, 0);
    assert_non_null(strstr(f->error.message, "GRADSMITH_KERNEL_STATISTICS"));
}

// That synchronization validation is on: what every other test here relies on. (It says nothing of a write after a
// write by kernels, since these may write different elements.)
static void test_validation_finds_hazard(void **state) {
    (void)state;
    fixture f;
    fixture_open(&f);
    if (f.validated) {
        gs__buffer *x = fixture_buffer(&f, 4096), *y = fixture_buffer(&f, 4096),
                   *state_buffer = fixture_buffer(&f, 256);
        gs__pipeline *pipeline = pipeline_of(&f, &gs__shader_test_affine, NULL, 0);
        gs__commands *commands = fixture_commands(&f, 0);
        gs__range forth[] = {whole(x), whole(y)}, back[] = {whole(y), whole(x)}, uniform = {state_buffer, 0, 256};
        struct gs_push_test_affine push = {16, 1};
        static const uint32_t groups[3] = {1, 1, 1};
        for (int with_barrier = 1; with_barrier >= 0; with_barrier--) {
            assert_ok(&f, gs__commands_begin(commands));
            assert_ok(&f, gs__commands_dispatch(commands, pipeline, forth, &uniform, &push, sizeof push, groups));
            if (with_barrier) gs__commands_barrier(commands, false);
            assert_ok(&f, gs__commands_dispatch(commands, pipeline, back, &uniform, &push, sizeof push, groups));
            assert_ok(&f, gs__commands_end(commands));
            const char *first = NULL;
            uint64_t errors = gs__instance_validation_errors(f.instance, &first);
            if (with_barrier) assert_int_equal(errors, 0);
            else assert_true(errors > 0 && strstr(first, "SYNC-HAZARD"));
        }
        gs__commands_destroy(commands);
        gs__buffer_destroy(x);
        gs__buffer_destroy(y);
        gs__buffer_destroy(state_buffer);
    }
    gs__gpu_close(f.gpu);
    gs__instance_destroy(f.instance);
}

int main(void) {
    int skip = fixture_find_device();
    if (skip) return skip;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dispatch),     cmocka_unit_test(test_texel),      cmocka_unit_test(test_chain),
        cmocka_unit_test(test_many_sets),    cmocka_unit_test(test_timestamps), cmocka_unit_test(test_dispatch_errors),
        cmocka_unit_test(test_range_limits), cmocka_unit_test(test_override),   cmocka_unit_test(test_statistics),
    };
    const struct CMUnitTest staged[] = {cmocka_unit_test(test_dispatch), cmocka_unit_test(test_texel),
                                        cmocka_unit_test(test_chain)};
    const struct CMUnitTest bare[] = {cmocka_unit_test(test_validation_finds_hazard)};
    return cmocka_run_group_tests_name("commands", tests, fixture_setup, fixture_teardown) +
           cmocka_run_group_tests_name("commands staged", staged, fixture_setup_staged, fixture_teardown) +
           cmocka_run_group_tests_name("validation", bare, NULL, NULL);
}
