// Small models whose training steps hold every op, in both directions where it has two: shapes are odd, the last step of
// an epoch has fewer rows, and each model trains as it is fused and with its ops apart.
#include "base/memory.h"
#include "base/rng.h"
#include "context/context.h"
#include "doctor/doctor.h"
#include "model/fuse.h"
#include "plan/tick.h"
#include "tensor/shape.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { STEPS = 3 };

// What targets hold: class indices, any values, one 1 in each row, zeros and ones, positive values.
typedef enum target_kind { CLASSES, VALUES, ONE_HOT, ZERO_ONE, POSITIVE } target_kind;

typedef struct model_case {
    const char *name, *layers; // the short form; NULL: made by `make`
    gs_status (*make)(gs_context *context, gs_model **model);
    gs_dtype samples;
    uint32_t below; // samples are whole numbers from 0 on below this; 0: -1 to 1, or any byte
    target_kind targets;
    uint32_t batch;
    bool weighted, evaluates;
    gs_compile_params compile;
    gs_augment augment; // zeros: none
} model_case;

// Two inputs, branches, a skip from an activation, every way to merge, penalties.
static gs_status make_branches(gs_context *context, gs_model **model) {
    gs_functional *f;
    gs_status status = gs_functional_create(context, &(gs_functional_params){.name = "branches", .seed = 5}, &f);
    if (status != GS_OK) return status;
    const gs_symbol a = gs_apply(f, gs_input(.shape = {1, {7}})), b = gs_apply(f, gs_input(.shape = {1, {5}}));
    gs_symbol x =
        gs_apply(f, gs_dense(.units = 6, .activation = GS_ACTIVATION_RELU, .kernel_regularizer = {.l2 = 0.01f}), a);
    gs_symbol y =
        gs_apply(f, gs_dense(.units = 6, .activation = GS_ACTIVATION_TANH, .kernel_regularizer = {.l1 = 0.01f}), b);
    const gs_symbol sum = gs_apply(f, gs_add(), x, y), product = gs_apply(f, gs_multiply(), x, sum);
    const gs_symbol most = gs_apply(f, gs_maximum(), x, y), least = gs_apply(f, gs_minimum(), sum, product);
    const gs_symbol both =
        gs_apply(f, gs_concatenate(0), gs_apply(f, gs_subtract(), most, least), gs_apply(f, gs_average(), x, y));
    status = gs_model_functional(f, gs_apply(f, gs_dense(.units = 3), both), model);
    gs_functional_destroy(&f);
    return status;
}

// Inputs of the recurrent layers are float.
static gs_status make_series(gs_context *context, gs_model **model) {
    const gs_layer layers[] = {gs_input(.shape = {2, {4, 3}}),
                               gs_bidirectional(.layer = "LSTM", .rnn = {.units = 5, .return_sequences = true}),
                               gs_gru(.units = 4, .return_sequences = true), gs_simple_rnn(.units = 3),
                               gs_dense(.units = 1)};
    return gs_model_sequential(
        context, &(gs_sequential_params){.layers = layers, .layer_count = sizeof layers / sizeof *layers, .seed = 6},
        model);
}

// Frozen and moving-average normalization, and a layer that is called as in evaluation.
#define RATE(rate) .learning_rate = (rate)
static const model_case cases[] = {
    {.name = "classifier",
     .layers = "32 dense:16:relu dropout:0.2 dense:5",
     .samples = GS_U8,
     .batch = 33,
     .compile = {.optimizer = {.kind = GS_OPTIMIZER_ADAM, RATE(0.02f)}}},
    {.name = "deep classifier",
     .layers = "48 dense:36:relu dense:12:sigmoid dense:5",
     .samples = GS_U8,
     .batch = 19,
     .compile = {.optimizer = {.kind = GS_OPTIMIZER_ADAMW, RATE(0.02f)}}},
    {.name = "images",
     .layers =
         "9x10x3 conv2d:6:3:relu batch_normalization maxpool2d:2 spatial_dropout2d:0.2 depthwise_conv2d:3:tanh:same "
         "avgpool2d:2 flatten dense:5",
     .batch = 7,
     .compile = {.optimizer = {.kind = GS_OPTIMIZER_SGD, RATE(0.05f), .momentum = 0.9f, .nesterov = true}}},
    {.name = "enlarged images",
     .layers =
         "5x4x2 zeropadding2d:1 conv2d_transpose:4:3:2:relu:same upsampling2d:2 cropping2d:1 upsampling2d:2:bilinear "
         "group_normalization:2 avgpool2d:3 global_maxpool2d dense:3",
     .targets = VALUES,
     .batch = 5,
     .compile = {.optimizer = {.kind = GS_OPTIMIZER_RMSPROP, RATE(0.01f), .momentum = 0.5f},
                 .loss = {.kind = GS_LOSS_MSE},
                 .metrics = {{GS_METRIC_MAE, 0}, {GS_METRIC_MSE, 0}}}},
    {.name = "augmented images",
     .layers = "8x9x3 random_flip random_rotation:0.1 random_contrast:0.3:0:1 random_crop:7x7 conv2d:4:3:elu "
               "global_avgpool2d dense:4",
     .samples = GS_U8,
     .targets = ONE_HOT,
     .batch = 6,
     .augment = {.flip_horizontal = true, .crop = 1, .cutout = 2, .mixup = 0.4f},
     .compile = {.optimizer = {.kind = GS_OPTIMIZER_ADAMAX, RATE(0.02f)},
                 .loss = {.kind = GS_LOSS_CATEGORICAL_CROSSENTROPY},
                 .metrics = {{GS_METRIC_ACCURACY, 0}}}},
    {.name = "text",
     .layers = "6 embedding:20:5 lstm:4:sequences gru:5 dense:1",
     .samples = GS_U8,
     .below = 20,
     .targets = ZERO_ONE,
     .batch = 9,
     .compile = {.optimizer = {.kind = GS_OPTIMIZER_ADAGRAD, RATE(0.05f)},
                 .loss = {.kind = GS_LOSS_BINARY_CROSSENTROPY},
                 .metrics = {{GS_METRIC_ACCURACY, 0}}}},
    {.name = "series",
     .make = make_series,
     .targets = VALUES,
     .batch = 6,
     .compile = {.optimizer = {.kind = GS_OPTIMIZER_NADAM, RATE(0.02f)}, .loss = {.kind = GS_LOSS_HUBER}}},
    {.name = "normalized",
     .layers = "10 rescaling:2:0.5 dense:12:gelu gaussian_noise:0.1 layer_normalization dense:8:silu rms_normalization "
               "dense:6:softplus dense:4 softmax",
     .targets = ONE_HOT,
     .batch = 11,
     .compile = {.optimizer = {.kind = GS_OPTIMIZER_ADADELTA, RATE(1)}, .loss = {.kind = GS_LOSS_CATEGORICAL_FOCAL}}},
    {.name = "branches",
     .make = make_branches,
     .targets = VALUES,
     .batch = 10,
     .compile = {.optimizer = {.kind = GS_OPTIMIZER_ADAM, RATE(0.02f), .clipvalue = 0.05f},
                 .loss = {.kind = GS_LOSS_LOG_COSH}}},
    {.name = "lion",
     .layers = "9 dense:7:leaky_relu dense:3",
     .targets = VALUES,
     .batch = 8,
     .compile = {.optimizer = {.kind = GS_OPTIMIZER_LION, RATE(0.02f), .weight_decay = 0.1f},
                 .loss = {.kind = GS_LOSS_COSINE_SIMILARITY}}},
    {.name = "adafactor",
     .layers = "9 dense:7:tanh dense:3",
     .targets = POSITIVE,
     .batch = 8,
     .compile = {.optimizer = {.kind = GS_OPTIMIZER_ADAFACTOR, RATE(0.02f)}, .loss = {.kind = GS_LOSS_MAE}}},
    {.name = "accumulated",
     .layers = "9 dense:7:tanh dense:3",
     .targets = VALUES,
     .batch = 8,
     .compile = {.optimizer = {.kind = GS_OPTIMIZER_SGD, RATE(0.05f), .accumulate = 2, .global_clipnorm = 0.1f},
                 .loss = {.kind = GS_LOSS_MSE}}},
    {.name = "averaged",
     .layers = "9 dense:7:tanh dense:3",
     .targets = VALUES,
     .batch = 8,
     .compile = {.optimizer = {.kind = GS_OPTIMIZER_SGD, RATE(0.05f), .use_ema = true, .clipnorm = 0.1f},
                 .loss = {.kind = GS_LOSS_SQUARED_HINGE}}},
    {.name = "weighted",
     .layers = "9 dense:7:tanh dense:4",
     .batch = 8,
     .weighted = true,
     .compile = {.optimizer = {.kind = GS_OPTIMIZER_SGD, RATE(0.05f)},
                 .loss = {.kind = GS_LOSS_SPARSE_CROSSENTROPY, .ignores = true, .ignore_class = 1},
                 .metrics = {{GS_METRIC_TOP_K, 2}}}},
    {.name = "mixed precision",
     .layers = "20 dense:17:relu dense:5",
     .batch = 8,
     .compile = {.optimizer = {.kind = GS_OPTIMIZER_ADAM, RATE(0.02f)}, .precision = GS_PRECISION_MIXED_FLOAT16}},
    // Gradients are not finite: the step is skipped, and the scale halved.
    {.name = "overflowing",
     .layers = "20 dense:17:relu dense:5",
     .batch = 8,
     .compile = {.optimizer = {.kind = GS_OPTIMIZER_ADAM, RATE(0.02f)},
                 .precision = GS_PRECISION_MIXED_FLOAT16,
                 .loss_scale = 0x1p60f}},
    {.name = "evaluated classifier",
     .layers = "9x9x1 conv2d:4:3:relu batch_normalization flatten dense:5",
     .samples = GS_U8,
     .batch = 9,
     .evaluates = true,
     .compile = {.optimizer = {.kind = GS_OPTIMIZER_ADAM},
                 .metrics = {{GS_METRIC_ACCURACY, 0}, {GS_METRIC_TOP_K, 2}, {GS_METRIC_F1, 0}}}},
    {.name = "evaluated regression",
     .layers = "9 dense:7:relu dense:3",
     .targets = VALUES,
     .batch = 8,
     .evaluates = true,
     .compile = {.optimizer = {.kind = GS_OPTIMIZER_ADAM},
                 .loss = {.kind = GS_LOSS_MSE},
                 .metrics = {{GS_METRIC_R2, 0}, {GS_METRIC_MAE, 0}}}},
};

// --- data -------------------------------------------------------------------------------------------------------------
static void fill_samples(const model_case *c, const gs_shape *shape, void *data, gs__rng *rng) {
    uint64_t count = 0;
    gs__shape_count(shape, &count);
    for (uint64_t i = 0; i < count; i++) {
        if (c->samples == GS_U8) ((uint8_t *)data)[i] = (uint8_t)(gs__rng_u32(rng) % (c->below ? c->below : 256));
        else ((float *)data)[i] = (float)(2 * gs__rng_uniform(rng) - 1);
    }
}

static void fill_targets(const model_case *c, const gs__model_graph *g, uint32_t classes, uint32_t *words,
                         gs__rng *rng) {
    const gs__value_info *info = &g->graph.values[g->targets];
    uint64_t count = 0;
    gs__shape_count(&info->shape, &count);
    const uint64_t row = count / (uint64_t)info->shape.dim[0];
    for (uint64_t i = 0; i < count; i++) {
        const uint64_t at = i % row;
        float value = (float)(2 * gs__rng_uniform(rng) - 1);
        if (c->targets == POSITIVE || (c->weighted && at + 1 == row)) value = fabsf(value);
        if (c->targets == ZERO_ONE) value = value > 0 ? 1.0f : 0.0f;
        if (c->targets == ONE_HOT) value = at == i / row % row ? 1.0f : 0.0f;
        memcpy(&words[i], &value, sizeof value); // a weight's bits, too
        if (info->dtype == GS_I32 && !(c->weighted && at + 1 == row)) words[i] = gs__rng_u32(rng) % classes;
    }
}

static gs_data_info info_of(const model_case *c, const gs_model *model) {
    const gs_shape *output = gs__model_output_shape(model);
    gs_data_info info = {.name = "random",
                         .count = 2 * c->batch + (c->batch + 1) / 2, // the third step has half a batch
                         .sample_shape = gs__model_input_shape(model),
                         .x_dtype = c->samples,
                         .has_targets = true,
                         .target_shape = *output,
                         .y_dtype = GS_F32,
                         .max_class = -1};
    if (c->targets != CLASSES) return info;
    info.target_shape.rank--;
    info.y_dtype = GS_I32;
    info.max_class = output->dim[output->rank - 1] - 1;
    return info;
}

// --- a model ----------------------------------------------------------------------------------------------------------
static gs_status run_graph(gs__doctor_checks *checks, const model_case *c, gs_model *model, gs__model_graph *g,
                           const gs_data_info *info) {
    gs_status status = GS_OK;
    const gs_shape *output = gs__model_output_shape(model);
    const gs__graph *graph = &g->graph;
    const uint64_t x_count = gs__graph_count(graph, g->samples), y_count = gs__graph_count(graph, g->targets);
    uint64_t value_count = 2;
    void *x = gs__allocate(checks->error, x_count, sizeof(float), "samples");
    uint32_t *y = gs__allocate(checks->error, y_count, sizeof *y, "targets");
    gs__doctor_values *values = gs__allocate(checks->error, graph->value_count + 2u, sizeof *values, "values");
    gs__rng rng;
    gs__rng_init(&rng, 7, c->batch);
    if (!x || !y || !values) {
        status = GS_ERR_MEMORY;
        goto fail;
    }
    fill_samples(c, &graph->values[g->samples].shape, x, &rng);
    fill_targets(c, g, (uint32_t)output->dim[output->rank - 1], y, &rng);
    values[0] = (gs__doctor_values){g->samples, x, x_count * gs__dtype_bytes(c->samples)};
    values[1] = (gs__doctor_values){g->targets, y, y_count * sizeof *y};
    for (gs__value v = 1; v < graph->value_count; v++) {
        const gs__value_info *p = &graph->values[v];
        uint64_t count = 0;
        gs__shape_count(&p->shape, &count);
        if (p->storage != GS__STORAGE_PARAMETER || p->alias ||
            p->offset + count * sizeof(float) > model->parameter_bytes)
            continue;
        values[value_count++] =
            (gs__doctor_values){v, model->weights + p->offset / sizeof(float), count * sizeof(float)};
    }
    struct gs_state state = {0};
    gs__model_settings(model, &state);
    state.set.seed_lo = 11;
    state.set.shuffle = 1;
    state.set.data_count = (uint32_t)info->count;
    state.set.batch = c->batch;
    gs__state_start(&state);
    GS_TRY(gs__doctor_check_graph(checks, &g->graph, values, (uint32_t)value_count, &state, STEPS));
fail:
    free(x);
    free(y);
    free(values);
    return status;
}

static gs_status run_case(gs_context *context, gs__doctor_checks *checks, const model_case *c, bool apart) {
    static const gs_augment none;
    gs_status status = GS_OK;
    gs_model *model = NULL;
    gs__model_graph g = {0};
    checks->title = c->name;
    if (c->make) GS_TRY(c->make(context, &model));
    else GS_TRY(gs_model_from_layers(context, c->layers, 3, &model));
    GS_TRY(gs_model_compile(model, &c->compile));
    const gs_data_info info = info_of(c, model);
    model->unfused = apart;
    model->augment = memcmp(&c->augment, &none, sizeof none) ? &c->augment : NULL;
    GS_TRY(gs__model_build_weighted(model, c->evaluates ? GS__MODE_EVALUATE : GS__MODE_TRAIN, c->batch, &info, false,
                                    c->weighted, &g));
    if (!apart) GS_TRY(gs__graph_fuse_for(&g.graph, gs__gpu_get_caps(checks->gpu)));
    GS_TRY(run_graph(checks, c, model, &g, &info));
fail:
    if (status != GS_OK && status != GS_STOPPED)
        gs__fail_at(checks->error, status, "model \"%s\"%s", c->name, apart ? " with its ops apart" : "");
    if (model) model->augment = NULL;
    gs__model_graph_deinit(&g);
    gs_model_destroy(&model);
    return status;
}

gs_status gs__doctor_check_models(gs_context *context, gs__doctor_checks *checks) {
    gs_status status = GS_OK;
    for (size_t i = 0; i < sizeof cases / sizeof *cases && status == GS_OK; i++) {
        status = run_case(context, checks, &cases[i], false);
        if (status == GS_OK && !cases[i].evaluates) status = run_case(context, checks, &cases[i], true);
    }
    gs__doctor_settle(checks);
    return status;
}

const char *gs__doctor_excuse(const gs_op *op, gs__pass pass, const gs__gpu_caps *caps) {
    const char *name = op->name;
    if (pass == GS__BACKWARD && op->passes_gradient) return "its gradient is passed on as it is";
    if (pass == GS__FORWARD && strcmp(name, "epilogue") == 0) return "made in backward passes only";
    if (op->view) return "moves no data: its result is its input under another shape";
    if (caps->kernel_class == GS__KERNELS_CPU && !gs__caps_shuffle(caps) && strncmp(name, "gather_", 7) == 0)
        return "made for CPU drivers with subgroups of 8 lanes that shuffle only";
    if (caps->kernel_class == GS__KERNELS_CPU) return NULL;
    if (strcmp(name, "gather_matmul") == 0 || strcmp(name, "gather_classifier") == 0 ||
        strcmp(name, "matmul_adam") == 0)
        return "made for CPU drivers only";
    return NULL;
}
