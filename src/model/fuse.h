// Fusions across ops, made when a graph is complete: they save dispatches where these cost more than the work.
#ifndef GS_MODEL_FUSE_H
#define GS_MODEL_FUSE_H

#include "gpu/gpu.h"
#include "plan/graph.h"

// matmul -> sparse_crossentropy [-> matmul's dx], with at most GS__HEAD_MAX_CLASSES columns that nothing else reads,
// becomes one node of the op dense_crossentropy. Call after gs__graph_backward.
gs_status gs__graph_fuse_heads(gs__graph *graph);

// The parameter gradients of matmul's backward nodes move to the end of the graph, up to four layers in one node of the
// op matmul_gradients: one dispatch instead of one for each. Not where keeping all those dy would take much memory.
gs_status gs__graph_group_gradients(gs__graph *graph);

// What is better on one device only: gather_matmul, gather_classifier and matmul_adam on CPU drivers. Call for
// a pruned graph, before it is placed.
gs_status gs__graph_fuse_for(gs__graph *graph, const gs__gpu_caps *caps);

#endif
