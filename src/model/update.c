// What a training step does with the gradients:
//   accumulate -> square_sum, clip -> optimizer -> ema, each only where it is asked for.
#include "model/model.h"
#include "op/attr.h"
#include "plan/graph.h"
#include "tensor/shape.h"

#include <string.h>

static uint32_t slot_count(const gs_optimizer *o) {
    const uint32_t velocity = o->momentum > 0.0f ? 1 : 0;
    switch (o->kind) {
    case GS_OPTIMIZER_SGD:
        return velocity;
    case GS_OPTIMIZER_RMSPROP:
        return 1 + velocity;
    case GS_OPTIMIZER_ADAGRAD:
    case GS_OPTIMIZER_LION:
        return 1;
    case GS_OPTIMIZER_ADAFACTOR:
        return 0;
    default:
        return 2;
    }
}

static gs__adafactor_attr factors_of(const gs__model_parameter *p) {
    gs__adafactor_attr attr = {0};
    const gs_shape *shape = &p->shape;
    if (shape->rank < 2) return attr;
    attr.rows = (uint32_t)shape->dim[shape->rank - 2];
    attr.columns = (uint32_t)shape->dim[shape->rank - 1];
    attr.matrices = (uint32_t)(p->count / attr.rows / attr.columns);
    return attr;
}

static uint64_t factor_bytes(const gs__model_parameter *p) {
    const gs__adafactor_attr attr = factors_of(p);
    const uint64_t bytes = gs__adafactor_factors(&attr, p->count) * sizeof(float);
    return (bytes + GS__PARAMETER_ALIGN - 1) / GS__PARAMETER_ALIGN * GS__PARAMETER_ALIGN;
}

gs__slot_layout gs__model_slot_layout(const gs_model *model) {
    const gs_optimizer *o = &model->compile.optimizer;
    gs__slot_layout layout = {.slot_count = slot_count(o)};
    layout.bytes = layout.slot_count * model->trainable_bytes;
    for (uint32_t i = 0; i < model->parameter_count && o->kind == GS_OPTIMIZER_ADAFACTOR; i++)
        if (gs__model_is_trained(model, &model->parameters[i])) layout.bytes += factor_bytes(&model->parameters[i]);
    layout.accumulator = layout.bytes;
    if (o->accumulate > 1) layout.bytes += model->trainable_bytes;
    layout.average = layout.bytes;
    if (o->use_ema) layout.bytes += model->trainable_bytes;
    return layout;
}

// Scales the gradients of `count` elements from byte `offset` on by their norm.
static gs_status clip_norm(gs__graph *graph, uint64_t offset, uint64_t count) {
    gs_status status = GS_OK;
    gs__value x[2];
    GS_TRY(gs__graph_flat(graph, GS__STORAGE_GRADIENT, offset, count, "gradients", &x[0]));
    GS_TRY(gs__graph_apply(graph, "square_sum", NULL, NULL, x, 1, &x[1]));
    GS_TRY(gs__graph_in_place(graph, "clip", NULL, x, 2, 1));
fail:
    return status;
}

static gs_status clip(const gs_model *model, gs__graph *graph) {
    const gs_optimizer *o = &model->compile.optimizer;
    const uint64_t all = model->trainable_bytes / sizeof(float);
    gs_status status = GS_OK;
    gs__value x;
    if (o->global_clipnorm > 0.0f) GS_TRY(clip_norm(graph, 0, all));
    for (uint32_t i = 0; i < model->parameter_count && o->clipnorm > 0.0f; i++) {
        const gs__model_parameter *p = &model->parameters[i];
        if (!gs__model_is_trained(model, p)) continue;
        GS_TRY(clip_norm(graph, p->offset, (p->count + 3) / 4 * 4)); // the padding is 0
    }
    if (o->clipvalue > 0.0f) {
        GS_TRY(gs__graph_flat(graph, GS__STORAGE_GRADIENT, 0, all, "gradients", &x));
        GS_TRY(gs__graph_in_place(graph, "clip", NULL, &x, 1, 1));
    }
fail:
    return status;
}

// A node for each parameter, then the end of the step.
static gs_status adafactor(const gs_model *model, gs__graph *graph, const gs__tick *tick) {
    gs_status status = GS_OK;
    uint64_t offset = 0;
    const gs__tick_attr end = {.tick = *tick};
    for (uint32_t i = 0; i < model->parameter_count; i++) {
        const gs__model_parameter *p = &model->parameters[i];
        if (!gs__model_is_trained(model, p)) continue;
        gs__adafactor_attr attr = factors_of(p);
        gs__value x[3], scratch;
        const uint64_t factors = gs__adafactor_factors(&attr, p->count);
        attr.accumulates = tick->accumulates;
        GS_TRY(gs__graph_flat(graph, GS__STORAGE_PARAMETER, p->offset, p->count, p->name, &x[0]));
        GS_TRY(gs__graph_flat(graph, GS__STORAGE_GRADIENT, p->offset, p->count, "gradients", &x[1]));
        GS_TRY(gs__graph_flat(graph, GS__STORAGE_SLOTS, offset, factors, "factors", &x[2]));
        GS_TRY(gs__graph_apply(graph, "adafactor", NULL, &attr, x, 3, (gs__value[GS__MAX_OUTPUTS]){0}));
        // In place, but for the scratch.
        gs__node *node = &graph->nodes[graph->node_count - 1];
        scratch = node->y[2];
        const gs_shape shapes[] = {graph->values[x[0]].shape, graph->values[x[2]].shape};
        GS_TRY(gs__graph_alias(graph, x[0], &shapes[0], &node->y[0]));
        GS_TRY(gs__graph_alias(graph, x[2], &shapes[1], &node->y[1]));
        node->y[2] = scratch;
        offset += factor_bytes(p);
    }
    GS_TRY(gs__graph_apply(graph, "tick", NULL, &end, NULL, 0, NULL));
fail:
    return status;
}

static gs_status update(const gs_model *model, gs__graph *graph, const gs__tick *tick, uint32_t slots) {
    const gs_optimizer *o = &model->compile.optimizer;
    const bool momentum = o->momentum > 0.0f;
    const gs__sgd_attr sgd = {.tick = *tick, .momentum = momentum, .nesterov = momentum && o->nesterov};
    const gs__rmsprop_attr rmsprop = {.tick = *tick, .momentum = momentum};
    const gs__adam_attr adam = {.tick = *tick, .paper_epsilon = o->paper_epsilon};
    const gs__tick_attr others = {.tick = *tick};
    switch (o->kind) {
    case GS_OPTIMIZER_SGD:
        return gs__graph_update(graph, "sgd", &sgd, slots);
    case GS_OPTIMIZER_RMSPROP:
        return gs__graph_update(graph, "rmsprop", &rmsprop, slots);
    case GS_OPTIMIZER_ADAM:
    case GS_OPTIMIZER_ADAMW:
        return gs__graph_update(graph, "adam", &adam, slots);
    case GS_OPTIMIZER_ADAFACTOR:
        return adafactor(model, graph, tick);
    default:
        return gs__graph_update(graph, gs_optimizer_name(o->kind), &others, slots);
    }
}

gs_status gs__model_build_update(const gs_model *model, gs__graph *graph, const gs__tick *tick) {
    const gs_optimizer *o = &model->compile.optimizer;
    const gs__slot_layout layout = gs__model_slot_layout(model);
    const uint64_t all = model->trainable_bytes / sizeof(float);
    gs__tick end = *tick;
    gs_status status = GS_OK;
    gs__value x[2];
    end.accumulates = o->accumulate > 1;
    if (end.accumulates) {
        GS_TRY(gs__graph_flat(graph, GS__STORAGE_GRADIENT, 0, all, "gradients", &x[0]));
        GS_TRY(gs__graph_flat(graph, GS__STORAGE_SLOTS, layout.accumulator, all, "accumulated gradients", &x[1]));
        GS_TRY(gs__graph_in_place(graph, "accumulate", NULL, x, 2, 2));
    }
    GS_TRY(clip(model, graph));
    GS_TRY(update(model, graph, &end, layout.slot_count));
    if (o->use_ema) {
        GS_TRY(gs__graph_flat(graph, GS__STORAGE_PARAMETER, 0, all, "parameters", &x[0]));
        GS_TRY(gs__graph_flat(graph, GS__STORAGE_SLOTS, layout.average, all, "average of the parameters", &x[1]));
        GS_TRY(gs__graph_in_place(graph, "ema", NULL, x, 2, 2));
    }
    graph->storage_bytes[GS__STORAGE_GRADIENT] = model->trainable_bytes;
    graph->storage_bytes[GS__STORAGE_SLOTS] = layout.bytes;
fail:
    return status;
}
