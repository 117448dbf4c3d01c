#include "tensor/shape.h"

#include <stdio.h>

static const uint64_t max_count = UINT64_C(1) << 40;

bool gs__shape_count(const gs_shape *shape, uint64_t *count) {
    if (shape->rank > GS_MAX_RANK) return false;
    uint64_t product = 1;
    for (uint32_t i = 0; i < shape->rank; i++) {
        if (shape->dim[i] < 1 || (uint64_t)shape->dim[i] > max_count / product) return false;
        product *= (uint64_t)shape->dim[i];
    }
    *count = product;
    return true;
}

bool gs__shape_equal(const gs_shape *a, const gs_shape *b) {
    if (a->rank != b->rank || a->rank > GS_MAX_RANK) return false;
    for (uint32_t i = 0; i < a->rank; i++)
        if (a->dim[i] != b->dim[i]) return false;
    return true;
}

const char *gs__shape_text(const gs_shape *shape, bool batch_is_none, char *buffer, size_t buffer_bytes) {
    size_t used = 0;
    if (!buffer_bytes) return buffer;
    if (shape->rank > GS_MAX_RANK) {
        snprintf(buffer, buffer_bytes, "(rank %u)", (unsigned)shape->rank);
        return buffer;
    }
    for (uint32_t i = 0; i <= shape->rank && used < buffer_bytes; i++) {
        const char *before = i == 0 ? "(" : i < shape->rank ? ", " : "";
        int n;
        if (i == shape->rank) n = snprintf(buffer + used, buffer_bytes - used, "%s)", before);
        else if (i == 0 && batch_is_none) n = snprintf(buffer + used, buffer_bytes - used, "%sNone", before);
        else n = snprintf(buffer + used, buffer_bytes - used, "%s%lld", before, (long long)shape->dim[i]);
        used += (size_t)n;
    }
    return buffer;
}

size_t gs__dtype_bytes(gs_dtype dtype) {
    return dtype == GS_U8 ? 1 : 4;
}

const char *gs__dtype_name(gs_dtype dtype) {
    switch (dtype) {
    case GS_F32:
        return "float32";
    case GS_I32:
        return "int32";
    case GS_U8:
        return "uint8";
    }
    return "unknown type";
}
