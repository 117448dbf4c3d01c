// Learning rate schedules in JSON: Keras's objects in the place of an optimizer's learning_rate, and what Keras has no
// word for beside compile_config.
#include "model/model.h"

#include <string.h>

enum { MAX_STEPS = 1 << 30 };

static gs_status get_steps(gs__json *json, const cJSON *config, const char *key, gs__json_need need, uint32_t *steps) {
    uint64_t value = *steps;
    // Keras takes any number; steps are whole.
    gs_status status = gs__json_get_uint(json, config, key, need, need == GS__JSON_REQUIRED, MAX_STEPS, &value);
    *steps = (uint32_t)value;
    return status;
}

static gs_status get_pieces(gs__json *json, const cJSON *config, gs_schedule *s) {
    gs_status status = GS_OK;
    const cJSON *boundaries = NULL, *values = NULL, *item;
    uint32_t count = 0;
    GS_TRY(gs__json_get_array(json, config, "boundaries", GS__JSON_REQUIRED, &boundaries));
    GS_TRY(gs__json_get_array(json, config, "values", GS__JSON_REQUIRED, &values));
    if (cJSON_GetArraySize(boundaries) >= GS_SCHEDULE_MAX_PIECES)
        return gs__json_fail(json, boundaries, GS_ERR_UNSUPPORTED, "more than %d boundaries are not supported",
                             GS_SCHEDULE_MAX_PIECES - 1);
    if (cJSON_GetArraySize(values) != cJSON_GetArraySize(boundaries) + 1)
        return gs__json_fail(json, values, GS_ERR_FORMAT, "expected one value more than boundaries");
    cJSON_ArrayForEach(item, boundaries) {
        uint64_t step = 0;
        GS_TRY(gs__json_as_uint(json, item, 0, MAX_STEPS, &step));
        s->boundaries[s->boundary_count++] = (uint32_t)step;
    }
    cJSON_ArrayForEach(item, values) {
        double value = 0;
        GS_TRY(gs__json_as_number(json, item, &value));
        s->values[count++] = (float)value;
    }
fail:
    return status;
}

// CosineDecay: with a warmup_target, initial_learning_rate is where the warm-up begins.
static gs_status get_warmup(gs__json *json, const cJSON *config, gs_optimizer *o) {
    gs_status status = GS_OK;
    const cJSON *target = gs__json_find(config, "warmup_target");
    if (!target) return GS_OK;
    o->schedule.warmup_from = o->learning_rate > 0.0f ? o->learning_rate : 0.0f;
    GS_TRY(gs__json_get_float(json, config, "warmup_target", GS__JSON_REQUIRED, &o->learning_rate));
    GS_TRY(get_steps(json, config, "warmup_steps", GS__JSON_OPTIONAL, &o->schedule.warmup_steps));
    if (!o->schedule.warmup_steps) o->schedule.warmup_from = 0.0f;
fail:
    return status;
}

static gs_status get_fields(gs__json *json, const cJSON *config, gs_optimizer *o) {
    static const char *const keys[] = {"name",
                                       "initial_learning_rate",
                                       "decay_steps",
                                       "decay_rate",
                                       "staircase",
                                       "end_learning_rate",
                                       "power",
                                       "cycle",
                                       "alpha",
                                       "warmup_target",
                                       "warmup_steps",
                                       "first_decay_steps",
                                       "t_mul",
                                       "m_mul",
                                       "boundaries",
                                       "values",
                                       NULL};
    gs_status status = GS_OK;
    gs_schedule *s = &o->schedule;
    const bool restarts = s->kind == GS_SCHEDULE_COSINE_RESTARTS;
    GS_TRY(gs__json_refuse_others(json, config, keys));
    if (s->kind == GS_SCHEDULE_PIECEWISE) return get_pieces(json, config, s);
    GS_TRY(gs__json_get_float(json, config, "initial_learning_rate", GS__JSON_REQUIRED, &o->learning_rate));
    GS_TRY(get_steps(json, config, restarts ? "first_decay_steps" : "decay_steps", GS__JSON_REQUIRED, &s->decay_steps));
    GS_TRY(gs__json_get_float(json, config, "decay_rate", GS__JSON_OPTIONAL, &s->decay_rate));
    GS_TRY(gs__json_get_bool(json, config, "staircase", GS__JSON_OPTIONAL, &s->staircase));
    GS_TRY(gs__json_get_float(json, config, "end_learning_rate", GS__JSON_OPTIONAL, &s->end_learning_rate));
    if (gs__json_find(config, "end_learning_rate") && s->end_learning_rate == 0.0f) s->end_learning_rate = -1.0f;
    GS_TRY(gs__json_get_float(json, config, "power", GS__JSON_OPTIONAL, &s->power));
    GS_TRY(gs__json_get_bool(json, config, "cycle", GS__JSON_OPTIONAL, &s->cycle));
    GS_TRY(gs__json_get_float(json, config, "alpha", GS__JSON_OPTIONAL, &s->alpha));
    GS_TRY(gs__json_get_float(json, config, "t_mul", GS__JSON_OPTIONAL, &s->t_mul));
    GS_TRY(gs__json_get_float(json, config, "m_mul", GS__JSON_OPTIONAL, &s->m_mul));
    GS_TRY(get_warmup(json, config, o));
fail:
    return status;
}

gs_status gs__rate_from_json(gs__json *json, const cJSON *config, gs_optimizer *o) {
    gs_status status = GS_OK;
    gs__error problem = {0};
    const cJSON *item = gs__json_find(config, "learning_rate"), *fields = NULL;
    const char *name = NULL;
    if (!cJSON_IsObject(item))
        return gs__json_get_float(json, config, "learning_rate", GS__JSON_OPTIONAL, &o->learning_rate);
    GS_TRY(gs__json_get_string(json, item, "class_name", GS__JSON_REQUIRED, &name));
    GS_TRY(gs__json_get_object(json, item, "config", GS__JSON_REQUIRED, &fields));
    for (int kind = 1; kind <= GS_SCHEDULE_ONE_CYCLE; kind++)
        if (strcmp(name, gs__schedule_class_name((gs_schedule_kind)kind)) == 0)
            o->schedule.kind = (gs_schedule_kind)kind;
    if (o->schedule.kind == GS_SCHEDULE_CONSTANT)
        return gs__json_fail(json, item, GS_ERR_UNSUPPORTED,
                             "a schedule of this class is not supported; known are ExponentialDecay, InverseTimeDecay, "
                             "PolynomialDecay, PiecewiseConstantDecay, CosineDecay, CosineDecayRestarts");
    GS_TRY(get_fields(json, fields, o));
    if (gs__schedule_check(&problem, &o->schedule) != GS_OK)
        return gs__json_fail(json, item, GS_ERR_UNSUPPORTED, "%s", problem.message);
fail:
    return status;
}

// --- writing ------------------------------------------------------------------------------------------------------------
static void number(gs__text *text, const char *key, float value) {
    gs__text_append(text, ", \"%s\": ", key);
    gs__text_append_float(text, value > 0.0f ? value : 0.0f);
}

static void pieces(gs__text *text, const gs_schedule *s) {
    gs__text_append(text, ", \"boundaries\": [");
    for (uint32_t i = 0; i < s->boundary_count; i++) gs__text_append(text, "%s%u", i ? ", " : "", s->boundaries[i]);
    gs__text_append(text, "], \"values\": [");
    for (uint32_t i = 0; i <= s->boundary_count; i++) {
        gs__text_append(text, "%s", i ? ", " : "");
        gs__text_append_float(text, s->values[i]);
    }
    gs__text_append(text, "]");
}

static void keras_fields(gs__text *text, const gs_optimizer *o) {
    const gs_schedule *s = &o->schedule;
    if (s->kind == GS_SCHEDULE_PIECEWISE) {
        pieces(text, s);
        return;
    }
    number(text, "initial_learning_rate", s->warmup_steps ? s->warmup_from : o->learning_rate);
    gs__text_append(text, ", \"%sdecay_steps\": %u", s->kind == GS_SCHEDULE_COSINE_RESTARTS ? "first_" : "",
                    s->decay_steps);
    switch (s->kind) {
    case GS_SCHEDULE_EXPONENTIAL:
    case GS_SCHEDULE_INVERSE_TIME:
        number(text, "decay_rate", s->decay_rate);
        gs__text_append(text, ", \"staircase\": %s", s->staircase ? "true" : "false");
        break;
    case GS_SCHEDULE_POLYNOMIAL:
        number(text, "end_learning_rate", s->end_learning_rate);
        number(text, "power", s->power);
        gs__text_append(text, ", \"cycle\": %s", s->cycle ? "true" : "false");
        break;
    case GS_SCHEDULE_COSINE_RESTARTS:
        number(text, "t_mul", s->t_mul);
        number(text, "m_mul", s->m_mul);
        number(text, "alpha", s->alpha);
        break;
    default:
        number(text, "alpha", s->alpha);
        if (s->warmup_steps) number(text, "warmup_target", o->learning_rate);
        else gs__text_append(text, ", \"warmup_target\": null");
        gs__text_append(text, ", \"warmup_steps\": %u", s->warmup_steps);
    }
}

bool gs__schedule_is_keras(const gs_schedule *s) {
    if (s->warmup_steps && s->kind != GS_SCHEDULE_COSINE) return false;
    return s->kind == GS_SCHEDULE_CONSTANT || (gs__schedule_class_name(s->kind)[0] && !gs__schedule_is_open(s));
}

void gs__rate_to_json(gs__text *text, const gs_optimizer *o) {
    if (o->schedule.kind == GS_SCHEDULE_CONSTANT || !gs__schedule_is_keras(&o->schedule)) {
        gs__text_append_float(text, o->learning_rate);
        return;
    }
    const char *class = gs__schedule_class_name(o->schedule.kind);
    gs__text_append(
        text, "{\"module\": \"keras.optimizers.schedules\", \"class_name\": \"%s\", \"config\": {\"name\": \"%s\"",
        class, class);
    keras_fields(text, o);
    gs__text_append(text, "}, \"registered_name\": null}");
}

// --- what Keras has no word for -----------------------------------------------------------------------------------------
static void own_number(gs__text *text, const char *key, float value) {
    if (value == 0.0f) return;
    gs__text_append(text, ":%s=", key);
    gs__text_append_float(text, value > 0.0f ? value : 0.0f);
}

static void own_list(gs__text *text, const gs_schedule *s) {
    for (uint32_t i = 0; i < s->boundary_count; i++)
        gs__text_append(text, "%s%u", i ? "/" : ":boundaries=", s->boundaries[i]);
    for (uint32_t i = 0; i <= s->boundary_count; i++) {
        gs__text_append(text, "%s", i ? "/" : ":values=");
        gs__text_append_float(text, s->values[i]);
    }
}

void gs__own_schedule_to_json(gs__text *text, const gs_schedule *s) {
    gs__text form = {0};
    gs__text_append(&form, "%s", gs_schedule_name(s->kind));
    if (s->decay_steps) gs__text_append(&form, ":decay_steps=%u", s->decay_steps);
    if (s->warmup_steps) gs__text_append(&form, ":warmup_steps=%u", s->warmup_steps);
    if (s->staircase) gs__text_append(&form, ":staircase");
    if (s->cycle) gs__text_append(&form, ":cycle");
    own_number(&form, "warmup_from", s->warmup_from);
    own_number(&form, "decay_rate", s->decay_rate);
    own_number(&form, "end_learning_rate", s->end_learning_rate);
    own_number(&form, "power", s->power);
    own_number(&form, "alpha", s->alpha);
    own_number(&form, "t_mul", s->t_mul);
    own_number(&form, "m_mul", s->m_mul);
    own_number(&form, "pct_start", s->pct_start);
    own_number(&form, "div_factor", s->div_factor);
    own_number(&form, "final_div_factor", s->final_div_factor);
    if (s->kind == GS_SCHEDULE_PIECEWISE) own_list(&form, s);
    if (form.data) gs__text_append_json(text, form.data);
    text->failed = text->failed || form.failed;
    gs__text_deinit(&form);
}

gs_status gs__own_schedule_from_json(gs__json *json, const cJSON *own, gs_optimizer *o) {
    const char *form = NULL;
    char message[400];
    gs_status status = gs__json_get_string(json, own, "schedule", GS__JSON_OPTIONAL, &form);
    if (status != GS_OK || !form) return status;
    if (gs_schedule_parse(form, &o->schedule, message, sizeof message) == GS_OK) return GS_OK;
    return gs__json_fail(json, gs__json_find(own, "schedule"), GS_ERR_FORMAT, "%s", message);
}
