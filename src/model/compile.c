// Optimizer, loss and metrics: what is asked for, and what it comes to for the data at hand.
#include "model/model.h"

#include <string.h>

static float either(float given, float other) {
    return given != 0.0f ? given : other;
}

// What `params` leaves open comes from the model's JSON.
static gs_compile_params merge(const gs_compile_params *params, const gs_compile_params *json) {
    gs_compile_params merged = params ? *params : (gs_compile_params){0};
    gs_optimizer *o = &merged.optimizer;
    if (o->kind == GS_OPTIMIZER_DEFAULT && json->optimizer.kind != GS_OPTIMIZER_DEFAULT) {
        gs_optimizer given = *o;
        *o = json->optimizer;
        o->learning_rate = either(given.learning_rate, o->learning_rate);
        o->momentum = either(given.momentum, o->momentum);
        o->beta1 = either(given.beta1, o->beta1);
        o->beta2 = either(given.beta2, o->beta2);
        o->rho = either(given.rho, o->rho);
        o->epsilon = either(given.epsilon, o->epsilon);
        o->weight_decay = either(given.weight_decay, o->weight_decay);
        o->nesterov |= given.nesterov;
        o->paper_epsilon |= given.paper_epsilon;
        o->initial_accumulator = either(given.initial_accumulator, o->initial_accumulator);
        o->epsilon2 = either(given.epsilon2, o->epsilon2);
        o->clip_threshold = either(given.clip_threshold, o->clip_threshold);
        o->beta2_decay = either(given.beta2_decay, o->beta2_decay);
        if (given.schedule.kind != GS_SCHEDULE_CONSTANT || given.schedule.warmup_steps) o->schedule = given.schedule;
        if (given.clipnorm != 0.0f || given.global_clipnorm != 0.0f || given.clipvalue != 0.0f) {
            o->clipnorm = given.clipnorm;
            o->global_clipnorm = given.global_clipnorm;
            o->clipvalue = given.clipvalue;
        }
        if (given.accumulate) o->accumulate = given.accumulate;
        if (given.use_ema) {
            o->use_ema = true;
            o->ema_momentum = either(given.ema_momentum, o->ema_momentum);
            if (given.ema_overwrite) o->ema_overwrite = given.ema_overwrite;
        }
    }
    if (merged.loss.kind == GS_LOSS_DEFAULT && json->loss.kind != GS_LOSS_DEFAULT) {
        gs_loss given = merged.loss;
        merged.loss = json->loss;
        merged.loss.from_probabilities |= given.from_probabilities;
        merged.loss.delta = either(given.delta, merged.loss.delta);
        merged.loss.label_smoothing = either(given.label_smoothing, merged.loss.label_smoothing);
        merged.loss.gamma = either(given.gamma, merged.loss.gamma);
        merged.loss.alpha = either(given.alpha, merged.loss.alpha);
        merged.loss.class_balancing |= given.class_balancing;
        if (given.ignores) merged.loss.ignores = true, merged.loss.ignore_class = given.ignore_class;
    }
    if (merged.metrics[0].kind == GS_METRIC_NONE && !merged.no_metrics) {
        memcpy(merged.metrics, json->metrics, sizeof merged.metrics);
        merged.no_metrics = json->no_metrics;
    }
    if (merged.precision == GS_PRECISION_DEFAULT) merged.precision = json->precision;
    merged.loss_scale = either(merged.loss_scale, json->loss_scale);
    if (!merged.loss_scale_growth) merged.loss_scale_growth = json->loss_scale_growth;
    return merged;
}

void gs__model_forget_training(gs_model *model) {
    if (model->plans) model->destroy_plans(model->plans);
    gs__buffer_destroy(model->device_slots);
    model->plans = NULL;
    model->device_slots = NULL;
    model->position = (struct gs_position){0};
    model->has_resolved = false;
}

gs_status gs_model_compile(gs_model *model, const gs_compile_params *params) {
    if (!model) return GS_ERR_ARGUMENT;
    if (model->fitting)
        return gs__fail(model->error, GS_ERR_ARGUMENT, "compile: the model is being trained; wait for fit to return");
    gs_status status = GS_OK;
    gs_compile_params compile = merge(params, &model->json_compile);
    GS_TRY(gs__optimizer_check(model->error, &compile.optimizer));
    GS_TRY(gs__loss_check(model->error, &compile.loss));
    GS_TRY(gs__metrics_check(model->error, compile.metrics));
    if (compile.no_metrics && compile.metrics[0].kind != GS_METRIC_NONE) {
        status = gs__fail(model->error, GS_ERR_ARGUMENT, "metrics are given, and no_metrics is set");
        goto fail;
    }
    GS_TRY(gs__precision_check(model->error, &compile));
    gs__optimizer_defaults(&compile.optimizer);
    gs__loss_defaults(&compile.loss);
    // Nothing behind the last metric, and no zero that means a default.
    for (uint32_t i = 0, end = 0; i < GS_MAX_METRICS; i++) {
        end |= compile.metrics[i].kind == GS_METRIC_NONE;
        if (end) compile.metrics[i] = (gs_metric){0};
        if (compile.metrics[i].kind == GS_METRIC_TOP_K && !compile.metrics[i].k) compile.metrics[i].k = 5;
    }
    gs__model_forget_training(model);
    model->compile = compile;
fail:
    return status;
}

void gs_model_get_compile(const gs_model *model, gs_compile_params *params) {
    *params = model->compile;
    if (!model->has_resolved) return;
    params->loss = model->resolved_loss;
    memcpy(params->metrics, model->resolved_metrics, sizeof params->metrics);
    params->no_metrics = params->metrics[0].kind == GS_METRIC_NONE;
}

// --- the data decides ---------------------------------------------------------------------------------------------
static bool is_crossentropy(gs_loss_kind kind) {
    return kind == GS_LOSS_SPARSE_CROSSENTROPY || kind == GS_LOSS_CATEGORICAL_CROSSENTROPY ||
           kind == GS_LOSS_BINARY_CROSSENTROPY || kind == GS_LOSS_BINARY_FOCAL || kind == GS_LOSS_CATEGORICAL_FOCAL;
}

bool gs__loss_from_probabilities(const gs_model *model, const gs_loss *loss) {
    if (!is_crossentropy(loss->kind)) return false;
    gs_activation last = gs__model_last_activation(model);
    return loss->from_probabilities || last == GS_ACTIVATION_SOFTMAX || last == GS_ACTIVATION_SIGMOID;
}

static gs_status check_metric(gs_model *model, const gs_metric *metric, const gs_loss *loss) {
    const gs_shape *output = gs__model_output_shape(model);
    bool sparse = loss->kind == GS_LOSS_SPARSE_CROSSENTROPY;
    int64_t classes = output->dim[output->rank - 1];
    const char *name = gs_metric_name(metric->kind);
    if (metric->kind == GS_METRIC_TOP_K && !sparse)
        return gs__fail(model->error, GS_ERR_ARGUMENT,
                        "metric %s needs class indices as targets, with the loss sparse_categorical_crossentropy",
                        name);
    if (metric->kind == GS_METRIC_TOP_K && metric->k > classes)
        return gs__fail(model->error, GS_ERR_ARGUMENT, "metric %s: k is %u but the model's output has %lld classes",
                        name, metric->k, (long long)classes);
    if ((metric->kind == GS_METRIC_MSE || metric->kind == GS_METRIC_MAE || metric->kind == GS_METRIC_R2) && sparse)
        return gs__fail(model->error, GS_ERR_ARGUMENT,
                        "metric %s needs targets of the output's shape, not the class indices of the loss %s", name,
                        gs_loss_name(loss->kind));
    return GS_OK;
}

gs_status gs__model_resolve(gs_model *model, const gs_data_info *data, gs_loss *loss, gs_metric *metrics) {
    const gs_compile_params *compile = &model->compile;
    bool classes = data->y_dtype == GS_I32;
    *loss = compile->loss;
    if (loss->kind == GS_LOSS_DEFAULT) loss->kind = classes ? GS_LOSS_SPARSE_CROSSENTROPY : GS_LOSS_MSE;
    loss->from_probabilities = gs__loss_from_probabilities(model, loss);
    memcpy(metrics, compile->metrics, sizeof compile->metrics);
    if (metrics[0].kind == GS_METRIC_NONE && !compile->no_metrics && classes && is_crossentropy(loss->kind))
        metrics[0].kind = GS_METRIC_ACCURACY;
    for (uint32_t i = 0; i < gs__metric_count(metrics); i++) {
        gs_status status = check_metric(model, &metrics[i], loss);
        if (status != GS_OK) return status;
    }
    return GS_OK;
}

// Shapes without their dimensions of 1: (10, 1) and (10) hold the same values.
static gs_shape squeezed(const gs_shape *shape) {
    gs_shape s = {0};
    for (uint32_t i = 0; i < shape->rank; i++)
        if (shape->dim[i] != 1) s.dim[s.rank++] = shape->dim[i];
    return s;
}

static gs_status check_classes(gs_model *model, const gs_data_info *data, const gs_loss *loss, const gs_shape *output) {
    char text[96], output_text[96];
    int64_t classes = output->dim[output->rank - 1];
    gs_shape wanted = *output, found = squeezed(&data->target_shape);
    wanted.rank--;
    wanted = squeezed(&wanted);
    gs__shape_text(&data->target_shape, false, text, sizeof text);
    gs__shape_text(output, false, output_text, sizeof output_text);
    if (data->y_dtype != GS_I32)
        return gs__fail(
            model->error, GS_ERR_ARGUMENT,
            "loss %s needs class indices (uint8 or int32), but data \"%s\" has float32 targets of shape %s; "
            "use categorical_crossentropy for one-hot rows, mean_squared_error for values",
            gs_loss_name(loss->kind), data->name, text);
    if (!gs__shape_equal(&wanted, &found))
        return gs__fail(model->error, GS_ERR_ARGUMENT,
                        "data \"%s\" has targets of shape %s a sample, but loss %s needs one class index for each row "
                        "of the model's output %s",
                        data->name, text, gs_loss_name(loss->kind), output_text);
    if (data->max_class >= classes)
        return gs__fail(model->error, GS_ERR_ARGUMENT,
                        "data \"%s\" has the class index %lld, but the model's output %s has %lld class%s, from 0 to "
                        "%lld%s",
                        data->name, (long long)data->max_class, output_text, (long long)classes,
                        classes == 1 ? "" : "es", (long long)classes - 1,
                        classes == 1 ? "; for two classes use binary_crossentropy, or two outputs" : "");
    return GS_OK;
}

static gs_status check_values(gs_model *model, const gs_data_info *data, const gs_loss *loss, const gs_shape *output) {
    char text[96], output_text[96];
    gs_shape wanted = squeezed(output), found = squeezed(&data->target_shape);
    bool classes = data->y_dtype == GS_I32;
    if (!gs__shape_equal(&wanted, &found))
        return gs__fail(model->error, GS_ERR_ARGUMENT,
                        "data \"%s\" has targets of shape %s a sample, but loss %s needs the shape of the model's "
                        "output, %s%s",
                        data->name, gs__shape_text(&data->target_shape, false, text, sizeof text),
                        gs_loss_name(loss->kind), gs__shape_text(output, false, output_text, sizeof output_text),
                        classes ? "; for class indices use sparse_categorical_crossentropy" : "");
    const bool binary = loss->kind == GS_LOSS_BINARY_CROSSENTROPY || loss->kind == GS_LOSS_BINARY_FOCAL ||
                        loss->kind == GS_LOSS_HINGE || loss->kind == GS_LOSS_SQUARED_HINGE;
    if (classes && binary && data->max_class > 1)
        return gs__fail(model->error, GS_ERR_ARGUMENT,
                        "data \"%s\" has the class index %lld, but loss %s knows only 0 and 1", data->name,
                        (long long)data->max_class, gs_loss_name(loss->kind));
    return GS_OK;
}

gs_status gs__model_check_targets(gs_model *model, const gs_data_info *data, const gs_loss *loss,
                                  gs__target_spec *targets) {
    const gs_shape *output = gs__model_output_shape(model);
    bool sparse = loss->kind == GS_LOSS_SPARSE_CROSSENTROPY;
    gs_status status = sparse ? check_classes(model, data, loss, output) : check_values(model, data, loss, output);
    if (status != GS_OK) return status;
    *targets = (gs__target_spec){.shape = {1, {(int64_t)data->count}}, .dtype = sparse ? GS_I32 : GS_F32};
    uint32_t kept = sparse ? output->rank - 1 : output->rank;
    for (uint32_t i = 0; i < kept; i++) targets->shape.dim[targets->shape.rank++] = output->dim[i];
    return GS_OK;
}
