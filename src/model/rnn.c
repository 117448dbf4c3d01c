#include "model/rnn.h"

#include <string.h>

bool gs__rnn_kind_of(const char *class_name, gs__rnn_kind *kind) {
    static const char *const names[] = {"SimpleRNN", "LSTM", "GRU"};
    for (int i = 0; class_name && i < 3; i++)
        if (strcmp(class_name, names[i]) == 0) {
            *kind = (gs__rnn_kind)i;
            return true;
        }
    return false;
}

static uint32_t gates_of(gs__rnn_kind kind) {
    return kind == GS__RNN_LSTM ? 4 : kind == GS__RNN_GRU ? 3 : 1;
}

static gs_activation activation_of(const gs_rnn_params *p) {
    return p->has_activation ? p->activation : GS_ACTIVATION_TANH;
}

static gs_activation recurrent_of(const gs_rnn_params *p) {
    return p->has_recurrent_activation ? p->recurrent_activation : GS_ACTIVATION_SIGMOID;
}

static gs_status check_activation(gs__error *error, gs_activation activation, const char *what) {
    const bool good = activation == GS_ACTIVATION_LINEAR || activation == GS_ACTIVATION_RELU ||
                      activation == GS_ACTIVATION_SIGMOID || activation == GS_ACTIVATION_TANH ||
                      activation == GS_ACTIVATION_SOFTPLUS;
    if (good) return GS_OK;
    return gs__fail(error, GS_ERR_ARGUMENT, "%s is %s; it may be tanh, sigmoid, relu, softplus or linear", what,
                    gs__activation_name(activation));
}

gs_status gs__rnn_check(gs__error *error, gs__rnn_kind kind, const gs_rnn_params *p) {
    gs_status status = GS_OK;
    if (p->units < 1 || p->units > 1u << 24)
        return gs__fail(error, GS_ERR_ARGUMENT, "units is %u; it must be from 1 to 2^24", p->units);
    GS_TRY(check_activation(error, activation_of(p), "activation"));
    if (kind != GS__RNN_SIMPLE) GS_TRY(check_activation(error, recurrent_of(p), "recurrent_activation"));
    if (p->go_backwards && p->return_sequences)
        return gs__fail(error, GS_ERR_UNSUPPORTED,
                        "go_backwards with return_sequences is not supported; Bidirectional has both");
    GS_TRY(gs__initializer_check(error, &p->kernel_initializer, "kernel_initializer"));
    GS_TRY(gs__initializer_check(error, &p->recurrent_initializer, "recurrent_initializer"));
    GS_TRY(gs__initializer_check(error, &p->bias_initializer, "bias_initializer"));
    GS_TRY(gs__regularizer_check(error, &p->kernel_regularizer, "kernel_regularizer"));
    GS_TRY(gs__regularizer_check(error, &p->recurrent_regularizer, "recurrent_regularizer"));
    GS_TRY(gs__regularizer_check(error, &p->bias_regularizer, "bias_regularizer"));
fail:
    return status;
}

static gs_status read_activation(gs__json *json, const cJSON *config, const char *key, gs_activation *activation,
                                 bool *has) {
    float alpha = 0;
    bool has_alpha = false;
    *has = gs__json_find(config, key) != NULL;
    return *has ? gs__activation_from_json(json, config, key, activation, &alpha, &has_alpha) : GS_OK;
}

// Dropout inside of a recurrent layer; `instead` ends the message.
static gs_status refuse_dropout(gs__json *json, const cJSON *config, const char *key, const char *instead) {
    double rate = 0;
    gs_status status = gs__json_get_number(json, config, key, GS__JSON_OPTIONAL, &rate);
    if (status == GS_OK && rate != 0)
        return gs__json_fail(json, gs__json_find(config, key), GS_ERR_UNSUPPORTED, "%g is not supported%s", rate,
                             instead);
    return status;
}

gs_status gs__rnn_from_json(gs__json *json, const cJSON *config, gs__rnn_kind kind, gs_rnn_params *p) {
    gs_status status = GS_OK;
    uint64_t units = 0;
    bool use_bias = true, forget = true, reset_after = true;
    GS_TRY(gs__json_get_uint(json, config, "units", GS__JSON_REQUIRED, 1, 1 << 24, &units));
    p->units = (uint32_t)units;
    GS_TRY(read_activation(json, config, "activation", &p->activation, &p->has_activation));
    GS_TRY(
        read_activation(json, config, "recurrent_activation", &p->recurrent_activation, &p->has_recurrent_activation));
    GS_TRY(gs__json_get_bool(json, config, "use_bias", GS__JSON_OPTIONAL, &use_bias));
    GS_TRY(gs__json_get_bool(json, config, "unit_forget_bias", GS__JSON_OPTIONAL, &forget));
    GS_TRY(gs__json_get_bool(json, config, "return_sequences", GS__JSON_OPTIONAL, &p->return_sequences));
    GS_TRY(gs__json_get_bool(json, config, "go_backwards", GS__JSON_OPTIONAL, &p->go_backwards));
    GS_TRY(gs__json_get_bool(json, config, "reset_after", GS__JSON_OPTIONAL, &reset_after));
    if (kind == GS__RNN_GRU && !reset_after)
        return gs__json_fail(json, gs__json_find(config, "reset_after"), GS_ERR_UNSUPPORTED,
                             "reset_after=False is not supported");
    p->no_bias = !use_bias;
    p->no_unit_forget_bias = !forget;
    // Keras's mask is one for all times.
    GS_TRY(refuse_dropout(json, config, "dropout", "; put a SpatialDropout1D layer in front"));
    GS_TRY(refuse_dropout(json, config, "recurrent_dropout", ""));
    GS_TRY(gs__initializer_from_json(json, config, "kernel_initializer", &p->kernel_initializer));
    GS_TRY(gs__initializer_from_json(json, config, "recurrent_initializer", &p->recurrent_initializer));
    GS_TRY(gs__initializer_from_json(json, config, "bias_initializer", &p->bias_initializer));
    GS_TRY(gs__regularizer_from_json(json, config, "kernel_regularizer", &p->kernel_regularizer));
    GS_TRY(gs__regularizer_from_json(json, config, "recurrent_regularizer", &p->recurrent_regularizer));
    GS_TRY(gs__regularizer_from_json(json, config, "bias_regularizer", &p->bias_regularizer));
fail:
    return status;
}

void gs__rnn_to_json(gs__text *text, gs__rnn_kind kind, const gs_rnn_params *p) {
    gs__text_append(text, ", \"units\": %u, \"activation\": \"%s\"", p->units, gs__activation_name(activation_of(p)));
    if (kind != GS__RNN_SIMPLE)
        gs__text_append(text, ", \"recurrent_activation\": \"%s\"", gs__activation_name(recurrent_of(p)));
    gs__text_append(text, ", \"use_bias\": %s, \"return_sequences\": %s, \"go_backwards\": %s",
                    p->no_bias ? "false" : "true", p->return_sequences ? "true" : "false",
                    p->go_backwards ? "true" : "false");
    if (kind == GS__RNN_LSTM)
        gs__text_append(text, ", \"unit_forget_bias\": %s", p->no_unit_forget_bias ? "false" : "true");
    if (kind == GS__RNN_GRU) gs__text_append(text, ", \"reset_after\": true");
    const struct {
        const char *name;
        const gs_initializer *initializer;
        gs_initializer_kind fallback;
        const gs_regularizer *regularizer;
    } weights[3] = {
        {"kernel", &p->kernel_initializer, GS_INITIALIZER_GLOROT_UNIFORM, &p->kernel_regularizer},
        {"recurrent", &p->recurrent_initializer, GS_INITIALIZER_ORTHOGONAL, &p->recurrent_regularizer},
        {"bias", &p->bias_initializer, GS_INITIALIZER_ZEROS, &p->bias_regularizer},
    };
    for (int i = 0; i < 3; i++) {
        gs__text_append(text, ", \"%s_initializer\": ", weights[i].name);
        gs__initializer_to_json(text, weights[i].initializer, weights[i].fallback);
        gs__text_append(text, ", \"%s_regularizer\": ", weights[i].name);
        gs__regularizer_to_json(text, weights[i].regularizer);
    }
}

gs_status gs__rnn_from_words(gs__error *error, const char *const *words, uint32_t count, const char *form,
                             gs_rnn_params *p) {
    gs_status status = GS_OK;
    uint64_t units = 0;
    GS_TRY(gs__word_count(error, count, 1, 2, form));
    GS_TRY(gs__word_uint(error, words[0], "units", 1, 1 << 24, &units));
    p->units = (uint32_t)units;
    if (count == 1) return GS_OK;
    if (strcmp(words[1], "sequences") != 0)
        return gs__fail(error, GS_ERR_ARGUMENT, "\"%.40s\": expected \"sequences\", for a result at each time",
                        words[1]);
    p->return_sequences = true;
fail:
    return status;
}

gs_status gs__rnn_shape(gs__error *error, const gs_rnn_params *p, const gs_shape *x, gs_shape *y) {
    char text[96];
    if (x->rank != 2)
        return gs__fail(error, GS_ERR_ARGUMENT, "its input is %s; it must be (times, features)",
                        gs__shape_text(x, false, text, sizeof text));
    if (x->dim[0] > 4096)
        return gs__fail(error, GS_ERR_UNSUPPORTED, "%lld times; at most 4096 are supported", (long long)x->dim[0]);
    *y = p->return_sequences ? (gs_shape){2, {x->dim[0], p->units}} : (gs_shape){1, {p->units}};
    return GS_OK;
}

uint32_t gs__rnn_parameters(gs__rnn_kind kind, const gs_rnn_params *p, const gs_shape *x, const char *const names[3],
                            gs__parameter_spec *specs) {
    const int64_t columns = (int64_t)gates_of(kind) * p->units;
    specs[0] = (gs__parameter_spec){.name = names[0],
                                    .shape = {2, {x->dim[x->rank - 1], columns}},
                                    .initializer = p->kernel_initializer,
                                    .fallback = GS_INITIALIZER_GLOROT_UNIFORM,
                                    .regularizer = p->kernel_regularizer};
    specs[1] = (gs__parameter_spec){.name = names[1],
                                    .shape = {2, {p->units, columns}},
                                    .initializer = p->recurrent_initializer,
                                    .fallback = GS_INITIALIZER_ORTHOGONAL,
                                    .regularizer = p->recurrent_regularizer};
    if (p->no_bias) return 2;
    specs[2] = (gs__parameter_spec){.name = names[2],
                                    .shape = {1, {columns}},
                                    .initializer = p->bias_initializer,
                                    .fallback = GS_INITIALIZER_ZEROS,
                                    .regularizer = p->bias_regularizer};
    // GRU's first row is the input's bias, the second the recurrent product's.
    if (kind == GS__RNN_GRU) specs[2].shape = (gs_shape){2, {2, columns}};
    if (kind == GS__RNN_LSTM && !p->no_unit_forget_bias) {
        specs[2].ones_first = p->units;
        specs[2].ones_count = p->units;
    }
    return 3;
}

// Entry `index` of an axis, as a tensor without that axis.
static gs_status take(const gs__layer_build *build, gs__value x, uint32_t axis, uint32_t index, gs__value *y) {
    const gs__slice_attr slice = {.axis = axis, .begin = index, .count = 1, .squeeze = 1};
    gs__value outputs[GS__MAX_OUTPUTS] = {0};
    gs_status status = gs__graph_apply(build->graph, "slice", build->name, &slice, &x, 1, outputs);
    *y = outputs[0];
    return status;
}

gs_status gs__rnn_build(const gs__layer_build *build, gs__rnn_kind kind, const gs_rnn_params *p,
                        const gs__value *parameter, gs__value x, gs__value *y) {
    gs_status status = GS_OK;
    gs__graph *graph = build->graph;
    gs__value bias = p->no_bias ? 0 : parameter[2], recurrent_bias = 0, z[GS__MAX_OUTPUTS] = {0};
    gs__value states[GS__MAX_OUTPUTS] = {0};
    if (kind == GS__RNN_GRU && bias) {
        GS_TRY(take(build, parameter[2], 0, 0, &bias));
        GS_TRY(take(build, parameter[2], 0, 1, &recurrent_bias));
    }
    const gs__value product[3] = {x, parameter[0], bias};
    GS_TRY(gs__graph_apply(graph, "matmul", build->name, NULL, product, bias ? 3 : 2, z));
    const gs__rnn_attr attr = {.kind = kind,
                               .activation = activation_of(p),
                               .recurrent_activation = recurrent_of(p),
                               .backwards = p->go_backwards};
    const gs__value inputs[3] = {z[0], parameter[1], recurrent_bias};
    GS_TRY(gs__graph_apply(graph, "rnn", build->name, &attr, inputs, recurrent_bias ? 3 : 2, states));
    *y = states[0];
    if (p->return_sequences) return GS_OK;
    const uint32_t times = (uint32_t)graph->values[states[0]].shape.dim[1];
    GS_TRY(take(build, states[0], 1, p->go_backwards ? 0 : times - 1, y));
fail:
    return status;
}
