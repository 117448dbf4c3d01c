// A graph of ops on tensors, and its backward pass. Nodes stand in the order in which they run.
//
//   1. values and gs__graph_apply build the forward pass, at a fixed batch size
//   2. gs__graph_fuse           folds elementwise ops into the epilogues of their producers
//   3. gs__graph_backward       appends the backward pass, generated from the ops' own rules; fuses again
//   4. gs__graph_prune          drops nodes whose results nobody reads
// Then a plan (plan.h) places the values in memory and records the nodes.
#ifndef GS_PLAN_GRAPH_H
#define GS_PLAN_GRAPH_H

#include "plan/op.h"

struct gs__graph {
    gs__error *error;       // borrowed
    gs__value_info *values; // values[0] is unused
    uint32_t value_count, value_capacity;
    gs__node *nodes;
    uint32_t node_count, node_capacity;
    bool training;
    gs_precision precision;                    // of the nodes that gs__graph_apply makes
    uint32_t batch;                            // rows of a step; stride of the row slots
    uint32_t row_slots;                        // values of storage ROWS so far
    uint64_t storage_bytes[GS__STORAGE_COUNT]; // placed so far; ACTIVATION: by the plan
    // Of the parameters, the first so many bytes are trained: they have gradients and slots. 0: all of them.
    uint64_t trainable_bytes;
};

// `batch`: >= 1. `training`: folds keep what a backward pass needs.
void gs__graph_init(gs__graph *graph, gs__error *error, bool training, uint32_t batch);
void gs__graph_deinit(gs__graph *graph);

// Wide enough that the windows of two parameters' gradients do not overlap on most devices: see record.c.
enum { GS__PARAMETER_ALIGN = 256 };

// A new value. Shape is checked (at most 2^31 - 1 elements). PARAMETER values are placed in the order in which they
// are made, each at a multiple of GS__PARAMETER_ALIGN bytes, so equal models have equal layouts.
gs_status gs__graph_value(gs__graph *graph, const gs_shape *shape, gs_dtype dtype, gs__storage storage,
                          const char *name, gs__value *value);

// Appends op(x[0 .. x_count)) and makes its outputs. `attr` has op->attr_bytes bytes (NULL: zeros). `y` receives
// op->outputs values. Errors carry the layer's name.
gs_status gs__graph_apply(gs__graph *graph, const char *op, const char *layer, const void *attr, const gs__value *x,
                          uint32_t x_count, gs__value *y);

// Folds elementwise nodes into the producer of their input, where that input has no other reader.
gs_status gs__graph_fuse(gs__graph *graph);

// Appends the backward pass of every self-gradient node (losses, penalties; their sum is what is minimised). The
// gradient of a parameter lands in storage GRADIENT at the parameter's own offset.
gs_status gs__graph_backward(gs__graph *graph);

// Appends one optimizer node over all trained parameters at once: x = { parameters, gradients, slots }, flat float arrays
// of the whole storage (padding included), y[0] and y[1] alias x[0] and x[2]. The slots hold `slot_count` floats for
// each parameter element, interleaved by fours: slot s of elements 4 i .. 4 i + 3 begins at 4 (i slot_count + s).
// With slot_count 0, x[2] is absent.
gs_status gs__graph_update(gs__graph *graph, const char *op, const void *attr, uint32_t slot_count);

// A flat float array in PARAMETER, GRADIENT or SLOTS, which has room for it: for ops over all parameters, or over one as
// it lies there. `offset` in bytes. `name` as in gs__value_info.
gs_status gs__graph_flat(gs__graph *graph, gs__storage storage, uint64_t offset, uint64_t count, const char *name,
                         gs__value *value);

// Appends op(x), whose first `outputs` outputs are its first inputs, changed in place.
gs_status gs__graph_in_place(gs__graph *graph, const char *op, const void *attr, const gs__value *x, uint32_t x_count,
                             uint32_t outputs);

// Appends a node that sets State.cur.skip when a gradient of a parameter is not finite: the update and the loss scale
// heed it. Between the backward pass and gs__graph_update.
gs_status gs__graph_check_finite(gs__graph *graph);

// The backward node of forward node `forward`: dy has its outputs' gradients; dx[i] is made where wanted.
// Used by gs__graph_backward and by the tests of ops.
gs_status gs__graph_backward_node(gs__graph *graph, uint32_t forward, const gs__value *dy, gs__node **node);

// Drops nodes whose outputs nobody reads and that have no side effect. Pinned values count as read.
gs_status gs__graph_prune(gs__graph *graph);

// A value that shares the memory of `of`, with another shape.
gs_status gs__graph_alias(gs__graph *graph, gs__value of, const gs_shape *shape, gs__value *value);
// Appends a node made by hand: its values exist, nothing is checked.
gs_status gs__graph_append(gs__graph *graph, const gs__node *node);
// Slot of a value of storage ROWS (tick.h).
uint32_t gs__graph_row_slot(const gs__graph *graph, gs__value value);

// Follows aliases to the value that owns the memory.
gs__value gs__graph_owner(const gs__graph *graph, gs__value value);
// Elements of a value; 0 of no value.
uint64_t gs__graph_count(const gs__graph *graph, gs__value value);

// Calls visit(value, is_write, user) for each tensor that the node touches.
typedef void gs__visit(void *user, gs__value value, bool is_write);
void gs__node_visit(const gs__node *node, gs__visit *visit, void *user);

#endif
