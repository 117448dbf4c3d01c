// compile_config: optimizer, loss and metrics in a model's JSON.
#include "model/model.h"

#include <stddef.h>
#include <string.h>

// An identifier is a name, { "class_name": NAME, "config": { ... } }, or a function: { "class_name": "function",
// "config": NAME }. *config is NULL where there is none. By hand it may be { "name": NAME, ... }.
static gs_status read_identifier(gs__json *json, const cJSON *item, const char **name, const cJSON **config) {
    gs_status status = GS_OK;
    *config = NULL;
    if (!cJSON_IsObject(item)) return gs__json_as_string(json, item, name);
    if (!gs__json_find(item, "class_name") && gs__json_find(item, "name")) {
        *config = item;
        return gs__json_get_string(json, item, "name", GS__JSON_REQUIRED, name);
    }
    GS_TRY(gs__json_get_string(json, item, "class_name", GS__JSON_REQUIRED, name));
    if (strcmp(*name, "function") == 0) return gs__json_get_string(json, item, "config", GS__JSON_REQUIRED, name);
    GS_TRY(gs__json_get_object(json, item, "config", GS__JSON_OPTIONAL, config));
fail:
    return status;
}

// Turns the message of a parse into one that names the place in the document.
static gs_status unsupported(gs__json *json, const cJSON *item, const gs__error *problem) {
    return gs__json_fail(json, item, GS_ERR_UNSUPPORTED, "%s", problem->message);
}

// A number whose exact zero must not become the default.
static gs_status read_number(gs__json *json, const cJSON *config, const char *key, bool zero_is_default, float *value) {
    const cJSON *item = gs__json_find(config, key);
    if (!item) return GS_OK;
    gs_status status = gs__json_get_float(json, config, key, GS__JSON_REQUIRED, value);
    if (status != GS_OK) return status;
    if (*value < 0.0f) return gs__json_fail(json, item, GS_ERR_FORMAT, "%g is negative", (double)*value);
    if (*value == 0.0f && !zero_is_default) *value = -1.0f;
    return GS_OK;
}

static gs_status read_count(gs__json *json, const cJSON *config, const char *key, uint32_t *count) {
    uint64_t value = 0;
    gs_status status = gs__json_get_uint(json, config, key, GS__JSON_OPTIONAL, 1, 1u << 20, &value);
    *count = (uint32_t)value;
    return status;
}

// Members that every optimizer has.
static gs_status read_common(gs__json *json, const cJSON *config, gs_optimizer *o) {
    gs_status status = GS_OK;
    if (cJSON_IsNumber(gs__json_find(config, "learning_rate")))
        GS_TRY(read_number(json, config, "learning_rate", false, &o->learning_rate));
    else GS_TRY(gs__rate_from_json(json, config, o));
    GS_TRY(read_number(json, config, "weight_decay", o->kind != GS_OPTIMIZER_ADAMW, &o->weight_decay));
    GS_TRY(read_number(json, config, "clipnorm", true, &o->clipnorm));
    GS_TRY(read_number(json, config, "global_clipnorm", true, &o->global_clipnorm));
    GS_TRY(read_number(json, config, "clipvalue", true, &o->clipvalue));
    GS_TRY(read_count(json, config, "gradient_accumulation_steps", &o->accumulate));
    GS_TRY(gs__json_get_bool(json, config, "use_ema", GS__JSON_OPTIONAL, &o->use_ema));
    // Keras writes these also where there is no average.
    if (!o->use_ema) return GS_OK;
    GS_TRY(read_number(json, config, "ema_momentum", false, &o->ema_momentum));
    GS_TRY(read_count(json, config, "ema_overwrite_frequency", &o->ema_overwrite));
fail:
    return status;
}

// A number of some kinds of optimizers, where it is.
typedef struct member {
    const char *key;
    size_t offset; // of the float in a gs_optimizer
    uint32_t kinds;
    bool zero_is_default;
} member;

#define BIT(kind)  (1u << GS_OPTIMIZER_##kind)
#define BETA_KINDS (BIT(ADAM) | BIT(ADAMW) | BIT(ADAMAX) | BIT(NADAM) | BIT(LION))
static const member members[] = {
    {"momentum", offsetof(gs_optimizer, momentum), BIT(SGD) | BIT(RMSPROP), true},
    {"beta_1", offsetof(gs_optimizer, beta1), BETA_KINDS, false},
    {"beta_2", offsetof(gs_optimizer, beta2), BETA_KINDS, false},
    {"rho", offsetof(gs_optimizer, rho), BIT(RMSPROP) | BIT(ADADELTA), false},
    {"epsilon", offsetof(gs_optimizer, epsilon), ~(BIT(SGD) | BIT(LION) | BIT(ADAFACTOR)), false},
    {"epsilon_1", offsetof(gs_optimizer, epsilon), BIT(ADAFACTOR), false},
    {"epsilon_2", offsetof(gs_optimizer, epsilon2), BIT(ADAFACTOR), false},
    {"clip_threshold", offsetof(gs_optimizer, clip_threshold), BIT(ADAFACTOR), false},
    {"initial_accumulator_value", offsetof(gs_optimizer, initial_accumulator), BIT(ADAGRAD), false},
};
enum { MEMBER_COUNT = sizeof members / sizeof members[0] };

static float *member_of(gs_optimizer *o, const member *m) {
    return (float *)(void *)((char *)o + m->offset);
}

static gs_status read_optimizer(gs__json *json, const cJSON *item, gs_optimizer *o) {
    // What is not here changes the training and is refused unless it is null or false. Adafactor's relative_step changes
    // nothing: the rate is never above 1 / sqrt(t).
    static const char *const keys[] = {"name",
                                       "learning_rate",
                                       "weight_decay",
                                       "clipnorm",
                                       "global_clipnorm",
                                       "clipvalue",
                                       "use_ema",
                                       "ema_momentum",
                                       "ema_overwrite_frequency",
                                       "gradient_accumulation_steps",
                                       "momentum",
                                       "nesterov",
                                       "beta_1",
                                       "beta_2",
                                       "rho",
                                       "epsilon",
                                       "epsilon_1",
                                       "epsilon_2",
                                       "beta_2_decay",
                                       "clip_threshold",
                                       "relative_step",
                                       "initial_accumulator_value",
                                       "jit_compile",
                                       "is_legacy_optimizer",
                                       NULL};
    gs_status status = GS_OK;
    gs__error problem = {0};
    const char *name = NULL;
    const cJSON *config = NULL;
    GS_TRY(read_identifier(json, item, &name, &config));
    if (gs__optimizer_parse(&problem, name, o) != GS_OK) return unsupported(json, item, &problem);
    if (!config) return GS_OK;
    GS_TRY(gs__json_refuse_others(json, config, keys));
    GS_TRY(read_common(json, config, o));
    for (size_t i = 0; i < MEMBER_COUNT; i++)
        if (members[i].kinds & 1u << o->kind)
            GS_TRY(read_number(json, config, members[i].key, members[i].zero_is_default, member_of(o, &members[i])));
    if (o->kind == GS_OPTIMIZER_SGD)
        GS_TRY(gs__json_get_bool(json, config, "nesterov", GS__JSON_OPTIONAL, &o->nesterov));
    if (o->kind == GS_OPTIMIZER_ADAFACTOR)
        GS_TRY(gs__json_get_float(json, config, "beta_2_decay", GS__JSON_OPTIONAL, &o->beta2_decay));
    if (gs__optimizer_check(&problem, o) != GS_OK) return unsupported(json, item, &problem);
fail:
    return status;
}

// LossScaleOptimizer around another one: what Keras makes of an optimizer in mixed_float16, where it was made by hand.
static gs_status read_scaled_optimizer(gs__json *json, const cJSON *item, gs_compile_params *params) {
    static const char *const keys[] = {"name", "inner_optimizer", "initial_scale", "dynamic_growth_steps", NULL};
    gs_status status = GS_OK;
    const char *name = NULL;
    const cJSON *config = NULL, *inner;
    uint64_t growth = 0;
    GS_TRY(read_identifier(json, item, &name, &config));
    if (strcmp(name, "LossScaleOptimizer") != 0) return read_optimizer(json, item, &params->optimizer);
    if (!config || !(inner = gs__json_find(config, "inner_optimizer")))
        return gs__json_fail(json, item, GS_ERR_FORMAT, "LossScaleOptimizer has no inner_optimizer");
    GS_TRY(gs__json_refuse_others(json, config, keys));
    GS_TRY(gs__json_get_float(json, config, "initial_scale", GS__JSON_OPTIONAL, &params->loss_scale));
    GS_TRY(gs__json_get_uint(json, config, "dynamic_growth_steps", GS__JSON_OPTIONAL, 1, UINT32_MAX, &growth));
    params->loss_scale_growth = (uint32_t)growth;
    status = read_optimizer(json, inner, &params->optimizer);
fail:
    return status;
}

// A member that must have one value. Missing is fine.
static gs_status expect_number(gs__json *json, const cJSON *config, const char *key, double wanted) {
    const cJSON *item = gs__json_find(config, key);
    double number = wanted;
    if (!item) return GS_OK;
    gs_status status = gs__json_as_number(json, item, &number);
    if (status != GS_OK || number == wanted) return status;
    return gs__json_fail(json, item, GS_ERR_UNSUPPORTED, "%g is not supported, only %g", number, wanted);
}

static gs_status read_loss(gs__json *json, const cJSON *item, gs_loss *loss) {
    static const char *const keys[] = {
        "name",  "reduction", "from_logits",  "label_smoothing",       "axis", "delta", "dtype",
        "gamma", "alpha",     "ignore_class", "apply_class_balancing", NULL};
    gs_status status = GS_OK;
    gs__error problem = {0};
    const char *name = NULL, *reduction = "sum_over_batch_size";
    const cJSON *config = NULL;
    GS_TRY(read_identifier(json, item, &name, &config));
    if (gs__loss_parse(&problem, name, loss) != GS_OK) return unsupported(json, item, &problem);
    // Without from_logits, what the model ends in decides.
    if (!config) return GS_OK;
    GS_TRY(gs__json_refuse_others(json, config, keys));
    GS_TRY(gs__json_get_string(json, config, "reduction", GS__JSON_OPTIONAL, &reduction));
    if (strcmp(reduction, "sum_over_batch_size") != 0 && strcmp(reduction, "auto") != 0)
        return gs__json_fail(json, gs__json_find(config, "reduction"), GS_ERR_UNSUPPORTED,
                             "only sum_over_batch_size is supported");
    GS_TRY(gs__json_get_float(json, config, "label_smoothing", GS__JSON_OPTIONAL, &loss->label_smoothing));
    GS_TRY(read_number(json, config, "gamma", false, &loss->gamma));
    GS_TRY(gs__json_get_float(json, config, "alpha", GS__JSON_OPTIONAL, &loss->alpha));
    GS_TRY(gs__json_get_bool(json, config, "apply_class_balancing", GS__JSON_OPTIONAL, &loss->class_balancing));
    if (gs__json_find(config, "ignore_class")) {
        int64_t class = 0;
        GS_TRY(gs__json_get_int(json, config, "ignore_class", GS__JSON_REQUIRED, INT32_MIN, INT32_MAX, &class));
        loss->ignores = true;
        loss->ignore_class = (int32_t) class;
    }
    GS_TRY(expect_number(json, config, "axis", -1.0));
    if (gs__json_find(config, "from_logits")) {
        bool from_logits = false;
        GS_TRY(gs__json_get_bool(json, config, "from_logits", GS__JSON_REQUIRED, &from_logits));
        loss->from_probabilities = !from_logits;
    }
    if (loss->kind == GS_LOSS_HUBER) GS_TRY(gs__json_get_float(json, config, "delta", GS__JSON_OPTIONAL, &loss->delta));
    if (gs__loss_check(&problem, loss) != GS_OK) return unsupported(json, item, &problem);
fail:
    return status;
}

static gs_status expect_string(gs__json *json, const cJSON *config, const char *key, const char *wanted) {
    const char *found = wanted;
    gs_status status = gs__json_get_string(json, config, key, GS__JSON_OPTIONAL, &found);
    if (status != GS_OK || strcmp(found, wanted) == 0) return status;
    return gs__json_fail(json, gs__json_find(config, key), GS_ERR_UNSUPPORTED, "only \"%s\" is supported", wanted);
}

// Only the defaults, but for F1Score's average.
static gs_status read_count_metric(gs__json *json, const cJSON *config, gs_metric_kind kind) {
    static const char *const none[] = {"thresholds", "top_k",         "class_id",   "multi_label",
                                       "num_labels", "label_weights", "from_logits"};
    gs_status status = GS_OK;
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) GS_TRY(gs__json_refuse(json, config, none[i]));
    GS_TRY(expect_number(json, config, "num_thresholds", 200));
    GS_TRY(expect_number(json, config, "num_regressors", 0));
    GS_TRY(expect_string(json, config, "curve", "ROC"));
    GS_TRY(expect_string(json, config, "summation_method", "interpolation"));
    GS_TRY(expect_string(json, config, "class_aggregation", "uniform_average"));
    if (kind == GS_METRIC_F1) GS_TRY(expect_string(json, config, "average", "macro"));
fail:
    return status;
}

static gs_status read_metric(gs__json *json, const cJSON *item, gs_metric *metric) {
    // Of an AUC and the like the defaults.
    static const char *const keys[] = {"name",
                                       "dtype",
                                       "k",
                                       "threshold",
                                       "thresholds",
                                       "top_k",
                                       "class_id",
                                       "average",
                                       "num_thresholds",
                                       "curve",
                                       "summation_method",
                                       "multi_label",
                                       "num_labels",
                                       "label_weights",
                                       "from_logits",
                                       "class_aggregation",
                                       "num_regressors",
                                       NULL};
    // Accuracies by their own names; which one is meant follows from the targets, as for "accuracy".
    static const char *const accuracies[] = {
        "sparse_categorical_accuracy", "SparseCategoricalAccuracy", "categorical_accuracy",
        "CategoricalAccuracy",         "binary_accuracy",           "BinaryAccuracy"};
    gs_status status = GS_OK;
    gs__error problem = {0};
    const char *name = NULL;
    const cJSON *config = NULL;
    uint64_t k = 0;
    GS_TRY(read_identifier(json, item, &name, &config));
    for (size_t i = 0; i < sizeof accuracies / sizeof accuracies[0]; i++)
        if (strcmp(name, accuracies[i]) == 0) name = "accuracy";
    if (gs__metric_parse(&problem, name, metric) != GS_OK) return unsupported(json, item, &problem);
    if (!config) return GS_OK;
    GS_TRY(gs__json_refuse_others(json, config, keys));
    GS_TRY(expect_number(json, config, "threshold", 0.5));
    GS_TRY(read_count_metric(json, config, metric->kind));
    GS_TRY(gs__json_get_uint(json, config, "k", GS__JSON_OPTIONAL, 1, UINT32_MAX, &k));
    metric->k = (uint32_t)k;
fail:
    return status;
}

static gs_status read_metrics(gs__json *json, const cJSON *array, gs_compile_params *params) {
    gs_status status = GS_OK;
    gs__error problem = {0};
    uint32_t count = 0;
    const cJSON *item;
    GS_TRY(gs__json_as_array(json, array));
    // One list for each output.
    if (cJSON_GetArraySize(array) == 1 && cJSON_IsArray(array->child)) array = array->child;
    params->no_metrics = cJSON_GetArraySize(array) == 0;
    cJSON_ArrayForEach(item, array) {
        if (count == GS_MAX_METRICS)
            return gs__json_fail(json, array, GS_ERR_UNSUPPORTED, "more than %d metrics are not supported",
                                 GS_MAX_METRICS);
        GS_TRY(read_metric(json, item, &params->metrics[count++]));
    }
    if (gs__metrics_check(&problem, params->metrics) != GS_OK) return unsupported(json, array, &problem);
fail:
    return status;
}

gs_status gs__compile_from_json(gs__json *json, const cJSON *root, gs_compile_params *params) {
    const cJSON *config = NULL;
    *params = (gs_compile_params){0};
    gs_status status = gs__json_get_object(json, root, "compile_config", GS__JSON_OPTIONAL, &config);
    return status == GS_OK && config ? gs__compile_read(json, config, root, params) : status;
}

gs_status gs__compile_read(gs__json *json, const cJSON *config, const cJSON *root, gs_compile_params *params) {
    gs_status status = GS_OK;
    const cJSON *own = NULL, *item;
    *params = (gs_compile_params){0};
    GS_TRY(gs__json_refuse(json, config, "loss_weights"));
    item = gs__json_find(config, "weighted_metrics");
    if (item && cJSON_GetArraySize(item)) GS_TRY(gs__json_refuse(json, config, "weighted_metrics"));
    if ((item = gs__json_find(config, "optimizer")) != NULL) GS_TRY(read_scaled_optimizer(json, item, params));
    if ((item = gs__json_find(config, "loss")) != NULL) GS_TRY(read_loss(json, item, &params->loss));
    if ((item = gs__json_find(config, "metrics")) != NULL) GS_TRY(read_metrics(json, item, params));
    // What Keras has no word for stands beside compile_config, where Keras does not look.
    GS_TRY(gs__json_get_object(json, root, "gradsmith", GS__JSON_OPTIONAL, &own));
    if (own) {
        GS_TRY(gs__json_get_bool(json, own, "paper_epsilon", GS__JSON_OPTIONAL, &params->optimizer.paper_epsilon));
        GS_TRY(gs__own_schedule_from_json(json, own, &params->optimizer));
        if (params->loss.kind == GS_LOSS_SPARSE_CROSSENTROPY)
            GS_TRY(gs__json_get_float(json, own, "label_smoothing", GS__JSON_OPTIONAL, &params->loss.label_smoothing));
    }
fail:
    return status;
}

// --- writing ------------------------------------------------------------------------------------------------------
static void write_number(gs__text *text, const char *key, float value) {
    gs__text_append(text, ", \"%s\": ", key);
    gs__text_append_float(text, value > 0.0f ? value : 0.0f);
}

// A number, or null for none.
static void write_or_null(gs__text *text, const char *key, float value) {
    if (value > 0.0f) write_number(text, key, value);
    else gs__text_append(text, ", \"%s\": null", key);
}

static void write_count(gs__text *text, const char *key, uint32_t count, uint32_t none) {
    if (count > none) gs__text_append(text, ", \"%s\": %u", key, count);
    else gs__text_append(text, ", \"%s\": null", key);
}

static void write_optimizer(gs__text *text, const gs_optimizer *o) {
    gs_optimizer copy = *o;
    gs__text_append(text, "{\"module\": \"keras.optimizers\", \"class_name\": \"%s\", \"config\": {\"name\": \"%s\"",
                    gs__optimizer_class_name(o->kind), gs_optimizer_name(o->kind));
    gs__text_append(text, ", \"learning_rate\": ");
    gs__rate_to_json(text, o);
    // Keras's AdamW needs a number, the others take null for none.
    if (o->kind == GS_OPTIMIZER_ADAMW) write_number(text, "weight_decay", o->weight_decay);
    else write_or_null(text, "weight_decay", o->weight_decay);
    write_or_null(text, "clipnorm", o->clipnorm);
    write_or_null(text, "global_clipnorm", o->global_clipnorm);
    write_or_null(text, "clipvalue", o->clipvalue);
    gs__text_append(text, ", \"use_ema\": %s", o->use_ema ? "true" : "false");
    if (o->use_ema) write_number(text, "ema_momentum", o->ema_momentum);
    write_count(text, "ema_overwrite_frequency", o->ema_overwrite, 0);
    write_count(text, "gradient_accumulation_steps", o->accumulate, 1);
    for (size_t i = 0; i < MEMBER_COUNT; i++)
        if (members[i].kinds & 1u << o->kind) write_number(text, members[i].key, *member_of(&copy, &members[i]));
    if (o->kind == GS_OPTIMIZER_SGD) gs__text_append(text, ", \"nesterov\": %s", o->nesterov ? "true" : "false");
    if (o->kind == GS_OPTIMIZER_ADAM || o->kind == GS_OPTIMIZER_ADAMW) gs__text_append(text, ", \"amsgrad\": false");
    if (o->kind == GS_OPTIMIZER_RMSPROP) gs__text_append(text, ", \"centered\": false");
    if (o->kind == GS_OPTIMIZER_ADAFACTOR) {
        gs__text_append(text, ", \"relative_step\": true, \"beta_2_decay\": ");
        gs__text_append_float(text, o->beta2_decay);
    }
    gs__text_append(text, "}, \"registered_name\": null}");
}

static void write_loss(gs__text *text, const gs_model *model, const gs_loss *loss) {
    if (loss->kind == GS_LOSS_DEFAULT) {
        gs__text_append(text, "null");
        return;
    }
    gs__text_append(text, "{\"module\": \"keras.losses\", \"class_name\": \"%s\", \"config\": {\"name\": \"%s\", ",
                    gs__loss_class_name(loss->kind), gs_loss_name(loss->kind));
    gs__text_append(text, "\"reduction\": \"sum_over_batch_size\"");
    if (loss->kind == GS_LOSS_HUBER) write_number(text, "delta", loss->delta);
    const bool binary_focal = loss->kind == GS_LOSS_BINARY_FOCAL;
    const bool focal = binary_focal || loss->kind == GS_LOSS_CATEGORICAL_FOCAL;
    if (loss->label_smoothing > 0.0f && loss->kind != GS_LOSS_SPARSE_CROSSENTROPY)
        write_number(text, "label_smoothing", loss->label_smoothing);
    if (loss->ignores) gs__text_append(text, ", \"ignore_class\": %d", loss->ignore_class);
    if (focal) write_number(text, "gamma", loss->gamma);
    if (focal) write_number(text, "alpha", loss->alpha);
    if (binary_focal)
        gs__text_append(text, ", \"apply_class_balancing\": %s", loss->class_balancing ? "true" : "false");
    if (loss->kind <= GS_LOSS_BINARY_CROSSENTROPY || focal)
        gs__text_append(text, ", \"from_logits\": %s", gs__loss_from_probabilities(model, loss) ? "false" : "true");
    gs__text_append(text, "}, \"registered_name\": null}");
}

static void write_metrics(gs__text *text, const gs_compile_params *compile) {
    uint32_t count = gs__metric_count(compile->metrics);
    if (count == 0 && !compile->no_metrics) {
        gs__text_append(text, "null");
        return;
    }
    gs__text_append(text, "[");
    for (uint32_t i = 0; i < count; i++) {
        const gs_metric *m = &compile->metrics[i];
        gs__text_append(text, "%s", i ? ", " : "");
        if (m->kind == GS_METRIC_TOP_K)
            gs__text_append(text,
                            "{\"module\": \"keras.metrics\", \"class_name\": \"SparseTopKCategoricalAccuracy\", "
                            "\"config\": {\"name\": \"%s\", \"k\": %u}, \"registered_name\": null}",
                            gs_metric_name(m->kind), m->k);
        else if (m->kind == GS_METRIC_F1)
            gs__text_append(text, "{\"module\": \"keras.metrics\", \"class_name\": \"F1Score\", \"config\": {\"name\": "
                                  "\"f1_score\", \"average\": \"macro\"}, \"registered_name\": null}");
        else gs__text_append(text, "\"%s\"", gs_metric_name(m->kind));
    }
    gs__text_append(text, "]");
}

void gs__compile_to_json(gs__text *text, const gs_model *model) {
    gs_compile_params compile;
    gs_model_get_compile(model, &compile);
    gs__text_append(text, "\"compile_config\": {\"optimizer\": ");
    const bool scaled = compile.precision == GS_PRECISION_MIXED_FLOAT16 &&
                        (compile.loss_scale != 0x1p15f || compile.loss_scale_growth != 2000);
    if (scaled)
        gs__text_append(text, "{\"module\": \"keras.optimizers\", \"class_name\": \"LossScaleOptimizer\", \"config\": "
                              "{\"name\": \"loss_scale_optimizer\", \"inner_optimizer\": ");
    write_optimizer(text, &compile.optimizer);
    if (scaled) {
        write_number(text, "initial_scale", compile.loss_scale);
        gs__text_append(text, ", \"dynamic_growth_steps\": %u}, \"registered_name\": null}", compile.loss_scale_growth);
    }
    gs__text_append(text, ",\n\"loss\": ");
    write_loss(text, model, &compile.loss);
    gs__text_append(text, ",\n\"loss_weights\": null, \"metrics\": ");
    write_metrics(text, &compile);
    gs__text_append(text, ", \"weighted_metrics\": null, \"run_eagerly\": false, \"steps_per_execution\": 1, "
                          "\"jit_compile\": false}");
    const gs_optimizer *o = &compile.optimizer;
    // What Keras has no word for.
    const char *separator = ",\n\"gradsmith\": {";
    const bool sparse_smoothing =
        compile.loss.kind == GS_LOSS_SPARSE_CROSSENTROPY && compile.loss.label_smoothing > 0.0f;
    if (o->paper_epsilon) {
        gs__text_append(text, "%s\"paper_epsilon\": true", separator);
        separator = ", ";
    }
    if (!gs__schedule_is_keras(&o->schedule)) {
        gs__text_append(text, "%s\"schedule\": ", separator);
        gs__own_schedule_to_json(text, &o->schedule);
        separator = ", ";
    }
    if (sparse_smoothing) {
        gs__text_append(text, "%s\"label_smoothing\": ", separator);
        gs__text_append_float(text, compile.loss.label_smoothing);
        separator = ", ";
    }
    if (separator[1] == ' ') gs__text_append(text, "}");
}
