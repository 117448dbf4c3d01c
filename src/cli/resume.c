// Trainings that go on: a run's folder while its training is under way.
//   DIR/checkpoints/experiment.json   there as long as the training is not over; what it is
//   DIR/checkpoints/step-*            the checkpoints, which the library writes
#include "resume.h"
#include "options.h"
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHECKPOINTS "checkpoints"
#define PENDING     CHECKPOINTS "/.experiment.json.tmp"
#define HEAD        "step-"

char *cli_resume_folder(const char *dir) {
    return cli_join(dir, CHECKPOINTS);
}

char *cli_resume_file(const char *dir) {
    return cli_join(dir, CHECKPOINTS "/experiment.json");
}

// How many checkpoints there are, or -1 after a message.
static long count_checkpoints(const char *dir) {
    char *folder = cli_resume_folder(dir);
    DIR *opened = folder != NULL ? opendir(folder) : NULL;
    long count = folder != NULL && (opened != NULL || errno == ENOENT) ? 0 : -1;
    if (folder != NULL && count < 0) cli_fail("%s: %s", folder, strerror(errno));
    for (struct dirent *entry; opened != NULL && (entry = readdir(opened)) != NULL;)
        count += strncmp(entry->d_name, HEAD, strlen(HEAD)) == 0;
    if (opened != NULL) closedir(opened);
    free(folder);
    return count;
}

static int remove_one(const char *path) {
    return unlink(path) == 0 || errno == ENOENT ? CLI_OK : cli_fail("%s: %s", path, strerror(errno));
}

// *there: a file, which the caller only looks for.
static int look_for(char *path, bool *there) {
    *there = path != NULL && access(path, F_OK) == 0;
    free(path);
    return path != NULL ? CLI_OK : CLI_FAILED;
}

int cli_resume_open(train_options *options) {
    const char *dir = options->resume;
    struct stat status;
    bool experiment, model;
    if (stat(dir, &status) != 0) return cli_fail("--resume %s: %s", dir, strerror(errno));
    if (!S_ISDIR(status.st_mode))
        return cli_fail("--resume %s: expected the folder of a training (--out), found a file", dir);
    options->out = dir;
    options->model = options->resume_file = cli_resume_file(dir);
    if (options->model == NULL) return CLI_FAILED;
    if (access(options->model, F_OK) == 0) return CLI_GO_ON;
    if (errno != ENOENT) return cli_fail("%s: %s", options->model, strerror(errno));
    if (look_for(cli_join(dir, "experiment.json"), &experiment) != CLI_OK ||
        look_for(cli_join(dir, "model.safetensors"), &model) != CLI_OK)
        return CLI_FAILED;
    if (!experiment || !model)
        return cli_fail("--resume %s: there is no training in it that was begun: no %s", dir, options->model);
    if (!options->quiet) printf("The training in %s is finished: there is nothing to resume\n", dir);
    return CLI_OK;
}

int cli_resume_check(const char *dir) {
    bool unfinished;
    long count = count_checkpoints(dir);
    if (count < 0 || look_for(cli_resume_file(dir), &unfinished) != CLI_OK) return CLI_FAILED;
    if (!unfinished || count == 0) return CLI_OK;
    return cli_fail("%s holds a training that was cut off: gradsmith train --resume %s goes on with it; to start anew, "
                    "remove %s/" CHECKPOINTS " or choose another folder",
                    dir, dir, dir);
}

int cli_resume_describe(const char *dir, gs_context *context, const gs_experiment *experiment, gs_model *model) {
    char *folder = cli_resume_folder(dir), *path = cli_join(dir, PENDING);
    int code = folder != NULL && path != NULL ? CLI_OK : CLI_FAILED;
    if (code == CLI_OK && mkdir(folder, 0777) != 0 && errno != EEXIST)
        code = cli_fail("%s: %s", folder, strerror(errno));
    if (code == CLI_OK && gs_experiment_save(context, experiment, model, path) != GS_OK)
        code = cli_fail_context(context, NULL);
    free(folder);
    free(path);
    long count = code == CLI_OK ? count_checkpoints(dir) : -1;
    return count == 0 ? cli_resume_begun(dir) : count > 0 ? CLI_OK : CLI_FAILED;
}

int cli_resume_begun(const char *dir) {
    char *pending = cli_join(dir, PENDING), *path = cli_resume_file(dir);
    int code = pending != NULL && path != NULL ? CLI_OK : CLI_FAILED;
    if (code == CLI_OK && rename(pending, path) != 0 && errno != ENOENT)
        code = cli_fail("%s: %s", path, strerror(errno));
    free(pending);
    free(path);
    return code;
}

int cli_resume_end(const char *dir, bool finished, bool begun) {
    if (dir == NULL) return CLI_OK;
    char *file = cli_resume_file(dir), *folder = cli_resume_folder(dir), *pending = cli_join(dir, PENDING);
    int code = file != NULL && folder != NULL && pending != NULL ? remove_one(pending) : CLI_FAILED;
    if (code == CLI_OK && (finished || (!begun && count_checkpoints(dir) == 0))) {
        code = remove_one(file);
        rmdir(folder); // if it is empty
    }
    free(file);
    free(folder);
    free(pending);
    return code;
}
