// Names and checks of losses and metrics.
#include "model/model.h"

#include <math.h>
#include <string.h>

static const struct {
    const char *name, *class_name;
} losses[] = {
#define ENTRY(constant, value, text, class) [constant] = {text, class},
    GS_LOSS_MAP(ENTRY)
#undef ENTRY
};
enum { LOSS_COUNT = sizeof losses / sizeof losses[0] };

static const char *const metrics[] = {
#define ENTRY(constant, value, text) [constant] = text,
    GS_METRIC_MAP(ENTRY)
#undef ENTRY
};
enum { METRIC_COUNT = sizeof metrics / sizeof metrics[0] };

const char *gs_loss_name(gs_loss_kind kind) {
    return (int)kind >= 0 && (int)kind < LOSS_COUNT ? losses[kind].name : "";
}

const char *gs__loss_class_name(gs_loss_kind kind) {
    return (int)kind >= 0 && (int)kind < LOSS_COUNT ? losses[kind].class_name : "";
}

const char *gs_metric_name(gs_metric_kind kind) {
    return (int)kind >= 0 && (int)kind < METRIC_COUNT ? metrics[kind] : "";
}

gs_status gs__loss_parse(gs__error *error, const char *name, gs_loss *loss) {
    if (strcmp(name, "mse") == 0 || strcmp(name, "MSE") == 0) name = losses[GS_LOSS_MSE].name;
    if (strcmp(name, "mae") == 0 || strcmp(name, "MAE") == 0) name = losses[GS_LOSS_MAE].name;
    if (strcmp(name, "kld") == 0 || strcmp(name, "KLD") == 0) name = losses[GS_LOSS_KL_DIVERGENCE].name;
    if (strcmp(name, "kullback_leibler_divergence") == 0) name = losses[GS_LOSS_KL_DIVERGENCE].name;
    if (strcmp(name, "logcosh") == 0) name = losses[GS_LOSS_LOG_COSH].name;
    for (int i = 1; i < LOSS_COUNT; i++)
        if (strcmp(name, losses[i].name) == 0 || strcmp(name, losses[i].class_name) == 0) {
            *loss = (gs_loss){.kind = (gs_loss_kind)i};
            return GS_OK;
        }
    char shown[40], list[400] = "";
    for (int i = 1; i < LOSS_COUNT; i++) strcat(strcat(list, i > 1 ? ", " : ""), losses[i].name);
    return gs__fail(error, GS_ERR_ARGUMENT, "unknown loss \"%s\"; known are %s, mse, mae, kld, logcosh",
                    gs__text_show(name, shown, sizeof shown), list);
}

gs_status gs_loss_parse(const char *name, gs_loss *loss) {
    return name && loss ? gs__loss_parse(NULL, name, loss) : GS_ERR_ARGUMENT;
}

gs_status gs__metric_parse(gs__error *error, const char *name, gs_metric *metric) {
    static const struct {
        const char *name;
        gs_metric_kind kind;
    } others[] = {
        {"acc", GS_METRIC_ACCURACY},
        {"top_k", GS_METRIC_TOP_K},
        {"SparseTopKCategoricalAccuracy", GS_METRIC_TOP_K},
        {"Precision", GS_METRIC_PRECISION},
        {"Recall", GS_METRIC_RECALL},
        {"f1", GS_METRIC_F1},
        {"F1Score", GS_METRIC_F1},
        {"AUC", GS_METRIC_AUC},
        {"r2", GS_METRIC_R2},
        {"R2Score", GS_METRIC_R2},
        {"mse", GS_METRIC_MSE},
        {"MSE", GS_METRIC_MSE},
        {"MeanSquaredError", GS_METRIC_MSE},
        {"mae", GS_METRIC_MAE},
        {"MAE", GS_METRIC_MAE},
        {"MeanAbsoluteError", GS_METRIC_MAE},
    };
    gs_metric_kind kind = GS_METRIC_NONE;
    for (int i = 1; i < METRIC_COUNT; i++)
        if (strcmp(name, metrics[i]) == 0) kind = (gs_metric_kind)i;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (strcmp(name, others[i].name) == 0) kind = others[i].kind;
    if (kind != GS_METRIC_NONE) {
        *metric = (gs_metric){.kind = kind};
        return GS_OK;
    }
    char shown[40];
    return gs__fail(
        error, GS_ERR_ARGUMENT,
        "unknown metric \"%s\"; known are accuracy, sparse_top_k_categorical_accuracy (top_k), "
        "mean_squared_error (mse), mean_absolute_error (mae), precision, recall, f1_score (f1), auc, r2_score (r2)",
        gs__text_show(name, shown, sizeof shown));
}

gs_status gs_metric_parse(const char *name, gs_metric *metric) {
    return name && metric ? gs__metric_parse(NULL, name, metric) : GS_ERR_ARGUMENT;
}

gs_status gs__loss_check(gs__error *error, const gs_loss *loss) {
    if ((int)loss->kind < 0 || (int)loss->kind >= LOSS_COUNT)
        return gs__fail(error, GS_ERR_ARGUMENT, "loss kind %d is not one of gs_loss_kind", (int)loss->kind);
    enum { SPARSE = 1 << GS_LOSS_SPARSE_CROSSENTROPY, HUBER = 1 << GS_LOSS_HUBER };
    enum { FOCAL = 1 << GS_LOSS_BINARY_FOCAL | 1 << GS_LOSS_CATEGORICAL_FOCAL };
    enum { SMOOTHED = FOCAL | SPARSE | 1 << GS_LOSS_CATEGORICAL_CROSSENTROPY | 1 << GS_LOSS_BINARY_CROSSENTROPY };
    const int kind = loss->kind ? 1 << loss->kind : SPARSE;
    const struct {
        const char *name;
        float value;
        int kinds;
        float most; // allowed, but for INFINITY
        bool below; // the most is not allowed
        const char *range;
    } fields[] = {
        {"delta", loss->delta, HUBER, INFINITY, true, "above 0"},
        {"label_smoothing", loss->label_smoothing, SMOOTHED, 1, true, "from 0 to below 1"},
        {"gamma", fmaxf(loss->gamma, 0.0f), FOCAL, INFINITY, true, "of at least 0"},
        {"alpha", loss->alpha, FOCAL, 1, false, "above 0 and at most 1"},
        {"class_balancing", loss->class_balancing, 1 << GS_LOSS_BINARY_FOCAL, 1, false, "true or false"},
        {"ignore_class", loss->ignores, SPARSE, 1, false, "a class"},
    };
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        const float value = fields[i].value;
        if (value == 0.0f) continue;
        const char *name = loss->kind ? losses[loss->kind].name : "(default)";
        if (!(fields[i].kinds & kind))
            return gs__fail(error, GS_ERR_ARGUMENT, "loss %s has no %s%s", name, fields[i].name,
                            fields[i].kinds == HUBER ? "; huber has" : "");
        if (!(value > 0.0f) || !(fields[i].below ? value < fields[i].most : value <= fields[i].most))
            return gs__fail(error, GS_ERR_ARGUMENT, "loss %s: %s is %g; it must be a finite number %s", name,
                            fields[i].name, (double)value, fields[i].range);
    }
    if (isnan(loss->gamma))
        return gs__fail(error, GS_ERR_ARGUMENT, "loss %s: gamma is nan; it must be a finite number of at least 0",
                        losses[loss->kind].name);
    return GS_OK;
}

void gs__loss_defaults(gs_loss *loss) {
    if (loss->kind == GS_LOSS_HUBER && loss->delta == 0.0f) loss->delta = 1.0f;
    if (loss->kind != GS_LOSS_BINARY_FOCAL && loss->kind != GS_LOSS_CATEGORICAL_FOCAL) return;
    if (loss->gamma == 0.0f) loss->gamma = 2.0f;
    if (loss->alpha == 0.0f) loss->alpha = 0.25f;
}

uint32_t gs__metric_count(const gs_metric *list) {
    uint32_t count = 0;
    while (count < GS_MAX_METRICS && list[count].kind != GS_METRIC_NONE) count++;
    return count;
}

gs_status gs__metrics_check(gs__error *error, const gs_metric *list) {
    uint32_t count = gs__metric_count(list);
    for (uint32_t i = 0; i < count; i++) {
        if ((int)list[i].kind < 0 || (int)list[i].kind >= METRIC_COUNT)
            return gs__fail(error, GS_ERR_ARGUMENT, "metric kind %d is not one of gs_metric_kind", (int)list[i].kind);
        if (list[i].k && list[i].kind != GS_METRIC_TOP_K)
            return gs__fail(error, GS_ERR_ARGUMENT, "metric %s has no k", metrics[list[i].kind]);
        for (uint32_t j = 0; j < i; j++)
            if (list[j].kind == list[i].kind)
                return gs__fail(error, GS_ERR_ARGUMENT, "metric %s is given twice", metrics[list[i].kind]);
    }
    return GS_OK;
}
