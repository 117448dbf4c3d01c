#include "model/json_graph.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

// A node of Keras's graph: a layer that is applied.
struct gs__json_node {
    const cJSON *item;     // of inbound_nodes; NULL: an input
    uint32_t layer, index; // the index-th of the layer
    uint32_t call;         // 1 + its number in the model; 0: not there yet
};

struct reader {
    gs__json *json;
    const cJSON *layers; // the array
    gs__json_graph *graph;
    uint32_t node_count, call_count, input_count;
};

static const char *name_of(const cJSON *layer) {
    const cJSON *name = gs__json_find(layer, "name");
    if (!name) name = gs__json_find(gs__json_find(layer, "config"), "name");
    return cJSON_IsString(name) ? name->valuestring : "";
}

// The node that [layer, node, tensor] at `item` means.
static gs_status find_node(struct reader *r, const cJSON *item, uint32_t *index) {
    gs_status status = GS_OK;
    const char *name = NULL;
    uint64_t node = 0, tensor = 0;
    char shown[64];
    GS_TRY(gs__json_as_array(r->json, item));
    if (cJSON_GetArraySize(item) < 3)
        return gs__json_fail(r->json, item, GS_ERR_FORMAT, "%d entries; expected a layer's name, a node, a tensor",
                             cJSON_GetArraySize(item));
    GS_TRY(gs__json_as_string(r->json, cJSON_GetArrayItem(item, 0), &name));
    GS_TRY(gs__json_as_uint(r->json, cJSON_GetArrayItem(item, 1), 0, INT32_MAX, &node));
    GS_TRY(gs__json_as_uint(r->json, cJSON_GetArrayItem(item, 2), 0, 0, &tensor));
    for (uint32_t i = 0; i < r->node_count; i++) {
        const struct gs__json_node *n = &r->graph->nodes[i];
        if (n->index != node || strcmp(name_of(cJSON_GetArrayItem(r->layers, (int)n->layer)), name) != 0) continue;
        *index = i;
        return GS_OK;
    }
    return gs__json_fail(r->json, item, GS_ERR_FORMAT, "there is no layer \"%s\" that is applied %llu times",
                         gs__text_show(name, shown, sizeof shown), (unsigned long long)node + 1);
fail:
    return status;
}

// Visits the tensors among a node's arguments, however deep. *ready: whether all of them are computed. Where `take`,
// they become the inputs of the call that is being made.
static gs_status visit_tensors(struct reader *r, const cJSON *item, bool take, bool *ready) {
    gs_status status = GS_OK;
    const cJSON *entry, *config = NULL, *history = NULL;
    const char *class_name = NULL;
    uint32_t node = 0;
    if (cJSON_IsArray(item)) {
        cJSON_ArrayForEach(entry, item) GS_TRY(visit_tensors(r, entry, take, ready));
        return GS_OK;
    }
    if (cJSON_IsNull(item)) return GS_OK;
    GS_TRY(gs__json_get_string(r->json, item, "class_name", GS__JSON_REQUIRED, &class_name));
    if (strcmp(class_name, "__keras_tensor__") != 0)
        return gs__json_fail(r->json, item, GS_ERR_UNSUPPORTED, "an argument that is no tensor is not supported");
    GS_TRY(gs__json_get_object(r->json, item, "config", GS__JSON_REQUIRED, &config));
    GS_TRY(gs__json_get_array(r->json, config, "keras_history", GS__JSON_REQUIRED, &history));
    GS_TRY(find_node(r, history, &node));
    if (!r->graph->nodes[node].call) *ready = false;
    else if (take) r->graph->inputs[r->input_count++] = r->graph->nodes[node].call - 1;
fail:
    return status;
}

// training=False is what fine-tuning says; other arguments change nothing when they are null.
static gs_status read_arguments(struct reader *r, const cJSON *item, bool *inference) {
    gs_status status = GS_OK;
    const cJSON *kwargs = NULL, *entry;
    GS_TRY(gs__json_get_object(r->json, item, "kwargs", GS__JSON_OPTIONAL, &kwargs));
    cJSON_ArrayForEach(entry, kwargs) {
        if (cJSON_IsNull(entry)) continue;
        if (strcmp(entry->string, "training") == 0 && cJSON_IsBool(entry)) {
            if (cJSON_IsFalse(entry)) *inference = true;
            else
                return gs__json_fail(r->json, entry, GS_ERR_UNSUPPORTED,
                                     "training=True is not supported: it would hold in evaluation too");
            continue;
        }
        if (strcmp(entry->string, "mask") == 0 && cJSON_IsArray(entry)) {
            const cJSON *mask;
            bool none = true;
            cJSON_ArrayForEach(mask, entry) none = none && cJSON_IsNull(mask);
            if (none) continue;
        }
        return gs__json_fail(r->json, entry, GS_ERR_UNSUPPORTED, "the argument \"%.40s\" is not supported",
                             entry->string);
    }
fail:
    return status;
}

// Makes the call of a node when all that it takes is there.
static gs_status try_node(struct reader *r, struct gs__json_node *node) {
    gs_status status = GS_OK;
    bool ready = true;
    const cJSON *args = NULL;
    gs__model_call *call = &r->graph->calls[r->call_count];
    *call = (gs__model_call){.layer = node->layer, .first_input = r->input_count};
    if (node->item) {
        GS_TRY(gs__json_as_object(r->json, node->item)); // Keras 2 wrote arrays
        GS_TRY(gs__json_get_array(r->json, node->item, "args", GS__JSON_REQUIRED, &args));
        GS_TRY(visit_tensors(r, args, false, &ready));
        if (!ready) return GS_OK;
        GS_TRY(read_arguments(r, node->item, &call->inference));
        GS_TRY(visit_tensors(r, args, true, &ready));
        call->input_count = r->input_count - call->first_input;
    }
    node->call = ++r->call_count;
fail:
    return status;
}

static uint32_t count_tensors(const cJSON *item) {
    uint32_t count = 0;
    const cJSON *entry;
    if (cJSON_IsObject(item)) return 1;
    if (cJSON_IsArray(item)) cJSON_ArrayForEach(entry, item) count += count_tensors(entry);
    return count;
}

// Lists the nodes; *inputs: at most so many tensors go into them.
static gs_status list_nodes(struct reader *r, uint32_t layer_count, uint64_t *inputs) {
    gs_status status = GS_OK;
    uint64_t capacity = layer_count;
    const cJSON *layer, *nodes, *item;
    cJSON_ArrayForEach(layer, r->layers) {
        nodes = gs__json_find(layer, "inbound_nodes");
        capacity += cJSON_IsArray(nodes) ? (uint64_t)cJSON_GetArraySize(nodes) : 0;
    }
    if (capacity > 16u * GS__MAX_LAYERS)
        return gs__json_fail(r->json, r->layers, GS_ERR_UNSUPPORTED, "%llu nodes; at most %d are supported",
                             (unsigned long long)capacity, 16 * GS__MAX_LAYERS);
    r->graph->nodes = calloc(capacity, sizeof *r->graph->nodes);
    r->graph->calls = calloc(capacity, sizeof *r->graph->calls);
    if (!r->graph->nodes || !r->graph->calls) return GS_ERR_MEMORY;
    uint32_t index = 0;
    cJSON_ArrayForEach(layer, r->layers) {
        uint32_t uses = 0;
        GS_TRY(gs__json_get_array(r->json, layer, "inbound_nodes", GS__JSON_OPTIONAL, &nodes));
        if (!nodes || cJSON_GetArraySize(nodes) == 0)
            r->graph->nodes[r->node_count++] = (struct gs__json_node){.layer = index};
        else cJSON_ArrayForEach(item, nodes) {
                *inputs += count_tensors(gs__json_find(item, "args"));
                r->graph->nodes[r->node_count++] = (struct gs__json_node){item, index, uses++, 0};
            }
        index++;
    }
fail:
    return status;
}

static gs_status order_nodes(struct reader *r) {
    for (uint32_t before = UINT32_MAX; before != r->call_count;) {
        before = r->call_count;
        for (uint32_t i = 0; i < r->node_count; i++) {
            gs_status status = r->graph->nodes[i].call ? GS_OK : try_node(r, &r->graph->nodes[i]);
            if (status != GS_OK) return status;
        }
    }
    for (uint32_t i = 0; i < r->node_count; i++)
        if (!r->graph->nodes[i].call)
            return gs__json_fail(r->json, r->graph->nodes[i].item, GS_ERR_FORMAT,
                                 "the layers depend on each other in a circle");
    return GS_OK;
}

// One [layer, node, tensor], or a list of such.
static gs_status read_ends(struct reader *r, const cJSON *config, const char *key, uint32_t max, uint32_t *ends,
                           uint32_t *count) {
    gs_status status = GS_OK;
    const cJSON *array = NULL;
    GS_TRY(gs__json_get_array(r->json, config, key, GS__JSON_REQUIRED, &array));
    const bool one = cJSON_IsString(array->child);
    const int found = one ? 1 : cJSON_GetArraySize(array);
    if (found < 1 || (uint32_t)found > max)
        return gs__json_fail(r->json, array, GS_ERR_UNSUPPORTED, "%d of them; 1%s supported", found,
                             max > 1 ? " to 64 are" : " is");
    for (int i = 0; i < found; i++) {
        uint32_t node = 0;
        GS_TRY(find_node(r, one ? array : cJSON_GetArrayItem(array, i), &node));
        ends[(*count)++] = r->graph->nodes[node].call - 1;
    }
fail:
    return status;
}

gs_status gs__json_graph_read(gs__json *json, const cJSON *config, uint32_t layer_count, gs__json_graph *graph,
                              gs__model_params *params) {
    gs_status status = GS_OK;
    struct reader r = {.json = json, .layers = gs__json_find(config, "layers"), .graph = graph};
    uint64_t inputs = 0;
    uint32_t outputs = 0;
    GS_TRY(list_nodes(&r, layer_count, &inputs));
    graph->inputs = calloc(inputs + 1, sizeof *graph->inputs);
    if (!graph->inputs) {
        status = GS_ERR_MEMORY;
        goto fail;
    }
    GS_TRY(order_nodes(&r));
    GS_TRY(read_ends(&r, config, "input_layers", GS__MAX_MODEL_INPUTS, graph->model_inputs, &params->input_count));
    GS_TRY(read_ends(&r, config, "output_layers", 1, &params->output, &outputs));
    params->calls = graph->calls;
    params->call_inputs = graph->inputs;
    params->call_count = r.call_count;
    params->call_input_count = r.input_count;
    params->inputs = graph->model_inputs;
    return GS_OK;
fail:
    if (status == GS_ERR_MEMORY) gs__json_fail(json, r.layers, status, "out of host memory");
    return status;
}

void gs__json_graph_deinit(gs__json_graph *graph) {
    free(graph->nodes);
    free(graph->calls);
    free(graph->inputs);
    *graph = (gs__json_graph){0};
}
