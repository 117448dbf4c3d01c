// Where activations lie: one arena, memory shared by values whose lives do not overlap.
#ifndef GS_PLAN_PLACE_H
#define GS_PLAN_PLACE_H

#include "plan/graph.h"

enum { GS__ACTIVATION_ALIGN = 256 };

// Sets the offset of every ACTIVATION value, and graph->storage_bytes of that storage.
gs_status gs__graph_place(gs__graph *graph);

#endif
