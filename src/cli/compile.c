#include "compile.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const optimizers[] = {
#define NAME(constant, value, name, class_name) name,
    GS_OPTIMIZER_MAP(NAME)
#undef NAME
        NULL,
};
static const char *const losses[] = {
#define NAME(constant, value, name, class_name) name,
    GS_LOSS_MAP(NAME)
#undef NAME
        "mse",
    "mae",
    "kld",
    "logcosh",
    NULL,
};
static const char *const metrics[] = {
#define NAME(constant, value, name) name,
    GS_METRIC_MAP(NAME)
#undef NAME
        "top_k",
    "mse",
    "mae",
    "f1",
    "r2",
    NULL,
};

// The first of `known` is the empty name of the default.
static int unknown_name(const char *option, const char *name, const char *const *known) {
    char list[640] = "";
    size_t length = 0;
    for (size_t i = 1; known[i] != NULL && length < sizeof list; i++)
        length += (size_t)snprintf(list + length, sizeof list - length, "%s%s", i > 1 ? ", " : "", known[i]);
    const char *closest = cli_closest(name, known + 1);
    if (closest != NULL)
        return cli_misuse("train", "--%s: unknown name \"%s\"; did you mean %s? Known: %s", option, name, closest,
                          list);
    return cli_misuse("train", "--%s: unknown name \"%s\"; known: %s", option, name, list);
}

// "NAME:VALUE": cuts off the value. NULL: there is none.
static char *split_value(char *text) {
    char *colon = strchr(text, ':');
    if (colon == NULL) return NULL;
    *colon = 0;
    return colon + 1;
}

// FIELD=VALUE of a loss; false: no such thing.
static bool set_loss_field(char *word, gs_loss *loss) {
    const struct {
        const char *name;
        float *number;
    } numbers[] = {{"delta", &loss->delta},
                   {"label_smoothing", &loss->label_smoothing},
                   {"gamma", &loss->gamma},
                   {"alpha", &loss->alpha}};
    char *value = strchr(word, '='), *end;
    if (value == NULL) {
        loss->class_balancing = strcmp(word, "class_balancing") == 0;
        return loss->class_balancing;
    }
    *value++ = 0;
    if (strcmp(word, "ignore_class") == 0) {
        long class = strtol(value, &end, 10);
        loss->ignores = true;
        loss->ignore_class = (int32_t) class;
        return end != value && *end == 0 && class >= INT32_MIN && class <= INT32_MAX;
    }
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        if (strcmp(word, numbers[i].name) != 0) continue;
        double number = strtod(value, &end);
        *numbers[i].number = number == 0 && strcmp(word, "gamma") == 0 ? -1.0F : (float)number;
        return end != value && *end == 0 && isfinite(number) && number >= 0;
    }
    return false;
}

// NAME[:FIELD=VALUE...]; huber:DELTA too.
static int parse_loss(const char *text, gs_loss *loss) {
    char name[160];
    snprintf(name, sizeof name, "%s", text);
    char *field = split_value(name);
    if (gs_loss_parse(name, loss) != GS_OK) return unknown_name("loss", name, losses);
    if (field != NULL && loss->kind == GS_LOSS_HUBER && strchr(field, '=') == NULL) {
        char *end;
        loss->delta = strtof(field, &end);
        if (end == field || *end != 0 || !isfinite(loss->delta) || loss->delta <= 0)
            return cli_misuse("train", "--loss: expected NAME, or huber:DELTA with DELTA above 0, found \"%s\"", text);
        return CLI_OK;
    }
    while (field != NULL) {
        char *next = split_value(field);
        if (!set_loss_field(field, loss))
            return cli_misuse("train",
                              "--loss: expected NAME[:FIELD=VALUE...] with the fields delta, label_smoothing, "
                              "ignore_class, gamma, alpha, class_balancing, found \"%s\"",
                              text);
        field = next;
    }
    return CLI_OK;
}

static int parse_metric(char *name, gs_metric *metric) {
    const char *k = split_value(name);
    if (gs_metric_parse(name, metric) != GS_OK) return unknown_name("metrics", name, metrics);
    if (k == NULL) return CLI_OK;
    char *end;
    unsigned long value = strtoul(k, &end, 10);
    if (metric->kind != GS_METRIC_TOP_K || k[0] < '0' || k[0] > '9' || *end != 0 || value < 1 || value > 1000000)
        return cli_misuse("train", "--metrics: expected NAME, or top_k:K with K from 1 to 1000000, found \"%s:%s\"",
                          name, k);
    metric->k = (uint32_t)value;
    return CLI_OK;
}

// A list with commas; "none" is a list of its own.
static int parse_metrics(const char *text, gs_compile_params *params) {
    if (strcmp(text, "none") == 0) {
        params->no_metrics = true;
        return CLI_OK;
    }
    for (uint32_t count = 0;; count++) {
        char name[64];
        size_t length = strcspn(text, ",");
        snprintf(name, sizeof name, "%.*s", (int)(length < sizeof name ? length : sizeof name), text);
        if (count == GS_MAX_METRICS) return cli_misuse("train", "--metrics: at most %d can be kept", GS_MAX_METRICS);
        int code = parse_metric(name, &params->metrics[count]);
        if (code != CLI_OK) return code;
        if (text[length] == 0) return CLI_OK;
        text += length + 1;
    }
}

static int parse_schedule(const char *text, gs_schedule *schedule) {
    char message[400] = "";
    if (gs_schedule_parse(text, schedule, message, sizeof message) == GS_OK) return CLI_OK;
    return cli_misuse("train", "--schedule: %s", message);
}

int cli_precision_parse(const char *command, const char *name, gs_precision *precision) {
    *precision = GS_PRECISION_DEFAULT;
    if (name == NULL || gs_precision_parse(name, precision) == GS_OK) return CLI_OK;
    return cli_misuse(command, "--precision: unknown name \"%s\"; known: float32, mixed_float16, mixed_bfloat16", name);
}

int cli_precision_apply(gs_precision precision, gs_context *context, gs_model *model) {
    if (precision == GS_PRECISION_DEFAULT) return CLI_OK;
    if (gs_model_compile(model, &(gs_compile_params){.precision = precision}) == GS_OK) return CLI_OK;
    return cli_fail_context(context, NULL);
}

int cli_compile_parse(const cli_compile *options, gs_compile_params *params) {
    *params = (gs_compile_params){0};
    gs_schedule ignored; // cli_compile_apply reads it again; here it is only checked, before anything is opened
    if (options->schedule != NULL && parse_schedule(options->schedule, &ignored) != CLI_OK) return CLI_USAGE;
    if (!isnan(options->clipnorm) + !isnan(options->global_clipnorm) + !isnan(options->clipvalue) > 1)
        return cli_misuse("train", "--clipnorm, --global-clipnorm and --clipvalue exclude each other");
    if (options->optimizer != NULL && gs_optimizer_parse(options->optimizer, &params->optimizer) != GS_OK)
        return unknown_name("optimizer", options->optimizer, optimizers);
    int code = CLI_OK;
    if (options->loss != NULL) code = parse_loss(options->loss, &params->loss);
    if (code == CLI_OK) code = cli_precision_parse("train", options->precision, &params->precision);
    if (!isnan(options->loss_scale)) params->loss_scale = (float)options->loss_scale;
    params->loss_scale_growth = (uint32_t)options->loss_scale_growth;
    if (code == CLI_OK && options->metrics != NULL) code = parse_metrics(options->metrics, params);
    return code;
}

// In a gs_optimizer zero means the default and a negative value an exact zero.
static void set(float *field, double value) {
    if (!isnan(value)) *field = value == 0 ? -1.0F : (float)value;
}

// Does the kind have this option? Says so when not.
static int check_option(const gs_optimizer *optimizer, const char *option, bool given, unsigned kinds) {
    if (!given || (kinds >> optimizer->kind & 1U) != 0) return CLI_OK;
    return cli_misuse("train", "--%s: %s has no such thing", option, gs_optimizer_name(optimizer->kind));
}

int cli_compile_apply(const cli_compile *options, const gs_compile_params *params, gs_context *context,
                      gs_model *model) {
    gs_compile_params whole = *params;
    if (gs_model_compile(model, &whole) != GS_OK) return cli_fail_context(context, NULL);
    // The optimizer in force has the model's own kind and values where the options are silent.
    gs_compile_params in_force;
    gs_model_get_compile(model, &in_force);
    gs_optimizer *optimizer = &in_force.optimizer;
    enum { SGD = 1 << GS_OPTIMIZER_SGD, RMSPROP = 1 << GS_OPTIMIZER_RMSPROP };
    enum { ADAMS = 1 << GS_OPTIMIZER_ADAM | 1 << GS_OPTIMIZER_ADAMW };
    enum { BETAS = ADAMS | 1 << GS_OPTIMIZER_ADAMAX | 1 << GS_OPTIMIZER_NADAM | 1 << GS_OPTIMIZER_LION };
    enum { ANY = (1 << (GS_OPTIMIZER_ADAFACTOR + 1)) - 1 };
    const struct {
        const char *option;
        bool given;
        unsigned kinds;
    } checks[] = {
        {"momentum", !isnan(options->momentum), SGD | RMSPROP},
        {"nesterov", options->nesterov, SGD},
        {"beta1", !isnan(options->beta1), BETAS},
        {"beta2", !isnan(options->beta2), BETAS},
        {"rho", !isnan(options->rho), RMSPROP | 1 << GS_OPTIMIZER_ADADELTA},
        {"epsilon", !isnan(options->epsilon), ANY & ~SGD & ~(1 << GS_OPTIMIZER_LION)},
        {"paper-epsilon", options->paper_epsilon, ADAMS},
    };
    for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++) {
        int code = check_option(optimizer, checks[i].option, checks[i].given, checks[i].kinds);
        if (code != CLI_OK) return code;
    }
    set(&optimizer->learning_rate, options->learning_rate);
    set(&optimizer->momentum, options->momentum);
    set(&optimizer->beta1, options->beta1);
    set(&optimizer->beta2, options->beta2);
    set(&optimizer->rho, options->rho);
    set(&optimizer->epsilon, options->epsilon);
    set(&optimizer->weight_decay, options->weight_decay);
    if (options->schedule != NULL && parse_schedule(options->schedule, &optimizer->schedule) != CLI_OK)
        return CLI_USAGE;
    if (!isnan(options->clipnorm) || !isnan(options->global_clipnorm) || !isnan(options->clipvalue)) {
        optimizer->clipnorm = isnan(options->clipnorm) ? 0.0F : (float)options->clipnorm;
        optimizer->global_clipnorm = isnan(options->global_clipnorm) ? 0.0F : (float)options->global_clipnorm;
        optimizer->clipvalue = isnan(options->clipvalue) ? 0.0F : (float)options->clipvalue;
    }
    if (options->accumulate > 0) optimizer->accumulate = (uint32_t)options->accumulate;
    if (!isnan(options->ema)) optimizer->use_ema = true;
    set(&optimizer->ema_momentum, options->ema);
    if (options->nesterov) optimizer->nesterov = true;
    if (options->paper_epsilon) optimizer->paper_epsilon = true;
    whole.optimizer = *optimizer;
    if (gs_model_compile(model, &whole) != GS_OK) return cli_fail_context(context, NULL);
    return CLI_OK;
}
