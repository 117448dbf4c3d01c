// The short form: "784 dense:64:relu dropout:0.2 dense:10".
#include "base/memory.h"
#include "context/context.h"
#include "model/model.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_ARGUMENTS = 5 };

// Reads one layer; cuts `word` at its colons.
static gs_status read_layer(gs__error *error, char *word, gs_layer *layer) {
    const char *arguments[MAX_ARGUMENTS];
    uint32_t count = 0;
    const gs__layer_class *class = gs__layer_find_short(word, strcspn(word, ":"));
    if (!class) {
        char list[440];
        return gs__fail(error, GS_ERR_ARGUMENT, "unknown layer; known are %s",
                        gs__layer_list_text(true, list, sizeof list));
    }
    for (char *colon = strchr(word, ':'); colon; colon = strchr(colon + 1, ':')) {
        if (count == MAX_ARGUMENTS) return gs__fail(error, GS_ERR_ARGUMENT, "expected %s", class->short_form);
        arguments[count++] = colon + 1;
    }
    for (uint32_t i = 0; i < count; i++) word[arguments[i] - 1 - word] = 0;
    *layer = (gs_layer){.class_name = class->class_name};
    gs_status status = GS_OK;
    if (class->from_words) status = class->from_words(error, arguments, count, layer);
    else if (count) status = gs__fail(error, GS_ERR_ARGUMENT, "expected %s", class->short_form);
    // Values out of range are reported here, where the word is known.
    if (status == GS_OK && class->check) status = class->check(error, layer);
    return status;
}

static gs_status read_words(gs__error *error, char *text, gs_layer *layers, uint32_t *count) {
    static const char blanks[] = " \t\r\n";
    gs_status status = GS_OK;
    uint32_t used = 0;
    char shown[64];
    for (char *word = text + strspn(text, blanks); *word;) {
        char *end = word + strcspn(word, blanks);
        char *next = end + strspn(end, blanks);
        *end = 0;
        gs__text_show(word, shown, sizeof shown);
        if (used == GS__MAX_LAYERS)
            return gs__fail(error, GS_ERR_ARGUMENT, "more than %d layers are not supported", GS__MAX_LAYERS);
        if (used) {
            status = read_layer(error, word, &layers[used]);
        } else {
            layers[0] = (gs_layer){.class_name = "InputLayer"};
            status = gs__word_shape(error, word, false, &layers[0].input.shape);
        }
        if (status != GS_OK) return gs__fail_at(error, status, "word %u \"%s\"", used + 1, shown);
        used++;
        word = next;
    }
    *count = used;
    return GS_OK;
}

gs_status gs_model_from_layers(gs_context *context, const char *layers, uint64_t seed, gs_model **model) {
    if (!context || !model) return GS_ERR_ARGUMENT;
    *model = NULL;
    gs__error *error = gs__context_error(context);
    if (!layers) return gs__fail(error, GS_ERR_ARGUMENT, "gs_model_from_layers needs layers");
    gs_status status = GS_OK;
    // A word and the blank behind it take two bytes at least.
    size_t capacity = strlen(layers) / 2 + 1;
    if (capacity > GS__MAX_LAYERS) capacity = GS__MAX_LAYERS;
    char *text = gs__text_copy(error, layers);
    gs_layer *parsed = gs__allocate(error, capacity, sizeof *parsed, "layers");
    gs__model_params params = {.layers = parsed, .seed = seed};
    if (!text || !parsed) {
        status = GS_ERR_MEMORY;
        goto fail;
    }
    GS_TRY(read_words(error, text, parsed, &params.layer_count));
    if (params.layer_count < 2) {
        status = gs__fail(error, GS_ERR_ARGUMENT,
                          "%s: expected an input shape and layers, such as \"784 dense:64:relu dense:10\"",
                          params.layer_count ? "no layer behind the input" : "no word");
        goto fail;
    }
    GS_TRY(gs__model_create(context, &params, model));
fail:
    free(text);
    free(parsed);
    return status;
}
