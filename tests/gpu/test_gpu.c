// Instance, device and buffers.
#include "gpu_fixture.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void test_list(void **state) {
    fixture *f = *state;
    uint32_t count = 0, again = 0;
    assert_ok(f, gs__instance_list(&f->error, f->instance, NULL, 0, &count));
    assert_true(count > 0);
    gs_device_info *infos = calloc(count + 1, sizeof *infos);
    assert_non_null(infos);
    infos[count - 1].index = 999;
    assert_ok(f, gs__instance_list(&f->error, f->instance, infos, count - 1, &again));
    assert_int_equal(again, count);
    assert_int_equal(infos[count - 1].index, 999); // capacity is respected
    assert_ok(f, gs__instance_list(&f->error, f->instance, infos, count + 1, &again));
    for (uint32_t i = 0; i < count; i++) {
        assert_int_equal(infos[i].index, i);
        assert_true(infos[i].name[0] && infos[i].vendor[0] && infos[i].driver[0] && infos[i].driver_version[0]);
        assert_true(infos[i].memory_bytes > 0);
        assert_true(infos[i].subgroup_size >= 1 && infos[i].subgroup_size <= 128);
        unsigned major, minor;
        assert_int_equal(sscanf(infos[i].api_version, "%u.%u.", &major, &minor), 2);
        assert_true(major >= 1);
    }
    free(infos);
}

static void test_caps(void **state) {
    fixture *f = *state;
    const gs__gpu_caps *caps = gs__gpu_get_caps(f->gpu);
    // What Vulkan guarantees.
    assert_true(caps->max_storage_range >= UINT64_C(1) << 27);
    assert_true(caps->max_buffer_bytes >= UINT64_C(1) << 27);
    assert_true(caps->max_shared_bytes >= 16384);
    assert_true(caps->max_invocations >= 128);
    assert_true(caps->max_texel_elements >= 65536);
    for (int i = 0; i < 3; i++) assert_true(caps->max_groups[i] >= 65535);
    assert_true(caps->offset_align >= 256 && (caps->offset_align & (caps->offset_align - 1)) == 0);
    if (caps->timestamps) assert_true(caps->timestamp_ns > 0);
    if (caps->info.type == GS_DEVICE_CPU) assert_int_equal(caps->kernel_class, GS__KERNELS_CPU);
    assert_ptr_equal(gs__gpu_error(f->gpu), &f->error);
}

static void test_environment(void **state) {
    fixture *f = *state;
    gs__gpu *gpu = NULL;
    uint32_t index = gs__gpu_get_caps(f->gpu)->info.index;
    setenv("GRADSMITH_KERNELS", "gpu", 1);
    assert_ok(f, gs__gpu_open(&f->error, f->instance, index, &gpu));
    assert_int_equal(gs__gpu_get_caps(gpu)->kernel_class, GS__KERNELS_GPU);
    gs__gpu_close(gpu);
    setenv("GRADSMITH_KERNELS", "cpu", 1);
    assert_ok(f, gs__gpu_open(&f->error, f->instance, index, &gpu));
    assert_int_equal(gs__gpu_get_caps(gpu)->kernel_class, GS__KERNELS_CPU);
    gs__gpu_close(gpu);
    setenv("GRADSMITH_KERNELS", "fast", 1);
    assert_status(f, GS_ERR_ARGUMENT, gs__gpu_open(&f->error, f->instance, index, &gpu));
    assert_null(gpu);
    assert_string_equal(f->error.message, "GRADSMITH_KERNELS=fast: expected gpu or cpu or integrated or gcn");
    unsetenv("GRADSMITH_KERNELS");

    setenv("GRADSMITH_DEVICE", "no such device", 1);
    assert_status(f, GS_ERR_ARGUMENT, gs__instance_choose(&f->error, f->instance, NULL, &index, NULL, 0));
    assert_non_null(strstr(f->error.message, "GRADSMITH_DEVICE"));
    unsetenv("GRADSMITH_DEVICE");
}

static void test_open_errors(void **state) {
    fixture *f = *state;
    gs__gpu *gpu = NULL;
    assert_status(f, GS_ERR_ARGUMENT, gs__gpu_open(&f->error, f->instance, 1000, &gpu));
    assert_null(gpu);
    assert_non_null(strstr(f->error.message, "1000"));
    uint32_t index;
    assert_status(f, GS_ERR_ARGUMENT, gs__instance_choose(&f->error, f->instance, "1000", &index, NULL, 0));
    assert_non_null(strstr(f->error.message, gs__gpu_get_caps(f->gpu)->info.name));
    gs__gpu_close(NULL);
    gs__instance_destroy(NULL);
    gs__buffer_destroy(NULL);
    gs__commands_destroy(NULL);
}

static uint8_t byte_at(uint64_t i) {
    return (uint8_t)(i * 2654435761u >> 13 ^ i);
}

// Bytes and offsets that are no multiple of anything, and more than one staging chunk.
static void test_round_trip(void **state) {
    fixture *f = *state;
    static const uint64_t sizes[] = {1, 3, 16, 17, 4095, 4097, 1000003, (4 << 20) + 5, (9 << 20) + 1};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        uint64_t bytes = sizes[s];
        uint8_t *data = malloc(bytes), *back = malloc(bytes);
        assert_true(data && back);
        memset(back, 1, bytes);
        gs__buffer *buffer = fixture_buffer(f, bytes);
        assert_int_equal(gs__buffer_bytes(buffer), bytes);
        assert_ok(f, gs__buffer_read(buffer, 0, back, bytes));
        for (uint64_t i = 0; i < bytes; i++) assert_int_equal(back[i], 0); // zero-filled
        for (uint64_t i = 0; i < bytes; i++) data[i] = byte_at(i);
        assert_ok(f, gs__buffer_write(buffer, 0, data, bytes));
        assert_ok(f, gs__buffer_read(buffer, 0, back, bytes));
        assert_memory_equal(data, back, bytes);
        // A part, with what is around it unchanged.
        uint64_t offset = bytes / 3, part = bytes / 2;
        for (uint64_t i = 0; i < part; i++) data[offset + i] ^= 0x5A;
        assert_ok(f, gs__buffer_write(buffer, offset, data + offset, part));
        assert_ok(f, gs__buffer_read(buffer, 0, back, bytes));
        assert_memory_equal(data, back, bytes);
        memset(back, 0, bytes);
        assert_ok(f, gs__buffer_read(buffer, offset, back, part));
        assert_memory_equal(data + offset, back, part);
        gs__buffer_destroy(buffer);
        free(data);
        free(back);
    }
}

static void test_map(void **state) {
    fixture *f = *state;
    gs__buffer *buffer = fixture_buffer(f, 1000), *readback = NULL;
    assert_int_equal(gs__buffer_map(buffer) != NULL, gs__gpu_get_caps(f->gpu)->unified);
    assert_ok(f, gs__buffer_create(f->gpu, GS__MEMORY_READBACK, 1000, NULL, &readback));
    uint8_t *map = gs__buffer_map(readback), byte = 0;
    assert_non_null(map);
    assert_int_equal(map[999], 0);
    map[999] = 7;
    assert_ok(f, gs__buffer_read(readback, 999, &byte, 1));
    assert_int_equal(byte, 7);
    gs__buffer_destroy(buffer);
    gs__buffer_destroy(readback);
}

static void test_buffer_errors(void **state) {
    fixture *f = *state;
    gs__buffer *buffer = NULL;
    char byte = 0, text[64];
    assert_status(f, GS_ERR_ARGUMENT, gs__buffer_create(f->gpu, GS__MEMORY_DEVICE, 0, "weights", &buffer));
    static const uint64_t huge[] = {UINT64_C(1) << 50, UINT64_MAX, UINT64_MAX - 7};
    for (int i = 0; i < 3; i++) {
        assert_status(f, GS_ERR_DEVICE_MEMORY,
                      gs__buffer_create(f->gpu, GS__MEMORY_DEVICE, huge[i], "weights", &buffer));
        assert_null(buffer);
        snprintf(text, sizeof text, "weights needs %llu bytes", (unsigned long long)huge[i]);
        assert_non_null(strstr(f->error.message, text));
        snprintf(text, sizeof text, "has %.1f MiB", (double)gs__gpu_get_caps(f->gpu)->info.memory_bytes / 1048576.0);
        assert_non_null(strstr(f->error.message, text));
    }
    uint64_t past = gs__gpu_get_caps(f->gpu)->max_buffer_bytes + 1;
    assert_status(f, GS_ERR_DEVICE_MEMORY, gs__buffer_create(f->gpu, GS__MEMORY_DEVICE, past, "weights", &buffer));

    buffer = fixture_buffer(f, 100);
    assert_status(f, GS_ERR_ARGUMENT, gs__buffer_write(buffer, 100, &byte, 1));
    assert_status(f, GS_ERR_ARGUMENT, gs__buffer_read(buffer, 1, &byte, 100));
    assert_status(f, GS_ERR_ARGUMENT, gs__buffer_read(buffer, UINT64_MAX, &byte, 2));
    assert_ok(f, gs__buffer_write(buffer, 100, &byte, 0));
    gs__buffer_destroy(buffer);
}

// Two instances, each with its own device, used at once.
static void *use_device(void *argument) {
    gs__error error = {0};
    gs__instance *instance = NULL;
    gs__gpu *gpu = NULL;
    gs__buffer *buffer = NULL;
    uint32_t index;
    int *failed = argument;
    *failed = 1;
    for (int round = 0; round < 3; round++) {
        uint32_t out = 0, in = 17u + (uint32_t)round;
        if (gs__instance_create(&error, NULL, &instance) != GS_OK) return NULL;
        if (gs__instance_choose(&error, instance, NULL, &index, NULL, 0) != GS_OK) return NULL;
        if (gs__gpu_open(&error, instance, index, &gpu) != GS_OK) return NULL;
        for (int i = 0; i < 10; i++) {
            if (gs__buffer_create(gpu, GS__MEMORY_DEVICE, 4096, "thread", &buffer) != GS_OK) return NULL;
            if (gs__buffer_write(buffer, 4092, &in, 4) != GS_OK) return NULL;
            if (gs__buffer_read(buffer, 4092, &out, 4) != GS_OK || out != in) return NULL;
            gs__buffer_destroy(buffer);
        }
        gs__gpu_close(gpu);
        gs__instance_destroy(instance);
    }
    *failed = 0;
    return NULL;
}

static void test_threads(void **state) {
    (void)state;
    enum { THREADS = 3 };
    pthread_t threads[THREADS];
    int failed[THREADS];
    setenv("GRADSMITH_MEMORY", "staged", 1); // submissions too
    for (int i = 0; i < THREADS; i++) assert_int_equal(pthread_create(&threads[i], NULL, use_device, &failed[i]), 0);
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    unsetenv("GRADSMITH_MEMORY");
    for (int i = 0; i < THREADS; i++) assert_int_equal(failed[i], 0);
}

// With nothing but a driver file that does not exist.
static void test_no_driver(void **state) {
    (void)state;
    char *old[2] = {getenv("VK_DRIVER_FILES"), getenv("VK_ICD_FILENAMES")};
    for (int i = 0; i < 2; i++) old[i] = old[i] ? strdup(old[i]) : NULL;
    setenv("VK_DRIVER_FILES", "/nonexistent/driver.json", 1);
    setenv("VK_ICD_FILENAMES", "/nonexistent/driver.json", 1);
    gs__error error = {0};
    gs__instance *instance = NULL;
    uint32_t count = 9;
    gs_status status = gs__instance_create(&error, NULL, &instance);
    if (status == GS_OK) status = gs__instance_list(&error, instance, NULL, 0, &count);
    gs__instance_destroy(instance);
    assert_int_equal(status, GS_ERR_NO_DEVICE);
    assert_non_null(strstr(error.message, "apt install mesa-vulkan-drivers"));
    for (int i = 0; i < 2; i++) {
        const char *name = i == 0 ? "VK_DRIVER_FILES" : "VK_ICD_FILENAMES";
        if (old[i]) setenv(name, old[i], 1);
        else unsetenv(name);
        free(old[i]);
    }
}

int main(void) {
    int skip = fixture_find_device();
    if (skip) return skip;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_list),          cmocka_unit_test(test_caps),       cmocka_unit_test(test_environment),
        cmocka_unit_test(test_open_errors),   cmocka_unit_test(test_round_trip), cmocka_unit_test(test_map),
        cmocka_unit_test(test_buffer_errors),
    };
    const struct CMUnitTest staged[] = {cmocka_unit_test(test_round_trip), cmocka_unit_test(test_map),
                                        cmocka_unit_test(test_buffer_errors)};
    const struct CMUnitTest bare[] = {cmocka_unit_test(test_threads), cmocka_unit_test(test_no_driver)};
    return cmocka_run_group_tests_name("gpu", tests, fixture_setup, fixture_teardown) +
           cmocka_run_group_tests_name("gpu staged", staged, fixture_setup_staged, fixture_teardown) +
           cmocka_run_group_tests_name("gpu bare", bare, NULL, NULL);
}
