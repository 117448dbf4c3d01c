// Runs a graph on the host with the ops' C references, in double precision: the oracle for whole plans. Never tuned.
#ifndef GS_PLAN_INTERPRET_H
#define GS_PLAN_INTERPRET_H

#include "plan/graph.h"
#include "state.h"

typedef struct gs__interpreter gs__interpreter;

// Memory for the graph's values, zeroed. The graph is borrowed until gs__interpreter_destroy and must not grow.
gs_status gs__interpreter_create(gs__graph *graph, gs__interpreter **interpreter);
void gs__interpreter_destroy(gs__interpreter *interpreter);

// A value's elements as doubles, whatever its dtype; to read and to write. PARAMETER, GRADIENT, SLOTS: a part of the
// flat storage.
double *gs__interpreter_data(gs__interpreter *interpreter, gs__value value);

// One step: every node in order. state->cur becomes state->next first, as gather does; the State is not moved on
// (gs__tick_next does).
gs_status gs__interpreter_step(gs__interpreter *interpreter, struct gs_state *state);

// One node alone, where state->cur stands: on whatever values are in memory.
gs_status gs__interpreter_node(gs__interpreter *interpreter, uint32_t index, const struct gs_state *state);

// The first result of a step that is not finite.
typedef struct gs__nonfinite {
    const gs__node *node; // NULL: all are finite
    gs__value value;      // the result
    uint64_t index;       // of its first bad element
    uint64_t count, bad_count;
    double worst; // that element
} gs__nonfinite;

// A step, each result rounded to float as the device does, up to the first node with one that is not finite.
gs_status gs__interpreter_check(gs__interpreter *interpreter, struct gs_state *state, gs__nonfinite *found);

// What the ring would say of the step: sums[i] over all values of slot i of the storage ROWS.
double gs__interpreter_row_sum(const gs__interpreter *interpreter, uint32_t slot);

#endif
