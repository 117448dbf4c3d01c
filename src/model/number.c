// Numbers and shapes as text: decimals that read back exactly, and the words of the short form.
#include "model/layer.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Writes the shortest decimal that gives `value` again, with the locale's decimal point.
static void shortest(float value, char *buffer, size_t buffer_bytes) {
    for (int digits = 6; digits <= 9; digits++) {
        snprintf(buffer, buffer_bytes, "%.*g", digits, (double)value);
        if (strtof(buffer, NULL) == value) return;
    }
}

double gs__decimal(float value) {
    char buffer[32];
    if (!isfinite(value)) return (double)value;
    shortest(value, buffer, sizeof buffer);
    return strtod(buffer, NULL);
}

void gs__text_append_float(gs__text *text, float value) {
    char buffer[32];
    if (!isfinite(value)) {
        gs__text_append(text, "null");
        return;
    }
    shortest(value, buffer, sizeof buffer);
    for (char *c = buffer; *c; c++)
        if (!strchr("+-0123456789e", *c)) *c = '.';
    // Keras tells integers and floats apart.
    gs__text_append(text, "%s%s", buffer, strpbrk(buffer, ".e") ? "" : ".0");
}

gs_status gs__word_count(gs__error *error, uint32_t count, uint32_t min, uint32_t max, const char *form) {
    if (count >= min && count <= max) return GS_OK;
    return gs__fail(error, GS_ERR_ARGUMENT, "expected %s", form);
}

gs_status gs__word_uint(gs__error *error, const char *word, const char *what, uint64_t min, uint64_t max,
                        uint64_t *value) {
    uint64_t number = 0;
    const char *c = word;
    for (; *c >= '0' && *c <= '9' && number <= max; c++) number = 10 * number + (uint64_t)(*c - '0');
    if (c == word || *c || number < min || number > max) {
        char shown[40];
        return gs__fail(error, GS_ERR_ARGUMENT, "%s \"%s\" must be an integer from %llu to %llu", what,
                        gs__text_show(word, shown, sizeof shown), (unsigned long long)min, (unsigned long long)max);
    }
    *value = number;
    return GS_OK;
}

// Not strtod: its decimal point is the locale's. Exact for up to 15 digits and small exponents.
gs_status gs__word_float(gs__error *error, const char *word, const char *what, float *value) {
    const char *c = word;
    bool negative = *c == '-';
    double mantissa = 0;
    int exponent = 0, digits = 0;
    if (*c == '-' || *c == '+') c++;
    for (; *c >= '0' && *c <= '9'; c++, digits++) mantissa = 10 * mantissa + (*c - '0');
    if (*c == '.')
        for (c++; *c >= '0' && *c <= '9'; c++, digits++, exponent--) mantissa = 10 * mantissa + (*c - '0');
    if (digits && digits < 40 && (*c == 'e' || *c == 'E')) {
        const char *begin = ++c;
        int sign = *c == '-' ? -1 : 1, power = 0;
        if (*c == '-' || *c == '+') begin = ++c;
        for (; *c >= '0' && *c <= '9' && power < 1000; c++) power = 10 * power + (*c - '0');
        if (c == begin) digits = 0;
        exponent += sign * power;
    }
    double number = exponent < 0 ? mantissa / pow(10, -exponent) : mantissa * pow(10, exponent);
    if (!digits || digits >= 40 || *c || !isfinite((float)number)) {
        char shown[40];
        return gs__fail(error, GS_ERR_ARGUMENT, "%s \"%s\" is not a number", what,
                        gs__text_show(word, shown, sizeof shown));
    }
    *value = (float)(negative ? -number : number);
    return GS_OK;
}

gs_status gs__word_shape(gs__error *error, const char *word, bool inferred, gs_shape *shape) {
    *shape = (gs_shape){0};
    const char *c = word;
    for (;;) {
        int64_t size = 0;
        const char *begin = c;
        if (inferred && c[0] == '-' && c[1] == '1') {
            size = -1;
            c += 2;
        } else {
            for (; *c >= '0' && *c <= '9' && size <= INT32_MAX; c++) size = 10 * size + (*c - '0');
        }
        if (c == begin || size == 0 || size > INT32_MAX || (*c && *c != 'x' && *c != ',')) {
            char shown[40];
            return gs__fail(error, GS_ERR_ARGUMENT, "\"%s\" is not a shape such as 784, 28x28 or 28,28",
                            gs__text_show(word, shown, sizeof shown));
        }
        if (shape->rank == GS_MAX_RANK - 1)
            return gs__fail(error, GS_ERR_ARGUMENT, "a shape of more than %d dimensions is not supported",
                            GS_MAX_RANK - 1);
        shape->dim[shape->rank++] = size;
        if (!*c++) return GS_OK;
    }
}
