// What SimpleRNN, LSTM, GRU and Bidirectional share.
#ifndef GS_MODEL_RNN_H
#define GS_MODEL_RNN_H

#include "model/layer.h"
#include "op/attr.h"

// The kind of a Keras class; false: it is none of the three.
bool gs__rnn_kind_of(const char *class_name, gs__rnn_kind *kind);
gs_status gs__rnn_check(gs__error *error, gs__rnn_kind kind, const gs_rnn_params *p);
gs_status gs__rnn_from_json(gs__json *json, const cJSON *config, gs__rnn_kind kind, gs_rnn_params *p);
void gs__rnn_to_json(gs__text *text, gs__rnn_kind kind, const gs_rnn_params *p);
gs_status gs__rnn_shape(gs__error *error, const gs_rnn_params *p, const gs_shape *x, gs_shape *y);
// kernel, recurrent_kernel, bias: their names behind `names[0 .. 2]`.
uint32_t gs__rnn_parameters(gs__rnn_kind kind, const gs_rnn_params *p, const gs_shape *x, const char *const names[3],
                            gs__parameter_spec *specs);
// parameter: those.
gs_status gs__rnn_build(const gs__layer_build *build, gs__rnn_kind kind, const gs_rnn_params *p,
                        const gs__value *parameter, gs__value x, gs__value *y);
gs_status gs__rnn_from_words(gs__error *error, const char *const *words, uint32_t count, const char *form,
                             gs_rnn_params *p);

// Members of Keras's config that gs__rnn_from_json knows.
#define GS__RNN_KEYS                                                                                                   \
    "units", "activation", "recurrent_activation", "use_bias", "unit_forget_bias", "return_sequences", "go_backwards", \
        "kernel_initializer", "recurrent_initializer", "bias_initializer", "kernel_regularizer",                       \
        "recurrent_regularizer", "bias_regularizer", "dropout", "recurrent_dropout", "reset_after", "unroll",          \
        "implementation", "time_major", "seed", "zero_output_for_mask"

#endif
