// Parts of a data set: training, validation, test.
#include "base/memory.h"
#include "base/rng.h"
#include "data/recipe.h"
#include "tensor/shape.h"

#include <stdlib.h>
#include <string.h>

enum { TRAIN, VALIDATION, TEST, PARTS };

#define RNG_STREAM UINT64_C(0x73706c6974) // "split"

gs_status gs__data_select(gs__error *error, const gs_data *data, const uint64_t *indices, uint64_t count,
                          gs_data **selected) {
    const uint64_t x_bytes = data->x_bytes / data->count, y_bytes = data->y_bytes / data->count;
    gs__array x = {.shape = data->x_shape, .dtype = data->x_dtype},
              y = {.shape = data->y_shape, .dtype = data->y_dtype};
    x.shape.dim[0] = (int64_t)count;
    x.data = gs__allocate(error, count, x_bytes, "samples");
    if (data->y) {
        y.shape.dim[0] = (int64_t)count;
        y.data = gs__allocate(error, count, y_bytes, "targets");
    }
    if (!x.data || (data->y && !y.data)) {
        gs__array_deinit(&x);
        gs__array_deinit(&y);
        return GS_ERR_MEMORY;
    }
    for (uint64_t i = 0; i < count; i++) {
        memcpy((char *)x.data + i * x_bytes, (const char *)data->x + indices[i] * x_bytes, x_bytes);
        if (data->y) memcpy((char *)y.data + i * y_bytes, (const char *)data->y + indices[i] * y_bytes, y_bytes);
    }
    gs_status status = gs__data_adopt(error, GS_ERR_ARGUMENT, data->name, &x, &y, selected);
    if (status == GS_OK) status = gs__data_set_names(error, *selected, data->class_names, data->class_count);
    if (status != GS_OK) gs_data_destroy(selected);
    return status;
}

static gs_split_kind kind_of(const gs_recipe *recipe, const gs_data *data) {
    if (recipe->params.split != GS_SPLIT_AUTO) return recipe->params.split;
    if (recipe->kind == GS__RECIPE_ARRAYS) return GS_SPLIT_LAST;
    return data->max_class >= 0 ? GS_SPLIT_STRATIFIED : GS_SPLIT_RANDOM;
}

// Keras's int(n * (1 - share)) samples are for training.
static void share_out(const gs_recipe_params *p, uint64_t count, uint64_t shares[PARTS]) {
    shares[TRAIN] = (uint64_t)((double)count * (1 - p->validation_share - p->test_share));
    const uint64_t rest = count - shares[TRAIN];
    shares[TEST] = p->validation_share > 0 ? (uint64_t)((double)count * p->test_share + 0.5) : rest;
    if (!(p->test_share > 0)) shares[TEST] = 0;
    if (shares[TEST] > rest) shares[TEST] = rest;
    shares[VALIDATION] = rest - shares[TEST];
}

static void shuffle(gs__rng *rng, uint64_t *indices, uint64_t count) {
    for (uint64_t i = count; i > 1; i--) {
        const uint64_t other = (uint64_t)(gs__rng_uniform(rng) * (double)i), kept = indices[i - 1];
        indices[i - 1] = indices[other];
        indices[other] = kept;
    }
}

// Writes the part of each of the samples `indices`.
static void assign(const uint64_t shares[PARTS], const uint64_t *indices, uint8_t *part) {
    uint64_t at = 0;
    for (uint8_t p = TRAIN; p < PARTS; p++)
        for (uint64_t i = 0; i < shares[p]; i++) part[indices[at++]] = p;
}

// What rounding takes from a class is not taken from another one twice: shares are those of the classes so far.
static gs_status assign_classes(gs__error *error, const gs_recipe_params *p, gs__rng *rng, const gs_data *data,
                                uint64_t *indices, uint8_t *part) {
    const int32_t *class = data->y;
    if (data->max_class < 0 || data->y_shape.rank != 1)
        return gs__fail(error, GS_ERR_ARGUMENT, "%s: a stratified split needs targets that are classes", data->name);
    const uint64_t classes = (uint64_t)data->max_class + 1;
    uint64_t *first = gs__allocate(error, classes + 1, sizeof *first, "classes");
    uint64_t *next = gs__allocate(error, classes + 1, sizeof *next, "classes");
    if (!first || !next) {
        free(first);
        free(next);
        return GS_ERR_MEMORY;
    }
    for (uint64_t i = 0; i < data->count; i++) first[class[i] + 1]++;
    for (uint64_t c = 0; c < classes; c++) next[c + 1] = first[c + 1] += first[c];
    for (uint64_t i = 0; i < data->count; i++) indices[next[class[i]]++] = i;
    for (uint64_t c = 0, done = 0; c < classes; c++) {
        uint64_t before[PARTS], after[PARTS], shares[PARTS];
        const uint64_t count = first[c + 1] - first[c];
        share_out(p, done, before);
        done += count;
        share_out(p, done, after);
        for (int k = 0; k < PARTS; k++) shares[k] = after[k] > before[k] ? after[k] - before[k] : 0;
        // A class that is there is learnt, too.
        if (shares[VALIDATION] + shares[TEST] > count) shares[TEST] = count - shares[VALIDATION];
        shares[TRAIN] = count - shares[VALIDATION] - shares[TEST];
        if (!shares[TRAIN] && count) {
            shares[shares[VALIDATION] ? VALIDATION : TEST]--;
            shares[TRAIN]++;
        }
        shuffle(rng, indices + first[c], count);
        assign(shares, indices + first[c], part);
    }
    free(first);
    free(next);
    return GS_OK;
}

static gs_status take_part(gs__error *error, const gs_data *data, const uint8_t *part, uint8_t which, uint64_t *indices,
                           gs_data **selected) {
    static const char *const verbs[PARTS] = {"train with", "validate with", "test with"};
    uint64_t count = 0;
    for (uint64_t i = 0; i < data->count; i++)
        if (part[i] == which) indices[count++] = i;
    if (!count)
        return gs__fail(error, GS_ERR_ARGUMENT, "%s: splitting its %llu samples leaves nothing to %s", data->name,
                        (unsigned long long)data->count, verbs[which]);
    return gs__data_select(error, data, indices, count, selected);
}

gs_status gs__recipe_split(gs__error *error, const gs_recipe *recipe, const gs_data *data, gs_data_parts *parts) {
    gs_status status = GS_OK;
    const gs_recipe_params *p = &recipe->params;
    uint64_t *indices = gs__allocate(error, data->count, sizeof *indices, "order of samples");
    uint8_t *part = gs__allocate(error, data->count, sizeof *part, "parts of samples");
    gs__rng rng;
    *parts = (gs_data_parts){0};
    if (!indices || !part) {
        status = GS_ERR_MEMORY;
        goto fail;
    }
    gs__rng_init(&rng, p->split_seed, RNG_STREAM);
    const gs_split_kind kind = kind_of(recipe, data);
    if (kind == GS_SPLIT_STRATIFIED) {
        GS_TRY(assign_classes(error, p, &rng, data, indices, part));
    } else {
        uint64_t shares[PARTS];
        for (uint64_t i = 0; i < data->count; i++) indices[i] = i;
        if (kind == GS_SPLIT_RANDOM) shuffle(&rng, indices, data->count);
        share_out(p, data->count, shares);
        assign(shares, indices, part);
    }
    GS_TRY(take_part(error, data, part, TRAIN, indices, &parts->train));
    if (p->validation_share > 0) GS_TRY(take_part(error, data, part, VALIDATION, indices, &parts->validation));
    if (p->test_share > 0) GS_TRY(take_part(error, data, part, TEST, indices, &parts->test));
    free(indices);
    free(part);
    return GS_OK;
fail:
    gs_data_destroy(&parts->train);
    gs_data_destroy(&parts->validation);
    gs_data_destroy(&parts->test);
    free(indices);
    free(part);
    return status;
}
