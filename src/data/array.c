#include "base/file.h"
#include "base/memory.h"
#include "data/data.h"
#include "tensor/shape.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void gs__array_deinit(gs__array *array) {
    if (array->in_place) gs__file_unmap(array->map, array->map_bytes);
    else free(array->data);
    *array = (gs__array){0};
}

uint32_t gs__element_bytes(gs__element element) {
    switch (element) {
    case GS__ELEMENT_U8:
    case GS__ELEMENT_BOOL:
    case GS__ELEMENT_I8:
        return 1;
    case GS__ELEMENT_I16:
    case GS__ELEMENT_U16:
    case GS__ELEMENT_F16:
        return 2;
    case GS__ELEMENT_I32:
    case GS__ELEMENT_U32:
    case GS__ELEMENT_F32:
        return 4;
    case GS__ELEMENT_I64:
    case GS__ELEMENT_U64:
    case GS__ELEMENT_F64:
        return 8;
    }
    return 0;
}

static bool is_float(gs__element element) {
    return element == GS__ELEMENT_F16 || element == GS__ELEMENT_F32 || element == GS__ELEMENT_F64;
}

static uint64_t load_bits(const unsigned char *from, uint32_t bytes, bool big_endian) {
    uint64_t bits = 0;
    for (uint32_t i = 0; i < bytes; i++) bits |= (uint64_t)from[i] << (8 * (big_endian ? bytes - 1 - i : i));
    return bits;
}

static int64_t to_integer(uint64_t bits, gs__element element) {
    switch (element) {
    case GS__ELEMENT_BOOL:
        return bits != 0;
    case GS__ELEMENT_I8:
        return (int64_t)bits - (bits > INT8_MAX ? 256 : 0);
    case GS__ELEMENT_I16:
        return (int64_t)bits - (bits > INT16_MAX ? 65536 : 0);
    case GS__ELEMENT_I32:
        return (int64_t)bits - (bits > INT32_MAX ? INT64_C(4294967296) : 0);
    case GS__ELEMENT_I64: {
        int64_t value;
        memcpy(&value, &bits, 8);
        return value;
    }
    case GS__ELEMENT_U64:
        return bits > INT64_MAX ? INT64_MAX : (int64_t)bits;
    default:
        return (int64_t)bits;
    }
}

static float half_to_float(uint64_t bits) {
    const int exponent = (int)(bits >> 10 & 31);
    const float fraction = (float)(bits & 1023), sign = bits & 0x8000 ? -1.0f : 1.0f;
    if (exponent == 31) return fraction > 0 ? NAN : sign * INFINITY;
    return sign * ldexpf(exponent ? 1024 + fraction : fraction, (exponent ? exponent : 1) - 25);
}

static float to_float(uint64_t bits, gs__element element) {
    if (element == GS__ELEMENT_F16) return half_to_float(bits);
    if (element == GS__ELEMENT_U64) return (float)bits;
    if (element == GS__ELEMENT_F32) {
        uint32_t word = (uint32_t)bits;
        float value;
        memcpy(&value, &word, 4);
        return value;
    }
    if (element == GS__ELEMENT_F64) {
        double value;
        memcpy(&value, &bits, 8);
        return (float)value;
    }
    return (float)to_integer(bits, element);
}

// Walks the elements in row-major order and gives their places in the file.
typedef struct walk {
    const gs_shape *shape;
    uint64_t stride[GS_MAX_RANK]; // elements
    int64_t index[GS_MAX_RANK];
    uint64_t place;
} walk;

static walk walk_begin(const gs__layout *layout) {
    walk w = {.shape = &layout->shape};
    uint64_t stride = 1;
    for (uint32_t i = 0; i < w.shape->rank; i++) {
        uint32_t axis = layout->fortran ? i : w.shape->rank - 1 - i;
        w.stride[axis] = stride;
        stride *= (uint64_t)w.shape->dim[axis];
    }
    return w;
}

static void walk_next(walk *w) {
    for (uint32_t axis = w->shape->rank; axis-- > 0;) {
        w->place += w->stride[axis];
        if (++w->index[axis] < w->shape->dim[axis]) return;
        w->place -= w->stride[axis] * (uint64_t)w->shape->dim[axis];
        w->index[axis] = 0;
    }
}

static gs_status convert(gs__error *error, const char *name, const gs__layout *layout, const unsigned char *from,
                         uint64_t count, gs__array *array) {
    uint32_t width = gs__element_bytes(layout->element);
    walk w = walk_begin(layout);
    for (uint64_t i = 0; i < count; i++, walk_next(&w)) {
        uint64_t bits = load_bits(from + w.place * width, width, layout->big_endian);
        if (array->dtype == GS_U8) {
            ((uint8_t *)array->data)[i] = (uint8_t)bits;
        } else if (array->dtype == GS_F32) {
            ((float *)array->data)[i] = to_float(bits, layout->element);
        } else {
            int64_t value = to_integer(bits, layout->element);
            if (value < INT32_MIN || value > INT32_MAX)
                return gs__fail(error, GS_ERR_FORMAT, "%s: element %llu is %lld, which does not fit 32 bits", name,
                                (unsigned long long)i, (long long)value);
            ((int32_t *)array->data)[i] = (int32_t)value;
        }
    }
    return GS_OK;
}

// Whether the elements are what a data set has in memory.
static bool is_ready(const gs__layout *layout, const void *data) {
    const uint32_t one = 1;
    const bool big_endian_host = *(const unsigned char *)&one == 0;
    if (layout->fortran && layout->shape.rank > 1) return false;
    if (layout->element == GS__ELEMENT_U8) return true;
    return layout->element == GS__ELEMENT_F32 && layout->big_endian == big_endian_host &&
           (uintptr_t)data % sizeof(float) == 0;
}

gs_status gs__array_from_bytes(gs__error *error, const char *name, const gs__layout *layout, uint64_t offset,
                               const void *data, uint64_t bytes, gs__array_use use, gs__array *array) {
    uint64_t count, width = gs__element_bytes(layout->element);
    char shape[128];
    gs__shape_text(&layout->shape, false, shape, sizeof shape);
    for (uint32_t i = 0; i < layout->shape.rank && i < GS_MAX_RANK; i++)
        if (layout->shape.dim[i] == 0)
            return gs__fail(error, GS_ERR_FORMAT, "%s: has no elements: its shape is %s", name, shape);
    if (!gs__shape_count(&layout->shape, &count))
        return gs__fail(error, GS_ERR_FORMAT, "%s: the shape %s in its header is too large", name, shape);
    if (bytes < count * width)
        return gs__fail(error, GS_ERR_FORMAT,
                        "%s: truncated: shape %s needs %llu bytes from offset %llu on, the file has only %llu", name,
                        shape, (unsigned long long)(count * width), (unsigned long long)offset,
                        (unsigned long long)bytes);
    if (bytes > count * width)
        return gs__fail(
            error, GS_ERR_FORMAT, "%s: %llu bytes follow the elements of shape %s, which end at offset %llu", name,
            (unsigned long long)(bytes - count * width), shape, (unsigned long long)(offset + count * width));
    gs__array made = {.shape = layout->shape, .dtype = GS_F32};
    if (use != GS__TARGETS && layout->element == GS__ELEMENT_U8) made.dtype = GS_U8;
    if (use == GS__TARGETS && !is_float(layout->element)) made.dtype = GS_I32;
    if (use == GS__SAMPLES_IN_PLACE && is_ready(layout, data)) {
        made.data = (void *)(uintptr_t)data;
        made.in_place = true;
        *array = made;
        return GS_OK;
    }
    made.data = gs__allocate(error, count, gs__dtype_bytes(made.dtype), name);
    if (!made.data) return GS_ERR_MEMORY;
    gs_status status = GS_OK;
    if (made.dtype == GS_U8 && !layout->fortran) memcpy(made.data, data, (size_t)count);
    else status = convert(error, name, layout, data, count, &made);
    if (status == GS_OK) *array = made;
    else gs__array_deinit(&made);
    return status;
}
