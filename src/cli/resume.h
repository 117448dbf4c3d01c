// Trainings that go on where they were cut off.
#ifndef GS_CLI_RESUME_H
#define GS_CLI_RESUME_H

#include "train.h"

// Of a run's folder: where its checkpoints are, and the file that says what training is under way. Free them.
char *cli_resume_folder(const char *dir);
char *cli_resume_file(const char *dir);

// --resume DIR: the experiment to load becomes the model. CLI_GO_ON, or the exit code: CLI_OK when the training is
// finished already.
int cli_resume_open(train_options *options);

// For a new training, with the folder locked: refuses to take the place of one that was cut off.
int cli_resume_check(const char *dir);
// For a new training, too: makes the folder of checkpoints, and says there what is begun. Where there are checkpoints, of a
// training that is over, cli_resume_begun does that, once they are gone: both together would be another training.
int cli_resume_describe(const char *dir, gs_context *context, const gs_experiment *experiment, gs_model *model);
int cli_resume_begun(const char *dir);
// The training is over. finished: not by a signal or a failure. After those it may go on, if it was `begun`: an epoch is
// done, or there is a checkpoint. `dir` may be NULL.
int cli_resume_end(const char *dir, bool finished, bool begun);

#endif
