// Initial weights, as Keras 3's initializers make them (keras/src/initializers/random_initializers.py).
#include "base/rng.h"
#include "model/layer.h"

#include <math.h>
#include <string.h>

static const char *const names[] = {
#define ENTRY(constant, value, text) [constant] = text,
    GS_INITIALIZER_MAP(ENTRY)
#undef ENTRY
};
enum { KIND_COUNT = sizeof names / sizeof names[0], CLASS_NAME_BYTES = 32 };

// "glorot_uniform" -> "GlorotUniform".
static void class_name_of(const char *name, char out[CLASS_NAME_BYTES]) {
    size_t used = 0;
    bool begin = true;
    for (; *name && used + 1 < CLASS_NAME_BYTES; name++) {
        if (*name == '_') {
            begin = true;
            continue;
        }
        out[used++] = begin && *name >= 'a' && *name <= 'z' ? (char)(*name - 'a' + 'A') : *name;
        begin = false;
    }
    out[used] = 0;
}

static bool find(const char *name, gs_initializer_kind *kind) {
    for (int i = 1; i < KIND_COUNT; i++) {
        char class_name[CLASS_NAME_BYTES];
        class_name_of(names[i], class_name);
        if (strcmp(name, names[i]) == 0 || strcmp(name, class_name) == 0) {
            *kind = (gs_initializer_kind)i;
            return true;
        }
    }
    return false;
}

static bool is_uniform(gs_initializer_kind kind) {
    return kind == GS_INITIALIZER_RANDOM_UNIFORM || kind == GS_INITIALIZER_GLOROT_UNIFORM ||
           kind == GS_INITIALIZER_HE_UNIFORM || kind == GS_INITIALIZER_LECUN_UNIFORM;
}

static bool is_random(gs_initializer_kind kind) {
    return kind >= GS_INITIALIZER_RANDOM_UNIFORM;
}

// JSON numbers are doubles.
static const uint64_t max_seed = UINT64_C(1) << 53;

gs_status gs__initializer_check(gs__error *error, const gs_initializer *i, const char *what) {
    if ((int)i->kind < 0 || (int)i->kind >= KIND_COUNT)
        return gs__fail(error, GS_ERR_ARGUMENT, "%s: kind %d is not one of gs_initializer_kind", what, (int)i->kind);
    if (!isfinite(i->a) || !isfinite(i->b))
        return gs__fail(error, GS_ERR_ARGUMENT, "%s %s: its values %g and %g must be finite", what, names[i->kind],
                        (double)i->a, (double)i->b);
    if (i->kind == GS_INITIALIZER_RANDOM_UNIFORM && i->a > i->b)
        return gs__fail(error, GS_ERR_ARGUMENT, "%s random_uniform: minval %g is above maxval %g", what, (double)i->a,
                        (double)i->b);
    if ((i->kind == GS_INITIALIZER_RANDOM_NORMAL || i->kind == GS_INITIALIZER_TRUNCATED_NORMAL) && i->b < 0.0f)
        return gs__fail(error, GS_ERR_ARGUMENT, "%s %s: stddev %g is negative", what, names[i->kind], (double)i->b);
    if (i->has_seed && i->seed > max_seed)
        return gs__fail(error, GS_ERR_ARGUMENT, "%s %s: seed %llu is above 2^53", what, names[i->kind],
                        (unsigned long long)i->seed);
    return GS_OK;
}

static gs_status read_config(gs__json *json, const cJSON *config, gs_initializer *out) {
    static const char *const keys[] = {"seed", "value", "minval", "maxval", "mean", "stddev", "gain", NULL};
    gs_status status = GS_OK;
    GS_TRY(gs__json_refuse_others(json, config, keys));
    if (gs__json_find(config, "seed")) {
        GS_TRY(gs__json_get_uint(json, config, "seed", GS__JSON_REQUIRED, 0, max_seed, &out->seed));
        out->has_seed = true;
    }
    bool zero_means_default = true;
    switch (out->kind) {
    case GS_INITIALIZER_CONSTANT:
        GS_TRY(gs__json_get_float(json, config, "value", GS__JSON_OPTIONAL, &out->a));
        zero_means_default = false;
        break;
    case GS_INITIALIZER_RANDOM_UNIFORM:
        out->a = -0.05f;
        out->b = 0.05f;
        GS_TRY(gs__json_get_float(json, config, "minval", GS__JSON_OPTIONAL, &out->a));
        GS_TRY(gs__json_get_float(json, config, "maxval", GS__JSON_OPTIONAL, &out->b));
        break;
    case GS_INITIALIZER_RANDOM_NORMAL:
    case GS_INITIALIZER_TRUNCATED_NORMAL:
        out->b = 0.05f;
        GS_TRY(gs__json_get_float(json, config, "mean", GS__JSON_OPTIONAL, &out->a));
        GS_TRY(gs__json_get_float(json, config, "stddev", GS__JSON_OPTIONAL, &out->b));
        break;
    case GS_INITIALIZER_ORTHOGONAL:
        out->a = 1.0f;
        GS_TRY(gs__json_get_float(json, config, "gain", GS__JSON_OPTIONAL, &out->a));
        break;
    default:
        return GS_OK;
    }
    // All drawn numbers are 0, and both zero would mean the defaults.
    if (zero_means_default && out->a == 0.0f && out->b == 0.0f) *out = (gs_initializer){.kind = GS_INITIALIZER_ZEROS};
fail:
    return status;
}

gs_status gs__initializer_from_json(gs__json *json, const cJSON *config, const char *key, gs_initializer *out) {
    gs_status status = GS_OK;
    const cJSON *item = gs__json_find(config, key), *inner = NULL;
    const char *name = NULL;
    *out = (gs_initializer){0};
    if (!item) return GS_OK;
    bool is_object = cJSON_IsObject(item);
    if (is_object) GS_TRY(gs__json_get_string(json, item, "class_name", GS__JSON_REQUIRED, &name));
    else GS_TRY(gs__json_as_string(json, item, &name));
    if (!find(name, &out->kind)) {
        char shown[40];
        return gs__json_fail(json, item, GS_ERR_UNSUPPORTED,
                             "initializer \"%s\" is not supported; known are zeros, ones, constant, random_uniform, "
                             "random_normal, truncated_normal, orthogonal, glorot_, he_ and lecun_uniform and _normal",
                             gs__text_show(name, shown, sizeof shown));
    }
    if (is_object) GS_TRY(gs__json_get_object(json, item, "config", GS__JSON_OPTIONAL, &inner));
    if (inner) {
        GS_TRY(read_config(json, inner, out));
        gs__error problem;
        status = gs__initializer_check(&problem, out, key);
        if (status != GS_OK) return gs__json_fail(json, item, GS_ERR_FORMAT, "%s", problem.message);
    }
fail:
    return status;
}

// Values of the kinds that take some.
static void values_of(const gs_initializer *i, gs_initializer_kind kind, float *a, float *b) {
    bool given = i->a != 0.0f || i->b != 0.0f;
    *a = i->a;
    *b = i->b;
    if (given || kind == GS_INITIALIZER_CONSTANT) return;
    if (kind == GS_INITIALIZER_ORTHOGONAL) {
        *a = 1.0f;
        return;
    }
    *a = kind == GS_INITIALIZER_RANDOM_UNIFORM ? -0.05f : 0.0f;
    *b = 0.05f;
}

void gs__initializer_to_json(gs__text *text, const gs_initializer *i, gs_initializer_kind fallback) {
    gs_initializer_kind kind = i->kind == GS_INITIALIZER_DEFAULT ? fallback : i->kind;
    char class_name[CLASS_NAME_BYTES];
    float a, b;
    class_name_of(names[kind], class_name);
    values_of(i, kind, &a, &b);
    gs__text_append(text, "{\"module\": \"keras.initializers\", \"class_name\": \"%s\", \"config\": {", class_name);
    if (kind == GS_INITIALIZER_CONSTANT) {
        gs__text_append(text, "\"value\": ");
        gs__text_append_float(text, a);
    }
    if (is_random(kind)) {
        if (i->has_seed) gs__text_append(text, "\"seed\": %llu", (unsigned long long)i->seed);
        else gs__text_append(text, "\"seed\": null");
    }
    if (kind >= GS_INITIALIZER_RANDOM_UNIFORM && kind <= GS_INITIALIZER_TRUNCATED_NORMAL) {
        bool uniform = kind == GS_INITIALIZER_RANDOM_UNIFORM;
        gs__text_append(text, uniform ? ", \"minval\": " : ", \"mean\": ");
        gs__text_append_float(text, a);
        gs__text_append(text, uniform ? ", \"maxval\": " : ", \"stddev\": ");
        gs__text_append_float(text, b);
    }
    if (kind == GS_INITIALIZER_ORTHOGONAL) {
        gs__text_append(text, ", \"gain\": ");
        gs__text_append_float(text, a);
    }
    gs__text_append(text, "}, \"registered_name\": null}");
}

static void fans(const gs_shape *shape, double *fan_in, double *fan_out) {
    if (shape->rank < 2) {
        *fan_in = *fan_out = shape->rank ? (double)shape->dim[0] : 1.0;
        return;
    }
    double field = 1.0; // of a convolution
    for (uint32_t i = 0; i + 2 < shape->rank; i++) field *= (double)shape->dim[i];
    *fan_in = field * (double)shape->dim[shape->rank - 2];
    *fan_out = field * (double)shape->dim[shape->rank - 1];
}

// 2 (scale) over fan-in, 1 over fan-in, or 1 over the mean of both fans.
static double variance_of(gs_initializer_kind kind, const gs_shape *shape) {
    double fan_in, fan_out;
    fans(shape, &fan_in, &fan_out);
    if (kind == GS_INITIALIZER_GLOROT_UNIFORM || kind == GS_INITIALIZER_GLOROT_NORMAL)
        return 1.0 / fmax(1.0, (fan_in + fan_out) / 2.0);
    bool he = kind == GS_INITIALIZER_HE_UNIFORM || kind == GS_INITIALIZER_HE_NORMAL;
    return (he ? 2.0 : 1.0) / fmax(1.0, fan_in);
}

static double truncated_normal(gs__rng *rng) {
    double z;
    do z = gs__rng_normal(rng);
    while (fabs(z) > 2.0);
    return z;
}

// Orthonormal rows or columns, whichever are fewer, times the gain: normal numbers, made orthogonal to those before
// (Gram and Schmidt, twice). The distribution is that of Keras's QR decomposition.
static void fill_orthogonal(gs__rng *rng, const gs_shape *shape, double gain, float *values, uint64_t count) {
    const uint64_t columns = shape->rank ? (uint64_t)shape->dim[shape->rank - 1] : 1, rows = count / columns;
    const bool wide = columns > rows; // vectors are the rows
    const uint64_t vectors = wide ? rows : columns, length = wide ? columns : rows;
    const uint64_t next = wide ? columns : 1, step = wide ? 1 : columns; // vector to vector, element to element
    for (uint64_t k = 0; k < count; k++) values[k] = (float)gs__rng_normal(rng);
    for (uint64_t v = 0; v < vectors; v++) {
        float *own = values + v * next;
        for (int pass = 0; pass < 2; pass++)
            for (uint64_t w = 0; w < v; w++) {
                const float *other = values + w * next;
                double dot = 0;
                for (uint64_t k = 0; k < length; k++) dot += (double)own[k * step] * (double)other[k * step];
                for (uint64_t k = 0; k < length; k++) own[k * step] -= (float)(dot * (double)other[k * step]);
            }
        double norm = 0;
        for (uint64_t k = 0; k < length; k++) norm += (double)own[k * step] * (double)own[k * step];
        for (uint64_t k = 0; k < length; k++) own[k * step] = (float)((double)own[k * step] / sqrt(norm));
    }
    for (uint64_t k = 0; k < count; k++) values[k] = (float)(gain * (double)values[k]);
}

void gs__initializer_fill(const gs_initializer *i, gs_initializer_kind fallback, const gs_shape *shape, uint64_t seed,
                          uint64_t stream, float *values, uint64_t count) {
    gs_initializer_kind kind = i->kind == GS_INITIALIZER_DEFAULT ? fallback : i->kind;
    float a_value, b_value;
    values_of(i, kind, &a_value, &b_value);
    if (!is_random(kind)) {
        float value = kind == GS_INITIALIZER_ZEROS ? 0.0f : kind == GS_INITIALIZER_ONES ? 1.0f : a_value;
        for (uint64_t k = 0; k < count; k++) values[k] = value;
        return;
    }
    gs__rng rng;
    gs__rng_init(&rng, i->has_seed ? i->seed : seed, i->has_seed ? 0 : stream);
    double a = gs__decimal(a_value), b = gs__decimal(b_value);
    if (kind == GS_INITIALIZER_ORTHOGONAL) {
        fill_orthogonal(&rng, shape, a, values, count);
        return;
    }
    if (kind >= GS_INITIALIZER_GLOROT_UNIFORM) {
        double variance = variance_of(kind, shape);
        // The standard deviation of a normal distribution that is cut off at 2 is 0.8796...
        b = is_uniform(kind) ? sqrt(3.0 * variance) : sqrt(variance) / 0.87962566103423978;
        a = is_uniform(kind) ? -b : 0.0;
    }
    for (uint64_t k = 0; k < count; k++) {
        if (is_uniform(kind)) values[k] = (float)(a + (b - a) * gs__rng_uniform(&rng));
        else if (kind == GS_INITIALIZER_RANDOM_NORMAL) values[k] = (float)(a + b * gs__rng_normal(&rng));
        else values[k] = (float)(a + b * truncated_normal(&rng));
    }
}
