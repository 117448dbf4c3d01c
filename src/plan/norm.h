// Sums over the rows of each channel, for batch_norm and row_norm: chunks of rows first, then the chunks, always in the
// same order. A tensor is seen as `rows` rows of `channels` channels, the last axis.
#ifndef GS_PLAN_NORM_H
#define GS_PLAN_NORM_H

#include "plan/record.h"

// How the rows are shared out: a function of the shape alone.
typedef struct gs__norm {
    uint32_t rows, channels;
    uint32_t sample_rows; // rows of each sample; 0: rows that the step does not have need no care
    uint32_t stride;      // of an array of channels: a multiple of 4
    uint32_t parts, chunk;
} gs__norm;
gs__norm gs__norm_of(uint64_t rows, uint64_t channels, uint64_t samples);

// As in shaders/include/norm.glsl.
enum { GS__NORM_ARRAYS = 7 };
uint64_t gs__norm_partials(const gs__norm *norm); // floats of the chunks' sums

typedef enum gs__norm_columns_mode {
    GS__NORM_MOMENTS,
    GS__NORM_GRADIENTS,
    GS__NORM_ROW_GRADIENTS
} gs__norm_columns_mode;
typedef struct gs__norm_columns {
    gs__norm_columns_mode mode;
    gs__value a, x;       // MOMENTS: a = x; else a = dy
    gs__value statistics; // not MOMENTS
    gs__value partials;   // a tensor, and the first element in it
    uint32_t partials_first;
    uint32_t inner, groups, depth, group_count; // ROW_GRADIENTS
} gs__norm_columns;
gs_status gs__norm_record_columns(gs__recorder *recorder, const gs__norm *norm, const gs__norm_columns *columns);

typedef enum gs__norm_finish_mode {
    GS__NORM_BATCH,        // statistics of the batch, new moving averages
    GS__NORM_FIXED,        // statistics from the moving averages
    GS__NORM_COEFFICIENTS, // dgamma, dbeta, and the coefficients of dx
    GS__NORM_SUMS,         // dgamma, dbeta
} gs__norm_finish_mode;
typedef struct gs__norm_finish {
    gs__norm_finish_mode mode;
    gs__value work;
    uint32_t partials_first;
    gs__value gamma, beta, mean, variance; // BATCH, FIXED; gamma and beta may be absent
    gs__value dgamma, dbeta;               // COEFFICIENTS, SUMS; may be absent
    float momentum, epsilon;
    bool max_scale, invert;
} gs__norm_finish;
gs_status gs__norm_record_finish(gs__recorder *recorder, const gs__norm *norm, const gs__norm_finish *finish);

#endif
