#include "plan/quads.h"

// Ids as in quad.glsl.
enum { VECTOR, CHANNELS, WIDE, HIGH, PER_GROUP = 64 };

gs_shape gs__image_of(const gs_shape *shape) {
    return shape->rank == 4 ? *shape : (gs_shape){4, {shape->dim[0], 1, shape->dim[1], shape->dim[2]}};
}

bool gs__quads_texels(const gs__recorder *recorder, const gs__value *values, uint32_t count) {
    if (gs__recorder_caps(recorder)->kernel_class != GS__KERNELS_CPU) return false;
    for (uint32_t i = 0; i < count; i++) {
        const gs__value_info *info = gs__recorder_value(recorder, values[i]);
        if (info && !gs__storage_fits_texels(recorder, info->storage)) return false;
    }
    return true;
}

uint32_t gs__quads_vector(const gs_shape *image) {
    return image->dim[3] % 4 == 0 ? 4 : 1;
}

void gs__quads_spec(gs__dispatch *dispatch, const gs_shape *image, uint32_t vector) {
    dispatch->spec[VECTOR] = vector;
    dispatch->spec[CHANNELS] = (uint32_t)image->dim[3];
    dispatch->spec[WIDE] = (uint32_t)image->dim[2];
    dispatch->spec[HIGH] = (uint32_t)image->dim[1];
}

gs_status gs__quads_record(gs__recorder *recorder, gs__dispatch *dispatch, uint32_t elements, uint32_t vector) {
    return gs__dispatch_record_1d(recorder, dispatch, elements / vector, PER_GROUP);
}
