// Bidirectional: a recurrent layer forwards and another backwards, their results merged.
#include "model/merge.h"
#include "model/rnn.h"

#include <string.h>

static const char *const merge_names[] = {"concat", "sum", "mul", "ave"};

static gs__rnn_kind kind_of(const gs_layer *layer) {
    gs__rnn_kind kind = GS__RNN_LSTM;
    gs__rnn_kind_of(layer->bidirectional.layer, &kind);
    return kind;
}

static gs_status check(gs__error *error, const gs_layer *layer) {
    const gs_bidirectional_params *p = &layer->bidirectional;
    gs__rnn_kind kind;
    if (!gs__rnn_kind_of(p->layer, &kind))
        return gs__fail(error, GS_ERR_ARGUMENT, "its layer is %s; it must be SimpleRNN, LSTM or GRU",
                        p->layer ? p->layer : "missing");
    if ((unsigned)p->merge_mode > GS_MERGE_AVE)
        return gs__fail(error, GS_ERR_ARGUMENT, "merge_mode %d is unknown", (int)p->merge_mode);
    if (p->rnn.go_backwards) return gs__fail(error, GS_ERR_UNSUPPORTED, "go_backwards of its layer is not supported");
    return gs__rnn_check(error, kind, &p->rnn);
}

// The class name as a static string.
static const char *static_name(gs__rnn_kind kind) {
    return kind == GS__RNN_LSTM ? "LSTM" : kind == GS__RNN_GRU ? "GRU" : "SimpleRNN";
}

static gs_status read_inner(gs__json *json, const cJSON *config, const char *key, gs__rnn_kind *kind,
                            gs_rnn_params *rnn) {
    static const char *const keys[] = {GS__RNN_KEYS, "name", "trainable", "dtype", NULL};
    gs_status status = GS_OK;
    const cJSON *layer = NULL, *inner = NULL;
    const char *class_name = NULL;
    GS_TRY(gs__json_get_object(json, config, key, GS__JSON_REQUIRED, &layer));
    GS_TRY(gs__json_get_string(json, layer, "class_name", GS__JSON_REQUIRED, &class_name));
    GS_TRY(gs__json_get_object(json, layer, "config", GS__JSON_REQUIRED, &inner));
    if (!gs__rnn_kind_of(class_name, kind))
        return gs__json_fail(json, layer, GS_ERR_UNSUPPORTED,
                             "%.40s is not supported here; SimpleRNN, LSTM and GRU are", class_name);
    GS_TRY(gs__json_refuse_others(json, inner, keys));
    GS_TRY(gs__rnn_from_json(json, inner, *kind, rnn));
fail:
    return status;
}

static bool same_regularizer(gs_regularizer a, gs_regularizer b) {
    return a.l1 == b.l1 && a.l2 == b.l2;
}

// Both directions have one gs_rnn_params here. How their weights begin is not compared: the seeds may differ.
static bool is_reverse(const gs_rnn_params *a, const gs_rnn_params *b) {
    return a->units == b->units && a->go_backwards != b->go_backwards && a->no_bias == b->no_bias &&
           a->return_sequences == b->return_sequences && a->activation == b->activation &&
           a->has_activation == b->has_activation && a->recurrent_activation == b->recurrent_activation &&
           a->has_recurrent_activation == b->has_recurrent_activation &&
           a->no_unit_forget_bias == b->no_unit_forget_bias &&
           same_regularizer(a->kernel_regularizer, b->kernel_regularizer) &&
           same_regularizer(a->recurrent_regularizer, b->recurrent_regularizer) &&
           same_regularizer(a->bias_regularizer, b->bias_regularizer);
}

static gs_status from_json(gs__json *json, const cJSON *config, gs_layer *layer) {
    gs_bidirectional_params *p = &layer->bidirectional;
    gs_status status = GS_OK;
    gs__rnn_kind kind = GS__RNN_LSTM, other = GS__RNN_LSTM;
    gs_rnn_params backward = {0};
    const char *mode = NULL;
    GS_TRY(read_inner(json, config, "layer", &kind, &p->rnn));
    p->layer = static_name(kind);
    if (gs__json_find(config, "backward_layer")) {
        GS_TRY(read_inner(json, config, "backward_layer", &other, &backward));
        if (other != kind || !is_reverse(&p->rnn, &backward))
            return gs__json_fail(json, gs__json_find(config, "backward_layer"), GS_ERR_UNSUPPORTED,
                                 "a backward layer of another kind than the forward one is not supported");
    }
    GS_TRY(gs__json_get_string(json, config, "merge_mode", GS__JSON_REQUIRED, &mode));
    for (int i = 0; i < 4; i++)
        if (strcmp(mode, merge_names[i]) == 0) {
            p->merge_mode = (gs_merge_mode)i;
            return GS_OK;
        }
    return gs__json_fail(json, gs__json_find(config, "merge_mode"), GS_ERR_UNSUPPORTED,
                         "merge_mode \"%.40s\" is not supported; concat, sum, mul and ave are", mode);
fail:
    return status;
}

static void write_inner(gs__text *text, const gs_layer *layer, bool backwards) {
    const gs_bidirectional_params *p = &layer->bidirectional;
    gs_rnn_params rnn = p->rnn;
    rnn.go_backwards = backwards;
    gs__text_append(text, "{\"module\": \"keras.layers\", \"class_name\": \"%s\", \"config\": {\"name\": \"%s_%s\", ",
                    p->layer, backwards ? "backward" : "forward", gs__layer_find(p->layer)->base_name);
    gs__text_append(text, "\"trainable\": true, \"dtype\": \"float32\"");
    gs__rnn_to_json(text, kind_of(layer), &rnn);
    gs__text_append(text, "}, \"registered_name\": null}");
}

static void to_json(gs__text *text, const gs_layer *layer) {
    gs__text_append(text, ", \"merge_mode\": \"%s\", \"layer\": ", merge_names[layer->bidirectional.merge_mode]);
    write_inner(text, layer, false);
    gs__text_append(text, ", \"backward_layer\": ");
    write_inner(text, layer, true);
}

static gs_status shape(gs__error *error, const gs_layer *layer, const gs_shape *x, gs_shape *y) {
    gs_status status = gs__rnn_shape(error, &layer->bidirectional.rnn, x, y);
    if (status == GS_OK && layer->bidirectional.merge_mode == GS_MERGE_CONCAT) y->dim[y->rank - 1] *= 2;
    return status;
}

static uint32_t parameters(const gs_layer *layer, const gs_shape *x, gs__parameter_spec *specs) {
    static const char *const names[2][3] = {{"forward_kernel", "forward_recurrent_kernel", "forward_bias"},
                                            {"backward_kernel", "backward_recurrent_kernel", "backward_bias"}};
    uint32_t count = 0;
    for (int i = 0; i < 2; i++)
        count += gs__rnn_parameters(kind_of(layer), &layer->bidirectional.rnn, x, names[i], specs + count);
    return count;
}

static gs_status build(const gs__layer_build *build_, const gs_layer *layer, gs__value x, gs__value *y) {
    const gs_bidirectional_params *p = &layer->bidirectional;
    gs_status status = GS_OK;
    gs__value both[2] = {0}, outputs[GS__MAX_OUTPUTS] = {0};
    gs_rnn_params rnn = p->rnn;
    const uint32_t count = rnn.no_bias ? 2 : 3;
    GS_TRY(gs__rnn_build(build_, kind_of(layer), &rnn, build_->parameter, x, &both[0]));
    rnn.go_backwards = true; // results stay at the place of their input, as Keras turns them
    GS_TRY(gs__rnn_build(build_, kind_of(layer), &rnn, build_->parameter + count, x, &both[1]));
    if (p->merge_mode == GS_MERGE_CONCAT) {
        const gs_shape *s = &build_->graph->values[both[0]].shape;
        const gs__concatenate_attr attr = {.axis = s->rank - 1, .size = {p->rnn.units, p->rnn.units}};
        GS_TRY(gs__graph_apply(build_->graph, "concatenate", build_->name, &attr, both, 2, outputs));
        *y = outputs[0];
        return GS_OK;
    }
    GS_TRY(gs__merge_chain(build_, p->merge_mode == GS_MERGE_MUL ? GS__MERGE_MULTIPLY : -1, both, 2, y));
    if (p->merge_mode != GS_MERGE_AVE) return GS_OK;
    const gs__rescale_attr attr = {.scale = 0.5f};
    GS_TRY(gs__graph_apply(build_->graph, "rescale", build_->name, &attr, y, 1, outputs));
    *y = outputs[0];
fail:
    return status;
}

const gs__layer_class gs__layer_bidirectional = {
    .class_name = "Bidirectional",
    .base_name = "bidirectional",
    .keys = (const char *const[]){"merge_mode", "layer", "backward_layer", NULL},
    .check = check,
    .from_json = from_json,
    .to_json = to_json,
    .shape = shape,
    .parameters = parameters,
    .build = build,
    .activation = gs__activation_none,
};
