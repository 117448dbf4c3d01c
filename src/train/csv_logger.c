// A table of the epochs (RFC 4180).
#include "train/training.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "context/context.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_BYTES (256u << 20) // of a file to go on with

struct logger {
    gs_callback callback; // first
    char *path;
    char separator;
    bool append;
    FILE *file;
};

static gs_status fail_system(gs__error *error, const struct logger *l) {
    return gs__fail(error, GS_ERR_FILE, "CSVLogger: %s: %s", gs__path_show(l->path), strerror(errno));
}

// Quotes are needed for a separator, a quote or a line's end in a name.
static void append_name(const struct logger *l, gs__text *line, const char *prefix, const char *name) {
    const char special[] = {l->separator, '"', '\r', '\n', 0};
    gs__text_append(line, "%c", l->separator);
    if (!name[strcspn(name, special)]) {
        gs__text_append(line, "%s%s", prefix, name);
        return;
    }
    gs__text_append(line, "\"%s", prefix);
    for (; *name; name++) gs__text_append(line, *name == '"' ? "\"\"" : "%c", *name);
    gs__text_append(line, "\"");
}

static void make_header(const struct logger *l, const gs_training_info *info, gs__text *line) {
    gs__text_append(line, "epoch");
    for (int validation = 0; validation <= (info->has_validation ? 1 : 0); validation++) {
        const char *prefix = validation ? "val_" : "";
        append_name(l, line, prefix, "loss");
        for (uint32_t i = 0; i < info->metric_count; i++) append_name(l, line, prefix, info->metric_names[i]);
    }
    append_name(l, line, "", "learning_rate");
    append_name(l, line, "", "seconds");
    gs__text_append(line, "\r\n");
}

// Leaves of an older file what goes on: its header, and the rows of epochs that are over.
static gs_status keep_old(gs__error *error, const struct logger *l, const gs__text *header, uint64_t most_epochs,
                          size_t *kept) {
    char *text = NULL;
    size_t bytes = 0;
    *kept = 0;
    if (!gs__file_exists(l->path)) return GS_OK;
    gs_status status = gs__file_read(error, l->path, MAX_BYTES, &text, &bytes);
    if (status != GS_OK || !bytes) goto fail;
    if (bytes < header->length || memcmp(text, header->data, header->length) != 0) {
        status = gs__fail(error, GS_ERR_FORMAT,
                          "CSVLogger: %s: its first line is \"%.*s\", but the columns of this training are \"%.*s\"",
                          gs__path_show(l->path), (int)(strcspn(text, "\r\n") < 150 ? strcspn(text, "\r\n") : 150),
                          text, (int)(header->length > 152 ? 150 : header->length - 2), header->data);
        goto fail;
    }
    *kept = header->length;
    for (char *line = text + header->length, *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        if (strtoull(line, NULL, 10) > most_epochs) break;
        *kept = (size_t)(end + 1 - text);
    }
    if (*kept < bytes) status = gs__file_write(error, l->path, text, *kept);
fail:
    free(text);
    return status;
}

static gs_status train_begin(void *user, gs_training *training) {
    struct logger *l = user;
    if (l->file) fclose(l->file);
    l->file = NULL;
    (void)training;
    return GS_OK;
}

// At the first epoch: only then it is known where a resumed training begins.
static gs_status open_file(struct logger *l, gs_training *training) {
    gs_status status = GS_OK;
    gs__error *error = training->model->error;
    const gs_training_info *info = &training->info;
    gs__text header = {0};
    size_t kept = 0;
    make_header(l, info, &header);
    GS_TRY(gs__text_check(error, &header));
    if (l->append || info->resumed)
        GS_TRY(keep_old(error, l, &header, info->resumed ? info->first_epoch : UINT64_MAX, &kept));
    l->file = fopen(l->path, kept ? "ab" : "wb");
    if (!l->file || (!kept && (fwrite(header.data, 1, header.length, l->file) != header.length || fflush(l->file))))
        status = fail_system(error, l);
fail:
    gs__text_deinit(&header);
    return status;
}

static gs_status epoch_begin(void *user, gs_training *training) {
    struct logger *l = user;
    return l->file ? GS_OK : open_file(l, training);
}

static void write_result(const struct logger *l, const gs_result *result) {
    fprintf(l->file, "%c%.9g", l->separator, result->loss);
    for (uint32_t i = 0; i < result->metric_count; i++) fprintf(l->file, "%c%.9g", l->separator, result->metrics[i]);
}

static gs_status epoch_end(void *user, gs_training *training, const gs_event *event) {
    struct logger *l = user;
    fprintf(l->file, "%" PRIu32, event->epoch + 1);
    write_result(l, &event->train);
    if (event->has_validation) write_result(l, &event->validation);
    fprintf(l->file, "%c%.9g%c%.6g\r\n", l->separator, event->learning_rate, l->separator, event->train.seconds);
    if (fflush(l->file) != 0 || ferror(l->file)) return fail_system(training->model->error, l);
    return GS_OK;
}

static gs_status train_end(void *user, gs_training *training, gs_status outcome) {
    struct logger *l = user;
    FILE *file = l->file;
    (void)outcome;
    l->file = NULL;
    return file && fclose(file) != 0 ? fail_system(training->model->error, l) : GS_OK;
}

static void destroy(void *user) {
    struct logger *l = user;
    if (l->file) fclose(l->file);
    free(l->path);
    free(l);
}

gs_status gs_csv_logger_create(gs_context *context, const gs_csv_logger_params *params, gs_callback **callback) {
    if (!context || !callback) return GS_ERR_ARGUMENT;
    gs__error *error = gs__context_error(context);
    struct logger *l;
    *callback = NULL;
    if (!params || !params->path || !params->path[0])
        return gs__fail(error, GS_ERR_ARGUMENT, "CSVLogger: the path is missing");
    if (params->separator && strchr("\"\r\n.-+0123456789e", params->separator))
        return gs__fail(error, GS_ERR_ARGUMENT, "CSVLogger: '%c' cannot separate numbers; expected ',', ';' or a tab",
                        params->separator);
    gs_status status = gs__callback_make(context, "CSVLogger", sizeof *l, &l);
    if (status != GS_OK) return status;
    l->separator = params->separator ? params->separator : ',';
    l->append = params->append;
    l->callback.train_begin = train_begin;
    l->callback.epoch_begin = epoch_begin;
    l->callback.epoch_end = epoch_end;
    l->callback.train_end = train_end;
    l->callback.destroy = destroy;
    l->path = gs__text_copy(error, params->path);
    if (!l->path) {
        destroy(l);
        return GS_ERR_MEMORY;
    }
    *callback = &l->callback;
    return GS_OK;
}
