// Dispatch of kernels that reduce along rows: those that include shaders/include/rows.glsl.
#ifndef GS_PLAN_ROWS_H
#define GS_PLAN_ROWS_H

#include "plan/record.h"

// Chooses how the invocations share out `rows` rows of `parts` parts of `length` elements each, sets specialization
// constants 0 to 2, and records the dispatch.
gs_status gs__rows_record(gs__recorder *recorder, gs__dispatch *dispatch, uint64_t rows, uint64_t parts,
                          uint64_t length);

#endif
