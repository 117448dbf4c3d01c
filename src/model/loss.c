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
    for (int i = 1; i < LOSS_COUNT; i++)
        if (strcmp(name, losses[i].name) == 0 || strcmp(name, losses[i].class_name) == 0) {
            *loss = (gs_loss){.kind = (gs_loss_kind)i};
            return GS_OK;
        }
    char shown[40];
    return gs__fail(error, GS_ERR_ARGUMENT,
                    "unknown loss \"%s\"; known are sparse_categorical_crossentropy, categorical_crossentropy, "
                    "binary_crossentropy, mean_squared_error (mse), mean_absolute_error (mae), huber",
                    gs__text_show(name, shown, sizeof shown));
}

gs_status gs_loss_parse(const char *name, gs_loss *loss) {
    return name && loss ? gs__loss_parse(NULL, name, loss) : GS_ERR_ARGUMENT;
}

gs_status gs__metric_parse(gs__error *error, const char *name, gs_metric *metric) {
    static const struct {
        const char *name;
        gs_metric_kind kind;
    } others[] = {
        {"acc", GS_METRIC_ACCURACY}, {"top_k", GS_METRIC_TOP_K}, {"SparseTopKCategoricalAccuracy", GS_METRIC_TOP_K},
        {"mse", GS_METRIC_MSE},      {"MSE", GS_METRIC_MSE},     {"MeanSquaredError", GS_METRIC_MSE},
        {"mae", GS_METRIC_MAE},      {"MAE", GS_METRIC_MAE},     {"MeanAbsoluteError", GS_METRIC_MAE},
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
    return gs__fail(error, GS_ERR_ARGUMENT,
                    "unknown metric \"%s\"; known are accuracy, sparse_top_k_categorical_accuracy (top_k), "
                    "mean_squared_error (mse), mean_absolute_error (mae)",
                    gs__text_show(name, shown, sizeof shown));
}

gs_status gs_metric_parse(const char *name, gs_metric *metric) {
    return name && metric ? gs__metric_parse(NULL, name, metric) : GS_ERR_ARGUMENT;
}

gs_status gs__loss_check(gs__error *error, const gs_loss *loss) {
    if ((int)loss->kind < 0 || (int)loss->kind >= LOSS_COUNT)
        return gs__fail(error, GS_ERR_ARGUMENT, "loss kind %d is not one of gs_loss_kind", (int)loss->kind);
    if (loss->delta == 0.0f) return GS_OK;
    if (loss->kind != GS_LOSS_HUBER)
        return gs__fail(error, GS_ERR_ARGUMENT, "loss %s has no delta; huber has",
                        loss->kind ? losses[loss->kind].name : "(default)");
    if (!(loss->delta > 0.0f) || !isfinite(loss->delta))
        return gs__fail(error, GS_ERR_ARGUMENT, "loss huber: delta is %g; it must be a finite number above 0",
                        (double)loss->delta);
    return GS_OK;
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
