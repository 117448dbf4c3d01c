// The interface of an op: a differentiable function on tensors. One file src/op/NAME.c describes it whole (shapes,
// forward, backward, reference) and ends with `const gs_op gs__op_NAME = { ... }`; the build finds it by its name.
//
// Gradient convention: backward writes dx (=, never +=). A value that is used several times gets its gradient as a
// sum through the op `add`; the graph sees to it. Every tensor is dense and row-major.
#ifndef GS_PLAN_OP_H
#define GS_PLAN_OP_H

#include "base/error.h"
#include "plan/epilogue.h"
#include "plan/precision.h"
#include "tensor/shape.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { GS__MAX_INPUTS = 8, GS__MAX_OUTPUTS = 8, GS__MAX_SCRATCH = 2, GS__ATTR_BYTES = 64 };

typedef struct gs_op gs_op;
typedef struct gs__graph gs__graph;
typedef struct gs__recorder gs__recorder;
struct gs__gpu_caps;

typedef uint32_t gs__value; // a tensor of a graph; 0 is "none"

typedef enum gs__storage {
    GS__STORAGE_ACTIVATION, // arena; lives from its first write to its last read
    GS__STORAGE_PARAMETER,  // weights
    GS__STORAGE_GRADIENT,   // of a parameter; laid out as the weights are
    GS__STORAGE_SLOTS,      // optimizer state, interleaved: see gs__graph_update
    GS__STORAGE_SAMPLES,    // the data set's x, in its own dtype
    GS__STORAGE_TARGETS,    // the data set's y
    GS__STORAGE_ROWS,       // per-row losses and metrics, behind the ring in the State buffer: see tick.h
    GS__STORAGE_STATE,      // the State itself
    GS__STORAGE_COUNT,
} gs__storage;

typedef struct gs__value_info {
    gs_shape shape;
    gs_dtype dtype;
    gs__storage storage;
    gs__value alias;  // shares the memory of that value (a reshape); 0: its own
    bool wants_grad;  // a parameter, or computed from one
    bool pinned;      // read or written from outside: its memory is never reused
    bool absent;      // set by gs_op.shape: this output is not made
    bool shared;      // the gradient of several values at once: no epilogue may change it
    uint64_t offset;  // bytes within its storage, set when the plan places it
    const char *name; // of a parameter ("dense/kernel"); may be NULL. Borrowed until the graph dies
} gs__value_info;

typedef enum gs__pass { GS__FORWARD, GS__BACKWARD } gs__pass;

// One application of an op. Forward reads x and writes y (and dx when op->self_gradient).
// Backward reads those of x and y that the op needs, and dy; it writes those of dx that are wanted (nonzero).
typedef struct gs__node {
    const gs_op *op;
    gs__pass pass;
    gs__value x[GS__MAX_INPUTS], dx[GS__MAX_INPUTS];
    gs__value y[GS__MAX_OUTPUTS], dy[GS__MAX_OUTPUTS];
    union {
        unsigned char bytes[GS__ATTR_BYTES];
        uint64_t align_;
    } attr;                             // the op's own struct; see gs__node_attr
    gs__epilogue epilogue;              // applied to y[0] (forward) or dx[0] (backward)
    gs__value epilogue_y;               // backward epilogue: the stored result it differentiates through
    gs_precision precision;             // of the factors of matrix products
    const char *layer;                  // for messages and the profile; borrowed until the graph dies
    gs__value scratch[GS__MAX_SCRATCH]; // what op->scratch asked for; set when a plan is made
} gs__node;

#define gs__node_attr(node, type) ((const type *)(const void *)(node)->attr.bytes)

// Host memory of a node's tensors, for the references: doubles whatever the dtype. Absent tensors are NULL.
typedef struct gs__reference {
    const gs__node *node;
    const double *x[GS__MAX_INPUTS];
    double *y[GS__MAX_OUTPUTS]; // backward: as forward left them
    const double *dy[GS__MAX_OUTPUTS];
    double *dx[GS__MAX_INPUTS];
    gs_shape x_shape[GS__MAX_INPUTS], y_shape[GS__MAX_OUTPUTS];
    gs_dtype x_dtype[GS__MAX_INPUTS]; // of the device's tensors
    const struct gs_state *state;     // step, seed, rows ...
} gs__reference;

struct gs_op {
    const char *name;
    uint32_t inputs, outputs;  // at the most; see optional
    uint32_t optional;         // bit i: input i may be absent
    size_t attr_bytes;         // <= GS__ATTR_BYTES
    uint32_t needs_x, needs_y; // bit i: backward reads x[i], y[i]
    uint32_t differentiable;   // bit i: input i has a gradient
    bool takes_epilogue;       // kernels apply node->epilogue to y[0], and backward's to dx[0]
    bool self_gradient;        // a loss: forward also writes dx, as the gradient of the mean over the rows
    bool epilogue_on_gradient; // forward applies node->epilogue, backwards, to dx[0]
    bool view;                 // y[0] is x[0] with another shape: no kernel, no copy
    bool passes_gradient;      // dx[i] is dy[0] for each differentiable input: the backward pass needs no node
    uint32_t in_place;         // bit i: y[i] is the memory of x[i], written anew (moving averages)
    bool has_side_effect;      // kept although nothing reads its outputs (an optimizer, a tick)

    // Checks the inputs and the attributes; sets shape and dtype of each output (storage, where it is not
    // ACTIVATION; absent). `x[i]` is NULL when absent; y comes zeroed. Messages need no layer name: the graph adds it.
    gs_status (*shape)(gs__error *error, const gs__node *node, const gs__value_info *const *x, gs__value_info *y);

    // Memory that the kernels of this device need beside the tensors, while the node runs: shapes of floats; rank 0,
    // as they come: none. May be NULL.
    void (*scratch)(const gs__graph *graph, const struct gs__gpu_caps *caps, const gs__node *node,
                    gs_shape shapes[GS__MAX_SCRATCH]);

    // Record the dispatches.
    gs_status (*forward)(gs__recorder *recorder, const gs__node *node);
    gs_status (*backward)(gs__recorder *recorder, const gs__node *node);

    // The specification in plain loops, never tuned, without epilogue. A failed allocation inside is impossible:
    // references use only what they are given.
    void (*ref_forward)(const gs__reference *r);
    void (*ref_backward)(const gs__reference *r);

    // An elementwise op that can be an epilogue: adds itself behind what `epilogue` already does; false if it
    // cannot. `training`: its backward must be possible from the stored result alone.
    bool (*fold)(const gs__node *node, bool training, gs__epilogue *epilogue);
};

// The op of that name, or NULL.
const gs_op *gs__op_find(const char *name);
// All ops, in alphabetical order; *count receives how many.
const gs_op *const *gs__op_table(uint32_t *count);

#endif
