// row_norm: y = (x - mean) / sqrt(variance + epsilon) * gamma + beta, within each sample (layer and group normalization).
//   x (A, S, G, D), gamma (G D), beta (G D) -> y (same shape). Mean and variance are over S and D.
//   dx = (g - mean(g) - n mean(g n)) / deviation, g = dy gamma, n = (x - mean) / deviation; dgamma = sum dy n; dbeta = sum dy
// RMS: the mean counts as 0. Saves: x; the means, then the 1 / deviations, in y[1]; y[2] is the kernels' own.
#include "op/attr.h"
#include "plan/norm.h"
#include "plan/rows.h"
#include "shaders.h"

#include <math.h>

enum { GAMMA = 1, BETA = 2, STATISTICS = 1, PARTIALS = 2 };

struct sizes {
    uint64_t outer, inner, groups, depth; // A, S, G, D
};

static struct sizes sizes_of(const gs__row_norm_attr *a, const gs_shape *shape) {
    struct sizes s = {.inner = a->inner, .groups = a->groups, .depth = a->depth};
    uint64_t count = 0;
    gs__shape_count(shape, &count);
    s.outer = count / (s.inner * s.groups * s.depth);
    return s;
}

static gs_status shape(gs__error *error, const gs__node *node, const gs__value_info *const *x, gs__value_info *y) {
    const gs__row_norm_attr *a = gs__node_attr(node, gs__row_norm_attr);
    uint64_t count = 0;
    char text[128];
    gs__shape_count(&x[0]->shape, &count);
    const uint64_t row = (uint64_t)a->inner * a->groups * a->depth;
    if (x[0]->dtype != GS_F32 || !row || row > INT32_MAX || count % row)
        return gs__fail(error, GS_ERR_ARGUMENT,
                        "row_norm: input is %s of shape %s but must be float32 of (..., %u, %u, %u)",
                        gs__dtype_name(x[0]->dtype), gs__shape_text(&x[0]->shape, true, text, sizeof text), a->inner,
                        a->groups, a->depth);
    if (!(a->epsilon >= 0))
        return gs__fail(error, GS_ERR_ARGUMENT, "row_norm: epsilon is %g but must be >= 0", (double)a->epsilon);
    for (uint32_t i = GAMMA; i <= BETA; i++) {
        uint64_t channels = 0;
        if (x[i]) gs__shape_count(&x[i]->shape, &channels);
        if (x[i] && (x[i]->dtype != GS_F32 || channels != (uint64_t)a->groups * a->depth))
            return gs__fail(error, GS_ERR_ARGUMENT, "row_norm: input %u has shape %s but must have %u elements", i,
                            gs__shape_text(&x[i]->shape, false, text, sizeof text), a->groups * a->depth);
    }
    const struct sizes s = sizes_of(a, &x[0]->shape);
    const gs__norm norm = gs__norm_of(s.outer * s.inner, s.groups * s.depth, 0);
    y[0].shape = x[0]->shape;
    y[STATISTICS].shape = (gs_shape){1, {(int64_t)(2 * s.outer * s.groups)}};
    y[PARTIALS].shape = (gs_shape){1, {(int64_t)gs__norm_partials(&norm)}};
    y[PARTIALS].absent = !x[GAMMA] && !x[BETA];
    return GS_OK;
}

static gs_status forward(gs__recorder *recorder, const gs__node *node) {
    const gs__row_norm_attr *a = gs__node_attr(node, gs__row_norm_attr);
    const struct sizes s = sizes_of(a, &gs__recorder_value(recorder, node->x[0])->shape);
    struct gs_push_norm_rows push = {
        .row_count = (uint32_t)(s.outer * s.groups),
        .inner = a->inner,
        .groups = a->groups,
        .depth = a->depth,
        .epsilon = a->epsilon,
    };
    gs__dispatch d = gs__dispatch_init(&gs__shader_norm_rows, GS_SPEC_NORM_ROWS_COUNT, &push, sizeof push);
    d.spec[GS_SPEC_NORM_ROWS_RMS] = a->rms;
    d.spec[GS_SPEC_NORM_ROWS_HAS] = (node->x[GAMMA] ? 1u : 0u) | (node->x[BETA] ? 2u : 0u);
    GS__EPILOGUE_PUSH(push, &node->epilogue);
    gs__epilogue_spec(&node->epilogue, false, d.spec + GS__EPILOGUE_SPEC);
    gs__bind(recorder, &d, 0, GS__READ, node->x[0], &push.x);
    gs__bind(recorder, &d, 1, GS__READ, node->x[GAMMA], &push.gamma);
    gs__bind(recorder, &d, 1, GS__READ, node->x[BETA], &push.beta);
    gs__bind(recorder, &d, 2, GS__WRITE, node->y[0], &push.out_);
    gs__bind(recorder, &d, 3, GS__WRITE, node->y[STATISTICS], &push.statistics);
    return gs__rows_record(recorder, &d, push.row_count, 1, s.inner * s.depth);
}

static gs_status record_dx(gs__recorder *recorder, const gs__node *node) {
    const gs__row_norm_attr *a = gs__node_attr(node, gs__row_norm_attr);
    const struct sizes s = sizes_of(a, &gs__recorder_value(recorder, node->x[0])->shape);
    struct gs_push_norm_rows_backward push = {
        .row_count = (uint32_t)(s.outer * s.groups),
        .inner = a->inner,
        .groups = a->groups,
        .depth = a->depth,
        .epsilon = a->epsilon,
    };
    gs__dispatch d =
        gs__dispatch_init(&gs__shader_norm_rows_backward, GS_SPEC_NORM_ROWS_BACKWARD_COUNT, &push, sizeof push);
    d.spec[GS_SPEC_NORM_ROWS_BACKWARD_RMS] = a->rms;
    d.spec[GS_SPEC_NORM_ROWS_BACKWARD_HAS] = node->x[GAMMA] ? 1u : 0u;
    GS__EPILOGUE_PUSH(push, &node->epilogue);
    gs__epilogue_spec(&node->epilogue, true, d.spec + GS__EPILOGUE_SPEC);
    gs__bind(recorder, &d, 0, GS__READ, node->x[0], &push.x);
    gs__bind(recorder, &d, 0, GS__READ, node->epilogue_y, &push.y);
    gs__bind(recorder, &d, 1, GS__READ, node->x[GAMMA], &push.gamma);
    gs__bind(recorder, &d, 2, GS__READ, node->dy[0], &push.dy);
    gs__bind(recorder, &d, 3, GS__WRITE, node->dx[0], &push.out_);
    return gs__rows_record(recorder, &d, push.row_count, 1, s.inner * s.depth);
}

static gs_status backward(gs__recorder *recorder, const gs__node *node) {
    gs_status status = GS_OK;
    const gs__row_norm_attr *a = gs__node_attr(node, gs__row_norm_attr);
    const struct sizes s = sizes_of(a, &gs__recorder_value(recorder, node->x[0])->shape);
    const gs__norm norm = gs__norm_of(s.outer * s.inner, s.groups * s.depth, 0);
    const gs__norm_columns columns = {
        .mode = GS__NORM_ROW_GRADIENTS,
        .a = node->dy[0],
        .x = node->x[0],
        .statistics = node->y[STATISTICS],
        .partials = node->y[PARTIALS],
        .inner = a->inner,
        .groups = a->groups,
        .depth = a->depth,
        .group_count = (uint32_t)(s.outer * s.groups),
    };
    const gs__norm_finish finish = {
        .mode = GS__NORM_SUMS, .work = node->y[PARTIALS], .dgamma = node->dx[GAMMA], .dbeta = node->dx[BETA]};
    if (node->dx[GAMMA] || node->dx[BETA]) {
        GS_TRY(gs__norm_record_columns(recorder, &norm, &columns));
        GS_TRY(gs__norm_record_finish(recorder, &norm, &finish));
    }
    if (node->dx[0]) GS_TRY(record_dx(recorder, node));
fail:
    return status;
}

// --- reference ------------------------------------------------------------------------------------------------------
// Element k of row (o, g), and its channel.
static uint64_t place(const struct sizes *s, uint64_t o, uint64_t g, uint64_t k) {
    return ((o * s->inner + k / s->depth) * s->groups + g) * s->depth + k % s->depth;
}

struct row {
    double mean, deviation;
    uint64_t count;
};

static struct row row_of(const gs__reference *r, const struct sizes *s, uint64_t o, uint64_t g) {
    const gs__row_norm_attr *a = gs__node_attr(r->node, gs__row_norm_attr);
    struct row row = {.count = s->inner * s->depth};
    const double n = (double)row.count;
    double variance = 0;
    for (uint64_t k = 0; k < row.count && !a->rms; k++) row.mean += r->x[0][place(s, o, g, k)] / n;
    for (uint64_t k = 0; k < row.count; k++) {
        const double d = r->x[0][place(s, o, g, k)] - row.mean;
        variance += d * d / n;
    }
    row.deviation = sqrt(variance + (double)a->epsilon);
    return row;
}

static void ref_forward(const gs__reference *r) {
    const struct sizes s = sizes_of(gs__node_attr(r->node, gs__row_norm_attr), &r->x_shape[0]);
    for (uint64_t o = 0; o < s.outer; o++)
        for (uint64_t g = 0; g < s.groups; g++) {
            const struct row row = row_of(r, &s, o, g);
            for (uint64_t k = 0; k < row.count; k++) {
                const uint64_t at = place(&s, o, g, k), channel = g * s.depth + k % s.depth;
                double y = (r->x[0][at] - row.mean) / row.deviation;
                if (r->x[GAMMA]) y *= r->x[GAMMA][channel];
                if (r->x[BETA]) y += r->x[BETA][channel];
                r->y[0][at] = y;
            }
        }
}

static void ref_backward(const gs__reference *r) {
    const gs__row_norm_attr *a = gs__node_attr(r->node, gs__row_norm_attr);
    const struct sizes s = sizes_of(a, &r->x_shape[0]);
    for (uint64_t c = 0; c < s.groups * s.depth; c++) {
        if (r->dx[GAMMA]) r->dx[GAMMA][c] = 0;
        if (r->dx[BETA]) r->dx[BETA][c] = 0;
    }
    for (uint64_t o = 0; o < s.outer; o++)
        for (uint64_t g = 0; g < s.groups; g++) {
            const struct row row = row_of(r, &s, o, g);
            double plain = 0, weighted = 0;
            for (int pass = 0; pass < 2; pass++)
                for (uint64_t k = 0; k < row.count; k++) {
                    const uint64_t at = place(&s, o, g, k), c = g * s.depth + k % s.depth;
                    const double n = (r->x[0][at] - row.mean) / row.deviation, dy = r->dy[0][at];
                    const double weight = r->x[GAMMA] ? dy * r->x[GAMMA][c] : dy;
                    if (pass == 0) {
                        if (!a->rms) plain += weight / (double)row.count;
                        weighted += weight * n / (double)row.count;
                        if (r->dx[GAMMA]) r->dx[GAMMA][c] += dy * n;
                        if (r->dx[BETA]) r->dx[BETA][c] += dy;
                    } else if (r->dx[0]) {
                        r->dx[0][at] = (weight - plain - n * weighted) / row.deviation;
                    }
                }
        }
}

const gs_op gs__op_row_norm = {
    .name = "row_norm",
    .inputs = 3,
    .outputs = 3,
    .optional = 1u << GAMMA | 1u << BETA,
    .attr_bytes = sizeof(gs__row_norm_attr),
    .needs_x = 1u << 0 | 1u << GAMMA,
    .needs_y = 1u << STATISTICS | 1u << PARTIALS,
    .differentiable = 7,
    .takes_epilogue = true,
    .shape = shape,
    .forward = forward,
    .backward = backward,
    .ref_forward = ref_forward,
    .ref_backward = ref_backward,
};
