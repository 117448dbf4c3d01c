// count_metric: what precision, recall, F1, AUC and a confusion matrix are made of, counted over the steps of a pass.
//   x: outputs (B, ..., K), targets (B, ...) int32 or (B, ..., K)  ->  y: counts int32, added to. Either
//   (K, K)        of target and prediction, the first of the largest outputs, or
//   (2, buckets)  of every output: those whose target is 1, and the others, by probability as Keras's AUC does:
//                 bucket max(ceil(p (buckets - 1)) - 1, 0); with 2 buckets p > 0.5
#include "op/attr.h"
#include "plan/record.h"
#include "shaders.h"
#include "state.h"
#include "tensor/shape.h"

#include <math.h>

static gs_status shape(gs__error *error, const gs__node *node, const gs__value_info *const *x, gs__value_info *y) {
    const gs__count_metric_attr *a = gs__node_attr(node, gs__count_metric_attr);
    const gs_shape *s = &x[0]->shape;
    uint64_t count = 0, targets = 0;
    const bool counted = gs__shape_count(s, &count) && gs__shape_count(&x[1]->shape, &targets);
    const int64_t classes = s->rank ? s->dim[s->rank - 1] : 0;
    if (!counted || s->rank < 2 || targets * (a->sparse ? (uint64_t)classes : 1) != count ||
        (a->sparse && x[1]->dtype != GS_I32))
        return gs__fail(error, GS_ERR_ARGUMENT, "metric: outputs and targets do not fit together");
    if (a->confusion && classes > GS__CONFUSION_MAX_CLASSES)
        return gs__fail(error, GS_ERR_UNSUPPORTED,
                        "metric: a confusion matrix of %lld classes; at most %d are possible", (long long)classes,
                        GS__CONFUSION_MAX_CLASSES);
    y[0].shape = a->confusion ? (gs_shape){2, {classes, classes}} : (gs_shape){2, {2, a->buckets}};
    y[0].dtype = GS_I32;
    return GS_OK;
}

static gs_status forward(gs__recorder *recorder, const gs__node *node) {
    const gs__count_metric_attr *a = gs__node_attr(node, gs__count_metric_attr);
    const gs_shape *s = &gs__recorder_value(recorder, node->x[0])->shape;
    struct gs_push_count_metric push = {.classes = (uint32_t)s->dim[s->rank - 1], .buckets = a->buckets};
    const uint32_t positions = gs__value_count(recorder, node->x[0]) / push.classes;
    push.positions = positions / gs__value_rows(recorder, node->x[0]);
    gs__dispatch d = gs__dispatch_init(&gs__shader_count_metric, GS_SPEC_COUNT_METRIC_COUNT, &push, sizeof push);
    d.spec[GS_SPEC_COUNT_METRIC_CONFUSION] = a->confusion;
    d.spec[GS_SPEC_COUNT_METRIC_SPARSE] = a->sparse;
    d.spec[GS_SPEC_COUNT_METRIC_LINK] = a->link;
    d.spec[GS_SPEC_COUNT_METRIC_INT_TARGETS] = gs__recorder_value(recorder, node->x[1])->dtype == GS_I32;
    gs__bind(recorder, &d, 0, GS__READ, node->x[0], &push.x);
    gs__bind(recorder, &d, 1, GS__READ, node->x[1], &push.targets);
    gs__bind(recorder, &d, 2, GS__READ | GS__WRITE, node->y[0], &push.counts);
    return gs__dispatch_record_1d(recorder, &d, positions, 64);
}

static uint64_t bucket(double p, uint32_t buckets) {
    if (buckets == 2) return p > 0.5;
    return (uint64_t)fmax(ceil(fmin(fmax(p, 0), 1) * (buckets - 1)) - 1, 0);
}

static void ref_position(const gs__reference *r, const double *x, uint64_t n, uint64_t position) {
    const gs__count_metric_attr *a = gs__node_attr(r->node, gs__count_metric_attr);
    const double *t = r->x[1] + (a->sparse ? position : position * n);
    uint64_t best = 0, target = 0;
    double sum = 0;
    for (uint64_t k = 1; k < n; k++) {
        if (x[k] > x[best]) best = k;
        if (!a->sparse && t[k] > t[target]) target = k;
    }
    if (a->sparse) target = t[0] >= 0 ? (uint64_t)t[0] : n;
    if (a->confusion) {
        if (target < n) r->y[0][target * n + best]++;
        return;
    }
    for (uint64_t k = 0; k < n; k++) sum += exp(x[k] - x[best]);
    for (uint64_t k = 0; k < n; k++) {
        const double p = a->link == 1 ? 1 / (1 + exp(-x[k])) : a->link == 2 ? exp(x[k] - x[best]) / sum : x[k];
        const bool hit = a->sparse ? k == target : t[k] > 0.5;
        r->y[0][(hit ? 0 : a->buckets) + bucket(p, a->buckets)]++;
    }
}

static void ref_forward(const gs__reference *r) {
    uint64_t count = 0;
    gs__shape_count(&r->x_shape[0], &count);
    const uint64_t n = (uint64_t)r->x_shape[0].dim[r->x_shape[0].rank - 1];
    const uint64_t positions = count / n / (uint64_t)r->x_shape[0].dim[0] * r->state->cur.rows;
    for (uint64_t p = 0; p < positions; p++) ref_position(r, r->x[0] + p * n, n, p);
}

const gs_op gs__op_count_metric = {
    .name = "count_metric",
    .inputs = 2,
    .outputs = 1,
    .attr_bytes = sizeof(gs__count_metric_attr),
    .has_side_effect = true,
    .shape = shape,
    .forward = forward,
    .ref_forward = ref_forward,
};
