// What AMD's compiler says of a kernel, on a null device of Mesa's radv: no AMD GPU is needed.
#include "gpu/gpu.h"
#include "shaders/test_affine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

typedef struct statistics {
    uint32_t count;
    double registers, spills, instructions; // -1: not seen
} statistics;

static void visit(void *user, const char *name, double value) {
    statistics *s = user;
    s->count++;
    if (strcmp(name, "VGPRs") == 0) s->registers = value;
    if (strcmp(name, "Spilled VGPRs") == 0) s->spills = value;
    if (strcmp(name, "Instructions") == 0) s->instructions = value;
    print_message("  %s: %g\n", name, value);
}

static void test_radv(void **state) {
    (void)state;
    gs__error error = {0};
    gs__instance *instance = NULL;
    gs__gpu *gpu = NULL;
    gs__pipeline *pipeline = NULL;
    gs_device_info info;
    uint32_t count;
    assert_int_equal(gs__instance_create(&error, NULL, &instance), GS_OK);
    assert_int_equal(gs__instance_list(&error, instance, &info, 1, &count), GS_OK);
    assert_string_equal(info.vendor, "AMD");
    assert_int_equal(gs__gpu_open(&error, instance, 0, &gpu), GS_OK);
    double instructions[2];
    for (int i = 0; i < 2; i++) {
        // Twenty rounds of the loop are unrolled or counted; none is less code.
        uint32_t spec[] = {0x40000000, i ? 20 : 0};
        statistics s = {0, -1, -1, -1};
        assert_int_equal(gs__pipeline_get(gpu, &gs__shader_test_affine, spec, 2, &pipeline), GS_OK);
        assert_int_equal(gs__pipeline_statistics(pipeline, visit, &s), GS_OK);
        assert_true(s.count >= 3);
        assert_true(s.registers > 0 && s.registers <= 256);
        assert_true(s.spills == 0);
        instructions[i] = s.instructions;
    }
    assert_true(instructions[0] > 0 && instructions[1] > instructions[0]);
    gs__gpu_close(gpu);
    gs__instance_destroy(instance);
}

int main(void) {
    static const char *const paths[] = {"/usr/share/vulkan/icd.d/radeon_icd.x86_64.json",
                                        "/usr/share/vulkan/icd.d/radeon_icd.aarch64.json",
                                        "/usr/share/vulkan/icd.d/radeon_icd.json"};
    const char *path = NULL;
    for (int i = 0; i < 3 && !path; i++)
        if (access(paths[i], R_OK) == 0) path = paths[i];
    if (!path) {
        fprintf(stderr, "skipped: Mesa's radv is not installed (Debian package mesa-vulkan-drivers)\n");
        return 77;
    }
    setenv("VK_DRIVER_FILES", path, 1);
    setenv("VK_ICD_FILENAMES", path, 1);
    setenv("RADV_FORCE_FAMILY", "navi21", 1);
    setenv("GRADSMITH_KERNEL_STATISTICS", "1", 1);
    const char *temporary = getenv("TMPDIR");
    if (!getenv("XDG_RUNTIME_DIR")) setenv("XDG_RUNTIME_DIR", temporary ? temporary : "/tmp", 1);
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_radv)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
