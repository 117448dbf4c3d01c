// Precision by name, and the loss scale of mixed_float16.
#include "model/model.h"

#include <math.h>
#include <string.h>

static const char *const names[] = {
#define ENTRY(constant, value, text) [constant] = text,
    GS_PRECISION_MAP(ENTRY)
#undef ENTRY
};
enum { COUNT = sizeof names / sizeof names[0] };

const char *gs_precision_name(gs_precision precision) {
    return (int)precision >= 0 && (int)precision < COUNT ? names[precision] : "";
}

gs_status gs__precision_parse(gs__error *error, const char *name, gs_precision *precision) {
    for (int i = 1; i < COUNT; i++)
        if (strcmp(name, names[i]) == 0) {
            *precision = (gs_precision)i;
            return GS_OK;
        }
    char shown[40];
    return gs__fail(error, GS_ERR_ARGUMENT,
                    "unknown precision \"%s\"; known are float32, mixed_float16, mixed_bfloat16",
                    gs__text_show(name, shown, sizeof shown));
}

gs_status gs_precision_parse(const char *name, gs_precision *precision) {
    return name && precision ? gs__precision_parse(NULL, name, precision) : GS_ERR_ARGUMENT;
}

gs_status gs__precision_check(gs__error *error, gs_compile_params *p) {
    if ((int)p->precision < 0 || (int)p->precision >= COUNT)
        return gs__fail(error, GS_ERR_ARGUMENT, "precision %d is not one of gs_precision", (int)p->precision);
    if (p->precision == GS_PRECISION_DEFAULT) p->precision = GS_PRECISION_FLOAT32;
    if (p->precision != GS_PRECISION_MIXED_FLOAT16) {
        p->loss_scale = 0;
        p->loss_scale_growth = 0;
        return GS_OK;
    }
    if (p->loss_scale == 0.0f) p->loss_scale = 0x1p15f;
    if (!p->loss_scale_growth) p->loss_scale_growth = 2000;
    int log2;
    if (frexpf(p->loss_scale, &log2) == 0.5f && log2 - 1 >= -GS_LOSS_SCALE_LIMIT && log2 - 1 <= GS_LOSS_SCALE_LIMIT)
        return GS_OK;
    return gs__fail(error, GS_ERR_ARGUMENT, "loss scale %g: expected a power of two from 2^-%d to 2^%d, as 32768",
                    (double)p->loss_scale, GS_LOSS_SCALE_LIMIT, GS_LOSS_SCALE_LIMIT);
}

void gs__precision_settings(const gs_compile_params *p, struct gs_settings *s) {
    int log2 = 1;
    if (p->loss_scale > 0.0f) frexpf(p->loss_scale, &log2);
    s->loss_scale_log2 = log2 - 1;
    s->loss_scale_growth = p->loss_scale_growth;
}
