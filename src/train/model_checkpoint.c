#include "train/training.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "context/context.h"
#include <gradsmith/checkpoint.h>

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BEST, HAS_BEST, STATE_COUNT };

struct checkpoint {
    gs_callback callback; // first
    gs_model_checkpoint_params params;
    char *path, *monitor;
    bool rises;
    double state[STATE_COUNT];
};

// --- the path ------------------------------------------------------------------------------------------------------
// "{name:format}" without its braces; format: [0][width][.digits][d|f|e|g], as in Python.
struct field {
    char name[96];
    bool zeros;
    int width, digits; // digits -1: not given
    char kind;         // 0: not given
};

static bool parse_field(const char *text, size_t length, struct field *field) {
    const char *colon = memchr(text, ':', length), *end = text + length;
    const size_t name_length = colon ? (size_t)(colon - text) : length;
    *field = (struct field){.digits = -1};
    if (!name_length || name_length >= sizeof field->name) return false;
    memcpy(field->name, text, name_length);
    if (!colon) return true;
    const char *at = colon + 1;
    if (at < end && *at == '0') field->zeros = true, at++;
    for (; at < end && isdigit((unsigned char)*at); at++) {
        field->width = field->width * 10 + (*at - '0');
        if (field->width > 30) return false;
    }
    if (at < end && *at == '.') {
        field->digits = 0;
        for (at++; at < end && isdigit((unsigned char)*at); at++) {
            field->digits = field->digits * 10 + (*at - '0');
            if (field->digits > 17) return false;
        }
    }
    if (at < end && strchr("dfeg", *at)) field->kind = *at++;
    return at == end;
}

static void append_field(gs__text *out, const struct field *f, double value) {
    char number[400], kind = f->kind;
    const bool whole = value == floor(value) && fabs(value) < 1e15 && (!kind || kind == 'd');
    const int digits = f->digits < 0 ? 6 : f->digits;
    if (whole || kind == 'd') snprintf(number, sizeof number, "%.0f", value);
    else if (kind == 'f') snprintf(number, sizeof number, "%.*f", digits, value);
    else if (kind == 'e') snprintf(number, sizeof number, "%.*e", digits, value);
    else snprintf(number, sizeof number, "%.*g", f->digits < 0 ? 9 : digits, value);
    for (int i = (int)strlen(number); i < f->width; i++) gs__text_append(out, f->zeros ? "0" : " ");
    gs__text_append(out, "%s", number);
}

// Replaces the fields of the path. With `event` NULL: only checks their form.
static gs_status make_path(gs__error *error, const struct checkpoint *c, gs_training *training, const gs_event *event,
                           gs__text *out) {
    for (const char *at = c->path; *at;) {
        const size_t plain = strcspn(at, "{");
        gs__text_append_bytes(out, at, plain);
        at += plain;
        if (!*at) break;
        const char *close = strchr(at, '}');
        struct field field;
        double value = 0;
        if (!close || !parse_field(at + 1, (size_t)(close - at - 1), &field))
            return gs__fail(error, GS_ERR_ARGUMENT,
                            "ModelCheckpoint: path \"%s\": found \"%.40s\", expected {epoch}, {epoch:02d}, "
                            "{val_loss:.3f} and the like",
                            gs__path_show(c->path), at);
        at = close + 1;
        if (!event) continue;
        if (strcmp(field.name, "epoch") == 0) value = event->epoch + 1.0;
        else if (strcmp(field.name, "step") == 0) value = (double)event->total_step;
        else {
            gs_status status = gs__monitor_value(training, event, field.name, &value);
            if (status != GS_OK) return status;
        }
        append_field(out, &field, value);
    }
    return gs__text_check(error, out);
}

// --- saving --------------------------------------------------------------------------------------------------------
static bool ends_with(const char *text, const char *end) {
    const size_t length = strlen(text), end_length = strlen(end);
    return length >= end_length && strcmp(text + length - end_length, end) == 0;
}

static gs_status save(struct checkpoint *c, gs_training *training, const gs_event *event) {
    gs_status status = GS_OK;
    gs__text path = {0};
    gs_model *model = gs_training_model(training);
    GS_TRY(make_path(training->model->error, c, training, event, &path));
    GS_TRY(ends_with(path.data, ".safetensors") ? gs_model_save_weights(model, path.data)
                                                : gs_model_save(model, path.data));
fail:
    gs__text_deinit(&path);
    return status;
}

static gs_status train_begin(void *user, gs_training *training) {
    struct checkpoint *c = user;
    (void)training;
    c->state[HAS_BEST] = c->params.has_threshold;
    c->state[BEST] = c->params.threshold;
    return GS_OK;
}

static gs_status epoch_end(void *user, gs_training *training, const gs_event *event) {
    struct checkpoint *c = user;
    double value = 0;
    if (c->params.every_steps || (event->epoch + 1) % c->params.every_epochs != 0) return GS_OK;
    if (!c->params.save_best_only) return save(c, training, event);
    gs_status status = gs__monitor_value(training, event, c->monitor, &value);
    if (status != GS_OK) return status;
    if (c->state[HAS_BEST] != 0 && !gs__monitor_better(c->rises, value, c->state[BEST], 0)) return GS_OK;
    c->state[HAS_BEST] = 1;
    c->state[BEST] = value;
    return save(c, training, event);
}

static gs_status at_step(void *user, gs_training *training, const gs_event *event) {
    return save(user, training, event);
}

static void destroy(void *user) {
    struct checkpoint *c = user;
    free(c->path);
    free(c->monitor);
    free(c);
}

gs_status gs_model_checkpoint_create(gs_context *context, const gs_model_checkpoint_params *params,
                                     gs_callback **callback) {
    if (!context || !callback) return GS_ERR_ARGUMENT;
    gs__error *error = gs__context_error(context);
    struct checkpoint *c;
    gs__text ignored = {0};
    *callback = NULL;
    if (!params || !params->path || !params->path[0])
        return gs__fail(error, GS_ERR_ARGUMENT, "ModelCheckpoint: the path is missing");
    if (params->save_best_only && params->every_steps)
        return gs__fail(error, GS_ERR_ARGUMENT,
                        "ModelCheckpoint: save_best_only looks at the end of epochs; leave out every_steps");
    if (params->every_steps && params->every_epochs)
        return gs__fail(error, GS_ERR_ARGUMENT, "ModelCheckpoint: both every_steps and every_epochs are given");
    gs_status status = gs__callback_make(context, "ModelCheckpoint", sizeof *c, &c);
    if (status != GS_OK) return status;
    c->params = *params;
    c->params.every_epochs = params->every_epochs ? params->every_epochs : 1;
    c->callback.train_begin = train_begin;
    c->callback.epoch_end = epoch_end;
    c->callback.at_step = params->every_steps ? at_step : NULL;
    c->callback.interval = params->every_steps;
    c->callback.destroy = destroy;
    c->callback.state = c->state;
    c->callback.state_count = STATE_COUNT;
    c->path = gs__text_copy(error, params->path);
    c->monitor = gs__text_copy(error, params->monitor ? params->monitor : "val_loss");
    if (!c->path || !c->monitor) status = GS_ERR_MEMORY;
    else status = make_path(error, c, NULL, NULL, &ignored);
    gs__text_deinit(&ignored);
    if (status == GS_OK) {
        c->rises = gs_monitor_rises(c->monitor, params->mode);
        *callback = &c->callback;
    } else destroy(c);
    return status;
}
