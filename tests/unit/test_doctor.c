// What the examination of a device rests on: the table of known drivers, tolerances, the choice, what every op is checked
// by. Runs no device.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "doctor/doctor.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const gs__known_driver *find(const gs__known_drivers *known, const gs_device_info *device) {
    for (uint32_t i = 0; i < known->count; i++)
        if (gs__known_driver_matches(&known->entries[i], device)) return &known->entries[i];
    return NULL;
}

// Every entry can match something, says where it is from, and no two have a name in common.
static void table(void **state) {
    (void)state;
    static const char *const affects[] = {"start", "compute", "float16", "cooperative matrix", "subgroups"};
    gs__error error = {0};
    gs__known_drivers known;
    if (gs__known_drivers_read(&error, &known) != GS_OK) fail_msg("%s", error.message);
    assert_in_range(known.count, 5, 100);
    for (uint32_t i = 0; i < known.count; i++) {
        const gs__known_driver *e = &known.entries[i];
        bool is_known = false;
        for (size_t k = 0; k < sizeof affects / sizeof *affects; k++)
            is_known = is_known || strcmp(e->public.affects, affects[k]) == 0;
        if (!is_known) fail_msg("%s affects \"%s\"", e->public.id, e->public.affects);
        assert_true(e->driver || e->device); // not every device of a vendor
        assert_int_equal(strncmp(e->public.source, "https://", 8), 0);
        assert_true(strlen(e->public.what) > 20 && strlen(e->public.advice) > 10);
        for (uint32_t k = 0; k < i; k++) assert_string_not_equal(e->public.id, known.entries[k].public.id);
    }
    gs__known_drivers_deinit(&known);
    gs__known_drivers_deinit(&known);
}

static void matches(void **state) {
    (void)state;
    gs__error error = {0};
    gs__known_drivers known;
    assert_int_equal(gs__known_drivers_read(&error, &known), GS_OK);
    const gs_device_info dozen = {
        .name = "Microsoft Direct3D12 (NVIDIA)", .vendor_id = 0x10de, .driver = "Dozen Mesa 26"};
    const gs_device_info radv = {
        .name = "AMD Radeon RX 7800 XT (RADV NAVI32)", .vendor_id = 0x1002, .driver = "radv Mesa 25"};
    const gs_device_info lavapipe = {
        .name = "llvmpipe (LLVM 15)", .vendor_id = 0x10005, .type = GS_DEVICE_CPU, .driver = "llvmpipe Mesa 22.3.6"};
    const gs_device_info adreno = {
        .name = "Adreno (TM) 830", .vendor_id = 0x5143, .driver = "Qualcomm Technologies Inc. Adreno Vulkan Driver"};
    const gs_device_info molten = {.name = "AMD Radeon Pro 5500M", .vendor_id = 0x1002, .driver = "moltenvk 1.4.1"};
    const gs_device_info molten_m1 = {.name = "Apple M1", .vendor_id = 0x106b, .driver = "MoltenVK 1.4.1"};
    assert_string_equal(find(&known, &dozen)->public.id, "dozen-not-conformant");
    assert_string_equal(find(&known, &adreno)->public.id, "adreno-shader-compiler");
    assert_string_equal(find(&known, &molten)->public.id, "moltenvk-amd-subgroups");
    assert_null(find(&known, &radv));
    assert_null(find(&known, &lavapipe));
    assert_null(find(&known, &molten_m1));
    gs__known_drivers_deinit(&known);
}

// A rounding of each of some operations passes; one part in a thousand does not, but for noise.
static void tolerance(void **state) {
    (void)state;
    const gs_op *matmul = gs__op_find("matmul"), *noise = gs__op_find("gaussian_noise"), *adam = gs__op_find("adam");
    assert_true(gs__doctor_tolerance(matmul, 1, 1, false) > 8 * 0x1p-24);
    assert_true(gs__doctor_tolerance(matmul, 1, 1, false) < 1e-4);
    assert_true(gs__doctor_tolerance(noise, 1, 3, false) > 0x1p-11);
    // The state of an optimizer may be tiny, and is not lost in an absolute part.
    assert_true(gs__doctor_tolerance(adam, 1e-8, 1e-8, true) < 1e-11);
}

static void recommends(void **state) {
    (void)state;
    uint32_t index = 9;
    char reason[200];
    gs_doctor_report a = {.safe = true, .large_batch_samples_per_second = 100}, b = a, c = a;
    const gs_doctor_report *const reports[] = {&a, &b, &c};
    b.large_batch_samples_per_second = 300;
    c.safe = false;
    c.large_batch_samples_per_second = 900;
    assert_true(gs_doctor_recommend(reports, 3, &index, reason, sizeof reason));
    assert_int_equal(index, 1);
    assert_non_null(strstr(reason, "fastest of 2 safe devices: 300 samples/s"));
    b.safe = false;
    assert_true(gs_doctor_recommend(reports, 3, &index, reason, sizeof reason));
    assert_int_equal(index, 0);
    assert_non_null(strstr(reason, "only one"));
    a.safe = false;
    assert_false(gs_doctor_recommend(reports, 3, &index, reason, sizeof reason));
    assert_false(gs_doctor_recommend(reports, 0, &index, reason, sizeof reason));
}

static void settles(void **state) {
    (void)state;
    gs__doctor_checks *checks = calloc(1, sizeof *checks);
    assert_non_null(checks);
    // 10 was computed from what 70 left, 11 from what 71 left; only 70 is wrong by itself.
    checks->entries[70].wrong = 3;
    checks->entries[10].behind_wrong = checks->entries[11].behind_wrong = 5;
    checks->entries[10].behind[1] = UINT64_C(1) << 6;
    checks->entries[11].behind[1] = UINT64_C(1) << 7;
    strcpy(checks->entries[11].behind_place, "there");
    gs__doctor_settle(checks);
    assert_int_equal(checks->entries[10].wrong, 0);
    assert_int_equal(checks->entries[11].wrong, 5);
    assert_string_equal(checks->entries[11].place, "there");
    free(checks);
}

// The table of ops has room, and each op has a reference to be compared with.
static void has_references(void **state) {
    (void)state;
    uint32_t count;
    const gs_op *const *ops = gs__op_table(&count);
    assert_in_range(count, 50, GS__DOCTOR_MAX_OPS);
    for (uint32_t i = 0; i < count; i++) {
        if (!ops[i]->view && !ops[i]->ref_forward) fail_msg("%s has no reference", ops[i]->name);
        if (ops[i]->backward && !ops[i]->view && !ops[i]->ref_backward) fail_msg("%s has none backward", ops[i]->name);
    }
}

static void look_at(const char *release, const char *command) {
    char path[] = "/tmp/gradsmith-release-XXXXXX";
    const int file = mkstemp(path);
    gs_doctor_system system;
    assert_true(file >= 0);
    assert_int_equal(write(file, release, strlen(release)), (ssize_t)strlen(release));
    close(file);
    setenv("GRADSMITH_OS_RELEASE", path, 1);
    gs_doctor_look(NULL, 0, &system);
    unsetenv("GRADSMITH_OS_RELEASE");
    unlink(path);
    if (strncmp(system.install_command, command, strlen(command)) != 0)
        fail_msg("\"%s\", expected \"%s\"", system.install_command, command);
    bool advised = false;
    for (uint32_t i = 0; i < system.advice_count; i++)
        advised = advised || strstr(system.advice[i], system.install_command);
    assert_true(advised);
}

static void knows_systems(void **state) {
    (void)state;
    look_at("PRETTY_NAME=\"Debian GNU/Linux 12\"\nID=debian\n", "apt install libvulkan1 mesa-vulkan-drivers");
    look_at("ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n", "apt install libvulkan1 mesa-vulkan-drivers");
    look_at("ID=fedora\n", "dnf install vulkan-loader mesa-vulkan-drivers");
    look_at("ID='arch'\n", "pacman -S vulkan-icd-loader vulkan-swrast");
    look_at("ID=endeavouros\nID_LIKE=arch\n", "pacman -S vulkan-icd-loader vulkan-swrast");
    look_at("ID=opensuse-tumbleweed\nID_LIKE=\"opensuse suse\"\n", "zypper install libvulkan1");
    look_at("ID=other\n", "your system's packages");
    look_at("", "your system's packages");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table),         cmocka_unit_test(matches), cmocka_unit_test(tolerance),
        cmocka_unit_test(recommends),    cmocka_unit_test(settles), cmocka_unit_test(has_references),
        cmocka_unit_test(knows_systems),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
