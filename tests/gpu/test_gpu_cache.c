// Kernels compiled on several threads, and pipelines kept on disk.
#define _XOPEN_SOURCE 700 // nftw
#include "gpu/internal.h"
#include "gpu_fixture.h"
#include "shaders/test_affine.h"
#include "shaders/test_bump.h"

#include <ftw.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { KERNELS = 24 };

static struct VolkDeviceTable real;
static atomic_int compiled;
static int fail_at; // this compilation fails; -1: none

static VKAPI_ATTR VkResult VKAPI_CALL count_compile(VkDevice d, VkPipelineCache c, uint32_t n,
                                                    const VkComputePipelineCreateInfo *i,
                                                    const VkAllocationCallbacks *a, VkPipeline *h) {
    if (atomic_fetch_add(&compiled, 1) == fail_at) return VK_ERROR_OUT_OF_DEVICE_MEMORY;
    return real.vkCreateComputePipelines(d, c, n, i, a, h);
}

static void make_kernels(gs__kernel kernels[KERNELS]) {
    for (uint32_t i = 0; i < KERNELS; i++) {
        kernels[i] = (gs__kernel){.shader = &gs__shader_test_affine, .spec_count = 2};
        const float scale = (float)(i / 2); // each twice
        memcpy(&kernels[i].spec[0], &scale, sizeof scale);
        kernels[i].spec[1] = 1;
    }
    kernels[KERNELS - 1] = (gs__kernel){.shader = &gs__shader_test_bump};
}

static void prepare(void **state) {
    (void)state;
    fixture f;
    gs__kernel kernels[KERNELS];
    gs__pipeline *pipeline;
    fixture_open(&f);
    make_kernels(kernels);
    real = f.gpu->vk;
    f.gpu->vk.vkCreateComputePipelines = count_compile;
    atomic_store(&compiled, 0);
    fail_at = -1;
    assert_ok(&f, gs__pipeline_get(f.gpu, kernels[4].shader, kernels[4].spec, 2, &pipeline));
    assert_int_equal(atomic_load(&compiled), 1);
    assert_ok(&f, gs__pipeline_prepare(f.gpu, kernels, 0));
    assert_ok(&f, gs__pipeline_prepare(f.gpu, kernels, KERNELS));
    assert_int_equal(atomic_load(&compiled), KERNELS / 2 + 1); // none twice
    assert_ok(&f, gs__pipeline_prepare(f.gpu, kernels, KERNELS));
    for (uint32_t i = 0; i < KERNELS; i++) {
        assert_ok(&f, gs__pipeline_get(f.gpu, kernels[i].shader, kernels[i].spec, kernels[i].spec_count, &pipeline));
        assert_ptr_equal(pipeline->shader, kernels[i].shader);
        assert_memory_equal(pipeline->spec, kernels[i].spec, kernels[i].spec_count * sizeof(uint32_t));
    }
    assert_int_equal(atomic_load(&compiled), KERNELS / 2 + 1);
    fixture_close(&f);
}

// A failure on any thread is reported, with the kernel's name; the rest is kept, and it can be tried again.
static void prepare_fails(void **state) {
    (void)state;
    fixture f;
    gs__kernel kernels[KERNELS];
    make_kernels(kernels);
    for (fail_at = 0; fail_at <= KERNELS / 2; fail_at += 3) {
        fixture_open(&f);
        real = f.gpu->vk;
        f.gpu->vk.vkCreateComputePipelines = count_compile;
        atomic_store(&compiled, 0);
        assert_status(&f, GS_ERR_DEVICE_MEMORY, gs__pipeline_prepare(f.gpu, kernels, KERNELS));
        assert_non_null(strstr(f.error.message, "kernel test_"));
        assert_non_null(strstr(f.error.message, "vkCreateComputePipelines failed"));
        assert_int_equal(atomic_load(&compiled), KERNELS / 2 + 1);
        assert_ok(&f, gs__pipeline_prepare(f.gpu, kernels, KERNELS));
        assert_int_equal(atomic_load(&compiled), KERNELS / 2 + 2);
        fixture_close(&f);
    }
    gs__kernel bad = {.shader = &gs__shader_test_affine, .spec_count = GS__MAX_SPEC + 1};
    fixture_open(&f);
    kernels[5] = bad;
    assert_status(&f, GS_ERR_INTERNAL, gs__pipeline_prepare(f.gpu, kernels, KERNELS));
    fixture_close(&f);
}

// --- on disk --------------------------------------------------------------------------------------------------------
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

// CPU drivers keep pipelines elsewhere and give only the header of a cache. Behind it, this gives what a GPU's driver
// would: bytes that mean something to it alone.
static size_t extra_bytes;
static int writes;
static VKAPI_ATTR VkResult VKAPI_CALL give_data(VkDevice d, VkPipelineCache c, size_t *bytes, void *data) {
    size_t header = sizeof(VkPipelineCacheHeaderVersionOne);
    if (!data) {
        *bytes = header + extra_bytes;
        return VK_SUCCESS;
    }
    assert_int_equal(*bytes, header + extra_bytes);
    VkResult result = real.vkGetPipelineCacheData(d, c, &header, data);
    memset((char *)data + sizeof(VkPipelineCacheHeaderVersionOne), 'p', extra_bytes);
    writes++;
    return result == VK_INCOMPLETE ? VK_SUCCESS : result;
}

// A run that compiles a kernel, with a driver that gives `extra` bytes; *found: what it found on disk. Returns how
// often it wrote.
static int run(size_t extra, size_t *found) {
    fixture f;
    gs__pipeline *pipeline;
    fixture_open(&f);
    *found = f.gpu->cached_bytes;
    real = f.gpu->vk;
    f.gpu->vk.vkGetPipelineCacheData = give_data;
    extra_bytes = extra;
    writes = 0;
    assert_ok(&f, gs__pipeline_get(f.gpu, &gs__shader_test_bump, NULL, 0, &pipeline));
    fixture_close(&f);
    return writes;
}

static void kept_on_disk(void **state) {
    (void)state;
    const size_t header = sizeof(VkPipelineCacheHeaderVersionOne);
    size_t found;
    assert_int_equal(run(0, &found), 0); // a header alone is not worth a file
    assert_int_equal(found, 0);
    assert_int_equal(run(1000, &found), 1);
    assert_int_equal(found, 0);
    assert_int_equal(run(1000, &found), 0); // nothing new
    assert_int_equal(found, header + 1000);
    assert_int_equal(run(2000, &found), 1);
    assert_int_equal(found, header + 1000);
    assert_int_equal(run(2000, &found), 0);
    assert_int_equal(found, header + 2000);
}

// The one file of the cache.
static char file_path[1024];
static int find_file(const char *path, const struct stat *info, int kind, struct FTW *place) {
    (void)info, (void)place;
    if (kind == FTW_F) snprintf(file_path, sizeof file_path, "%s", path);
    return 0;
}

static void damaged_on_disk(void **state) {
    (void)state;
    size_t found;
    assert_int_equal(run(3000, &found), 1);
    assert_int_equal(nftw(folder, find_file, 8, FTW_PHYS), 0);
    FILE *file = fopen(file_path, "r+b");
    assert_non_null(file);
    assert_int_equal(fseek(file, 500, SEEK_SET), 0);
    fputc('x', file);
    fclose(file);
    assert_int_equal(run(3000, &found), 1); // ignored and made again
    assert_int_equal(found, 0);
    assert_int_equal(run(3000, &found), 0);
    assert_true(found > 3000);
    // Another driver's file.
    fixture f;
    fixture_open(&f);
    char *data = NULL;
    size_t bytes = 0;
    f.gpu->device_key[0] ^= 1;
    assert_false(gs__gpu_cache_read(f.gpu, "pipelines", &data, &bytes));
    f.gpu->device_key[0] ^= 1;
    assert_true(gs__gpu_cache_read(f.gpu, "pipelines", &data, &bytes));
    free(data);
    assert_true(gs__gpu_cache_write(f.gpu, "other", "text", 4));
    fixture_close(&f);
}

static void without_cache(void **state) {
    (void)state;
    size_t found;
    setenv("GRADSMITH_CACHE", "off", 1);
    assert_int_equal(run(1000, &found), 0);
    assert_int_equal(run(1000, &found), 0);
    assert_int_equal(found, 0);
    setenv("GRADSMITH_CACHE", "/dev/null/no/such/folder", 1);
    assert_int_equal(run(1000, &found), 1); // tries; training goes on without
    assert_int_equal(found, 0);
    setenv("GRADSMITH_CACHE", folder, 1);
}

int main(void) {
    int skip = fixture_find_device();
    if (skip) return skip;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prepare),         cmocka_unit_test(prepare_fails), cmocka_unit_test(kept_on_disk),
        cmocka_unit_test(damaged_on_disk), cmocka_unit_test(without_cache),
    };
    return cmocka_run_group_tests_name("gpu cache", tests, folder_setup, folder_teardown);
}
