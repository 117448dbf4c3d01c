// Embedding: rows of a table, chosen by tokens.
#include "model/layer.h"

static gs_status check(gs__error *error, const gs_layer *layer) {
    const gs_embedding_params *p = &layer->embedding;
    if (p->input_dim < 1 || p->input_dim > 1u << 24 || p->output_dim < 1 || p->output_dim > INT32_MAX)
        return gs__fail(error, GS_ERR_ARGUMENT,
                        "input_dim is %u and output_dim %u; they must be from 1 to 2^24, and from 1 to 2^31 - 1",
                        p->input_dim, p->output_dim);
    gs_status status = gs__initializer_check(error, &p->embeddings_initializer, "embeddings_initializer");
    if (status != GS_OK) return status;
    return gs__regularizer_check(error, &p->embeddings_regularizer, "embeddings_regularizer");
}

static gs_status from_json(gs__json *json, const cJSON *config, gs_layer *layer) {
    gs_embedding_params *p = &layer->embedding;
    gs_status status = GS_OK;
    uint64_t rows = 0, width = 0;
    GS_TRY(gs__json_get_uint(json, config, "input_dim", GS__JSON_REQUIRED, 1, 1 << 24, &rows));
    GS_TRY(gs__json_get_uint(json, config, "output_dim", GS__JSON_REQUIRED, 1, INT32_MAX, &width));
    p->input_dim = (uint32_t)rows;
    p->output_dim = (uint32_t)width;
    GS_TRY(gs__initializer_from_json(json, config, "embeddings_initializer", &p->embeddings_initializer));
    GS_TRY(gs__regularizer_from_json(json, config, "embeddings_regularizer", &p->embeddings_regularizer));
fail:
    return status;
}

static void to_json(gs__text *text, const gs_layer *layer) {
    const gs_embedding_params *p = &layer->embedding;
    gs__text_append(text, ", \"input_dim\": %u, \"output_dim\": %u, \"embeddings_initializer\": ", p->input_dim,
                    p->output_dim);
    gs__initializer_to_json(text, &p->embeddings_initializer, GS_INITIALIZER_RANDOM_UNIFORM);
    gs__text_append(text, ", \"embeddings_regularizer\": ");
    gs__regularizer_to_json(text, &p->embeddings_regularizer);
    gs__text_append(text, ", \"embeddings_constraint\": null, \"mask_zero\": false");
}

static gs_status from_words(gs__error *error, const char *const *words, uint32_t count, gs_layer *layer) {
    gs_status status = GS_OK;
    uint64_t rows = 0, width = 0;
    GS_TRY(gs__word_count(error, count, 2, 2, gs__layer_find("Embedding")->short_form));
    GS_TRY(gs__word_uint(error, words[0], "input_dim", 1, 1 << 24, &rows));
    GS_TRY(gs__word_uint(error, words[1], "output_dim", 1, INT32_MAX, &width));
    layer->embedding.input_dim = (uint32_t)rows;
    layer->embedding.output_dim = (uint32_t)width;
fail:
    return status;
}

static gs_status shape(gs__error *error, const gs_layer *layer, const gs_shape *x, gs_shape *y) {
    if (x->rank + 1 >= GS_MAX_RANK)
        return gs__fail(error, GS_ERR_ARGUMENT, "its input has %u dimensions; it may have %d", x->rank,
                        GS_MAX_RANK - 2);
    *y = *x;
    y->dim[y->rank++] = layer->embedding.output_dim;
    return GS_OK;
}

static uint32_t parameters(const gs_layer *layer, const gs_shape *x, gs__parameter_spec *specs) {
    (void)x;
    const gs_embedding_params *p = &layer->embedding;
    specs[0] = (gs__parameter_spec){.name = "embeddings",
                                    .shape = {2, {p->input_dim, p->output_dim}},
                                    .initializer = p->embeddings_initializer,
                                    .fallback = GS_INITIALIZER_RANDOM_UNIFORM,
                                    .regularizer = p->embeddings_regularizer};
    return 1;
}

static gs_status build(const gs__layer_build *build_, const gs_layer *layer, gs__value x, gs__value *y) {
    (void)layer;
    gs__value inputs[2] = {x, build_->parameter[0]}, outputs[GS__MAX_OUTPUTS] = {0};
    gs_status status = gs__graph_apply(build_->graph, "embedding", build_->name, NULL, inputs, 2, outputs);
    *y = outputs[0];
    return status;
}

const gs__layer_class gs__layer_embedding = {
    .class_name = "Embedding",
    .base_name = "embedding",
    .short_form = "embedding:TOKENS:WIDTH",
    .keys = (const char *const[]){"input_dim", "output_dim", "embeddings_initializer", "embeddings_regularizer",
                                  "input_length", NULL},
    .raw_input = true,
    .check = check,
    .from_json = from_json,
    .to_json = to_json,
    .from_words = from_words,
    .shape = shape,
    .parameters = parameters,
    .build = build,
    .activation = gs__activation_none,
};
