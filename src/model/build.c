// The graphs of a model: gather -> layers -> loss, metrics, penalties -> backward pass and update, or the end of the step.
#include "base/memory.h"
#include "model/augment.h"
#include "model/fuse.h"
#include "model/model.h"
#include "op/attr.h"
#include "plan/plan.h"

#include <stdlib.h>
#include <string.h>

struct builder {
    gs_model *model;
    gs__mode mode;
    gs__model_graph *out;
    gs__value x, targets; // of the batch
    gs__value weights;    // of its rows; 0: none
    gs__value loss;       // rows
    gs__tick tick;
};

static gs_status check_samples(gs_model *model, const gs_data_info *data) {
    const gs_shape shape = gs__model_input_shape(model), *input = &shape;
    uint64_t wanted = 0, found = 0;
    char text[96], input_text[96];
    gs__shape_count(input, &wanted);
    bool known = gs__shape_count(&data->sample_shape, &found);
    if (known && found == wanted) return GS_OK;
    return gs__fail(model->error, GS_ERR_ARGUMENT,
                    "data \"%s\" has samples of %s = %llu elements but the model's input is %s = %llu%s", data->name,
                    gs__shape_text(&data->sample_shape, false, text, sizeof text), (unsigned long long)found,
                    gs__shape_text(input, false, input_text, sizeof input_text), (unsigned long long)wanted,
                    model->input_count > 1 ? "; a sample holds all inputs, one behind the other" : "");
}

// Whether the first layers want unsigned bytes as they are.
static bool wants_raw(const gs_model *model) {
    for (uint32_t i = 0; i < model->call_count; i++) {
        const gs__model_call *call = &model->calls[i];
        if (!model->layers[call->layer].class->raw_input) continue;
        const gs__model_call *from = &model->calls[model->call_inputs[call->first_input]];
        if (!from->input_count) return true;
    }
    return false;
}

static int64_t row_elements(const gs_shape *shape) {
    int64_t count = 1;
    for (uint32_t i = 1; i < shape->rank; i++) count *= shape->dim[i];
    return count;
}

static gs_status build_gather(struct builder *b, const gs_data_info *data, const gs__target_spec *targets) {
    gs__graph *graph = &b->out->graph;
    const gs_shape shape = gs__model_input_shape(b->model), *input = &shape;
    gs_status status = GS_OK;
    // Samples are row-major, so they are taken in the input's shape at once.
    gs_shape samples = {1, {(int64_t)data->count}};
    for (uint32_t i = 0; i < input->rank; i++) samples.dim[samples.rank++] = input->dim[i];
    GS_TRY(gs__graph_value(graph, &samples, data->x_dtype, GS__STORAGE_SAMPLES, "samples", &b->out->samples));
    if (targets) {
        gs_shape rows = targets->shape;
        if (b->out->weighted) rows = (gs_shape){2, {rows.dim[0], row_elements(&rows) + 1}};
        GS_TRY(gs__graph_value(graph, &rows, targets->dtype, GS__STORAGE_TARGETS, "targets", &b->out->targets));
    }
    const bool scales = data->x_dtype == GS_U8 && !wants_raw(b->model);
    gs__gather_attr attr = {.batch = graph->batch, .scale = scales ? 1.0f / 255.0f : 1.0f};
    gs__value inputs[2] = {b->out->samples, b->out->targets}, outputs[GS__MAX_OUTPUTS] = {0};
    GS_TRY(gs__graph_apply(graph, "gather", b->model->layers[0].name, &attr, inputs, targets ? 2 : 1, outputs));
    b->x = outputs[0];
    b->targets = outputs[1];
    if (targets && b->out->weighted) {
        gs__split_targets_attr split = {.shape = targets->shape};
        split.shape.dim[0] = graph->batch;
        GS_TRY(gs__graph_apply(graph, "split_targets", "targets", &split, &b->targets, 1, outputs));
        b->targets = outputs[0];
        b->weights = outputs[1];
    }
fail:
    return status;
}

// Parameters in the order of their places: first what is trained.
static gs_status build_parameters(struct builder *b, gs__value *parameters) {
    gs_model *model = b->model;
    gs__graph *graph = &b->out->graph;
    gs_status status = GS_OK;
    for (int trained = 1; trained >= 0; trained--)
        for (uint32_t i = 0; i < model->parameter_count; i++) {
            const gs__model_parameter *p = &model->parameters[i];
            if (gs__model_is_trained(model, p) != (trained == 1)) continue;
            GS_TRY(gs__graph_value(graph, &p->shape, GS_F32, GS__STORAGE_PARAMETER, p->name, &parameters[i]));
            graph->values[parameters[i]].wants_grad = trained == 1;
            if (graph->values[parameters[i]].offset != p->offset)
                return gs__fail(model->error, GS_ERR_INTERNAL, "parameter \"%s\" lies elsewhere in the graph", p->name);
        }
    graph->trainable_bytes = model->trainable_bytes;
fail:
    return status;
}

// The model's inputs out of the samples that gather has put together.
static gs_status build_inputs(struct builder *b, gs__value *values) {
    gs_model *model = b->model;
    gs__graph *graph = &b->out->graph;
    uint32_t begin = 0;
    if (model->input_count == 1) {
        values[model->inputs[0]] = b->x;
        return GS_OK;
    }
    for (uint32_t i = 0; i < model->input_count; i++) {
        const gs__model_call *call = &model->calls[model->inputs[i]];
        const char *name = model->layers[call->layer].name;
        uint64_t count = 0;
        gs__shape_count(&call->output_shape, &count);
        gs__slice_attr slice = {.axis = 1, .begin = begin, .count = (uint32_t)count};
        gs__reshape_attr reshape = {.shape = {1 + call->output_shape.rank, {graph->batch}}};
        for (uint32_t d = 0; d < call->output_shape.rank; d++) reshape.shape.dim[1 + d] = call->output_shape.dim[d];
        gs__value part[GS__MAX_OUTPUTS] = {0}, shaped[GS__MAX_OUTPUTS] = {0};
        gs_status status = gs__graph_apply(graph, "slice", name, &slice, &b->x, 1, part);
        if (status == GS_OK) status = gs__graph_apply(graph, "reshape", name, &reshape, part, 1, shaped);
        if (status != GS_OK) return status;
        values[model->inputs[i]] = shaped[0];
        begin += slice.count;
    }
    return GS_OK;
}

static gs_status build_call(struct builder *b, uint32_t index, const gs__value *parameters, gs__value *values) {
    const gs_model *model = b->model;
    const gs__model_call *call = &model->calls[index];
    const gs__model_layer *layer = &model->layers[call->layer];
    gs__layer_build build = {.graph = &b->out->graph,
                             .name = layer->name,
                             .key = index,
                             .training = b->mode == GS__MODE_TRAIN && !call->inference,
                             .frozen = layer->params.frozen};
    memcpy(build.parameter, parameters + layer->first_parameter, layer->parameter_count * sizeof *parameters);
    build.graph->precision = layer->params.precision ? layer->params.precision : model->compile.precision;
    gs__value x[GS__LAYER_MAX_INPUTS];
    for (uint32_t i = 0; i < call->input_count; i++) x[i] = values[model->call_inputs[call->first_input + i]];
    if (layer->class->merge_build)
        return layer->class->merge_build(&build, &layer->params, x, call->input_count, &values[index]);
    values[index] = x[0];
    return layer->class->build ? layer->class->build(&build, &layer->params, x[0], &values[index]) : GS_OK;
}

static gs_status build_layers(struct builder *b, gs__value *parameters) {
    gs_model *model = b->model;
    gs_status status = GS_OK;
    gs__value *values = gs__allocate(model->error, model->call_count, sizeof *values, "uses of layers");
    if (!values) return GS_ERR_MEMORY;
    GS_TRY(build_parameters(b, parameters));
    GS_TRY(build_inputs(b, values));
    for (uint32_t i = 0; i < model->call_count; i++)
        if (model->calls[i].input_count) GS_TRY(build_call(b, i, parameters, values));
    b->x = values[model->output];
fail:
    free(values);
    return status;
}

// Sum `sum` of the ring gets the values of one slot more; the slots of a sum follow each other.
static void count_rows(struct builder *b, uint32_t sum, gs__value rows) {
    if (!b->tick.count[sum]) b->tick.first[sum] = (uint16_t)gs__graph_row_slot(&b->out->graph, rows);
    b->tick.count[sum]++;
}

static gs_status build_loss(struct builder *b, gs__value *accuracy) {
    const gs_loss *loss = &b->out->loss;
    gs__graph *graph = &b->out->graph;
    gs__value inputs[2] = {b->x, b->targets}, outputs[GS__MAX_OUTPUTS] = {0};
    bool wants_accuracy = false;
    for (uint32_t i = 0; i < b->out->metric_count; i++) wants_accuracy |= b->out->metrics[i].kind == GS_METRIC_ACCURACY;
    const float smoothing = loss->label_smoothing, gamma = loss->gamma > 0.0f ? loss->gamma : 0.0f;
    gs__sparse_crossentropy_attr sparse = {.from_probabilities = loss->from_probabilities,
                                           .accuracy = wants_accuracy,
                                           .smoothing = smoothing,
                                           .ignores = loss->ignores,
                                           .ignored = loss->ignore_class};
    gs__crossentropy_attr crossentropy = {.from_probabilities = loss->from_probabilities, .smoothing = smoothing};
    gs__pointwise_loss_attr pointwise = {.kind = loss->kind,
                                         .delta = loss->delta,
                                         .from_probabilities = loss->from_probabilities,
                                         .balanced = loss->class_balancing,
                                         .gamma = gamma,
                                         .alpha = loss->alpha,
                                         .smoothing = smoothing};
    gs__row_loss_attr row = {.kind = loss->kind,
                             .from_probabilities = loss->from_probabilities,
                             .gamma = gamma,
                             .alpha = loss->alpha,
                             .smoothing = smoothing};
    const char *op = gs_loss_name(loss->kind);
    const void *attr = &crossentropy;
    switch (loss->kind) {
    case GS_LOSS_SPARSE_CROSSENTROPY:
        op = "sparse_crossentropy";
        attr = &sparse;
        break;
    case GS_LOSS_CATEGORICAL_CROSSENTROPY:
    case GS_LOSS_BINARY_CROSSENTROPY:
        break;
    case GS_LOSS_COSINE_SIMILARITY:
    case GS_LOSS_CATEGORICAL_HINGE:
    case GS_LOSS_CATEGORICAL_FOCAL:
        op = "row_loss";
        attr = &row;
        break;
    default:
        op = "pointwise_loss";
        attr = &pointwise;
    }
    gs_status status = gs__graph_apply(graph, op, "loss", attr, inputs, 2, outputs);
    if (status != GS_OK) return status;
    count_rows(b, 0, outputs[0]);
    b->loss = outputs[0];
    *accuracy = loss->kind == GS_LOSS_SPARSE_CROSSENTROPY ? outputs[1] : 0;
    return GS_OK;
}

static gs__accuracy_attr accuracy_of(const struct builder *b) {
    const gs_shape *output = gs__model_output_shape(b->model);
    if (output->dim[output->rank - 1] != 1) return (gs__accuracy_attr){.kind = GS__ACCURACY_CATEGORICAL};
    // Keras compares logits with 0.5 too; the probability 0.5 is the logit 0.
    bool logits = (b->out->loss.kind == GS_LOSS_BINARY_CROSSENTROPY || b->out->loss.kind == GS_LOSS_BINARY_FOCAL) &&
                  !b->out->loss.from_probabilities;
    return (gs__accuracy_attr){.kind = GS__ACCURACY_BINARY, .threshold = logits ? 0.0f : 0.5f};
}

// What of a whole pass is counted on the device.
static gs_status build_counts(struct builder *b, gs_metric_kind kind, gs__value *counts) {
    gs__graph *graph = &b->out->graph;
    const gs_loss *loss = &b->out->loss;
    const gs_shape *output = gs__model_output_shape(b->model);
    const bool binary = loss->kind == GS_LOSS_BINARY_CROSSENTROPY || loss->kind == GS_LOSS_BINARY_FOCAL;
    const bool softmax = loss->kind == GS_LOSS_SPARSE_CROSSENTROPY || loss->kind == GS_LOSS_CATEGORICAL_CROSSENTROPY ||
                         loss->kind == GS_LOSS_CATEGORICAL_FOCAL;
    const bool one = binary || output->dim[output->rank - 1] == 1;
    gs__count_metric_attr attr = {.sparse = loss->kind == GS_LOSS_SPARSE_CROSSENTROPY,
                                  .confusion = kind == GS_METRIC_NONE || (kind == GS_METRIC_F1 && !one),
                                  .buckets = kind == GS_METRIC_AUC ? GS__AUC_BUCKETS : 2};
    if (!loss->from_probabilities) attr.link = binary ? 1 : softmax ? 2 : 0;
    gs__value inputs[2] = {b->x, b->targets}, outputs[GS__MAX_OUTPUTS] = {0};
    gs_status status = kind == GS_METRIC_R2
                           ? gs__graph_apply(graph, "r2_metric", "metric", NULL, inputs, 2, outputs)
                           : gs__graph_apply(graph, "count_metric", "metric", &attr, inputs, 2, outputs);
    if (status != GS_OK) return status;
    graph->values[outputs[0]].pinned = true;
    *counts = outputs[0];
    return GS_OK;
}

static gs_status build_metrics(struct builder *b, gs__value accuracy) {
    gs__graph *graph = &b->out->graph;
    gs__value inputs[2] = {b->x, b->targets};
    gs__accuracy_attr accuracy_attr = accuracy_of(b);
    for (uint32_t i = 0; i < b->out->metric_count; i++) {
        const gs_metric *metric = &b->out->metrics[i];
        gs__top_k_attr top_k = {.k = metric->k};
        gs__error_metric_attr error = {.kind = metric->kind};
        gs__value outputs[GS__MAX_OUTPUTS] = {0};
        gs_status status = GS_OK;
        if (metric->kind >= GS_METRIC_PRECISION) {
            status = build_counts(b, metric->kind, &b->out->counts[i]);
            if (status != GS_OK) return status;
            continue;
        }
        if (metric->kind == GS_METRIC_ACCURACY && accuracy) outputs[0] = accuracy;
        else if (metric->kind == GS_METRIC_ACCURACY)
            status = gs__graph_apply(graph, "accuracy", "metric", &accuracy_attr, inputs, 2, outputs);
        else if (metric->kind == GS_METRIC_TOP_K)
            status = gs__graph_apply(graph, "top_k", "metric", &top_k, inputs, 2, outputs);
        else status = gs__graph_apply(graph, "error_metric", "metric", &error, inputs, 2, outputs);
        if (status != GS_OK) return status;
        count_rows(b, 2 + i, outputs[0]);
    }
    return GS_OK;
}

static gs_status build_penalties(struct builder *b, const gs__value *parameters) {
    const gs_model *model = b->model;
    for (uint32_t i = 0; i < model->parameter_count; i++) {
        const gs__model_parameter *p = &model->parameters[i];
        if (p->regularizer.l1 == 0.0f && p->regularizer.l2 == 0.0f) continue;
        if (!gs__model_is_trained(model, p)) continue; // as Keras: no penalty on what is frozen
        gs__penalty_attr attr = {.l1 = p->regularizer.l1, .l2 = p->regularizer.l2, .batch = b->out->graph.batch};
        gs__value outputs[GS__MAX_OUTPUTS] = {0};
        gs_status status =
            gs__graph_apply(&b->out->graph, "penalty", model->layers[p->layer].name, &attr, &parameters[i], 1, outputs);
        if (status != GS_OK) return status;
        count_rows(b, 1, outputs[0]);
    }
    return GS_OK;
}

// Sample weights, and the mean over what is not ignored, behind the loss: when its gradient is there.
static gs_status build_weights(struct builder *b) {
    gs__graph *graph = &b->out->graph;
    gs_status status = GS_OK;
    uint32_t at = 0;
    gs__value factor[GS__MAX_OUTPUTS] = {0};
    const gs_loss *loss = &b->out->loss;
    if (!b->weights && !loss->ignores) return GS_OK;
    const uint32_t begin = graph->node_count;
    const gs__count_valid_attr valid = {.ignored = loss->ignore_class};
    while (at < begin && graph->nodes[at].y[0] != b->loss) at++;
    if (at == begin) return gs__fail(graph->error, GS_ERR_INTERNAL, "the loss to weigh is not in the graph");
    if (loss->ignores) GS_TRY(gs__graph_apply(graph, "count_valid", "loss", &valid, &b->targets, 1, factor));
    const gs__value x[] = {b->loss, graph->nodes[at].dx[0], b->weights, factor[0]};
    GS_TRY(gs__graph_in_place(graph, "weigh", NULL, x, 4, x[1] ? 2 : 1));
    // From the end to behind the loss.
    gs__node made[2];
    const uint32_t count = graph->node_count - begin;
    memcpy(made, graph->nodes + begin, count * sizeof *made);
    memmove(graph->nodes + at + 1 + count, graph->nodes + at + 1, (begin - at - 1) * sizeof *made);
    memcpy(graph->nodes + at + 1, made, count * sizeof *made);
    for (uint32_t i = 0; i < count; i++) graph->nodes[at + 1 + i].layer = "loss";
fail:
    return status;
}

static gs_status build_end(struct builder *b) {
    gs__graph *graph = &b->out->graph;
    gs_status status = GS_OK;
    if (b->mode == GS__MODE_TRAIN) {
        const bool fuses = !b->model->unfused;
        if (fuses) GS_TRY(gs__graph_fuse(graph));
        GS_TRY(gs__graph_backward(graph));
        GS_TRY(build_weights(b));
        if (fuses) GS_TRY(gs__graph_fuse_heads(graph));
        if (fuses) GS_TRY(gs__graph_group_gradients(graph));
        if (b->model->skips || b->model->compile.precision == GS_PRECISION_MIXED_FLOAT16)
            GS_TRY(gs__graph_check_finite(graph));
        GS_TRY(gs__model_build_update(b->model, graph, &b->tick));
    } else {
        gs__tick_attr attr = {.tick = b->tick};
        if (b->mode == GS__MODE_EVALUATE) GS_TRY(build_weights(b));
        GS_TRY(gs__graph_apply(graph, "tick", NULL, &attr, NULL, 0, NULL));
        GS_TRY(gs__graph_fuse(graph));
        GS_TRY(gs__graph_fuse_heads(graph));
    }
    GS_TRY(gs__graph_prune(graph));
fail:
    return status;
}

static gs_status build(struct builder *b, const gs_data_info *data, bool softmax, const gs__target_spec *targets,
                       gs__value *parameters) {
    gs_status status = GS_OK;
    gs__value accuracy = 0;
    GS_TRY(build_gather(b, data, targets));
    const gs_shape input = gs__model_input_shape(b->model);
    if (b->mode == GS__MODE_TRAIN && b->model->augment)
        GS_TRY(gs__augment_build(&b->out->graph, b->model->augment, data, &input, &b->x, &b->targets));
    GS_TRY(build_layers(b, parameters));
    if (softmax && gs__model_last_activation(b->model) != GS_ACTIVATION_SOFTMAX) {
        gs__layer_build end = {.graph = &b->out->graph, .name = "softmax"};
        GS_TRY(gs__activation_build(&end, GS_ACTIVATION_SOFTMAX, false, 0.0f, b->x, &b->x));
    }
    b->out->output = b->x;
    b->out->graph.values[b->x].pinned = b->mode == GS__MODE_PREDICT;
    if (b->mode != GS__MODE_PREDICT) {
        GS_TRY(build_loss(b, &accuracy));
        GS_TRY(build_metrics(b, accuracy));
        if (b->out->wants_confusion) GS_TRY(build_counts(b, GS_METRIC_NONE, &b->out->confusion));
        GS_TRY(build_penalties(b, parameters));
    }
    GS_TRY(build_end(b));
fail:
    return status;
}

// Everything that the graph needs to know of the data; keeps nothing in the model.
static gs_status prepare(gs_model *model, gs__mode mode, const gs_data_info *data, gs__model_graph *out,
                         gs__target_spec *targets) {
    gs_status status = GS_OK;
    GS_TRY(check_samples(model, data));
    if (mode == GS__MODE_PREDICT) return GS_OK;
    if (!data->has_targets)
        return gs__fail(model->error, GS_ERR_ARGUMENT, "data \"%s\" has no targets; it can only be predicted from",
                        data->name);
    if (mode == GS__MODE_TRAIN && !model->trainable_bytes)
        return gs__fail(model->error, GS_ERR_ARGUMENT, "model \"%s\" has no parameters to train%s", model->name,
                        model->parameter_count ? ": all its layers are frozen" : "");
    GS_TRY(gs__model_resolve(model, data, &out->loss, out->metrics));
    GS_TRY(gs__model_check_targets(model, data, &out->loss, targets));
    out->metric_count = gs__metric_count(out->metrics);
    for (uint32_t i = 0; i < out->metric_count; i++) out->metric_names[i] = gs_metric_name(out->metrics[i].kind);
fail:
    return status;
}

static gs_status build_graph(gs_model *model, gs__mode mode, uint32_t batch, const gs_data_info *data, bool softmax,
                             bool weighted, gs__model_graph *out) {
    gs_status status = GS_OK;
    *out = (gs__model_graph){.weighted = weighted, .wants_confusion = model->wants_confusion};
    if (batch < 1) return gs__fail(model->error, GS_ERR_ARGUMENT, "the batch size is 0; it must be at least 1");
    gs__target_spec targets = {0};
    struct builder b = {.model = model, .mode = mode, .out = out, .tick = {.row_stride = batch}};
    gs__value *parameters = calloc(model->parameter_count + GS__LAYER_MAX_PARAMETERS, sizeof *parameters);
    gs__graph_init(&out->graph, model->error, mode == GS__MODE_TRAIN, batch);
    if (!parameters) {
        status = gs__fail(model->error, GS_ERR_MEMORY, "out of host memory for a graph");
        goto fail;
    }
    GS_TRY(prepare(model, mode, data, out, &targets));
    GS_TRY(
        build(&b, data, softmax && mode == GS__MODE_PREDICT, mode == GS__MODE_PREDICT ? NULL : &targets, parameters));
    free(parameters);
    return GS_OK;
fail:
    free(parameters);
    gs__model_graph_deinit(out);
    return status;
}

gs_status gs__model_build(gs_model *model, gs__mode mode, uint32_t batch, const gs_data_info *data, bool softmax,
                          gs__model_graph *out) {
    return gs__model_build_weighted(model, mode, batch, data, softmax, false, out);
}

gs_status gs__model_build_weighted(gs_model *model, gs__mode mode, uint32_t batch, const gs_data_info *data,
                                   bool softmax, bool weighted, gs__model_graph *out) {
    gs_status status = build_graph(model, mode, batch, data, softmax, weighted, out);
    if (status != GS_OK || mode == GS__MODE_PREDICT) return status;
    model->has_resolved = true;
    model->resolved_loss = out->loss;
    memcpy(model->resolved_metrics, out->metrics, sizeof out->metrics);
    return GS_OK;
}

void gs__model_graph_deinit(gs__model_graph *graph) {
    gs__graph_deinit(&graph->graph);
    *graph = (gs__model_graph){0};
}

// Data that the model could be trained with.
static gs_data_info plausible_data(const gs_model *model, uint32_t batch) {
    const gs_shape *output = gs__model_output_shape(model);
    gs_loss_kind loss = model->compile.loss.kind;
    gs_data_info data = {
        .name = "example",
        .count = batch,
        .sample_shape = gs__model_input_shape(model),
        .x_dtype = GS_F32,
        .has_targets = true,
        .target_shape = *output,
        .y_dtype = GS_F32,
        .max_class = -1,
    };
    bool several = output->dim[output->rank - 1] > 1;
    if (loss == GS_LOSS_SPARSE_CROSSENTROPY || (loss == GS_LOSS_DEFAULT && several)) {
        data.target_shape.rank--;
        data.y_dtype = GS_I32;
        data.max_class = 0;
    }
    return data;
}

gs_status gs__model_build_example(gs_model *model, uint32_t batch, gs__model_graph *out) {
    gs_data_info data = plausible_data(model, batch);
    return build_graph(model, model->trainable_bytes ? GS__MODE_TRAIN : GS__MODE_EVALUATE, batch, &data, false, false,
                       out);
}

gs_status gs_model_memory(gs_model *model, uint32_t batch_size, gs_memory_info *info) {
    if (!model || !info) return GS_ERR_ARGUMENT;
    gs_status status = GS_OK;
    gs__model_graph built = {0};
    GS_TRY(gs__model_build_example(model, batch_size, &built));
    *info = (gs_memory_info){
        .parameter_bytes = built.graph.storage_bytes[GS__STORAGE_PARAMETER],
        .gradient_bytes = built.graph.storage_bytes[GS__STORAGE_GRADIENT],
        .optimizer_bytes = built.graph.storage_bytes[GS__STORAGE_SLOTS],
    };
    GS_TRY(gs__plan_activation_bytes(&built.graph, &info->activation_bytes));
fail:
    gs__model_graph_deinit(&built);
    return status;
}
