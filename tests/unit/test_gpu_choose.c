// Which device is chosen, and what the messages say. No device is needed.
#include "gpu/internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define MIB (UINT64_C(1) << 20)

// Devices by short names, so that a case is one line.
static gs_device_info device(char key) {
    switch (key) {
    case 'D':
        return (gs_device_info){.name = "AMD Radeon RX 7900",
                                .type = GS_DEVICE_DISCRETE,
                                .memory_bytes = 20480 * MIB,
                                .api_version = "1.3.1"};
    case 'd':
        return (gs_device_info){
            .name = "NVIDIA GTX 1050", .type = GS_DEVICE_DISCRETE, .memory_bytes = 2048 * MIB, .api_version = "1.3.2"};
    case 'i':
        return (gs_device_info){
            .name = "Intel UHD", .type = GS_DEVICE_INTEGRATED, .memory_bytes = 65536 * MIB, .api_version = "1.3.3"};
    case 'v':
        return (gs_device_info){
            .name = "Virtio Venus", .type = GS_DEVICE_VIRTUAL, .memory_bytes = 4096 * MIB, .api_version = "1.2.0"};
    case 'c':
        return (gs_device_info){
            .name = "llvmpipe (LLVM)", .type = GS_DEVICE_CPU, .memory_bytes = 99999 * MIB, .api_version = "1.3.4"};
    case 'o':
        return (gs_device_info){
            .name = "Odd", .type = GS_DEVICE_OTHER, .memory_bytes = 99999 * MIB, .api_version = "1.1.0"};
    default: // too old to be used
        return (gs_device_info){
            .name = "Old Radeon", .type = GS_DEVICE_DISCRETE, .memory_bytes = 99999 * MIB, .api_version = "1.0.68"};
    }
}

typedef struct choice {
    const char *devices, *select, *environment;
    int index;        // -1: refused
    const char *text; // the reason, or a part of the message
} choice;

static const choice choices[] = {
    {"c", NULL, NULL, 0, "the only device"},
    {"c", "auto", "auto", 0, "the only device"},
    {"c", "", "", 0, "the only device"},
    {"cid", NULL, NULL, 2, "the only discrete GPU of 3 devices"},
    {"civ", NULL, NULL, 1, "the only integrated GPU of 3 devices"},
    {"cv", NULL, NULL, 1, "the only virtual GPU of 2 devices"},
    {"co", NULL, NULL, 1, "the only other of 2 devices"},
    {"dDi", NULL, NULL, 1, "most memory of 2 discrete GPUs"},
    {"Ddi", NULL, NULL, 0, "most memory of 2 discrete GPUs"},
    {"idd", NULL, NULL, 1, "first of 2 discrete GPUs with equal memory"},
    {"dDD", NULL, NULL, 1, "most memory of 3 discrete GPUs"},
    {"xc", NULL, NULL, 1, "the only device with Vulkan 1.1 or later"},
    {"xci", NULL, NULL, 2, "the only integrated GPU of 2 devices"},
    {"x", NULL, NULL, -1, "update the driver of 0: Old Radeon"},
    // By index, by name; the argument goes before the environment.
    {"cid", "0", NULL, 0, "index 0 was asked for"},
    {"cid", "1", "2", 1, "index 1 was asked for"},
    {"cid", NULL, "0", 0, "GRADSMITH_DEVICE=0"},
    {"cid", "auto", "intel", 1, "GRADSMITH_DEVICE=intel"},
    {"cid", "UHD", NULL, 1, "the name contains \"UHD\""},
    {"cid", "nvidia gtx", NULL, 2, "the name contains \"nvidia gtx\""},
    {"cid", "3", NULL, -1,
     "device 3: no device has this index; there are 3: 0: llvmpipe (LLVM), 1: Intel UHD, 2: NVIDIA"},
    {"c", "1", NULL, -1, "there is 1: 0: llvmpipe (LLVM)"},
    {"c", "99999999999999999999", NULL, -1, "no device has this index"},
    {"cid", NULL, "7", -1, "GRADSMITH_DEVICE=7: no device has this index"},
    {"cid", "matrox", NULL, -1, "device \"matrox\": no device's name contains this; there are 3: 0: llvmpipe"},
    {"Did", "d", NULL, -1, "\"d\": 3 devices' names contain this"},
    {"Did", "ia g", "0", 2, "the name contains \"ia g\""},
    {"Dix", "radeon", NULL, -1,
     "2 devices' names contain this, give more of the name or an index: 0: AMD Radeon RX "
     "7900, 2: Old Radeon"},
    {"cid", "-1", NULL, -1, "no device's name contains this"},
};

static void test_choose(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof choices / sizeof *choices; i++) {
        const choice *c = &choices[i];
        gs_device_info infos[8];
        uint32_t count = (uint32_t)strlen(c->devices), index = 77;
        for (uint32_t k = 0; k < count; k++) {
            infos[k] = device(c->devices[k]);
            infos[k].index = k;
        }
        gs__error error = {0};
        char reason[128] = "";
        gs_status status =
            gs__choose_device(&error, infos, count, c->select, c->environment, &index, reason, sizeof reason);
        const char *text = c->index < 0 ? error.message : reason;
        bool right = c->index < 0 ? status != GS_OK && strstr(text, c->text)
                                  : status == GS_OK && index == (uint32_t)c->index && strcmp(text, c->text) == 0;
        if (!right)
            fail_msg("case %zu (%s): %s, index %u, \"%s\"; expected %d, \"%s\"", i, c->devices, gs_status_name(status),
                     (unsigned)index, text, c->index, c->text);
    }
}

// A list that is longer than a message ends in "...", and nothing is written past a short reason.
static void test_choose_long(void **state) {
    (void)state;
    gs_device_info infos[40];
    for (uint32_t i = 0; i < 40; i++) {
        infos[i] = device('d');
        infos[i].index = i;
        memset(infos[i].name, 'x', sizeof infos[i].name - 1);
    }
    gs__error error = {0};
    uint32_t index;
    assert_int_equal(gs__choose_device(&error, infos, 40, "40", NULL, &index, NULL, 0), GS_ERR_ARGUMENT);
    assert_string_equal(error.message + strlen(error.message) - 3, "...");
    char reason[5] = "abcd";
    assert_int_equal(gs__choose_device(&error, infos, 40, "39", NULL, &index, reason, 3), GS_OK);
    assert_int_equal(index, 39);
    assert_string_equal(reason, "in");
    assert_int_equal(reason[3], 'd');
}

static void test_texts(void **state) {
    (void)state;
    assert_string_equal(gs_device_type_text(GS_DEVICE_DISCRETE), "discrete GPU");
    assert_string_equal(gs_device_type_text(GS_DEVICE_INTEGRATED), "integrated GPU");
    assert_string_equal(gs_device_type_text(GS_DEVICE_VIRTUAL), "virtual GPU");
    assert_string_equal(gs_device_type_text(GS_DEVICE_CPU), "CPU");
    assert_string_equal(gs_device_type_text(GS_DEVICE_OTHER), "other");
    assert_string_equal(gs_device_type_text((gs_device_type)99), "other");

    assert_string_equal(gs__vendor_name(0x10005), "Mesa");
    assert_string_equal(gs__vendor_name(0x1002), "AMD");
    assert_null(gs__vendor_name(0xBEEF));

    static const struct {
        uint32_t vendor, driver, version;
        const char *text;
    } versions[] = {
        {0x10DE, VK_DRIVER_ID_NVIDIA_PROPRIETARY, 550u << 22 | 54u << 14 | 14u << 6, "550.54.14"},
        {0x10DE, 0, 535u << 22 | 129u << 14 | 3u << 6 | 1u, "535.129.03.1"},
        {0x10DE, 24 /* Mesa NVK */, 24u << 22 | 1u << 12 | 3u, "24.1.3"},
        {0x8086, VK_DRIVER_ID_INTEL_PROPRIETARY_WINDOWS, 101u << 14 | 5186u, "101.5186"},
        {0x8086, VK_DRIVER_ID_INTEL_OPEN_SOURCE_MESA, 22u << 22 | 3u << 12 | 6u, "22.3.6"},
        {0x1002, 0, 2u << 22 | 0u << 12 | 279u, "2.0.279"},
    };
    for (size_t i = 0; i < sizeof versions / sizeof *versions; i++) {
        char text[32];
        gs__driver_version_text(versions[i].vendor, versions[i].driver, versions[i].version, text, sizeof text);
        assert_string_equal(text, versions[i].text);
    }
}

static void test_results(void **state) {
    (void)state;
    assert_int_equal(gs__result_status(VK_SUCCESS), GS_OK);
    assert_int_equal(gs__result_status(VK_ERROR_DEVICE_LOST), GS_ERR_DEVICE_LOST);
    assert_int_equal(gs__result_status(VK_ERROR_OUT_OF_DEVICE_MEMORY), GS_ERR_DEVICE_MEMORY);
    assert_int_equal(gs__result_status(VK_ERROR_OUT_OF_HOST_MEMORY), GS_ERR_MEMORY);
    assert_int_equal(gs__result_status(VK_ERROR_UNKNOWN), GS_ERR_DEVICE);
    assert_string_equal(gs__result_name(VK_ERROR_DEVICE_LOST), "VK_ERROR_DEVICE_LOST");

    // The call's name is taken from its text; a lost device stays lost.
    gs__error error = {0};
    gs__gpu gpu = {.error = &error, .caps.info.name = "some device"};
    assert_int_equal(gs__vk_check(&gpu, VK_ERROR_UNKNOWN, "gpu->vk.vkQueueSubmit(gpu->queue, 1)"), GS_ERR_DEVICE);
    assert_string_equal(error.message, "vkQueueSubmit failed on some device: VK_ERROR_UNKNOWN (-13)");
    assert_int_equal(gs__gpu_check(&gpu), GS_OK);
    assert_int_equal(gs__vk_check(&gpu, VK_ERROR_DEVICE_LOST, "gpu->instance->vk.CreateDevice(a)"), GS_ERR_DEVICE_LOST);
    assert_non_null(strstr(error.message, "device lost: vkCreateDevice on some device"));
    error.message[0] = 0;
    assert_int_equal(gs__gpu_check(&gpu), GS_ERR_DEVICE_LOST);
    assert_non_null(strstr(error.message, "device lost: vkCreateDevice"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_choose),
        cmocka_unit_test(test_choose_long),
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_results),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
