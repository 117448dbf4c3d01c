// The tables of an experiment's members, for a test that compares them with the schema.
#ifndef GS_TRAIN_EXPERIMENT_H
#define GS_TRAIN_EXPERIMENT_H

#include "train/fields.h"
#include <gradsmith/experiment.h>

typedef struct gs__callback_kind {
    const char *name; // NULL ends the table
    const gs__field *fields;
    gs_status (*create)(gs_context *context, const void *params, gs_callback **callback);
} gs__callback_kind;

// An experiment from the text of a file; `path` is for messages, and where a relative path to the model begins.
gs_status gs__experiment_parse(gs_context *context, const char *path, const char *text, size_t bytes,
                               gs_experiment **experiment);

extern const gs__field gs__experiment_fields[];
extern const gs__field gs__recipe_fields[];       // of the member "recipe"
extern const char *const gs__experiment_others[]; // members that the table does not hold
extern const gs__callback_kind gs__callback_kinds[];

#endif
