// The graph of a functional model in Keras's JSON: inbound_nodes, input_layers, output_layers.
#ifndef GS_MODEL_JSON_GRAPH_H
#define GS_MODEL_JSON_GRAPH_H

#include "model/model.h"

// What gs__json_graph_read allocates.
typedef struct gs__json_graph {
    struct gs__json_node *nodes;
    gs__model_call *calls;
    uint32_t *inputs; // of the calls
    uint32_t model_inputs[GS__MAX_MODEL_INPUTS];
} gs__json_graph;

// Fills in the calls of `params`, which point into `graph`. `config`: of the model, with as many layers.
gs_status gs__json_graph_read(gs__json *json, const cJSON *config, uint32_t layer_count, gs__json_graph *graph,
                              gs__model_params *params);
void gs__json_graph_deinit(gs__json_graph *graph);

#endif
