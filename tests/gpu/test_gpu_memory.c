// What is counted, what is free, and memory that the host always sees.
#include "gpu/internal.h"
#include "gpu_fixture.h"

#include <string.h>

static void test_use(void **state) {
    fixture *f = *state;
    const gs__memory_use before = gs__gpu_memory_use(f->gpu);
    gs__buffer *a = fixture_buffer(f, 1000), *b = fixture_buffer(f, 16);
    unsigned char byte = 7;
    assert_ok(f, gs__buffer_write(a, 999, &byte, 1)); // may make a staging buffer, which is not counted
    gs__memory_use use = gs__gpu_memory_use(f->gpu);
    assert_int_equal(use.count, before.count + 2);
    assert_int_equal(use.bytes, before.bytes + 1008 + 16);
    gs__buffer_destroy(a);
    gs__buffer_destroy(b);
    use = gs__gpu_memory_use(f->gpu);
    assert_int_equal(use.count, before.count);
    assert_int_equal(use.bytes, before.bytes);
}

static void test_upload(void **state) {
    fixture *f = *state;
    gs__buffer *buffer = NULL;
    assert_ok(f, gs__buffer_create(f->gpu, GS__MEMORY_UPLOAD, 100, "upload", &buffer));
    unsigned char *map = gs__buffer_map(buffer), read[100];
    assert_non_null(map);
    for (unsigned i = 0; i < 100; i++) map[i] = (unsigned char)(i * 3);
    assert_ok(f, gs__buffer_read(buffer, 0, read, 100));
    assert_memory_equal(map, read, 100);
    gs__buffer_destroy(buffer);
}

// A driver that reports 1000 bytes allowed and `used_bytes` of them used, in every heap.
static uint64_t used_bytes;

static VKAPI_ATTR void VKAPI_CALL report(VkPhysicalDevice device, VkPhysicalDeviceMemoryProperties2 *properties) {
    (void)device;
    VkPhysicalDeviceMemoryBudgetPropertiesEXT *budget = properties->pNext;
    assert_int_equal(budget->sType, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_BUDGET_PROPERTIES_EXT);
    for (uint32_t i = 0; i < VK_MAX_MEMORY_HEAPS; i++) {
        budget->heapBudget[i] = 1000;
        budget->heapUsage[i] = used_bytes;
    }
}

static void test_budget(void **state) {
    fixture *f = *state;
    const uint64_t size = f->gpu->memory.memoryHeaps[f->gpu->main_heap].size;
    const bool has_budget = f->gpu->has_budget;
    f->gpu->has_budget = false;
    const uint64_t all = gs__gpu_memory_free(f->gpu);
    assert_true(all <= size / 10 * 8);
    gs__buffer *buffer = fixture_buffer(f, 1 << 20);
    assert_int_equal(gs__gpu_memory_free(f->gpu), all - (1 << 20));
    gs__buffer_destroy(buffer);

    const PFN_vkGetPhysicalDeviceMemoryProperties2 real = f->instance->vk.GetPhysicalDeviceMemoryProperties2;
    f->instance->vk.GetPhysicalDeviceMemoryProperties2 = report;
    f->gpu->has_budget = true;
    used_bytes = 100;
    assert_int_equal(gs__gpu_memory_free(f->gpu), 810);
    used_bytes = 2000;
    assert_int_equal(gs__gpu_memory_free(f->gpu), 0);
    // Asked for more than there can be: how much is needed, there, and free.
    used_bytes = 1000;
    assert_status(f, GS_ERR_DEVICE_MEMORY,
                  gs__buffer_create(f->gpu, GS__MEMORY_DEVICE, UINT64_C(1) << 50, "moments", &buffer));
    assert_non_null(strstr(f->error.message, "moments needs 1125899906842624 bytes (1073741824.0 MiB)"));
    assert_non_null(strstr(f->error.message, "MiB in this heap, 0.0 MiB of it free"));
    f->instance->vk.GetPhysicalDeviceMemoryProperties2 = real;
    f->gpu->has_budget = has_budget;
    if (has_budget) assert_true(gs__gpu_memory_free(f->gpu) > 0);
}

int main(void) {
    int skip = fixture_find_device();
    if (skip) return skip;
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_use), cmocka_unit_test(test_upload),
                                       cmocka_unit_test(test_budget)};
    return cmocka_run_group_tests_name("memory", tests, fixture_setup, fixture_teardown) +
           cmocka_run_group_tests_name("memory staged", tests, fixture_setup_staged, fixture_teardown);
}
