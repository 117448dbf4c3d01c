// Which batch has room on a device.
#include "context/context.h"
#include "plan/place.h"
#include "tensor/shape.h"
#include "train/session.h"

// Whether a plan with this batch has room beside the model's weights, with a ring for two batches of data. No promise:
// a driver may need more, and others may take what is free.
static bool fits(gs_model *model, const gs__session_params *params, gs__gpu *gpu, uint32_t batch) {
    const gs__gpu_caps *caps = gs__gpu_get_caps(gpu);
    gs__model_graph built = {0};
    gs__graph *graph = &built.graph;
    gs_data_info info;
    gs_data_get_info(params->data, &info);
    info.count = 2 * (uint64_t)batch;
    bool fit = gs__model_build_weighted(model, params->mode, batch, &info, params->softmax, params->weights != NULL,
                                        &built) == GS_OK &&
               gs__graph_place(graph) == GS_OK;
    uint64_t bytes = 0;
    for (int storage = 0; storage < GS__STORAGE_COUNT && fit; storage++) {
        if (storage == GS__STORAGE_PARAMETER || storage == GS__STORAGE_SLOTS) continue; // there already
        bytes += graph->storage_bytes[storage];
        fit = graph->storage_bytes[storage] <= caps->max_buffer_bytes;
    }
    for (uint32_t i = 0; i < graph->value_count && fit; i++) {
        const uint64_t of_value = gs__graph_count(graph, i) * gs__dtype_bytes(graph->values[i].dtype);
        fit = of_value + caps->offset_align <= caps->max_storage_range;
    }
    fit = fit && bytes <= gs__gpu_memory_free(gpu);
    gs__model_graph_deinit(&built);
    return fit;
}

uint32_t gs__session_guess_batch(gs_model *model, const gs__session_params *params) {
    gs__gpu *gpu;
    uint32_t good = 0, bad = params->batch;
    if (gs__context_gpu(model->context, &gpu) != GS_OK) return 0;
    while (bad - good > 1) {
        const uint32_t middle = good + (bad - good) / 2;
        if (fits(model, params, gpu, middle)) good = middle;
        else bad = middle;
    }
    return good;
}
