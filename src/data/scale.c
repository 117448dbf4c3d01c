// What is measured of the training part, and done to all samples: filling in, scaling, one-hot.
#include "base/memory.h"
#include "data/recipe.h"
#include "tensor/shape.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

// --- measuring ---------------------------------------------------------------------------------------------------

// Of one column or channel. Two passes over the values: exact enough for any mean.
struct measure {
    uint64_t count;
    double sum, squares, low, high; // squares of distances from the mean
};

static void take(struct measure *m, double value) {
    if (!m->count || value < m->low) m->low = value;
    if (!m->count || value > m->high) m->high = value;
    m->sum += value;
    m->count++;
}

static void choose(const struct measure *m, gs_scale scale, double *offset, double *factor) {
    *offset = 0;
    *factor = 1;
    if (scale == GS_SCALE_NONE || !m->count) return;
    const double spread = scale == GS_SCALE_STANDARD ? sqrt(m->squares / (double)m->count) : m->high - m->low;
    *offset = scale == GS_SCALE_STANDARD ? m->sum / (double)m->count : m->low;
    if (spread > 0) *factor = 1 / spread; // what is always the same becomes 0
}

static double most_frequent(const gs__column *column, const float *x, uint64_t rows, uint32_t width) {
    uint32_t best = 0;
    uint64_t *counts = calloc(column->categories.count ? column->categories.count : 1, sizeof *counts);
    if (!counts) return (double)NAN;
    for (uint64_t row = 0; row < rows; row++)
        if (!isnan(x[row * width])) counts[(uint32_t)x[row * width]]++;
    for (uint32_t i = 1; i < column->categories.count; i++)
        if (counts[i] > counts[best]) best = i;
    free(counts);
    return best;
}

static void fit_column(gs_recipe *recipe, uint32_t which, const float *x, uint64_t rows) {
    gs__column *column = &recipe->columns[which];
    const uint32_t width = recipe->column_count;
    const gs_missing missing = recipe->params.missing;
    x += which;
    if (column->category) {
        if (missing == GS_MISSING_MEAN) column->fill = most_frequent(column, x, rows, width);
        return;
    }
    struct measure m = {0};
    for (uint64_t row = 0; row < rows; row++)
        if (!isnan(x[row * width])) take(&m, (double)x[row * width]);
    const double mean = m.count ? m.sum / (double)m.count : 0;
    if (missing == GS_MISSING_MEAN) column->fill = mean;
    if (missing == GS_MISSING_ZERO) column->fill = 0;
    // Scaling is that of the filled column.
    m = (struct measure){0};
    for (int pass = 0; pass < 2; pass++)
        for (uint64_t row = 0; row < rows; row++) {
            double value = (double)x[row * width];
            if (isnan(value)) value = column->fill;
            if (isnan(value)) continue;
            if (pass == 0) take(&m, value);
            else m.squares += (value - m.sum / (double)m.count) * (value - m.sum / (double)m.count);
        }
    choose(&m, recipe->params.scale, &column->offset, &column->factor);
}

static double element(const gs_data *data, uint64_t i) {
    return data->x_dtype == GS_U8 ? (double)((const uint8_t *)data->x)[i] / 255 : (double)((const float *)data->x)[i];
}

static uint64_t channels_of(const gs_data *data) {
    const gs_shape *shape = &data->x_shape;
    const bool apart = data->x_dtype == GS_U8 ? shape->rank >= 4 : shape->rank >= 2;
    return apart ? (uint64_t)shape->dim[shape->rank - 1] : 1;
}

static gs_status fit_channels(gs__error *error, gs_recipe *recipe, const gs_data *data) {
    if (recipe->params.scale == GS_SCALE_NONE) return GS_OK;
    const uint64_t channels = channels_of(data), count = data->x_bytes / gs__dtype_bytes(data->x_dtype);
    struct measure *m = gs__allocate(error, channels, sizeof *m, "measures");
    recipe->offset = gs__allocate(error, channels, sizeof *recipe->offset, "scaling");
    recipe->factor = gs__allocate(error, channels, sizeof *recipe->factor, "scaling");
    if (!m || !recipe->offset || !recipe->factor || channels > UINT32_MAX) {
        free(m);
        return GS_ERR_MEMORY;
    }
    for (uint64_t i = 0; i < count; i++) {
        const double value = element(data, i);
        if (!isfinite(value)) {
            free(m);
            return gs__fail(error, GS_ERR_FORMAT, "%s: element %llu of the samples is %g: it cannot be scaled",
                            data->name, (unsigned long long)i, value);
        }
        take(&m[i % channels], value);
    }
    for (uint64_t i = 0; i < count; i++) {
        struct measure *c = &m[i % channels];
        const double distance = element(data, i) - c->sum / (double)c->count;
        c->squares += distance * distance;
    }
    for (uint64_t c = 0; c < channels; c++) choose(&m[c], recipe->params.scale, &recipe->offset[c], &recipe->factor[c]);
    recipe->channel_count = (uint32_t)channels;
    free(m);
    return GS_OK;
}

gs_status gs__recipe_fit(gs__error *error, gs_recipe *recipe, const gs_data *raw) {
    if (recipe->kind != GS__RECIPE_TABLE) return fit_channels(error, recipe, raw);
    for (uint32_t i = 0; i < recipe->column_count; i++) fit_column(recipe, i, raw->x, raw->count);
    return GS_OK;
}

// --- applying ----------------------------------------------------------------------------------------------------

static void replace_samples(gs_data *data, float *x, const gs_shape *shape) {
    uint64_t count = 0;
    gs__shape_count(shape, &count);
    gs__data_release_x(data);
    data->x = x;
    data->x_shape = *shape;
    data->x_dtype = GS_F32;
    data->x_bytes = count * sizeof *x;
}

// A column's finished values; returns how many there are.
static uint64_t finish_value(const gs__column *column, double raw, float *to) {
    if (isnan(raw)) raw = column->fill;
    if (!column->category) {
        *to = (float)((raw - column->offset) * column->factor);
        return 1;
    }
    if (!isnan(raw)) to[(uint32_t)raw] = 1; // the rest is zero
    return column->categories.count;
}

static gs_status apply_table(gs__error *error, const gs_recipe *recipe, gs_data *data) {
    gs_shape shape = {2, {(int64_t)data->count, 0}};
    for (uint32_t i = 0; i < recipe->column_count; i++)
        shape.dim[1] += recipe->columns[i].category ? recipe->columns[i].categories.count : 1;
    const uint64_t width = (uint64_t)shape.dim[1];
    if (width > GS__DATA_MAX_BYTES / sizeof(float) / data->count)
        return gs__fail(error, GS_ERR_FORMAT,
                        "%s: %llu samples of %llu values are too large; does a column have too many categories?",
                        data->name, (unsigned long long)data->count, (unsigned long long)width);
    float *x = gs__allocate(error, data->count * width, sizeof *x, "samples"), *to = x;
    if (!x) return GS_ERR_MEMORY;
    const float *from = data->x;
    for (uint64_t row = 0; row < data->count; row++)
        for (uint32_t i = 0; i < recipe->column_count; i++)
            to += finish_value(&recipe->columns[i], (double)*from++, to);
    replace_samples(data, x, &shape);
    return GS_OK;
}

static gs_status apply_channels(gs__error *error, const gs_recipe *recipe, gs_data *data) {
    const uint64_t channels = channels_of(data), count = data->x_bytes / gs__dtype_bytes(data->x_dtype);
    if (!recipe->channel_count) return GS_OK;
    if (channels != recipe->channel_count)
        return gs__fail(error, GS_ERR_ARGUMENT,
                        "%s: samples have %llu places in their last axis, those of the training data had %u",
                        data->name, (unsigned long long)channels, recipe->channel_count);
    float *x = gs__allocate(error, count, sizeof *x, "samples");
    if (!x) return GS_ERR_MEMORY;
    for (uint64_t i = 0; i < count; i++) {
        const uint64_t c = i % channels;
        x[i] = (float)((element(data, i) - recipe->offset[c]) * recipe->factor[c]);
    }
    const gs_shape shape = data->x_shape;
    replace_samples(data, x, &shape);
    return GS_OK;
}

static gs_status apply_one_hot(gs__error *error, const gs_recipe *recipe, gs_data *data) {
    if (!recipe->params.one_hot || !data->y) return GS_OK;
    if (data->y_dtype != GS_I32)
        return gs__fail(error, GS_ERR_ARGUMENT, "%s: one-hot targets are made of classes, but the targets are values",
                        data->name);
    if (data->max_class >= recipe->class_count || data->y_shape.rank == GS_MAX_RANK)
        return gs__fail(error, GS_ERR_ARGUMENT, "%s: class %lld is not one of the %u classes of the training data",
                        data->name, (long long)data->max_class, recipe->class_count);
    const uint64_t count = data->y_bytes / sizeof(int32_t), width = recipe->class_count;
    if (width > GS__DATA_MAX_BYTES / sizeof(float) / count)
        return gs__fail(error, GS_ERR_ARGUMENT, "%s: one-hot targets of %llu classes are too large", data->name,
                        (unsigned long long)width);
    float *y = gs__allocate(error, count * width, sizeof *y, "targets");
    if (!y) return GS_ERR_MEMORY;
    for (uint64_t i = 0; i < count; i++) y[i * width + (uint64_t)((const int32_t *)data->y)[i]] = 1;
    free(data->y);
    data->y = y;
    data->y_dtype = GS_F32;
    data->y_bytes = count * width * sizeof *y;
    data->y_shape.dim[data->y_shape.rank++] = (int64_t)width;
    data->max_class = -1;
    return GS_OK;
}

gs_status gs__recipe_apply(gs__error *error, const gs_recipe *recipe, gs_data **data) {
    gs_status status =
        recipe->kind == GS__RECIPE_TABLE ? apply_table(error, recipe, *data) : apply_channels(error, recipe, *data);
    if (status == GS_OK) status = apply_one_hot(error, recipe, *data);
    if (status != GS_OK) gs_data_destroy(data);
    return status;
}
