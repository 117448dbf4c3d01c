// augment: random changes to images, other ones in each step: in this order flips, crop, rotation (bilinear), contrast
// around the mean of each channel, brightness, clipping, a square cut out.
//   x (B, H, W, C) float32 -> y[0] (B, height, width, C); y[1]: means (B, C) of x where contrast changes.
// Without gradient: it stands between the data and the layers. What row r draws is a function of seed, step, key and
// r (shaders/include/augment.glsl). Rows that the step does not have are zeros.
#include "base/rng.h"
#include "op/attr.h"
#include "plan/rows.h"
#include "shaders.h"
#include "state.h"
#include <math.h>

static bool changes(const float range[2]) {
    return range[0] < 0 || range[0] > 0 || range[1] < 0 || range[1] > 0;
}

static bool is_range(const float range[2], float most) {
    return range[0] <= range[1] && range[0] >= -most && range[1] <= most;
}

static gs_status shape(gs__error *error, const gs__node *node, const gs__value_info *const *x, gs__value_info *y) {
    const gs__augment_attr *a = gs__node_attr(node, gs__augment_attr);
    const gs_shape *s = &x[0]->shape;
    char text[96];
    if (s->rank != 4 || x[0]->dtype != GS_F32)
        return gs__fail(error, GS_ERR_ARGUMENT,
                        "augmentation is for images (height, width, channels) of float32, found %s of shape %s",
                        gs__dtype_name(x[0]->dtype), gs__shape_text(s, true, text, sizeof text));
    if (s->dim[1] > GS__AUGMENT_MAX_SIDE || s->dim[2] > GS__AUGMENT_MAX_SIDE)
        return gs__fail(error, GS_ERR_ARGUMENT, "images of %s are too large to be augmented: at most %d a side",
                        gs__shape_text(s, true, text, sizeof text), GS__AUGMENT_MAX_SIDE);
    if (x[0]->wants_grad)
        return gs__fail(error, GS_ERR_UNSUPPORTED,
                        "augmentation has no gradient: it must stand in front of all layers with parameters");
    if (!is_range(a->turn, 1) || !is_range(a->contrast, INFINITY) || !is_range(a->brightness, INFINITY) ||
        a->contrast[0] < -1 || !(a->range[0] <= a->range[1]) || a->fill > GS__FILL_WRAP)
        return gs__fail(error, GS_ERR_ARGUMENT, "augment: a range is not one");
    y[0] = (gs__value_info){.shape = *s, .dtype = GS_F32};
    if (a->height) y[0].shape.dim[1] = a->height;
    if (a->width) y[0].shape.dim[2] = a->width;
    y[1].shape = (gs_shape){2, {s->dim[0], s->dim[3]}};
    y[1].dtype = GS_F32;
    y[1].absent = !changes(a->contrast);
    return GS_OK;
}

static gs_status record_means(gs__recorder *recorder, const gs__node *node, const gs_shape *s) {
    struct gs_push_augment_mean push = {
        .rows = (uint32_t)(s->dim[0] * s->dim[3]),
        .pixels = (uint32_t)(s->dim[1] * s->dim[2]),
        .channels = (uint32_t)s->dim[3],
    };
    gs__dispatch d = gs__dispatch_init(&gs__shader_augment_mean, GS_SPEC_AUGMENT_MEAN_COUNT, &push, sizeof push);
    gs__bind(recorder, &d, 0, GS__READ, node->x[0], &push.x);
    gs__bind(recorder, &d, 1, GS__WRITE, node->y[1], &push.y);
    return gs__rows_record(recorder, &d, push.rows, 1, push.pixels);
}

static gs_status forward(gs__recorder *recorder, const gs__node *node) {
    const gs__augment_attr *a = gs__node_attr(node, gs__augment_attr);
    const gs_shape *s = &gs__recorder_value(recorder, node->x[0])->shape;
    const gs_shape *out = &gs__recorder_value(recorder, node->y[0])->shape;
    const bool cpu = gs__recorder_caps(recorder)->kernel_class == GS__KERNELS_CPU;
    if (node->y[1]) {
        gs_status status = record_means(recorder, node, s);
        if (status != GS_OK) return status;
    }
    struct gs_push_augment push = {
        .batch = (uint32_t)s->dim[0],
        .in_height = (int32_t)s->dim[1],
        .in_width = (int32_t)s->dim[2],
        .height = (uint32_t)out->dim[1],
        .width = (uint32_t)out->dim[2],
        .channels = (uint32_t)s->dim[3],
        .key = a->key,
        .flips = a->flips,
        .top = a->top,
        .left = a->left,
        .down = a->down,
        .right = a->right,
        .cutout = a->cutout,
        .fill = a->fill_value,
        .turn = a->turn[0],
        .turn_span = a->turn[1] - a->turn[0],
        .contrast = a->contrast[0],
        .contrast_span = a->contrast[1] - a->contrast[0],
        .brightness = a->brightness[0],
        .brightness_span = a->brightness[1] - a->brightness[0],
        .low = a->range[0],
        .high = a->range[1],
    };
    push.part_width = cpu ? push.width : 4;
    push.parts = (push.width + push.part_width - 1) / push.part_width;
    push.items = push.batch * push.height * push.parts;
    gs__dispatch d = gs__dispatch_init(&gs__shader_augment, GS_SPEC_AUGMENT_COUNT, &push, sizeof push);
    d.spec[GS_SPEC_AUGMENT_LOCAL_SIZE_X] = cpu ? 8 : 64;
    d.spec[GS_SPEC_AUGMENT_ROTATES] = changes(a->turn);
    d.spec[GS_SPEC_AUGMENT_FILL] = a->fill;
    d.spec[GS_SPEC_AUGMENT_CONTRAST] = node->y[1] != 0;
    d.spec[GS_SPEC_AUGMENT_CLIPS] = changes(a->range);
    gs__bind(recorder, &d, 0, GS__READ, node->x[0], &push.x);
    gs__bind(recorder, &d, 1, GS__READ, node->y[1], &push.mean);
    gs__bind(recorder, &d, 2, GS__WRITE, node->y[0], &push.y);
    return gs__dispatch_record_1d(recorder, &d, push.items, cpu ? 8 : 64);
}

// --- reference ---------------------------------------------------------------------------------------------------

struct draw {
    bool flip_x, flip_y;
    int64_t top, left, hole_x, hole_y;
    double sin_, cos_, contrast, brightness;
};

static void random4(const gs__reference *r, uint32_t counter, uint32_t key, uint32_t out[4]) {
    const struct gs_state *s = r->state;
    gs__philox((const uint32_t[4]){counter, s->cur.step_lo, s->cur.step_hi, key},
               (const uint32_t[2]){s->set.seed_lo, s->set.seed_hi}, out);
}

static int64_t below(uint32_t word, uint64_t count) {
    return (int64_t)(word * count >> 32);
}

static double between(const float range[2], uint32_t word) {
    return (double)range[0] + (double)(word >> 8) * 0x1p-24 * (double)(range[1] - range[0]);
}

static struct draw draw(const gs__reference *r, const gs__augment_attr *a, uint32_t row) {
    uint32_t w[4], b[4];
    random4(r, 2 * row, a->key, w);
    random4(r, 2 * row + 1, a->key, b);
    const double turn = between(a->turn, w[3]), angle = (turn - floor(turn)) * 6.283185307179586;
    return (struct draw){
        .flip_x = (a->flips & GS__FLIP_HORIZONTAL) && w[0] & 0x80000000u,
        .flip_y = (a->flips & GS__FLIP_VERTICAL) && w[0] & 0x40000000u,
        .top = a->top + below(w[1], a->down + UINT64_C(1)),
        .left = a->left + below(w[2], a->right + UINT64_C(1)),
        .sin_ = sin(angle),
        .cos_ = cos(angle),
        .brightness = between(a->brightness, b[0]),
        .contrast = 1 + between(a->contrast, b[1]),
        .hole_x = below(b[2], (uint64_t)r->y_shape[0].dim[2]) - a->cutout / 2,
        .hole_y = below(b[3], (uint64_t)r->y_shape[0].dim[1]) - a->cutout / 2,
    };
}

static int64_t fold(int64_t i, int64_t size, uint8_t fill) {
    if (i >= 0 && i < size) return i;
    if (fill == GS__FILL_CONSTANT) return -1;
    if (fill == GS__FILL_NEAREST) return i < 0 ? 0 : size - 1;
    const int64_t period = fill == GS__FILL_REFLECT ? 2 * size : size, m = (i % period + period) % period;
    return m < size ? m : 2 * size - 1 - m;
}

static double pixel(const gs__reference *r, const struct draw *d, int64_t row, int64_t line, int64_t column,
                    int64_t channel) {
    const gs__augment_attr *a = gs__node_attr(r->node, gs__augment_attr);
    const int64_t *dim = r->x_shape[0].dim;
    int64_t v = fold(line, dim[1], a->fill), h = fold(column, dim[2], a->fill);
    if (v < 0 || h < 0) return (double)a->fill_value;
    if (d->flip_x) h = dim[2] - 1 - h;
    if (d->flip_y) v = dim[1] - 1 - v;
    return r->x[0][((row * dim[1] + v) * dim[2] + h) * dim[3] + channel];
}

static double sample(const gs__reference *r, const struct draw *d, int64_t row, int64_t line, int64_t column,
                     int64_t channel) {
    const gs__augment_attr *a = gs__node_attr(r->node, gs__augment_attr);
    if (!changes(a->turn)) return pixel(r, d, row, line + d->top, column + d->left, channel);
    const double cx = 0.5 * (double)(r->y_shape[0].dim[2] - 1), cy = 0.5 * (double)(r->y_shape[0].dim[1] - 1);
    const double px = (double)column - cx, py = (double)line - cy;
    const double h = d->cos_ * px - d->sin_ * py + cx, v = d->sin_ * px + d->cos_ * py + cy;
    const double fh = h - floor(h), fv = v - floor(v);
    const int64_t l = (int64_t)floor(v) + d->top, c = (int64_t)floor(h) + d->left;
    const double upper = (1 - fh) * pixel(r, d, row, l, c, channel) + fh * pixel(r, d, row, l, c + 1, channel);
    const double lower = (1 - fh) * pixel(r, d, row, l + 1, c, channel) + fh * pixel(r, d, row, l + 1, c + 1, channel);
    return (1 - fv) * upper + fv * lower;
}

static double mean_of(const gs__reference *r, int64_t row, int64_t channel) {
    const int64_t *dim = r->x_shape[0].dim, pixels = dim[1] * dim[2];
    double sum = 0;
    for (int64_t i = 0; i < pixels; i++) sum += r->x[0][(row * pixels + i) * dim[3] + channel];
    return sum / (double)pixels;
}

static double finish(const gs__augment_attr *a, const struct draw *d, double v, double mean, int64_t line,
                     int64_t column) {
    if (changes(a->contrast)) v = (v - mean) * d->contrast + mean;
    v += d->brightness;
    if (changes(a->range)) {
        if (v < (double)a->range[0]) v = (double)a->range[0];
        if (v > (double)a->range[1]) v = (double)a->range[1];
    }
    const int64_t h = column - d->hole_x, l = line - d->hole_y;
    return h >= 0 && h < a->cutout && l >= 0 && l < a->cutout ? 0 : v;
}

static void ref_forward(const gs__reference *r) {
    const gs__augment_attr *a = gs__node_attr(r->node, gs__augment_attr);
    const int64_t *dim = r->y_shape[0].dim;
    double *y = r->y[0];
    for (int64_t row = 0; row < dim[0]; row++) {
        const struct draw d = draw(r, a, (uint32_t)row);
        const bool here = row < r->state->cur.rows;
        for (int64_t c = 0; c < dim[3] && r->y[1]; c++) r->y[1][row * dim[3] + c] = mean_of(r, row, c);
        for (int64_t line = 0; line < dim[1]; line++)
            for (int64_t column = 0; column < dim[2]; column++)
                for (int64_t c = 0; c < dim[3]; c++) {
                    const double mean = r->y[1] ? r->y[1][row * dim[3] + c] : 0;
                    *y++ = here ? finish(a, &d, sample(r, &d, row, line, column, c), mean, line, column) : 0;
                }
    }
}

const gs_op gs__op_augment = {
    .name = "augment",
    .inputs = 1,
    .outputs = 2,
    .attr_bytes = sizeof(gs__augment_attr),
    .shape = shape,
    .forward = forward,
    .ref_forward = ref_forward,
};
