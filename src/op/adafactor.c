// adafactor: Shazeer and Stern 2018, as Keras writes it, of one parameter.
//   x: parameter (N), gradient (N), factors  ->  y: parameter, factors, in place; y[2]: scratch
// The parameter is `matrices` of rows x columns, whose factors are means of squared gradients: of the rows, then, from
// GS__PARAMETER_ALIGN on, of the columns. matrices 0: no matrix; a mean for each element.
#include "op/attr.h"
#include "plan/update.h"
#include "shaders.h"
#include "state.h"

#include <math.h>

enum { MEANS, ROW_MEANS, SQUARES, TOTALS, APPLY }; // PHASE

static uint32_t part_count(uint64_t elements) {
    return elements < 4096 ? 8 : 256;
}

static gs_status shape(gs__error *error, const gs__node *node, const gs__value_info *const *x, gs__value_info *y) {
    const gs__adafactor_attr *a = gs__node_attr(node, gs__adafactor_attr);
    const int64_t elements = x[0]->shape.dim[0];
    if (elements != x[1]->shape.dim[0] || (a->matrices && elements != (int64_t)a->matrices * a->rows * a->columns) ||
        x[2]->shape.dim[0] != (int64_t)gs__adafactor_factors(a, (uint64_t)elements))
        return gs__fail(error, GS_ERR_INTERNAL, "op adafactor: sizes that do not fit together");
    y[0].shape = x[0]->shape;
    y[1].shape = x[2]->shape;
    y[2].shape = (gs_shape){1, {2 + 2 * part_count((uint64_t)elements) + a->matrices}};
    return GS_OK;
}

static gs_status record_phase(gs__recorder *recorder, const gs__node *node, uint32_t phase, uint64_t items) {
    const gs__adafactor_attr *a = gs__node_attr(node, gs__adafactor_attr);
    const bool cpu = gs__recorder_caps(recorder)->kernel_class == GS__KERNELS_CPU;
    const uint32_t local = cpu ? 8 : 128, lanes = cpu || phase == APPLY ? 1 : phase == MEANS ? 32 : 128;
    const uint32_t count = gs__value_count(recorder, node->x[0]);
    const uint32_t columns_at = gs__adafactor_columns(a);
    struct gs_push_adafactor push = {.matrices = 1, .rows = 1, .columns = count, .parts = part_count(count)};
    if (a->matrices) push.matrices = a->matrices, push.rows = a->rows, push.columns = a->columns;
    gs__dispatch d = gs__dispatch_init(&gs__shader_adafactor, GS_SPEC_ADAFACTOR_COUNT, &push, sizeof push);
    d.spec[GS_SPEC_ADAFACTOR_LOCAL_SIZE_X] = local;
    d.spec[GS_SPEC_ADAFACTOR_LANES] = lanes;
    d.spec[GS_SPEC_ADAFACTOR_PHASE] = phase;
    d.spec[GS_SPEC_ADAFACTOR_FACTORED] = a->matrices != 0;
    d.spec[GS_SPEC_ADAFACTOR_SKIPS] = a->accumulates;
    gs__bind(recorder, &d, 0, GS__READ | GS__WRITE, node->x[0], &push.w);
    gs__bind(recorder, &d, 1, GS__READ, node->x[1], &push.g);
    gs__bind(recorder, &d, 2, GS__READ | GS__WRITE, node->x[2], &push.r);
    if (a->matrices)
        gs__bind_part(recorder, &d, 2, GS__READ | GS__WRITE, node->x[2], columns_at, a->matrices * a->columns, &push.c);
    gs__bind(recorder, &d, 3, GS__READ | GS__WRITE, node->y[2], &push.scratch);
    return gs__dispatch_record_1d(recorder, &d, items, local / lanes);
}

static gs_status forward(gs__recorder *recorder, const gs__node *node) {
    const gs__adafactor_attr *a = gs__node_attr(node, gs__adafactor_attr);
    const uint32_t count = gs__value_count(recorder, node->x[0]);
    gs_status status = GS_OK;
    if (a->matrices) {
        GS_TRY(record_phase(recorder, node, MEANS, (uint64_t)a->matrices * (a->rows + a->columns)));
        GS_TRY(record_phase(recorder, node, ROW_MEANS, a->matrices));
    }
    GS_TRY(record_phase(recorder, node, SQUARES, part_count(count)));
    GS_TRY(record_phase(recorder, node, TOTALS, 2));
    GS_TRY(record_phase(recorder, node, APPLY, count));
fail:
    return status;
}

// The mean of squared gradients that element i is divided by.
static double mean_at(const gs__reference *r, const gs__adafactor_attr *a, int64_t i) {
    if (!a->matrices) return r->y[1][i];
    const int64_t row = i / a->columns, matrix = row / a->rows;
    double mean = 0;
    for (int64_t k = 0; k < a->rows; k++) mean += r->y[1][matrix * a->rows + k] / a->rows;
    return r->y[1][row] / mean * r->y[1][gs__adafactor_columns(a) + matrix * a->columns + i % a->columns];
}

// Where a whole row and a whole column had no gradient, the mean may be 0.
static double step_at(const gs__reference *r, const gs__adafactor_attr *a, int64_t i) {
    return r->x[1][i] == 0 ? 0 : r->x[1][i] / sqrt(mean_at(r, a, i));
}

// Moves a factor towards the mean of `count` squared gradients, `stride` apart.
static void move(const gs__reference *r, int64_t factor, int64_t first, int64_t stride, int64_t count) {
    const double rest = pow(r->state->cur.updates + 1.0, (double)r->state->set.beta2_decay);
    double mean = 0;
    for (int64_t k = 0; k < count; k++) {
        const double g = r->x[1][first + k * stride];
        mean += (g * g + (double)r->state->set.epsilon) / (double)count;
    }
    r->y[1][factor] = r->x[2][factor] + rest * (mean - r->x[2][factor]);
}

static void move_factors(const gs__reference *r, const gs__adafactor_attr *a) {
    if (!a->matrices)
        for (int64_t i = 0; i < r->x_shape[0].dim[0]; i++) move(r, i, i, 1, 1);
    for (int64_t row = 0; row < (int64_t)a->matrices * a->rows; row++) move(r, row, row * a->columns, 1, a->columns);
    for (int64_t c = 0; c < (int64_t)a->matrices * a->columns; c++)
        move(r, gs__adafactor_columns(a) + c, c / a->columns * a->rows * a->columns + c % a->columns, a->columns,
             a->rows);
}

static void ref_forward(const gs__reference *r) {
    const gs__adafactor_attr *a = gs__node_attr(r->node, gs__adafactor_attr);
    const struct gs_settings *set = &r->state->set;
    const int64_t count = r->x_shape[0].dim[0];
    if (a->accumulates && !gs__update_is_due(r->state)) return;
    move_factors(r, a);
    double squares = 0, weights = 0;
    for (int64_t i = 0; i < count; i++) {
        const double w = gs__update_decayed(r->state, r->x[0][i]);
        squares += pow(step_at(r, a, i), 2) / (double)count;
        weights += w * w / (double)count;
    }
    double rate = fmin((double)r->state->cur.learning_rate, 1 / sqrt(r->state->cur.updates + 1.0));
    rate *= fmax((double)set->epsilon2, sqrt(weights));
    for (int64_t i = 0; i < count; i++)
        r->y[0][i] = gs__update_decayed(r->state, r->x[0][i]) -
                     rate * step_at(r, a, i) / fmax(1, sqrt(squares) / (double)set->clip_threshold);
}

const gs_op gs__op_adafactor = {
    .name = "adafactor",
    .inputs = 3,
    .outputs = 3,
    .attr_bytes = sizeof(gs__adafactor_attr),
    .has_side_effect = true,
    .shape = shape,
    .forward = forward,
    .ref_forward = ref_forward,
};
