// InputLayer: the shape of a sample.
#include "model/layer.h"

static gs_status check(gs__error *error, const gs_layer *layer) {
    const gs_shape *shape = &layer->input.shape;
    // The batch dimension comes in front.
    if (shape->rank < 1 || shape->rank >= GS_MAX_RANK)
        return gs__fail(error, GS_ERR_ARGUMENT, "its shape has %u dimensions; it must have 1 to %d", shape->rank,
                        GS_MAX_RANK - 1);
    for (uint32_t i = 0; i < shape->rank; i++)
        if (shape->dim[i] < 1 || shape->dim[i] > INT32_MAX)
            return gs__fail(error, GS_ERR_ARGUMENT, "dimension %u of its shape is %lld; it must be from 1 to 2^31 - 1",
                            i, (long long)shape->dim[i]);
    return GS_OK;
}

static gs_status from_json(gs__json *json, const cJSON *config, gs_layer *layer) {
    gs_status status = GS_OK;
    const cJSON *shape = NULL;
    GS_TRY(gs__json_get_array(json, config, "batch_shape", GS__JSON_OPTIONAL, &shape));
    if (!shape) GS_TRY(gs__json_get_array(json, config, "batch_input_shape", GS__JSON_OPTIONAL, &shape));
    if (shape) return gs__shape_from_json(json, shape, true, false, &layer->input.shape);
    GS_TRY(gs__json_get_array(json, config, "shape", GS__JSON_REQUIRED, &shape));
    return gs__shape_from_json(json, shape, false, false, &layer->input.shape);
fail:
    return status;
}

static void to_json(gs__text *text, const gs_layer *layer) {
    gs__text_append(text, ", \"batch_shape\": ");
    gs__shape_to_json(text, &layer->input.shape, true);
    gs__text_append(text, ", \"sparse\": false");
}

static gs_status shape(gs__error *error, const gs_layer *layer, const gs_shape *x, gs_shape *y) {
    (void)error;
    (void)x;
    *y = layer->input.shape;
    return GS_OK;
}

const gs__layer_class gs__layer_input = {
    .class_name = "InputLayer",
    .base_name = "input_layer",
    .keys = (const char *const[]){"batch_shape", "batch_input_shape", "shape", "sparse", "ragged", "optional", NULL},
    .check = check,
    .from_json = from_json,
    .to_json = to_json,
    .shape = shape,
};
