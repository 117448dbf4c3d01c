// A small training for tests of what goes on around it: 203 samples of 4 classes, 13 steps of 16.
#ifndef GS_TESTS_TRAIN_FIXTURE_H
#define GS_TESTS_TRAIN_FIXTURE_H

#include <gradsmith/gradsmith.h>

enum { FIXTURE_COUNT = 203, FIXTURE_FEATURES = 12, FIXTURE_CLASSES = 4, FIXTURE_BATCH = 16, FIXTURE_STEPS = 13 };

typedef struct fixture {
    gs_context *context;
    gs_data *data;
    gs_model *model;
    char dir[64];     // a folder of its own
    char notes[1024]; // each with a newline
} fixture;

void fixture_open(fixture *f);
// `samples`: to change before the data set is made; NULL: as they are.
void fixture_open_with(fixture *f, void (*change)(float *samples));
void fixture_close(fixture *f); // removes the folder
// Another model with the same first weights.
gs_model *fixture_model(fixture *f);

void fixture_ok(fixture *f, gs_status status);
// The status, and words of the message.
void fixture_expect(fixture *f, gs_status found, gs_status wanted, const char *words);
// "dir/name"; static.
const char *fixture_path(fixture *f, const char *name);
// A whole file, ended by a zero; free it.
char *fixture_read(const char *path, size_t *bytes);
// All weights; free them.
float *fixture_weights(fixture *f, gs_model *model, uint64_t *count);

#endif
