// Where activations lie: one arena, memory shared by values whose lives do not overlap.
#ifndef GS_PLAN_PLACE_H
#define GS_PLAN_PLACE_H

#include "plan/graph.h"

enum { GS__ACTIVATION_ALIGN = 256 };

struct gs__gpu_caps;

// Makes the scratch values of every node, of storage ACTIVATION, for a device; those of an earlier device go.
gs_status gs__graph_add_scratch(gs__graph *graph, const struct gs__gpu_caps *caps);

// Sets the offset of every ACTIVATION value, and graph->storage_bytes of that storage.
gs_status gs__graph_place(gs__graph *graph);

#endif
