// What an op's forward and backward use to record their dispatches. Barriers are put where data flows: the recorder
// keeps the byte ranges written and read since the last barrier.
//
//     struct gs_push_matmul push = { .m = m, ... };  // generated from the shader, as GS_SPEC_* are: "shaders.h"
//     gs__dispatch d = gs__dispatch_init(&gs__shader_matmul, GS_SPEC_MATMUL_COUNT, &push, sizeof push);
//     d.spec[GS_SPEC_MATMUL_TRANS_A] = 1;
//     gs__bind(recorder, &d, 0, GS__READ, node->x[0], &push.a);
//     gs__bind(recorder, &d, 1, GS__READ, node->x[1], &push.b);
//     gs__bind(recorder, &d, 2, GS__WRITE, node->y[0], &push.c);
//     return gs__dispatch_record(recorder, &d, x, y, z);
#ifndef GS_PLAN_RECORD_H
#define GS_PLAN_RECORD_H

#include "gpu/gpu.h"
#include "plan/op.h"

enum { GS__READ = 1, GS__WRITE = 2, GS__MAX_TENSORS_PER_DISPATCH = 16 };

typedef struct gs__dispatch {
    const gs__shader *shader;
    void *push; // pointers given to gs__bind point into it; read by gs__dispatch_record
    uint32_t push_bytes;
    uint32_t spec[GS__MAX_SPEC]; // by constant_id; all ids up to spec_count are given
    uint32_t spec_count;
    struct {
        uint32_t binding, access;
        gs__value value;
        uint32_t first, count; // elements; count 0: all of them
        uint32_t *offset;
    } tensor[GS__MAX_TENSORS_PER_DISPATCH];
    uint32_t tensor_count;
} gs__dispatch;

// spec starts as zeros; spec_count is the shader's, given by the generated GS_SPEC_NAME_COUNT.
gs__dispatch gs__dispatch_init(const gs__shader *shader, uint32_t spec_count, void *push, uint32_t push_bytes);

// Binds a tensor. Several tensors of one storage may share a binding: its window covers them all. `offset` (may be
// NULL) receives the tensor's first element in that window, in elements of 4 bytes. Absent values (0) are skipped,
// their offset is 0.
void gs__bind(gs__recorder *recorder, gs__dispatch *dispatch, uint32_t binding, uint32_t access, gs__value value,
              uint32_t *offset);

// Only the elements first .. first + count - 1 of it: for tensors larger than a binding may be, in several dispatches.
// `offset` is that of element `first`, which must begin at a multiple of 4 bytes.
void gs__bind_part(gs__recorder *recorder, gs__dispatch *dispatch, uint32_t binding, uint32_t access, gs__value value,
                   uint32_t first, uint32_t count, uint32_t *offset);

// The State buffer whole (State, ring, rows), as a storage buffer. Kernels that only read the State include
// state.glsl, whose uniform buffer the recorder binds by itself.
void gs__bind_state(gs__recorder *recorder, gs__dispatch *dispatch, uint32_t binding, uint32_t access);

// Records it: barrier if needed, pipeline, descriptors. A binding without tensor is bound to the State.
// Bindings' access is checked against what reflection found in the shader. Zero groups: nothing is recorded.
gs_status gs__dispatch_record(gs__recorder *recorder, gs__dispatch *dispatch, uint64_t groups_x, uint64_t groups_y,
                              uint64_t groups_z);

const gs__gpu_caps *gs__recorder_caps(const gs__recorder *recorder);
// Whether the device runs NAME_shuffle.comp in the place of NAME_cpu.comp: subgroups of 8 lanes that can shuffle. Not what
// is rounded on the way: LLVM may take minutes for what lavapipe makes of a shuffle of such values.
bool gs__recorder_shuffles(const gs__recorder *recorder, gs_precision precision);
// Whether kernels can read any window of the storage as RGBA32F texels.
bool gs__storage_fits_texels(const gs__recorder *recorder, gs__storage storage);
// Whether one binding can hold any window of the storage.
bool gs__storage_fits_binding(const gs__recorder *recorder, gs__storage storage);
const gs__graph *gs__recorder_graph(const gs__recorder *recorder);
const gs__value_info *gs__recorder_value(const gs__recorder *recorder, gs__value value); // NULL for 0
gs__error *gs__recorder_error(gs__recorder *recorder);

// Elements of a value, and rows (dimension 0) and row length; 0 for an absent one. Below 2^31 by the graph's checks.
uint32_t gs__value_count(const gs__recorder *recorder, gs__value value);
uint32_t gs__value_rows(const gs__recorder *recorder, gs__value value);

// One-dimensional dispatch over `items` with `per_group` a group, folded into y when x would exceed the device's
// limit: kernels take their item from item_index() in shaders/include/item.glsl, and check it against the count.
gs_status gs__dispatch_record_1d(gs__recorder *recorder, gs__dispatch *dispatch, uint64_t items, uint32_t per_group);

#endif
