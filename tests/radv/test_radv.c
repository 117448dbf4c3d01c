// Every kernel through AMD's compiler (ACO) on a null device of Mesa's radv, so no AMD GPU is needed: no spills. Which
// specializations to compile is taken from plans made on a CPU driver, for the kernels of both classes.
// GRADSMITH_TEST_RADV=FILE: the manifest of a newer radv than the one that is installed (Mesa 25).
#include "context/context.h"
#include "gpu/internal.h"
#include "plan/matrix.h"
#include "plan/tune.h"
#include "shaders.h"
#include "train/session.h"
#include <gradsmith/gradsmith.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

// Every shader of the library, by the build's list.
#define X(name) extern const gs__shader gs__shader_##name;
#include "shader_list.inc"
#undef X
static const gs__shader *const all_shaders[] = {
#define X(name) &gs__shader_##name,
#include "shader_list.inc"
#undef X
};

enum { MAX_KERNELS = 1024, ROWS = 40, LONG = 1200 };

enum { FIRST_TILE_SPEC = GS_SPEC_MATMUL_TILE_M, MAX_TILES = 64 };
_Static_assert((int)GS_SPEC_MATMUL_TILE_M == (int)GS_SPEC_MATMUL_GRADIENTS_TILE_M, "tiles of matmul_gpu.glsl");

struct kernel {
    const gs__shader *shader;
    uint32_t spec[GS__MAX_SPEC], spec_count;
};

static struct kernel kernels[MAX_KERNELS];
static uint32_t kernel_count;
static const char *radv_icd, *lavapipe_icd;
static bool newer_radv;

static void ok(gs_context *context, gs_status status) {
    if (status != GS_OK) fail_msg("%s: %s", gs_status_name(status), gs_context_message(context));
}

static void add_kernel(const gs__pipeline *p) {
    struct kernel k = {p->shader, {0}, p->spec_count};
    memcpy(k.spec, p->spec, p->spec_count * sizeof *p->spec);
    for (uint32_t i = 0; i < kernel_count; i++)
        if (memcmp(&kernels[i], &k, sizeof k) == 0) return;
    assert_true(kernel_count < MAX_KERNELS);
    kernels[kernel_count++] = k;
}

static void collect(gs_context *context) {
    gs__gpu *gpu;
    ok(context, gs__context_gpu(context, &gpu));
    for (const gs__pipeline *p = gpu->pipelines; p; p = p->next) add_kernel(p);
}

struct recipe {
    const char *layers;
    gs_dtype x_dtype;
    bool classes; // targets are class indices, else float rows
    uint32_t features, outputs;
    gs_compile_params compile;
};

static const struct recipe recipes[] = {
    {"784 dense:64:relu dropout:0.2 dense:10", GS_U8, true, 784, 10, {.optimizer = {.kind = GS_OPTIMIZER_ADAM}}},
    {"784 dense:512:relu dropout:0.2 dense:512:relu dense:10",
     GS_U8,
     true,
     784,
     10,
     {.optimizer = {.kind = GS_OPTIMIZER_ADAMW}, .metrics = {{GS_METRIC_ACCURACY, 0}, {GS_METRIC_TOP_K, 3}}}},
    {"13 dense:33:gelu dense:17:silu dropout:0.5 dense:9:elu dense:8:leaky_relu dense:7:softplus dense:5:softmax",
     GS_F32,
     false,
     13,
     5,
     {.optimizer = {.kind = GS_OPTIMIZER_RMSPROP, .momentum = 0.9f},
      .loss = {.kind = GS_LOSS_CATEGORICAL_CROSSENTROPY, .from_probabilities = true},
      .metrics = {{GS_METRIC_ACCURACY, 0}}}},
    {"1200 dense:8:relu dense:4",
     GS_F32,
     false,
     LONG,
     4,
     {.optimizer = {.kind = GS_OPTIMIZER_SGD, .accumulate = 2}, .loss = {.kind = GS_LOSS_MSE}}},
    {"13 dense:32:tanh dense:16:tanh dense:2",
     GS_F32,
     false,
     13,
     2,
     {.optimizer = {.kind = GS_OPTIMIZER_SGD, .momentum = 0.9f, .nesterov = true},
      .loss = {.kind = GS_LOSS_MSE},
      .metrics = {{GS_METRIC_MSE, 0}, {GS_METRIC_MAE, 0}}}},
    {"12 dense:8:sigmoid dense:4",
     GS_F32,
     false,
     12,
     4,
     {.optimizer = {.kind = GS_OPTIMIZER_SGD}, .loss = {.kind = GS_LOSS_BINARY_CROSSENTROPY}}},
    {"12 embedding:20:8 lstm:5:sequences simple_rnn:4:sequences gru:6 dense:4",
     GS_F32,
     false,
     12,
     4,
     {.optimizer = {.kind = GS_OPTIMIZER_SGD}, .loss = {.kind = GS_LOSS_MSE}}},
    {"12 dense:8 batch_normalization activation:relu rescaling:2 layer_normalization dense:7 group_normalization:1 "
     "dense:4",
     GS_F32,
     false,
     12,
     4,
     {.optimizer = {.kind = GS_OPTIMIZER_SGD}, .loss = {.kind = GS_LOSS_MSE}}},
    {"12 dense:8:relu dense:4",
     GS_F32,
     false,
     12,
     4,
     {.optimizer = {.kind = GS_OPTIMIZER_RMSPROP}, .loss = {.kind = GS_LOSS_HUBER}}},
    {"12 dense:8:relu dense:4",
     GS_F32,
     false,
     12,
     4,
     {.optimizer = {.kind = GS_OPTIMIZER_ADAM, .paper_epsilon = true}, .loss = {.kind = GS_LOSS_MAE}}},
    {"12 dense:8:relu dense:4", GS_F32, true, 12, 4, {.optimizer = {.kind = GS_OPTIMIZER_ADAM}}},
    {"12 dense:8:relu dense:3",
     GS_F32,
     true,
     12,
     3,
     {.optimizer = {.kind = GS_OPTIMIZER_SGD}, .loss = {.ignores = true, .ignore_class = -1}}},
    {"12 dense:8:relu dense:1",
     GS_F32,
     false,
     12,
     1,
     {.optimizer = {.kind = GS_OPTIMIZER_SGD},
      .loss = {.kind = GS_LOSS_BINARY_CROSSENTROPY},
      .metrics = {{.kind = GS_METRIC_AUC}, {.kind = GS_METRIC_PRECISION}, {.kind = GS_METRIC_R2}}}},
    {"12 dense:8:relu dense:4",
     GS_F32,
     false,
     12,
     4,
     {.optimizer = {.kind = GS_OPTIMIZER_SGD}, .loss = {.kind = GS_LOSS_COSINE_SIMILARITY}}},
    {"784 dense:64:relu dropout:0.2 dense:10",
     GS_U8,
     true,
     784,
     10,
     {.optimizer = {.kind = GS_OPTIMIZER_ADAM}, .precision = GS_PRECISION_MIXED_FLOAT16}},
    {"784 dense:512:relu dense:512:relu dense:10",
     GS_U8,
     true,
     784,
     10,
     {.optimizer = {.kind = GS_OPTIMIZER_ADAM}, .precision = GS_PRECISION_MIXED_BFLOAT16}},
    {"8x8x3 conv2d:8:3:relu:same maxpool2d conv2d:4:3 avgpool2d flatten dense:4",
     GS_F32,
     false,
     192,
     4,
     {.optimizer = {.kind = GS_OPTIMIZER_SGD}, .loss = {.kind = GS_LOSS_MSE}}},
    {"8x8x3 depthwise_conv2d:3 conv2d_transpose:4:3:2 upsampling2d:2 zeropadding2d:1 cropping2d:2 "
     "spatial_dropout2d:0.2 "
     "global_avgpool2d dense:4",
     GS_F32,
     false,
     192,
     4,
     {.optimizer = {.kind = GS_OPTIMIZER_SGD}, .loss = {.kind = GS_LOSS_MSE}}},
    {"8x8x3 conv2d:4:3 upsampling2d:2:bilinear global_maxpool2d dense:4",
     GS_F32,
     false,
     192,
     4,
     {.optimizer = {.kind = GS_OPTIMIZER_SGD}, .loss = {.kind = GS_LOSS_MSE}}},
};

static gs_data *make_data(gs_context *context, const struct recipe *r) {
    float *y = calloc(ROWS * r->outputs, sizeof *y);
    void *x = calloc((size_t)ROWS * r->features, sizeof(float));
    gs_data *data;
    gs_data_params p = {.x = x, .x_shape = {2, {ROWS, r->features}}, .x_dtype = r->x_dtype, .y = y};
    p.y_shape = r->classes ? (gs_shape){1, {ROWS}} : (gs_shape){2, {ROWS, r->outputs}};
    p.y_dtype = r->classes ? GS_I32 : GS_F32;
    ok(context, gs_data_create(context, &p, &data));
    free(x);
    free(y);
    return data;
}

static float weights[ROWS]; // of samples

static void plan_batches(gs_context *context, gs_model *model, const struct recipe *r, const uint32_t *batches,
                         uint32_t batch_count) {
    gs_data *data = make_data(context, r);
    for (uint32_t b = 0; b < batch_count; b++)
        for (int mode = GS__MODE_TRAIN; mode <= GS__MODE_PREDICT; mode++) {
            gs__session session;
            const gs__session_params p = {.mode = (gs__mode)mode,
                                          .data = data,
                                          .count = ROWS,
                                          .batch = batches[b],
                                          .weights = r->compile.loss.ignores && mode == GS__MODE_TRAIN ? weights : NULL,
                                          .softmax = mode == GS__MODE_PREDICT};
            ok(context, gs__session_open(model, &p, &session));
            gs__session_close(&session);
        }
    gs_data_destroy(&data);
}

static void plan_all(gs_context *context, gs_model *model, const struct recipe *r) {
    plan_batches(context, model, r, (const uint32_t[]){1, 32, ROWS}, 3);
}

// Ops that no short form brings in: penalties, and a gradient of two contributions.
static void plan_penalties(gs_context *context) {
    gs_model *model;
    gs_layer layers[] = {gs_input(.shape = {1, {12}}),
                         gs_dense(.units = 8, .kernel_regularizer = {.l1 = 0.1f, .l2 = 0.1f}), gs_dense(.units = 4)};
    ok(context, gs_model_sequential(context, &(gs_sequential_params){.layers = layers, .layer_count = 3}, &model));
    plan_all(context, model, &recipes[8]);
    gs_model_destroy(&model);
}

// What only functional models have: layers of several tensors, several inputs.
static void plan_functional(gs_context *context) {
    gs_functional *f;
    gs_model *model;
    ok(context, gs_functional_create(context, NULL, &f));
    const gs_symbol x = gs_apply(f, gs_input(.shape = {1, {4}})), y = gs_apply(f, gs_input(.shape = {1, {8}}));
    const gs_symbol a = gs_apply(f, gs_dense(.units = 4), x), b = gs_apply(f, gs_dense(.units = 4), y);
    gs_symbol all = gs_apply(f, gs_concatenate(0), gs_apply(f, gs_multiply(), a, b), gs_apply(f, gs_add(), a, b));
    all = gs_apply(f, gs_rms_normalization(0), gs_apply(f, gs_gaussian_noise(.stddev = 0.1f), all));
    ok(context, gs_model_functional(f, gs_apply(f, gs_dense(.units = 4), all), &model));
    gs_functional_destroy(&f);
    plan_all(context, model, &recipes[8]);
    gs_model_destroy(&model);
}

// Every way to change images, before a model.
static void plan_augmented(gs_context *context) {
    static uint8_t x[ROWS * 36];
    static float y[ROWS * 4];
    const gs_augment augment = {true, true, 2, 0.1f, 0.2f, 0.1f, 3, 0.2f};
    const gs_data_params params = {
        .x = x, .x_shape = {3, {ROWS, 6, 6}}, .x_dtype = GS_U8, .y = y, .y_shape = {2, {ROWS, 4}}};
    gs_model *model;
    gs_data *data;
    gs__session session;
    ok(context, gs_data_create(context, &params, &data));
    ok(context, gs_model_from_layers(context, "6x6 flatten dense:4", 0, &model));
    ok(context, gs_model_compile(model, &(gs_compile_params){.loss = {.kind = GS_LOSS_CATEGORICAL_CROSSENTROPY}}));
    model->augment = &augment;
    const gs__session_params p = {.mode = GS__MODE_TRAIN, .data = data, .count = ROWS, .batch = 32};
    ok(context, gs__session_open(model, &p, &session));
    gs__session_close(&session);
    model->augment = NULL;
    gs_model_destroy(&model);
    gs_data_destroy(&data);
}

// Those that no recipe has, with clipping and averages of weights.
static void plan_optimizers(gs_context *context, const struct recipe *r) {
    for (int kind = GS_OPTIMIZER_ADAGRAD; kind <= GS_OPTIMIZER_ADAFACTOR; kind++) {
        gs_model *model;
        const gs_optimizer optimizer = {
            .kind = (gs_optimizer_kind)kind, .global_clipnorm = kind % 2 ? 1.0f : 0.0f, .use_ema = true};
        ok(context, gs_model_from_layers(context, r->layers, 0, &model));
        ok(context, gs_model_compile(model, &(gs_compile_params){.optimizer = optimizer, .loss = r->compile.loss}));
        plan_batches(context, model, r, (const uint32_t[]){32}, 1);
        gs_model_destroy(&model);
    }
}

// Of each choice by measurement all ways, where a plan takes only one.
static void plan_all_ways(gs_context *context, gs__gpu *gpu, gs_model *model, const struct recipe *r) {
    gs__tuner *tuner = gs__tuner_get(gpu);
    assert_non_null(tuner);
    for (tuner->forced = GS__MAX_WAYS - 1; tuner->forced >= 0; tuner->forced--)
        plan_batches(context, model, r, (const uint32_t[]){32, LONG}, 2); // LONG: sums in parts
}

// `shuffle`: the device's subgroup shuffle may be used. Not `whole`: products only.
static void collect_kernels(const char *class, bool shuffle, bool whole) {
    gs_context *context;
    gs__gpu *gpu;
    setenv("GRADSMITH_KERNELS", class, 1);
    assert_int_equal(gs_context_create(&context, NULL), GS_OK);
    ok(context, gs__context_gpu(context, &gpu));
    gpu->caps.subgroup_shuffle &= shuffle;
    for (uint32_t i = 0; i < sizeof recipes / sizeof *recipes; i++) {
        gs_model *model;
        ok(context, gs_model_from_layers(context, recipes[i].layers, 0, &model));
        ok(context, gs_model_compile(model, &recipes[i].compile));
        plan_all(context, model, &recipes[i]);
        // Products of all kinds and sizes.
        if (i < 2 || recipes[i].compile.precision) plan_all_ways(context, gpu, model, &recipes[i]);
        gs_model_destroy(&model);
        if (!whole && i == 1) break;
    }
    if (whole) plan_penalties(context);
    if (whole) plan_augmented(context);
    if (whole) plan_functional(context);
    if (whole) plan_optimizers(context, &recipes[8]);
    collect(context);
    gs_context_destroy(&context);
    unsetenv("GRADSMITH_KERNELS");
}

// The kernels that measure a device.
static void collect_bench(void) {
    gs_context *context;
    assert_int_equal(gs_context_create(&context, NULL), GS_OK);
    ok(context, gs_bench_run(context, &(gs_bench_params){.parts = GS_BENCH_PEAK, .quick = true}, NULL));
    collect(context);
    gs_context_destroy(&context);
}

static void use_driver(const char *icd) {
    setenv("VK_DRIVER_FILES", icd, 1);
    setenv("VK_ICD_FILENAMES", icd, 1);
}

static void plans_use_every_shader(void **state) {
    (void)state;
    use_driver(lavapipe_icd);
    collect_kernels("gpu", true, true);
    collect_kernels("integrated", true, false);
    collect_kernels("gcn", true, false);
    collect_kernels("cpu", true, true);
    collect_kernels("cpu", false, true);
    collect_bench();
    print_message("  %u kernels of %d shaders\n", kernel_count, (int)(sizeof all_shaders / sizeof *all_shaders));
    for (uint32_t s = 0; s < sizeof all_shaders / sizeof *all_shaders; s++) {
        bool used = false;
        for (uint32_t k = 0; k < kernel_count; k++) used |= kernels[k].shader == all_shaders[s];
        // No driver for CPUs that is tested with has matrix units: see matrix_units.
        if (!used && !all_shaders[s]->matrices)
            fail_msg("no plan of this test uses %s.comp: give it a recipe", all_shaders[s]->name);
    }
}

struct statistics {
    double vgprs, spilled_vgprs, spilled_sgprs, occupancy, lds, scratch;
};

static void visit(void *user, const char *name, double value) {
    struct statistics *s = user;
    if (strcmp(name, "VGPRs") == 0) s->vgprs = value;
    if (strcmp(name, "Spilled VGPRs") == 0) s->spilled_vgprs = value;
    if (strcmp(name, "Spilled SGPRs") == 0) s->spilled_sgprs = value;
    if (strcmp(name, "Subgroups per SIMD") == 0) s->occupancy = value;
    if (strcmp(name, "LDS size") == 0) s->lds = value;
    if (strcmp(name, "Scratch size") == 0) s->scratch = value;
}

// The instructions of the block that has most multiply-adds: a matrix product's inner loop.
struct code {
    uint32_t instructions, vector, fma;
};

static bool is_fma(const char *name) {
    return strncmp(name, "v_", 2) == 0 && strstr(name, "_f32") &&
           (strstr(name, "fma") || strstr(name, "mac") || strstr(name, "mad"));
}

static void count_instruction(struct code *block, const char *line, size_t length) {
    char text[256], name[40], second[40] = "";
    snprintf(text, sizeof text, "%.*s", (int)length, line);
    if (sscanf(text, "%39s", name) != 1 || !strchr(name, '_')) return;
    const char *dual = strstr(text, ":: "); // two in one
    if (dual) sscanf(dual + 3, "%39s", second);
    block->instructions++;
    block->vector += strncmp(name, "v_", 2) == 0;
    block->fma += (is_fma(name) ? 1u : 0u) + (is_fma(second) ? 1u : 0u);
}

static void visit_text(void *user, const char *name, const char *text) {
    struct code *best = user, block = {0};
    if (strcmp(name, "Assembly") != 0) return;
    for (const char *line = text; *line;) {
        const size_t length = strcspn(line, "\n");
        if (strncmp(line, "BB", 2) == 0) block = (struct code){0};
        else count_instruction(&block, line, length);
        if (block.fma > best->fma || (best->fma && block.fma == best->fma && block.instructions > best->instructions))
            *best = block;
        line += length + (line[length] != 0);
    }
}

// Of all kernels with one tile, the heaviest.
struct tile {
    const gs__shader *shader;
    uint32_t size[5];
    struct statistics worst;
    struct code code;
};

static bool has_tile(const gs__shader *shader) {
    return strcmp(shader->name, "matmul") == 0 || strcmp(shader->name, "matmul_gradients") == 0;
}

static void note_tile(struct tile *tiles, uint32_t *count, const struct kernel *k, const struct statistics *s,
                      const struct code *code) {
    uint32_t i = 0;
    while (i < *count && (tiles[i].shader != k->shader ||
                          memcmp(tiles[i].size, k->spec + FIRST_TILE_SPEC, sizeof tiles[i].size) != 0))
        i++;
    assert_true(i < MAX_TILES);
    if (i == *count) {
        tiles[(*count)++] = (struct tile){.shader = k->shader};
        memcpy(tiles[i].size, k->spec + FIRST_TILE_SPEC, sizeof tiles[i].size);
    }
    if (!code->fma || s->vgprs <= tiles[i].worst.vgprs) return; // without: column sums alone
    tiles[i].worst = *s;
    tiles[i].code = *code;
}

static int larger_tile(const void *a, const void *b) {
    const struct tile *x = a, *y = b;
    const int by_name = strcmp(x->shader->name, y->shader->name);
    if (by_name) return by_name;
    for (int i = 0; i < 5; i++)
        if (x->size[i] != y->size[i]) return x->size[i] < y->size[i] ? 1 : -1;
    return 0;
}

static void print_tiles(struct tile *tiles, uint32_t count) {
    qsort(tiles, count, sizeof *tiles, larger_tile);
    print_message("    tiles: VGPRs, waves per SIMD, LDS bytes; in the inner loop VALU and multiply-adds of all "
                  "instructions\n");
    for (uint32_t i = 0; i < count; i++) {
        const struct tile *t = &tiles[i];
        char name[48];
        snprintf(name, sizeof name, "%ux%ux%u,%ux%u", t->size[0], t->size[1], t->size[2], t->size[3], t->size[4]);
        print_message("    %-17s %-17s %4g VGPRs  %3g waves  %6g LDS", t->shader->name, name, t->worst.vgprs,
                      t->worst.occupancy, t->worst.lds);
        if (t->code.instructions)
            print_message("  %3.0f %% VALU  %3.0f %% FMA of %u", 100.0 * t->code.vector / t->code.instructions,
                          100.0 * t->code.fma / t->code.instructions, t->code.instructions);
        print_message("\n");
    }
}

static bool ends_with(const char *text, const char *end) {
    const size_t length = strlen(text), end_length = strlen(end);
    return length >= end_length && strcmp(text + length - end_length, end) == 0;
}

static void compile_for(const char *family) {
    gs__error error = {0};
    gs__instance *instance;
    gs__gpu *gpu;
    struct statistics worst[sizeof all_shaders / sizeof *all_shaders] = {0};
    struct tile tiles[MAX_TILES];
    uint32_t tile_count = 0;
    setenv("RADV_FORCE_FAMILY", family, 1);
    use_driver(radv_icd);
    if (gs__instance_create(&error, NULL, &instance) != GS_OK || gs__gpu_open(&error, instance, 0, &gpu) != GS_OK)
        fail_msg("%s: %s", family, error.message);
    print_message("  %s: VGPRs, waves per SIMD, LDS bytes of each shader's heaviest kernel\n", family);
    for (uint32_t k = 0; k < kernel_count; k++) {
        gs__pipeline *pipeline;
        struct statistics s = {-1, -1, -1, -1, 0, 0};
        if (gs__pipeline_get(gpu, kernels[k].shader, kernels[k].spec, kernels[k].spec_count, &pipeline) != GS_OK ||
            gs__pipeline_statistics(pipeline, visit, &s) != GS_OK)
            fail_msg("%s: %s: %s", family, kernels[k].shader->name, error.message);
        assert_true(s.vgprs > 0 && s.occupancy > 0);
        // AMD's devices do not run those for CPU drivers: they only have to compile.
        if (ends_with(kernels[k].shader->name, "_shuffle") || ends_with(kernels[k].shader->name, "_cpu")) continue;
        if (s.spilled_vgprs != 0 || s.spilled_sgprs != 0 || s.scratch != 0)
            fail_msg("%s: %s spills %g VGPRs, %g SGPRs, scratch %g bytes", family, kernels[k].shader->name,
                     s.spilled_vgprs, s.spilled_sgprs, s.scratch);
        struct code code = {0};
        if (has_tile(kernels[k].shader)) {
            if (gs__pipeline_texts(pipeline, visit_text, &code) != GS_OK) fail_msg("%s: %s", family, error.message);
            note_tile(tiles, &tile_count, &kernels[k], &s, &code);
        }
        for (uint32_t i = 0; i < sizeof all_shaders / sizeof *all_shaders; i++)
            if (all_shaders[i] == kernels[k].shader && s.vgprs > worst[i].vgprs) worst[i] = s;
    }
    for (uint32_t i = 0; i < sizeof all_shaders / sizeof *all_shaders; i++)
        print_message("    %-24s %4g VGPRs  %3g waves  %6g LDS\n", all_shaders[i]->name, worst[i].vgprs,
                      worst[i].occupancy, worst[i].lds);
    print_tiles(tiles, tile_count);
    gs__gpu_close(gpu);
    gs__instance_destroy(instance);
}

// --- matrix units -----------------------------------------------------------------------------------------------------
static void count_wmma(void *user, const char *name, const char *text) {
    uint32_t *count = user;
    if (strcmp(name, "Assembly") != 0) return;
    for (const char *at = text; (at = strstr(at, "v_wmma_f32")) != NULL; at++) ++*count;
}

static void compile_matrices(gs__gpu *gpu, gs_precision precision) {
    static const char *const forms[] = {"A B", "A B + bias, relu", "A Bt, relu backwards", "At B, sums"};
    gs__choice choice = {0};
    gs__matrix_ways(gs__gpu_get_caps(gpu), &(gs__product){.m = 4096, .n = 4096, .k = 4096, .precision = precision},
                    &choice);
    assert_true(choice.way_count >= 2);
    for (uint32_t w = 0; w < choice.way_count; w++)
        for (uint32_t form = 0; form < 4; form++) {
            gs__way *way = &choice.ways[w];
            gs__pipeline *pipeline;
            struct statistics s = {-1, -1, -1, -1, 0, 0};
            uint32_t wmma = 0;
            way->spec[GS_SPEC_MATMUL_TRANS_A] = form == 3;
            way->spec[GS_SPEC_MATMUL_TRANS_B] = form == 2;
            way->spec[GS_SPEC_MATMUL_EXTRA] = form == 1   ? GS__PRODUCT_BIAS
                                              : form == 3 ? GS__PRODUCT_SUMS
                                                          : GS__PRODUCT_PLAIN;
            way->spec[GS__EPILOGUE_SPEC] = form == 1 || form == 2 ? form : 0;
            way->spec[GS__EPILOGUE_SPEC + 1] = form == 1 || form == 2 ? GS_ACTIVATION_RELU : 0;
            way->spec[GS__PRECISION_SPEC] = gs__precision_spec(precision, form == 2, form == 3);
            if (gs__pipeline_get(gpu, way->shader, way->spec, way->spec_count, &pipeline) != GS_OK ||
                gs__pipeline_statistics(pipeline, visit, &s) != GS_OK ||
                gs__pipeline_texts(pipeline, count_wmma, &wmma) != GS_OK)
                fail_msg("%s %s: %s", way->shader->name, way->name, gs__gpu_error(gpu)->message);
            print_message("    %-18s %-18s %-22s %4g VGPRs  %3g waves  %6g LDS  %3u v_wmma\n", way->shader->name,
                          way->name, forms[form], s.vgprs, s.occupancy, s.lds, wmma);
            if (s.spilled_vgprs != 0 || s.spilled_sgprs != 0 || s.scratch != 0)
                fail_msg("%s %s spills %g VGPRs, %g SGPRs, scratch %g bytes", way->shader->name, way->name,
                         s.spilled_vgprs, s.spilled_sgprs, s.scratch);
            assert_true(wmma > 0);
        }
}

// The kernels for matrix units, as an RDNA 3 gets them.
static void matrix_units(void **state) {
    (void)state;
    gs__error error = {0};
    gs__instance *instance = NULL;
    gs__gpu *gpu = NULL;
    setenv("RADV_FORCE_FAMILY", newer_radv ? "navi31" : "gfx1100", 1);
    use_driver(radv_icd);
    if (gs__instance_create(&error, NULL, &instance) != GS_OK || gs__gpu_open(&error, instance, 0, &gpu) != GS_OK)
        fail_msg("%s", error.message);
    const gs__gpu_caps *caps = gs__gpu_get_caps(gpu);
    if (!caps->matrix_subgroup)
        print_message("  skipped: %s has no VK_KHR_cooperative_matrix; $GRADSMITH_TEST_RADV may name the manifest of "
                      "Mesa 25's radv\n",
                      caps->info.driver);
    if (caps->matrix_half.m) compile_matrices(gpu, GS_PRECISION_MIXED_FLOAT16);
    if (caps->matrix_bfloat.m) compile_matrices(gpu, GS_PRECISION_MIXED_BFLOAT16);
    gs__gpu_close(gpu);
    gs__instance_destroy(instance);
}

static void polaris10(void **state) {
    (void)state, compile_for("polaris10");
}
static void vega20(void **state) {
    (void)state, compile_for("vega20");
}
static void navi21(void **state) {
    (void)state, compile_for("navi21");
}
static void navi31(void **state) {
    (void)state, compile_for(newer_radv ? "navi31" : "gfx1100"); // older drivers have no other name for it
}

// A driver's manifest, by the names that distributions give it.
static const char *find_icd(const char *driver) {
    static char paths[2][128];
    static int next;
    static const char *const suffixes[] = {".x86_64", ".aarch64", ""};
    char *path = paths[next++ % 2];
    for (int i = 0; i < 3; i++) {
        snprintf(path, sizeof paths[0], "/usr/share/vulkan/icd.d/%s_icd%s.json", driver, suffixes[i]);
        if (access(path, R_OK) == 0) return path;
    }
    return NULL;
}

int main(void) {
    radv_icd = getenv("GRADSMITH_TEST_RADV");
    newer_radv = radv_icd && radv_icd[0];
    if (!newer_radv) radv_icd = find_icd("radeon");
    lavapipe_icd = find_icd("lvp");
    if (!radv_icd || !lavapipe_icd) {
        printf("skipped: Mesa's %s is not installed (Debian package mesa-vulkan-drivers)\n",
               radv_icd ? "lavapipe" : "radv");
        return 77;
    }
    const char *temporary = getenv("TMPDIR");
    setenv("GRADSMITH_KERNEL_STATISTICS", "1", 1);
    setenv("XDG_RUNTIME_DIR", temporary ? temporary : "/tmp", 0);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plans_use_every_shader),
        cmocka_unit_test(polaris10),
        cmocka_unit_test(vega20),
        cmocka_unit_test(navi21),
        cmocka_unit_test(navi31),
        cmocka_unit_test(matrix_units),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
