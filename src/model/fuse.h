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

// For a device: on CPU drivers, matmul_gradients and the op adam that reads their results become nodes of matmul_adam,
// which has no gradients in memory, where these are the gradients of all parameters and nothing else touches them. Call
// for a pruned graph, before it is placed.
gs_status gs__graph_fuse_update(gs__graph *graph, const gs__gpu_caps *caps);

// For a device, too: on CPU drivers that can shuffle, gather of bytes and the product of its rows become one node of the
// op gather_matmul.
gs_status gs__graph_fuse_gather(gs__graph *graph, const gs__gpu_caps *caps);

// All that is made for a device.
gs_status gs__graph_fuse_for(gs__graph *graph, const gs__gpu_caps *caps);

#endif
