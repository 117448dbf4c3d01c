// Learning rate schedules: names, checks, text, and the segments of the State that they become.
#include "model/model.h"

#include <math.h>
#include <string.h>

static const struct {
    const char *name, *class_name;
} kinds[] = {
#define ENTRY(constant, value, text, class) [constant] = {text, class},
    GS_SCHEDULE_MAP(ENTRY)
#undef ENTRY
};
enum { KIND_COUNT = sizeof kinds / sizeof kinds[0] };

const char *gs_schedule_name(gs_schedule_kind kind) {
    return (int)kind >= 0 && (int)kind < KIND_COUNT ? kinds[kind].name : "";
}

const char *gs__schedule_class_name(gs_schedule_kind kind) {
    return (int)kind >= 0 && (int)kind < KIND_COUNT ? kinds[kind].class_name : "";
}

// --- checks -----------------------------------------------------------------------------------------------------------
enum {
    EXPONENTIAL = 1 << GS_SCHEDULE_EXPONENTIAL,
    INVERSE = 1 << GS_SCHEDULE_INVERSE_TIME,
    POLYNOMIAL = 1 << GS_SCHEDULE_POLYNOMIAL,
    PIECEWISE = 1 << GS_SCHEDULE_PIECEWISE,
    COSINE = 1 << GS_SCHEDULE_COSINE,
    RESTARTS = 1 << GS_SCHEDULE_COSINE_RESTARTS,
    ONE_CYCLE = 1 << GS_SCHEDULE_ONE_CYCLE,
    DECAYS = EXPONENTIAL | INVERSE | POLYNOMIAL | COSINE | RESTARTS | ONE_CYCLE,
    LENGTHS_GIVEN = EXPONENTIAL | INVERSE | RESTARTS,
    MAX_STEPS = 1 << 30,
};

typedef enum range { ABOVE_0, AT_LEAST_0, AT_LEAST_1, SHARE, OPEN_SHARE } range;

static const struct {
    const char *text;
} ranges[] = {[ABOVE_0] = {"above 0"},
              [AT_LEAST_0] = {"of at least 0"},
              [AT_LEAST_1] = {"of at least 1"},
              [SHARE] = {"from 0 to 1"},
              [OPEN_SHARE] = {"above 0 and below 1"}};

static bool within(range kind, float value) {
    switch (kind) {
    case ABOVE_0:
        return value >= 1e-30f;
    case AT_LEAST_0:
        return value >= 0.0f;
    case AT_LEAST_1:
        return value >= 1.0f;
    case SHARE:
        return value >= 0.0f && value <= 1.0f;
    default:
        return value > 0.0f && value < 1.0f;
    }
}

static gs_status check_fields(gs__error *error, const gs_schedule *s) {
    const char *name = kinds[s->kind].name;
    const struct {
        const char *name;
        float value;
        unsigned kinds;
        range range;
        bool needed;
    } fields[] = {
        {"decay_steps", (float)s->decay_steps, DECAYS, AT_LEAST_1, 1u << s->kind & LENGTHS_GIVEN},
        {"warmup_from", s->warmup_from, s->warmup_steps ? ~0u : 0, AT_LEAST_0, false},
        {"decay_rate", s->decay_rate, EXPONENTIAL | INVERSE, ABOVE_0, 1u << s->kind & (EXPONENTIAL | INVERSE)},
        {"staircase", s->staircase, EXPONENTIAL | INVERSE, ABOVE_0, false},
        {"cycle", s->cycle, POLYNOMIAL, ABOVE_0, false},
        {"end_learning_rate", fmaxf(s->end_learning_rate, 0.0f), POLYNOMIAL, AT_LEAST_0, false},
        {"power", s->power, POLYNOMIAL, ABOVE_0, false},
        {"alpha", s->alpha, COSINE | RESTARTS, SHARE, false},
        {"t_mul", s->t_mul, RESTARTS, AT_LEAST_1, false},
        {"m_mul", s->m_mul, RESTARTS, ABOVE_0, false},
        {"pct_start", s->pct_start, ONE_CYCLE, OPEN_SHARE, false},
        {"div_factor", s->div_factor, ONE_CYCLE, AT_LEAST_1, false},
        {"final_div_factor", s->final_div_factor, ONE_CYCLE, AT_LEAST_1, false},
    };
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        if (fields[i].value == 0.0f && fields[i].needed)
            return gs__fail(error, GS_ERR_ARGUMENT, "schedule %s needs %s", name, fields[i].name);
        if (fields[i].value == 0.0f) continue;
        if (!(1u << s->kind & fields[i].kinds))
            return gs__fail(error, GS_ERR_ARGUMENT, "schedule %s has no %s%s", name, fields[i].name,
                            fields[i].kinds ? "" : " without warmup_steps");
        if (!isfinite(fields[i].value) || !within(fields[i].range, fields[i].value))
            return gs__fail(error, GS_ERR_ARGUMENT, "schedule %s: %s is %g; it must be a finite number %s", name,
                            fields[i].name, (double)fields[i].value, ranges[fields[i].range].text);
    }
    return GS_OK;
}

static gs_status check_pieces(gs__error *error, const gs_schedule *s) {
    if (s->kind != GS_SCHEDULE_PIECEWISE)
        return s->boundary_count
                   ? gs__fail(error, GS_ERR_ARGUMENT, "schedule %s has no boundaries", kinds[s->kind].name)
                   : GS_OK;
    if (!s->boundary_count || s->boundary_count >= GS_SCHEDULE_MAX_PIECES)
        return gs__fail(error, GS_ERR_ARGUMENT, "schedule piecewise: %u boundaries; expected 1 to %d",
                        s->boundary_count, GS_SCHEDULE_MAX_PIECES - 1);
    for (uint32_t i = 0; i <= s->boundary_count; i++) {
        if (!isfinite(s->values[i]) || !within(ABOVE_0, s->values[i]))
            return gs__fail(error, GS_ERR_ARGUMENT,
                            "schedule piecewise: value %u is %g; expected %u values above 0, one more than boundaries",
                            i + 1, (double)s->values[i], s->boundary_count + 1);
        if (i && i < s->boundary_count && s->boundaries[i] <= s->boundaries[i - 1])
            return gs__fail(error, GS_ERR_ARGUMENT, "schedule piecewise: boundary %u behind %u; they must ascend",
                            s->boundaries[i], s->boundaries[i - 1]);
        if (i < s->boundary_count && s->boundaries[i] > MAX_STEPS)
            return gs__fail(error, GS_ERR_ARGUMENT, "schedule piecewise: boundary %u; at most %d is possible",
                            s->boundaries[i], MAX_STEPS);
    }
    return GS_OK;
}

gs_status gs__schedule_check(gs__error *error, const gs_schedule *s) {
    if ((int)s->kind < 0 || (int)s->kind >= KIND_COUNT)
        return gs__fail(error, GS_ERR_ARGUMENT, "schedule kind %d is not one of gs_schedule_kind", (int)s->kind);
    if (s->decay_steps > MAX_STEPS || s->warmup_steps > MAX_STEPS)
        return gs__fail(error, GS_ERR_ARGUMENT, "schedule %s: %u steps; at most %d are possible", kinds[s->kind].name,
                        s->decay_steps > s->warmup_steps ? s->decay_steps : s->warmup_steps, MAX_STEPS);
    gs_status status = check_fields(error, s);
    return status == GS_OK ? check_pieces(error, s) : status;
}

void gs__schedule_defaults(gs_schedule *s) {
    if (s->kind == GS_SCHEDULE_POLYNOMIAL && s->end_learning_rate == 0.0f) s->end_learning_rate = 1e-4f;
    if (s->kind == GS_SCHEDULE_POLYNOMIAL && s->power == 0.0f) s->power = 1.0f;
    if (s->kind == GS_SCHEDULE_COSINE_RESTARTS && s->t_mul == 0.0f) s->t_mul = 2.0f;
    if (s->kind == GS_SCHEDULE_COSINE_RESTARTS && s->m_mul == 0.0f) s->m_mul = 1.0f;
    if (s->kind != GS_SCHEDULE_ONE_CYCLE) return;
    if (s->pct_start == 0.0f) s->pct_start = 0.3f;
    if (s->div_factor == 0.0f) s->div_factor = 25.0f;
    if (s->final_div_factor == 0.0f) s->final_div_factor = 1e4f;
}

bool gs__schedule_is_open(const gs_schedule *s) {
    return 1u << s->kind & DECAYS && !s->decay_steps;
}

// --- segments -----------------------------------------------------------------------------------------------------------
// From warmup's end on, step `begin`.
static struct gs_segment *add(struct gs_state *state, uint32_t kind, uint32_t begin, uint32_t length, float from,
                              float to) {
    struct gs_segment *s = &state->schedule[state->set.segments++];
    if (!length) length = 1;
    *s = (struct gs_segment){
        .begin = begin, .steps = length, .kind = kind, .from = from, .to = to, .inverse_steps = (float)(1.0 / length)};
    return s;
}

// PyTorch's OneCycleLR: phases that end at steps pct_start D - 1 and D - 1, which need not be whole.
static void add_one_cycle(struct gs_state *state, const gs_schedule *s, uint32_t begin, float rate) {
    const double top = fmax(gs__decimal(s->pct_start) * s->decay_steps - 1, 0), down = s->decay_steps - 1 - top;
    const double low = (double)rate / (double)s->div_factor;
    struct gs_segment *up = add(state, GS_SEGMENT_COSINE, begin, s->decay_steps, (float)low, rate);
    up->inverse_steps = (float)(1.0 / fmax(top, 1e-6));
    const uint32_t first = (uint32_t)top + 1; // the first step behind the top
    struct gs_segment *fall =
        add(state, GS_SEGMENT_COSINE, begin + first, s->decay_steps, rate, (float)(low / (double)s->final_div_factor));
    fall->inverse_steps = (float)(1.0 / fmax(down, 1e-6));
    fall->q = (float)(first - top);
}

static void add_pieces(struct gs_state *state, const gs_schedule *s, uint32_t begin) {
    for (uint32_t i = 0; i <= s->boundary_count; i++)
        add(state, GS_SEGMENT_CONSTANT, i ? begin + s->boundaries[i - 1] + 1 : begin, 1, s->values[i], s->values[i]);
}

void gs__schedule_segments(const gs_optimizer *o, struct gs_state *state) {
    const gs_schedule *s = &o->schedule;
    const uint32_t begin = s->warmup_steps, stairs = s->staircase ? GS_SEGMENT_STAIRCASE : 0;
    const float rate = s->kind == GS_SCHEDULE_PIECEWISE ? s->values[0] : o->learning_rate;
    state->set.segments = 0;
    memset(state->schedule, 0, sizeof state->schedule);
    if (begin) add(state, GS_SEGMENT_POLYNOMIAL, 0, begin, s->warmup_from, rate)->p = 1.0f;
    switch (s->kind) {
    case GS_SCHEDULE_EXPONENTIAL:
        add(state, GS_SEGMENT_EXPONENTIAL | stairs, begin, s->decay_steps, rate, 0)->p =
            (float)log2(gs__decimal(s->decay_rate));
        break;
    case GS_SCHEDULE_INVERSE_TIME:
        add(state, GS_SEGMENT_INVERSE | stairs, begin, s->decay_steps, rate, 0)->p = s->decay_rate;
        break;
    case GS_SCHEDULE_POLYNOMIAL:
        add(state, GS_SEGMENT_POLYNOMIAL | (s->cycle ? GS_SEGMENT_CYCLE : 0), begin, s->decay_steps, rate,
            fmaxf(s->end_learning_rate, 0.0f))
            ->p = s->power;
        break;
    case GS_SCHEDULE_PIECEWISE:
        add_pieces(state, s, begin);
        break;
    case GS_SCHEDULE_COSINE:
        add(state, GS_SEGMENT_COSINE, begin, s->decay_steps, rate, s->alpha * rate);
        break;
    case GS_SCHEDULE_COSINE_RESTARTS: {
        struct gs_segment *rounds = add(state, GS_SEGMENT_RESTARTS, begin, s->decay_steps, rate, s->alpha * rate);
        rounds->p = s->t_mul;
        rounds->q = s->m_mul;
        break;
    }
    case GS_SCHEDULE_ONE_CYCLE:
        add_one_cycle(state, s, begin, rate);
        break;
    default:
        if (begin) add(state, GS_SEGMENT_CONSTANT, begin, 1, rate, rate);
    }
}

// --- text ---------------------------------------------------------------------------------------------------------------
static gs_status parse_steps(gs__error *error, const char *word, const char *what, uint32_t *value) {
    uint64_t number = 0;
    gs_status status = gs__word_uint(error, word, what, 1, MAX_STEPS, &number);
    *value = (uint32_t)number;
    return status;
}

// A list with slashes, in `text`, which is cut up.
static gs_status parse_list(gs__error *error, char *text, gs_schedule *s, bool boundaries) {
    uint32_t count = 0;
    for (char *next = text; next; count++) {
        char *word = next;
        next = strchr(word, '/');
        if (next) *next++ = 0;
        if (count == GS_SCHEDULE_MAX_PIECES - (boundaries ? 1u : 0u))
            return gs__fail(error, GS_ERR_ARGUMENT, "more than %d pieces", GS_SCHEDULE_MAX_PIECES);
        gs_status status = boundaries ? parse_steps(error, word, "boundary", &s->boundaries[count])
                                      : gs__word_float(error, word, "value", &s->values[count]);
        if (status != GS_OK) return status;
    }
    if (boundaries) s->boundary_count = count;
    return GS_OK;
}

static gs_status parse_field(gs__error *error, char *word, gs_schedule *s) {
    const struct {
        const char *name;
        float *number;
        uint32_t *steps;
        bool *flag;
    } fields[] = {
        {"decay_steps", .steps = &s->decay_steps},
        {"warmup_steps", .steps = &s->warmup_steps},
        {"warmup_from", .number = &s->warmup_from},
        {"decay_rate", .number = &s->decay_rate},
        {"staircase", .flag = &s->staircase},
        {"cycle", .flag = &s->cycle},
        {"end_learning_rate", .number = &s->end_learning_rate},
        {"power", .number = &s->power},
        {"alpha", .number = &s->alpha},
        {"t_mul", .number = &s->t_mul},
        {"m_mul", .number = &s->m_mul},
        {"pct_start", .number = &s->pct_start},
        {"div_factor", .number = &s->div_factor},
        {"final_div_factor", .number = &s->final_div_factor},
    };
    char *value = strchr(word, '='), shown[40];
    if (value) *value++ = 0;
    if (value && strcmp(word, "boundaries") == 0) return parse_list(error, value, s, true);
    if (value && strcmp(word, "values") == 0) return parse_list(error, value, s, false);
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        if (strcmp(word, fields[i].name) != 0) continue;
        if (fields[i].flag && !value) {
            *fields[i].flag = true;
            return GS_OK;
        }
        if (!value || fields[i].flag)
            return gs__fail(error, GS_ERR_ARGUMENT, fields[i].flag ? "%s takes no value" : "%s needs a value: %s=...",
                            word, word);
        if (fields[i].steps) return parse_steps(error, value, word, fields[i].steps);
        gs_status status = gs__word_float(error, value, word, fields[i].number);
        if (status == GS_OK && *fields[i].number == 0.0f && strcmp(word, "end_learning_rate") == 0)
            *fields[i].number = -1.0f;
        return status;
    }
    return gs__fail(error, GS_ERR_ARGUMENT, "there is no field \"%s\"", gs__text_show(word, shown, sizeof shown));
}

static gs_status parse(gs__error *error, const char *text, gs_schedule *schedule) {
    char copy[400], list[200] = "", shown[40];
    *schedule = (gs_schedule){0};
    if (strlen(text) >= sizeof copy)
        return gs__fail(error, GS_ERR_ARGUMENT, "a schedule of %zu characters; at most %zu are possible", strlen(text),
                        sizeof copy - 1);
    strcpy(copy, text);
    char *field = strchr(copy, ':');
    if (field) *field++ = 0;
    int kind = KIND_COUNT;
    for (int i = 0; i < KIND_COUNT; i++)
        if (strcmp(copy, kinds[i].name) == 0) kind = i;
    if (strcmp(copy, "step") == 0) {
        kind = GS_SCHEDULE_EXPONENTIAL;
        schedule->staircase = true;
        schedule->decay_rate = 0.1f;
    }
    if (kind == KIND_COUNT) {
        for (int i = 0; i < KIND_COUNT; i++) strcat(strcat(list, kinds[i].name), ", ");
        return gs__fail(error, GS_ERR_ARGUMENT, "unknown schedule \"%s\"; known are %sstep",
                        gs__text_show(copy, shown, sizeof shown), list);
    }
    schedule->kind = (gs_schedule_kind)kind;
    while (field) {
        char *word = field;
        field = strchr(word, ':');
        if (field) *field++ = 0;
        gs_status status = parse_field(error, word, schedule);
        if (status != GS_OK) return gs__fail_at(error, status, "schedule %s", copy);
    }
    return gs__schedule_check(error, schedule);
}

gs_status gs_schedule_parse(const char *text, gs_schedule *schedule, char *message, size_t capacity) {
    if (!text || !schedule) return GS_ERR_ARGUMENT;
    gs__error error = {0};
    gs_status status = parse(&error, text, schedule);
    if (status != GS_OK && message && capacity) {
        const size_t length = strlen(error.message) < capacity ? strlen(error.message) : capacity - 1;
        memcpy(message, error.message, length);
        message[length] = 0;
    }
    return status;
}
