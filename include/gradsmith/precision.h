// Precision of training and of prediction: Keras's dtype policies. docs/precision.md says what is rounded where.
#ifndef GRADSMITH_PRECISION_H
#define GRADSMITH_PRECISION_H

#include <gradsmith/status.h>

#ifdef __cplusplus
extern "C" {
#endif

// X(constant, value, name)
// clang-format off
#define GS_PRECISION_MAP(X)                                   \
    X(GS_PRECISION_DEFAULT,         0, "")                    \
    X(GS_PRECISION_FLOAT32,         1, "float32")             \
    X(GS_PRECISION_MIXED_FLOAT16,   2, "mixed_float16")       \
    X(GS_PRECISION_MIXED_BFLOAT16,  3, "mixed_bfloat16")
// clang-format on
// Mixed: weights, their updates, sums, losses and results are float32; the factors of matrix products are rounded to
// float16 or bfloat16. Devices with matrix units for these types are faster by it.
typedef enum gs_precision {
#define GS_PRECISION_ENUM(name, value, text) name = (value),
    GS_PRECISION_MAP(GS_PRECISION_ENUM)
#undef GS_PRECISION_ENUM
} gs_precision;

// Finds a precision by its name. Errors: GS_ERR_ARGUMENT for an unknown name.
GS_API gs_status gs_precision_parse(const char *name, gs_precision *precision);
// "mixed_float16". Never NULL.
GS_API const char *gs_precision_name(gs_precision precision);

#ifdef __cplusplus
}
#endif
#endif
