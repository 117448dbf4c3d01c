// batch_norm: y = (x - mean) / sqrt(variance + epsilon) * gamma + beta, each channel (entry of the last axis) by itself.
//   x (B, ..., C), gamma (C), beta (C), moving mean (C), moving variance (C) -> y (B, ..., C), and in place the two moving
//   averages: moving * momentum + batch * (1 - momentum)
//   dx = gamma / deviation * (dy - mean(dy) - n mean(dy n)), n = (x - mean) / deviation; dgamma = sum dy n; dbeta = sum dy
// Mean and variance (divided by the count) are those of the samples that the step has. Fixed: they are the moving ones,
// which do not change. Saves: x, and mean, deviation and scale of the channels in y[1].
#include "op/attr.h"
#include "plan/norm.h"
#include "shaders.h"
#include "state.h"

#include <math.h>

enum { GAMMA = 1, BETA = 2, MEAN = 3, VARIANCE = 4, WORK = 1 };

static gs__norm norm_of(const gs_shape *shape) {
    uint64_t count = 0;
    gs__shape_count(shape, &count);
    const uint64_t channels = (uint64_t)shape->dim[shape->rank - 1];
    return gs__norm_of(count / channels, channels, (uint64_t)shape->dim[0]);
}

static gs_status shape(gs__error *error, const gs__node *node, const gs__value_info *const *x, gs__value_info *y) {
    const gs__batch_norm_attr *a = gs__node_attr(node, gs__batch_norm_attr);
    char text[128];
    if (x[0]->shape.rank < 2 || x[0]->dtype != GS_F32)
        return gs__fail(error, GS_ERR_ARGUMENT, "batch_norm: input is %s of shape %s but must be float32 of rank >= 2",
                        gs__dtype_name(x[0]->dtype), gs__shape_text(&x[0]->shape, true, text, sizeof text));
    if (!(a->epsilon >= 0) || !(a->momentum >= 0 && a->momentum <= 1))
        return gs__fail(error, GS_ERR_ARGUMENT,
                        "batch_norm: epsilon is %g and momentum %g but must be >= 0, and from 0 to 1",
                        (double)a->epsilon, (double)a->momentum);
    const int64_t channels = x[0]->shape.dim[x[0]->shape.rank - 1];
    for (uint32_t i = GAMMA; i <= VARIANCE; i++)
        if (x[i] && (x[i]->dtype != GS_F32 || x[i]->shape.rank != 1 || x[i]->shape.dim[0] != channels))
            return gs__fail(error, GS_ERR_ARGUMENT,
                            "batch_norm: input %u has shape %s but must have one float32 for each of %lld channels", i,
                            gs__shape_text(&x[i]->shape, false, text, sizeof text), (long long)channels);
    const gs__norm norm = norm_of(&x[0]->shape);
    y[0].shape = x[0]->shape;
    y[WORK].shape = (gs_shape){1, {(int64_t)(GS__NORM_ARRAYS * norm.stride + gs__norm_partials(&norm))}};
    y[2].absent = true;
    y[MEAN].absent = y[VARIANCE].absent = a->fixed != 0;
    return GS_OK;
}

static gs_status record_apply(gs__recorder *recorder, const gs__node *node, gs__value work, bool backward) {
    const gs__value out = backward ? node->dx[0] : node->y[0];
    const gs__norm norm = norm_of(&gs__recorder_value(recorder, out)->shape);
    const bool cpu = gs__recorder_caps(recorder)->kernel_class == GS__KERNELS_CPU;
    const uint32_t local = cpu ? 8 : 64, per_item = cpu ? 32 : 4;
    struct gs_push_norm_apply push = {
        .rows = norm.rows,
        .channels = norm.channels,
        .stride = norm.stride,
        .sample_rows = norm.sample_rows,
        .quads = norm.stride / 4,
        .row_items = (norm.rows + per_item - 1) / per_item,
    };
    gs__dispatch d = gs__dispatch_init(&gs__shader_norm_apply, GS_SPEC_NORM_APPLY_COUNT, &push, sizeof push);
    d.spec[GS_SPEC_NORM_APPLY_LOCAL_SIZE_X] = local;
    d.spec[GS_SPEC_NORM_APPLY_BACKWARD] = backward;
    d.spec[GS_SPEC_NORM_APPLY_ALIGNED] = norm.channels % 4 == 0;
    GS__EPILOGUE_PUSH(push, &node->epilogue);
    gs__epilogue_spec(&node->epilogue, backward, d.spec + GS__EPILOGUE_SPEC);
    gs__bind(recorder, &d, 0, GS__READ, backward ? node->dy[0] : node->x[0], &push.v);
    if (backward) gs__bind(recorder, &d, 1, GS__READ, node->x[0], &push.x);
    gs__bind(recorder, &d, 1, GS__READ, node->epilogue_y, &push.y);
    gs__bind_part(recorder, &d, 2, GS__READ, work, 0, GS__NORM_ARRAYS * norm.stride, &push.work);
    gs__bind(recorder, &d, 3, GS__WRITE, out, &push.out_);
    return gs__dispatch_record_1d(recorder, &d, (uint64_t)push.quads * push.row_items, local);
}

static gs_status forward(gs__recorder *recorder, const gs__node *node) {
    gs_status status = GS_OK;
    const gs__batch_norm_attr *a = gs__node_attr(node, gs__batch_norm_attr);
    const gs__norm norm = norm_of(&gs__recorder_value(recorder, node->x[0])->shape);
    const uint32_t first = GS__NORM_ARRAYS * norm.stride;
    const gs__norm_columns columns = {
        .mode = GS__NORM_MOMENTS, .a = node->x[0], .partials = node->y[WORK], .partials_first = first};
    const gs__norm_finish finish = {
        .mode = a->fixed ? GS__NORM_FIXED : GS__NORM_BATCH,
        .work = node->y[WORK],
        .partials_first = first,
        .gamma = node->x[GAMMA],
        .beta = node->x[BETA],
        .mean = node->x[MEAN],
        .variance = node->x[VARIANCE],
        .momentum = a->momentum,
        .epsilon = a->epsilon,
        .max_scale = a->max_scale != 0,
        .invert = a->invert != 0,
    };
    if (!a->fixed) GS_TRY(gs__norm_record_columns(recorder, &norm, &columns));
    GS_TRY(gs__norm_record_finish(recorder, &norm, &finish));
    GS_TRY(record_apply(recorder, node, node->y[WORK], false));
fail:
    return status;
}

static gs_status backward(gs__recorder *recorder, const gs__node *node) {
    gs_status status = GS_OK;
    const gs__batch_norm_attr *a = gs__node_attr(node, gs__batch_norm_attr);
    const gs__norm norm = norm_of(&gs__recorder_value(recorder, node->x[0])->shape);
    const uint32_t first = GS__NORM_ARRAYS * norm.stride;
    const gs__norm_columns columns = {
        .mode = GS__NORM_GRADIENTS,
        .a = node->dy[0],
        .x = node->x[0],
        .statistics = node->y[WORK],
        .partials = node->y[WORK],
        .partials_first = first,
    };
    const gs__norm_finish finish = {
        .mode = a->fixed ? GS__NORM_SUMS : GS__NORM_COEFFICIENTS,
        .work = node->y[WORK],
        .partials_first = first,
        .dgamma = node->dx[GAMMA],
        .dbeta = node->dx[BETA],
    };
    if (!a->fixed || node->dx[GAMMA] || node->dx[BETA]) {
        GS_TRY(gs__norm_record_columns(recorder, &norm, &columns));
        GS_TRY(gs__norm_record_finish(recorder, &norm, &finish));
    }
    if (node->dx[0]) GS_TRY(record_apply(recorder, node, node->y[WORK], true));
fail:
    return status;
}

// --- reference ------------------------------------------------------------------------------------------------------
struct channel {
    double mean, variance, deviation, gamma, beta;
    uint64_t first, stride, count; // its elements
};

static struct channel channel_of(const gs__reference *r, uint64_t c) {
    const gs__batch_norm_attr *a = gs__node_attr(r->node, gs__batch_norm_attr);
    const gs_shape *s = &r->x_shape[0];
    struct channel ch = {.first = c, .stride = (uint64_t)s->dim[s->rank - 1], .count = r->state->cur.rows};
    for (uint32_t i = 1; i + 1 < s->rank; i++) ch.count *= (uint64_t)s->dim[i];
    for (uint64_t i = 0; i < ch.count; i++) ch.mean += r->x[0][c + i * ch.stride];
    ch.mean /= (double)ch.count;
    for (uint64_t i = 0; i < ch.count; i++) {
        const double d = r->x[0][c + i * ch.stride] - ch.mean;
        ch.variance += d * d;
    }
    ch.variance /= (double)ch.count;
    if (a->fixed) {
        ch.mean = r->x[MEAN][c];
        ch.variance = r->x[VARIANCE][c];
    }
    ch.deviation = sqrt(a->max_scale ? ch.variance : ch.variance + (double)a->epsilon);
    if (a->max_scale && ch.deviation < (double)a->epsilon) ch.deviation = (double)a->epsilon;
    ch.gamma = r->x[GAMMA] ? r->x[GAMMA][c] : 1;
    ch.beta = r->x[BETA] ? r->x[BETA][c] : 0;
    if (a->invert) {
        ch.beta = ch.mean;
        ch.mean = 0;
        ch.deviation = 1 / ch.deviation;
    }
    return ch;
}

static void ref_forward(const gs__reference *r) {
    const gs__batch_norm_attr *a = gs__node_attr(r->node, gs__batch_norm_attr);
    const gs__norm norm = norm_of(&r->x_shape[0]);
    const double keep = (double)a->momentum;
    for (uint64_t c = 0; c < norm.channels; c++) {
        const struct channel ch = channel_of(r, c);
        for (uint64_t i = 0; i < norm.rows; i++) {
            const uint64_t at = c + i * ch.stride;
            r->y[0][at] = (r->x[0][at] - ch.mean) / ch.deviation * ch.gamma + ch.beta;
        }
        if (a->fixed) continue;
        const bool finite = isfinite(ch.mean) && isfinite(ch.variance);
        r->y[MEAN][c] = r->x[MEAN][c];
        r->y[VARIANCE][c] = r->x[VARIANCE][c];
        if (!finite) continue; // it would stay in them for good
        r->y[MEAN][c] = r->x[MEAN][c] * keep + ch.mean * (1 - keep);
        r->y[VARIANCE][c] = r->x[VARIANCE][c] * keep + ch.variance * (1 - keep);
    }
    // For the backward pass, which is not given gamma.
    for (uint64_t c = 0; c < norm.channels; c++) {
        r->y[WORK][c] = r->x[GAMMA] ? r->x[GAMMA][c] : 1;
        if (!a->fixed) continue;
        const struct channel ch = channel_of(r, c);
        r->y[WORK][norm.stride + c] = ch.mean;
        r->y[WORK][2 * norm.stride + c] = ch.deviation;
    }
}

static void ref_backward(const gs__reference *r) {
    const gs__batch_norm_attr *a = gs__node_attr(r->node, gs__batch_norm_attr);
    const gs__norm norm = norm_of(&r->x_shape[0]);
    const double *dy = r->dy[0], *x = r->x[0];
    for (uint64_t c = 0; c < norm.channels; c++) {
        double mean = 0, deviation = 1, sum = 0, weighted = 0;
        const uint64_t count = (uint64_t)r->state->cur.rows * norm.sample_rows, stride = norm.channels;
        if (a->fixed) {
            mean = r->y[WORK][norm.stride + c];
            deviation = r->y[WORK][2 * norm.stride + c];
        } else {
            double variance = 0;
            for (uint64_t i = 0; i < count; i++) mean += x[c + i * stride] / (double)count;
            for (uint64_t i = 0; i < count; i++)
                variance += (x[c + i * stride] - mean) * (x[c + i * stride] - mean) / (double)count;
            deviation = sqrt(variance + (double)a->epsilon);
        }
        for (uint64_t i = 0; i < count; i++) {
            sum += dy[c + i * stride];
            weighted += dy[c + i * stride] * (x[c + i * stride] - mean) / deviation;
        }
        if (r->dx[GAMMA]) r->dx[GAMMA][c] = weighted;
        if (r->dx[BETA]) r->dx[BETA][c] = sum;
        const double n = (double)count, scale = r->y[WORK][c] / deviation;
        for (uint64_t i = 0; i < norm.rows && r->dx[0]; i++) {
            const uint64_t at = c + i * stride;
            const double through = a->fixed ? 0 : sum / n + (x[at] - mean) / deviation * weighted / n;
            r->dx[0][at] = i < count ? scale * (dy[at] - through) : 0;
        }
    }
}

const gs_op gs__op_batch_norm = {
    .name = "batch_norm",
    .inputs = 5,
    .outputs = 5,
    .optional = 1u << GAMMA | 1u << BETA,
    .attr_bytes = sizeof(gs__batch_norm_attr),
    .needs_x = 1u << 0,
    .needs_y = 1u << WORK,
    .differentiable = 1u << 0 | 1u << GAMMA | 1u << BETA,
    .takes_epilogue = true,
    .in_place = 1u << MEAN | 1u << VARIANCE,
    .shape = shape,
    .forward = forward,
    .backward = backward,
    .ref_forward = ref_forward,
    .ref_backward = ref_backward,
};
