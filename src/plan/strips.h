// Dispatch of kernels that copy parts of rows: shaders/concatenate.comp, shaders/split.comp.
#ifndef GS_PLAN_STRIPS_H
#define GS_PLAN_STRIPS_H

#include "plan/record.h"

// A tensor seen as rows of what lies behind an axis: (outer, size of the axis, inner).
typedef struct gs__strips {
    uint32_t rows;  // outer
    uint32_t inner; // elements of one entry of the axis
} gs__strips;
gs__strips gs__strips_of(const gs_shape *shape, uint32_t axis);

// Up to three tensors of `width` elements a row, 0 for what is absent.
enum { GS__STRIP_PARTS = 3 };
typedef struct gs__strip_copy {
    gs__value whole, part[GS__STRIP_PARTS];
    uint32_t width[GS__STRIP_PARTS];
    uint32_t rows, stride, first; // of the whole: elements of a row, where the parts begin in it
} gs__strip_copy;

// whole <- parts; `pad`: with zeros around them.
gs_status gs__strips_join(gs__recorder *recorder, const gs__strip_copy *copy, bool pad);
// parts <- whole.
gs_status gs__strips_split(gs__recorder *recorder, const gs__strip_copy *copy);

#endif
