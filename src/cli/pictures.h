// Pictures of a training in the run's folder.
#ifndef GS_CLI_PICTURES_H
#define GS_CLI_PICTURES_H

#include "cli.h"

// Draws what the folder has: curves of log.jsonl, confusion.json, and the first layer of the model (NULL: none). Writes
// DIR/plots/*.png and DIR/report.html. Returns an exit code after
// a message.
int cli_pictures_draw(gs_context *context, const char *dir, gs_model *model);

// Predicts the data, and writes which class was taken for which to DIR/confusion.json; removes an older one where the
// data has no classes. Samples from `begin` on.
int cli_pictures_confusion(gs_context *context, const char *dir, gs_model *model, const gs_data *data, uint64_t begin);

#endif
