// gamma and beta of the normalization layers, and their numbers.
#ifndef GS_MODEL_AFFINE_H
#define GS_MODEL_AFFINE_H

#include "model/layer.h"

// A number whose 0 means the default and whose negative an exact 0.
static inline float gs__or_default(float value, float fallback) {
    return value > 0.0f ? value : value < 0.0f ? 0.0f : fallback;
}
// Member `key`, at least 0, as such a number.
gs_status gs__positive_from_json(gs__json *json, const cJSON *config, const char *key, float *value);

gs_status gs__affine_check(gs__error *error, const gs_norm_affine *affine, float epsilon);
gs_status gs__affine_from_json(gs__json *json, const cJSON *config, gs_norm_affine *affine);
void gs__affine_to_json(gs__text *text, const gs_norm_affine *affine);
// Adds gamma and beta, as far as they are there; returns how many.
uint32_t gs__affine_parameters(const gs_norm_affine *affine, const gs_shape *shape, gs__parameter_spec *specs);
// x[0] = the rows, x[1] = gamma, x[2] = beta, 0 where absent; returns the first parameter behind them.
uint32_t gs__affine_values(const gs_norm_affine *affine, const gs__layer_build *build, gs__value x[3]);
#define GS__AFFINE_KEYS                                                                                                \
    "center", "scale", "beta_initializer", "gamma_initializer", "beta_regularizer", "gamma_regularizer"

// Member "axis": a number or a list; the axes must be the last ones. *axes: how many.
gs_status gs__last_axes_from_json(gs__json *json, const cJSON *config, uint32_t *axes);
void gs__last_axes_to_json(gs__text *text, uint32_t axes);
// The shape of those axes. GS_ERR_ARGUMENT.
gs_status gs__last_axes_check(gs__error *error, uint32_t axes, const gs_shape *x);
gs_shape gs__last_axes_shape(uint32_t axes, const gs_shape *x);

#endif
