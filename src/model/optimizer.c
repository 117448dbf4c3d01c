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
    return gs__fail(error, GS_ERR_ARGUMENT, "unknown optimizer \"%s\"; known are sgd, adam, adamw, rmsprop",
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

enum {
    SGD = 1 << GS_OPTIMIZER_SGD,
    ADAM = 1 << GS_OPTIMIZER_ADAM | 1 << GS_OPTIMIZER_ADAMW,
    RMSPROP = 1 << GS_OPTIMIZER_RMSPROP,
    ALL = SGD | ADAM | RMSPROP,
};

static gs_status check_field(gs__error *error, const char *optimizer, uint32_t kind_bit, const field *f) {
    if (f->value == 0.0f) return GS_OK;
    if (!(f->kinds & kind_bit)) return gs__fail(error, GS_ERR_ARGUMENT, "optimizer %s has no %s", optimizer, f->name);
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
        {"momentum", o->momentum, SGD | RMSPROP, true, false},
        {"beta1", o->beta1, ADAM, true, true},
        {"beta2", o->beta2, ADAM, true, true},
        {"rho", o->rho, RMSPROP, true, true},
        {"epsilon", o->epsilon, ADAM | RMSPROP, false, false},
        {"weight_decay", o->weight_decay, ALL, false, kind == GS_OPTIMIZER_ADAMW},
        {"nesterov", o->nesterov ? 0.5f : 0.0f, SGD, false, false},
        {"paper_epsilon", o->paper_epsilon ? 0.5f : 0.0f, ADAM, false, false},
    };
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        gs_status status = check_field(error, kinds[kind].name, 1u << kind, &fields[i]);
        if (status != GS_OK) return status;
    }
    return GS_OK;
}

static float or_default(float value, float fallback) {
    return value > 0.0f ? value : value < 0.0f ? -1.0f : fallback;
}

void gs__optimizer_defaults(gs_optimizer *o) {
    if (o->kind == GS_OPTIMIZER_DEFAULT) o->kind = GS_OPTIMIZER_ADAM;
    bool adam = o->kind == GS_OPTIMIZER_ADAM || o->kind == GS_OPTIMIZER_ADAMW;
    o->learning_rate = or_default(o->learning_rate, o->kind == GS_OPTIMIZER_SGD ? 0.01f : 0.001f);
    if (adam) {
        o->beta1 = or_default(o->beta1, 0.9f);
        o->beta2 = or_default(o->beta2, 0.999f);
    }
    if (o->kind == GS_OPTIMIZER_RMSPROP) o->rho = or_default(o->rho, 0.9f);
    if (o->kind != GS_OPTIMIZER_SGD) o->epsilon = or_default(o->epsilon, 1e-7f);
    if (o->kind == GS_OPTIMIZER_ADAMW) o->weight_decay = or_default(o->weight_decay, 0.004f);
}

uint32_t gs__model_slot_count(const gs_model *model) {
    const gs_optimizer *o = &model->compile.optimizer;
    uint32_t velocity = o->momentum > 0.0f ? 1 : 0;
    switch (o->kind) {
    case GS_OPTIMIZER_ADAM:
    case GS_OPTIMIZER_ADAMW:
        return 2;
    case GS_OPTIMIZER_RMSPROP:
        return 1 + velocity;
    default:
        return velocity;
    }
}

// 1 - beta as the decimal says it: 0.1 for 0.9, although the nearest float to 0.9 is 0.89999998.
static float rest_of(float beta) {
    return (float)(1.0 - gs__decimal(beta));
}

void gs__model_settings(const gs_model *model, struct gs_settings *s) {
    const gs_optimizer *o = &model->compile.optimizer;
    s->learning_rate = o->learning_rate;
    s->beta1 = fmaxf(o->beta1, 0.0f);
    s->beta2 = fmaxf(o->kind == GS_OPTIMIZER_RMSPROP ? o->rho : o->beta2, 0.0f);
    s->beta1_rest = rest_of(s->beta1);
    s->beta2_rest = rest_of(s->beta2);
    s->epsilon = o->epsilon;
    s->weight_decay = fmaxf(o->weight_decay, 0.0f);
    s->momentum = o->momentum;
}
