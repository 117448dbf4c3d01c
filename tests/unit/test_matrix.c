// The tiles of products on matrix units, for the fragments and limits that kinds of devices have. No device is opened.
#include "plan/matrix.h"
#include "shaders.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct {
    const char *name;
    uint32_t subgroup, invocations, shared, least_ways;
    gs__matrix_shape fragment;
} devices[] = {
    {"NVIDIA", 32, 1024, 49152, 3, {16, 16, 16}},      {"NVIDIA", 32, 1024, 49152, 3, {16, 8, 16}},
    {"RDNA 3", 64, 1024, 65536, 3, {16, 16, 16}},      {"RDNA 3, wave32", 32, 1024, 65536, 3, {16, 16, 16}},
    {"Xe2", 16, 1024, 131072, 2, {8, 16, 16}},         {"lavapipe", 8, 1024, 32768, 2, {8, 8, 8}},
    {"least limits", 32, 128, 16384, 1, {16, 16, 16}},
};

static gs__choice ways_of(uint32_t device, gs_precision precision, uint32_t m, uint32_t n) {
    const gs__gpu_caps caps = {.kernel_class = GS__KERNELS_GPU,
                               .max_invocations = devices[device].invocations,
                               .max_shared_bytes = devices[device].shared,
                               .matrix_half = devices[device].fragment,
                               .matrix_bfloat = devices[device].fragment,
                               .matrix_subgroup = devices[device].subgroup};
    gs__choice choice = {0};
    gs__matrix_ways(&caps, &(gs__product){.m = m, .n = n, .k = 64, .precision = precision}, &choice);
    return choice;
}

static void ways_fit(void **state) {
    (void)state;
    for (uint32_t d = 0; d < sizeof devices / sizeof *devices; d++)
        for (gs_precision p = GS_PRECISION_MIXED_FLOAT16; p <= GS_PRECISION_MIXED_BFLOAT16; p++) {
            const gs__choice choice = ways_of(d, p, 1000, 500);
            const gs__matrix_shape f = devices[d].fragment;
            if (choice.way_count < devices[d].least_ways) fail_msg("%s: %u ways", devices[d].name, choice.way_count);
            assert_true(choice.unproven);
            for (uint32_t w = 0; w < choice.way_count; w++) {
                const uint32_t *s = choice.ways[w].spec;
                const uint32_t local = s[GS_SPEC_MATMUL_COOP_HALF_LOCAL_SIZE_X];
                const uint32_t m = s[GS_SPEC_MATMUL_COOP_HALF_TILE_M], n = s[GS_SPEC_MATMUL_COOP_HALF_TILE_N];
                const uint32_t sub_m = s[GS_SPEC_MATMUL_COOP_HALF_SUB_M], sub_n = s[GS_SPEC_MATMUL_COOP_HALF_SUB_N];
                assert_ptr_equal(choice.ways[w].shader, p == GS_PRECISION_MIXED_FLOAT16
                                                            ? &gs__shader_matmul_coop_half
                                                            : &gs__shader_matmul_coop_bfloat);
                // Whole subgroups, whose parts are whole fragments and make up the tile.
                assert_int_equal(local % devices[d].subgroup, 0);
                assert_true(local <= devices[d].invocations && local >= n);
                assert_int_equal(m / sub_m * (n / sub_n), local / devices[d].subgroup);
                assert_true(m % sub_m == 0 && n % sub_n == 0 && sub_m % f.m == 0 && sub_n % f.n == 0);
                assert_int_equal(s[GS_SPEC_MATMUL_COOP_HALF_TILE_K] % f.k, 0);
                assert_int_equal(s[GS_SPEC_MATMUL_COOP_HALF_FRAG_N], f.n);
                assert_int_equal(choice.ways[w].groups, (1000 + m - 1) / m * ((500 + n - 1) / n));
            }
        }
}

// The largest tile where it fills a device, the smallest where none does, no way twice.
static void rule(void **state) {
    (void)state;
    static const struct {
        uint32_t m, n, tile;
    } cases[] = {{4096, 4096, 128}, {512, 512, 64}, {16, 16, 32}, {1, 100000, 128}, {33, 64, 32}};
    for (uint32_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const gs__choice choice = ways_of(0, GS_PRECISION_MIXED_FLOAT16, cases[i].m, cases[i].n);
        assert_int_equal(choice.way_count, 3);
        assert_int_equal(choice.ways[0].spec[GS_SPEC_MATMUL_COOP_HALF_TILE_M], cases[i].tile);
        for (uint32_t w = 1; w < 3; w++)
            for (uint32_t v = 0; v < w; v++) assert_string_not_equal(choice.ways[w].name, choice.ways[v].name);
    }
}

static void trust(void **state) {
    (void)state;
    gs__tuner tuner = {.forced = -1};
    assert_true(gs__shader_matmul_coop_half.matrices && !gs__shader_matmul.matrices);
    assert_false(gs__tuner_tried(&tuner, &gs__shader_matmul_coop_half));
    assert_false(gs__tuner_trusts(&tuner, &gs__shader_matmul_coop_half));
    gs__tuner_prove(&tuner, &gs__shader_matmul_coop_half, false);
    gs__tuner_prove(&tuner, &gs__shader_matmul_coop_bfloat, true);
    gs__tuner_prove(&tuner, &gs__shader_matmul_coop_half, true); // once wrong, never right
    assert_true(gs__tuner_tried(&tuner, &gs__shader_matmul_coop_half));
    assert_false(gs__tuner_trusts(&tuner, &gs__shader_matmul_coop_half));
    assert_true(gs__tuner_trusts(&tuner, &gs__shader_matmul_coop_bfloat));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(ways_fit), cmocka_unit_test(rule), cmocka_unit_test(trust)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
