// The interface of a layer class: a named recipe of ops with parameters. One file src/model/layers/NAME.c describes it
// whole and ends with `const gs__layer_class gs__layer_NAME = { ... }`; the build finds it by its name.
//
// A gs_layer's `class_name` says which class it belongs to. Every member of its union begins with `const char *name`,
// so `layer->input.name` is the name of any layer.
#ifndef GS_MODEL_LAYER_H
#define GS_MODEL_LAYER_H

#include "base/json.h"
#include "base/text.h"
#include "plan/graph.h"
#include <gradsmith/layer.h>

enum { GS__LAYER_MAX_PARAMETERS = 8, GS__LAYER_MAX_INPUTS = 64, GS__LAYER_MAX_ARRAYS = 2 };

// A parameter that a layer wants.
typedef struct gs__parameter_spec {
    const char *name; // "kernel"; static
    gs_shape shape;
    gs_initializer initializer;
    gs_initializer_kind fallback; // what GS_INITIALIZER_DEFAULT means
    gs_regularizer regularizer;
    bool not_trained;                // moving averages and the like: saved with the weights, no optimizer touches them
    const float *values;             // instead of the initializer; borrowed from the layer
    uint64_t ones_first, ones_count; // these elements begin with 1
} gs__parameter_spec;

// Numbers that a layer's params point to: the model keeps a copy.
typedef struct gs__layer_array {
    const float **values;
    uint64_t count;
} gs__layer_array;

// What a layer's ops are added to.
typedef struct gs__layer_build {
    gs__graph *graph;
    const char *name;                              // of the layer; lives as long as the model
    uint32_t key;                                  // another for each use of a layer in a model
    bool training;                                 // else dropout is left out
    bool frozen;                                   // the layer is not trained
    gs__value parameter[GS__LAYER_MAX_PARAMETERS]; // as gs__layer_class.parameters gave them
} gs__layer_build;

typedef struct gs__layer_class {
    const char *class_name; // Keras's: "Dense"
    const char *base_name;  // of layers without a name: "dense"
    const char *short_form; // "dense:UNITS[:ACTIVATION]"; its word before ':' names the class. NULL: has none
    // Members of Keras's config that from_json reads or may ignore, ending with NULL. Another one that is neither null
    // nor false is refused. NULL: none.
    const char *const *keys;
    // Of how many tensors it is applied to; 0: of one. Else of 2 or more, and merge_shape and merge_build stand for shape
    // and build.
    uint32_t max_inputs;
    bool raw_input;     // as first layer it wants unsigned bytes as they are, not divided by 255
    bool is_activation; // its params are gs_activation_params, and it may stand as another layer's activation

    // Checks the fields; messages need no layer name. NULL: nothing to check.
    gs_status (*check)(gs__error *error, const gs_layer *layer);
    // Reads Keras's config of the layer (the name excepted) into the zeroed union; messages come from the document.
    gs_status (*from_json)(gs__json *json, const cJSON *config, gs_layer *layer);
    // Appends the members of Keras's config behind name, trainable and dtype: , "units": 64, ... NULL: none
    void (*to_json)(gs__text *text, const gs_layer *layer);
    // Reads the short form's arguments: what stands between the colons after the first word. NULL: takes none.
    gs_status (*from_words)(gs__error *error, const char *const *words, uint32_t count, gs_layer *layer);

    // Output shape of one sample from the input shape of one sample. NULL: the same.
    gs_status (*shape)(gs__error *error, const gs_layer *layer, const gs_shape *x, gs_shape *y);
    // Writes at most GS__LAYER_MAX_PARAMETERS specs, returns how many. NULL: none.
    uint32_t (*parameters)(const gs_layer *layer, const gs_shape *x, gs__parameter_spec *specs);
    // Adds the layer's ops. `x` and `*y` have the batch dimension in front. NULL: y is x.
    gs_status (*build)(const gs__layer_build *build, const gs_layer *layer, gs__value x, gs__value *y);
    gs_status (*merge_shape)(gs__error *error, const gs_layer *layer, const gs_shape *x, uint32_t count, gs_shape *y);
    gs_status (*merge_build)(const gs__layer_build *build, const gs_layer *layer, const gs__value *x, uint32_t count,
                             gs__value *y);
    // Writes at most GS__LAYER_MAX_ARRAYS entries, returns how many. from_json allocates such arrays with malloc. NULL: none.
    uint32_t (*arrays)(gs_layer *layer, gs__layer_array *arrays);
    // What the layer ends with. NULL: it passes on what it is given (Dropout, Flatten ...).
    gs_activation (*activation)(const gs_layer *layer);
} gs__layer_class;

// All classes, in alphabetical order of their files; ends with NULL.
const gs__layer_class *const *gs__layer_table(void);
// The class of that Keras name, or NULL.
const gs__layer_class *gs__layer_find(const char *class_name);
// An InputLayer: computes nothing, and has no parameters.
bool gs__layer_is_input(const gs_layer *layer);
// The class whose short form begins with the `length` bytes of `word`, or NULL.
const gs__layer_class *gs__layer_find_short(const char *word, size_t length);
// "A, B, C": names of all classes, or the first words of all short forms, or as many as fit. Returns `buffer`.
const char *gs__layer_list_text(bool short_forms, char *buffer, size_t buffer_bytes);

// --- what several layer classes share ------------------------------------------------------------------------------
// The activation of that Keras name ("swish" too). GS_ERR_ARGUMENT with the known ones.
gs_status gs__activation_parse(gs__error *error, const char *name, gs_activation *activation);
const char *gs__activation_name(gs_activation activation);
gs_status gs__activation_check(gs__error *error, gs_activation activation, bool has_alpha, float alpha);
// Member `key` of a layer's config: a name, or an object as Keras writes for a layer or a function.
gs_status gs__activation_from_json(gs__json *json, const cJSON *config, const char *key, gs_activation *activation,
                                   float *alpha, bool *has_alpha);
void gs__activation_to_json(gs__text *text, gs_activation activation, bool has_alpha, float alpha);
// For gs__layer_class.activation: linear, what the layer ends with is its own.
gs_activation gs__activation_none(const gs_layer *layer);
// Adds the op; y = x for GS_ACTIVATION_LINEAR. The softmax goes over the last axis.
gs_status gs__activation_build(const gs__layer_build *build, gs_activation activation, bool has_alpha, float alpha,
                               gs__value x, gs__value *y);

// `what` begins the message: "kernel_initializer".
gs_status gs__initializer_check(gs__error *error, const gs_initializer *initializer, const char *what);
gs_status gs__initializer_from_json(gs__json *json, const cJSON *config, const char *key, gs_initializer *initializer);
void gs__initializer_to_json(gs__text *text, const gs_initializer *initializer, gs_initializer_kind fallback);
// Fills `count` values of shape `shape`: a function of the seed, of the stream and of nothing else.
void gs__initializer_fill(const gs_initializer *initializer, gs_initializer_kind fallback, const gs_shape *shape,
                          uint64_t seed, uint64_t stream, float *values, uint64_t count);

gs_status gs__regularizer_check(gs__error *error, const gs_regularizer *regularizer, const char *what);
gs_status gs__regularizer_from_json(gs__json *json, const cJSON *config, const char *key, gs_regularizer *regularizer);
void gs__regularizer_to_json(gs__text *text, const gs_regularizer *regularizer);

// GS_ERR_UNSUPPORTED when member `key` is there and neither null nor false.
gs_status gs__json_refuse(gs__json *json, const cJSON *config, const char *key);
// The same for every member that is not in `keys` (ends with NULL).
gs_status gs__json_refuse_others(gs__json *json, const cJSON *config, const char *const *keys);
// A number as float: finite, and not so small or large that it becomes 0 or infinite.
gs_status gs__json_get_float(gs__json *json, const cJSON *object, const char *key, gs__json_need need, float *value);
// GS_ERR_UNSUPPORTED unless member "data_format" is "channels_last" or missing.
gs_status gs__data_format_from_json(gs__json *json, const cJSON *config);

// --- words of the short form; `what`: "units" ----------------------------------------------------------------------
gs_status gs__word_count(gs__error *error, uint32_t count, uint32_t min, uint32_t max, const char *form);
gs_status gs__word_uint(gs__error *error, const char *word, const char *what, uint64_t min, uint64_t max,
                        uint64_t *value);
gs_status gs__word_float(gs__error *error, const char *word, const char *what, float *value);
// "28x28" or "28,28"; -1 where `inferred` allows it.
gs_status gs__word_shape(gs__error *error, const char *word, bool inferred, gs_shape *shape);
void gs__shape_to_json(gs__text *text, const gs_shape *shape, bool batch_in_front); // [null, 28, 28]
// Sizes of one sample from an array; `batch_in_front`: its first entry is the batch size and is dropped.
gs_status gs__shape_from_json(gs__json *json, const cJSON *array, bool batch_in_front, bool inferred, gs_shape *shape);

// The shortest decimal that gives this float again, as a double: 0.9 for 0.9f.
double gs__decimal(float value);
void gs__text_append_float(gs__text *text, float value); // as that decimal; always valid JSON

#endif
