#include "model/model.h"

#include <math.h>
#include <string.h>

static const struct {
    const char *name, *class_name;
} kinds[] = {
#define ENTRY(constant, value, text, class) [constant] = {text, class},
    GS_OPTIMIZER_MAP(ENTRY)
#undef ENTRY
};
enum { KIND_COUNT = sizeof kinds / sizeof kinds[0] };

const char *gs_optimizer_name(gs_optimizer_kind kind) {
    return (int)kind >= 0 && (int)kind < KIND_COUNT ? kinds[kind].name : "";
}

const char *gs__optimizer_class_name(gs_optimizer_kind kind) {
    return (int)kind >= 0 && (int)kind < KIND_COUNT ? kinds[kind].class_name : "";
}

gs_status gs__optimizer_parse(gs__error *error, const char *name, gs_optimizer *optimizer) {
    for (int i = 1; i < KIND_COUNT; i++)
        if (strcmp(name, kinds[i].name) == 0 || strcmp(name, kinds[i].class_name) == 0) {
            *optimizer = (gs_optimizer){.kind = (gs_optimizer_kind)i};
            return GS_OK;
        }
    char shown[40];
    return gs__fail(error, GS_ERR_ARGUMENT,
                    "unknown optimizer \"%s\"; known are sgd, adam, adamw, rmsprop, adagrad, "
                    "adadelta, adamax, nadam, lion, adafactor",
                    gs__text_show(name, shown, sizeof shown));
}

gs_status gs_optimizer_parse(const char *name, gs_optimizer *optimizer) {
    return name && optimizer ? gs__optimizer_parse(NULL, name, optimizer) : GS_ERR_ARGUMENT;
}

// A field: which kinds have it, and what it may be.
typedef struct field {
    const char *name;
    float value;
    uint32_t kinds;   // bit of each gs_optimizer_kind
    bool below_one;   // else only finite
    bool may_be_zero; // a negative value means exactly 0
} field;

#define BIT(kind) (1 << GS_OPTIMIZER_##kind)
enum {
    ADAM = BIT(ADAM) | BIT(ADAMW),
    BETAS = ADAM | BIT(ADAMAX) | BIT(NADAM) | BIT(LION),
    ALL = (1 << KIND_COUNT) - 2,
};

static gs_status check_field(gs__error *error, const char *optimizer, uint32_t kind_bit, const field *f) {
    if (f->value == 0.0f) return GS_OK;
    if (!(f->kinds & kind_bit))
        return gs__fail(error, GS_ERR_ARGUMENT, "optimizer %s has no %s%s", optimizer, f->name,
                        f->kinds ? "" : " without use_ema");
    bool fits = isfinite(f->value) && (f->value > 0.0f || f->may_be_zero) && (!f->below_one || f->value < 1.0f);
    if (fits) return GS_OK;
    return gs__fail(error, GS_ERR_ARGUMENT, "optimizer %s: %s is %g; it must be a finite number %s", optimizer, f->name,
                    (double)f->value,
                    f->below_one     ? "from 0 to below 1"
                    : f->may_be_zero ? "of at least 0"
                                     : "above 0");
}

gs_status gs__optimizer_check(gs__error *error, const gs_optimizer *o) {
    if ((int)o->kind < 0 || (int)o->kind >= KIND_COUNT)
        return gs__fail(error, GS_ERR_ARGUMENT, "optimizer kind %d is not one of gs_optimizer_kind", (int)o->kind);
    gs_optimizer_kind kind = o->kind == GS_OPTIMIZER_DEFAULT ? GS_OPTIMIZER_ADAM : o->kind;
    const field fields[] = {
        {"learning_rate", o->learning_rate, ALL, false, false},
        {"momentum", o->momentum, BIT(SGD) | BIT(RMSPROP), true, false},
        {"beta1", o->beta1, BETAS, true, true},
        {"beta2", o->beta2, BETAS, true, true},
        {"rho", o->rho, BIT(RMSPROP) | BIT(ADADELTA), true, true},
        {"epsilon", o->epsilon, ALL & ~BIT(SGD) & ~BIT(LION), false, false},
        {"weight_decay", o->weight_decay, ALL, false, kind == GS_OPTIMIZER_ADAMW},
        {"nesterov", o->nesterov ? 0.5f : 0.0f, BIT(SGD), false, false},
        {"initial_accumulator", o->initial_accumulator, BIT(ADAGRAD), false, true},
        {"epsilon2", o->epsilon2, BIT(ADAFACTOR), false, false},
        {"clip_threshold", o->clip_threshold, BIT(ADAFACTOR), false, false},
        {"-beta2_decay", -o->beta2_decay, BIT(ADAFACTOR), false, false},
        {"clipnorm", o->clipnorm, ALL, false, false},
        {"global_clipnorm", o->global_clipnorm, ALL, false, false},
        {"clipvalue", o->clipvalue, ALL, false, false},
        {"ema_momentum", o->ema_momentum, o->use_ema ? ALL : 0, true, true},
        {"paper_epsilon", o->paper_epsilon ? 0.5f : 0.0f, ADAM, false, false},
    };
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        gs_status status = check_field(error, kinds[kind].name, 1u << kind, &fields[i]);
        if (status != GS_OK) return status;
    }
    if ((o->clipnorm != 0.0f) + (o->global_clipnorm != 0.0f) + (o->clipvalue != 0.0f) > 1)
        return gs__fail(error, GS_ERR_ARGUMENT,
                        "optimizer %s: only one of clipnorm, global_clipnorm and clipvalue can be given",
                        kinds[kind].name);
    if (o->ema_overwrite && !o->use_ema)
        return gs__fail(error, GS_ERR_ARGUMENT, "optimizer %s: ema_overwrite without use_ema", kinds[kind].name);
    if (o->accumulate > 1u << 20)
        return gs__fail(error, GS_ERR_ARGUMENT, "optimizer %s: accumulate is %u; at most %u steps are possible",
                        kinds[kind].name, o->accumulate, 1u << 20);
    return gs__schedule_check(error, &o->schedule);
}

static float or_default(float value, float fallback) {
    return value > 0.0f ? value : value < 0.0f ? -1.0f : fallback;
}

void gs__optimizer_defaults(gs_optimizer *o) {
    if (o->kind == GS_OPTIMIZER_DEFAULT) o->kind = GS_OPTIMIZER_ADAM;
    const int kind = 1 << o->kind;
    o->learning_rate = or_default(o->learning_rate, kind & BIT(SGD) ? 0.01f : 0.001f);
    if (kind & BETAS) {
        o->beta1 = or_default(o->beta1, 0.9f);
        o->beta2 = or_default(o->beta2, kind & BIT(LION) ? 0.99f : 0.999f);
    }
    if (kind & BIT(RMSPROP)) o->rho = or_default(o->rho, 0.9f);
    if (kind & BIT(ADADELTA)) o->rho = or_default(o->rho, 0.95f);
    if (kind & ~(BIT(SGD) | BIT(LION))) o->epsilon = or_default(o->epsilon, kind & BIT(ADAFACTOR) ? 1e-30f : 1e-7f);
    if (kind & BIT(ADAMW)) o->weight_decay = or_default(o->weight_decay, 0.004f);
    if (kind & BIT(ADAGRAD)) o->initial_accumulator = or_default(o->initial_accumulator, 0.1f);
    if (kind & BIT(ADAFACTOR)) {
        o->epsilon2 = or_default(o->epsilon2, 1e-3f);
        o->clip_threshold = or_default(o->clip_threshold, 1.0f);
        if (o->beta2_decay == 0.0f) o->beta2_decay = -0.8f;
    }
    if (o->use_ema) o->ema_momentum = or_default(o->ema_momentum, 0.99f);
    if (!o->accumulate) o->accumulate = 1;
    gs__schedule_defaults(&o->schedule);
}

// 1 - beta as the decimal says it: 0.1 for 0.9, although the nearest float to 0.9 is 0.89999998.
static float rest_of(float beta) {
    return (float)(1.0 - gs__decimal(beta));
}

void gs__model_settings(const gs_model *model, struct gs_state *state) {
    struct gs_settings *s = &state->set;
    const gs_optimizer *o = &model->compile.optimizer;
    s->learning_rate = o->learning_rate;
    s->beta1 = fmaxf(o->beta1, 0.0f);
    s->beta2 = fmaxf(1 << o->kind & (BIT(RMSPROP) | BIT(ADADELTA)) ? o->rho : o->beta2, 0.0f);
    s->beta1_rest = rest_of(s->beta1);
    s->beta2_rest = rest_of(s->beta2);
    s->epsilon = o->epsilon;
    s->weight_decay = fmaxf(o->weight_decay, 0.0f);
    s->momentum = o->momentum;
    s->accumulate = o->accumulate;
    s->clip = o->clipnorm + o->global_clipnorm + o->clipvalue; // one of them
    s->ema_momentum = fmaxf(o->ema_momentum, 0.0f);
    s->ema_overwrite = o->ema_overwrite;
    s->epsilon2 = o->epsilon2;
    s->beta2_decay = o->beta2_decay;
    s->clip_threshold = o->clip_threshold;
    gs__schedule_segments(o, state);
    gs__precision_settings(&model->compile, s);
}
