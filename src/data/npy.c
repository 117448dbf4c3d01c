// NumPy's format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
#include "base/file.h"
#include "base/text.h"
#include "context/context.h"
#include "data/data.h"
#include "tensor/shape.h"

#include <stdio.h>
#include <string.h>

static const unsigned char magic[6] = {0x93, 'N', 'U', 'M', 'P', 'Y'};

// --- reading -----------------------------------------------------------------------------------------------------

// The header is a Python dictionary: {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }
typedef struct cursor {
    gs__error *error;
    const char *name;
    const char *begin, *at, *end;
    uint64_t offset; // of begin, in the file
} cursor;

static gs_status fail_header(const cursor *c, const char *expected) {
    return gs__fail(c->error, GS_ERR_FORMAT, "%s: damaged npy header at offset %llu: expected %s", c->name,
                    (unsigned long long)(c->offset + (uint64_t)(c->at - c->begin)), expected);
}

static void skip_space(cursor *c) {
    while (c->at < c->end && (*c->at == ' ' || *c->at == '\n' || *c->at == '\t' || *c->at == '\r')) c->at++;
}

static bool accept(cursor *c, char wanted) {
    skip_space(c);
    if (c->at == c->end || *c->at != wanted) return false;
    c->at++;
    return true;
}

static gs_status read_string(cursor *c, char *to, size_t to_bytes) {
    skip_space(c);
    if (c->at == c->end || (*c->at != '\'' && *c->at != '"')) return fail_header(c, "a string");
    char quote = *c->at;
    const char *begin = ++c->at, *close = memchr(begin, quote, (size_t)(c->end - begin));
    if (!close || (size_t)(close - begin) >= to_bytes) return fail_header(c, "a short string");
    memcpy(to, begin, (size_t)(close - begin));
    to[close - begin] = 0;
    c->at = close + 1;
    return GS_OK;
}

static gs_status read_bool(cursor *c, bool *value) {
    skip_space(c);
    size_t left = (size_t)(c->end - c->at);
    if (left >= 4 && memcmp(c->at, "True", 4) == 0) {
        *value = true;
        c->at += 4;
        return GS_OK;
    }
    if (left >= 5 && memcmp(c->at, "False", 5) == 0) {
        *value = false;
        c->at += 5;
        return GS_OK;
    }
    return fail_header(c, "True or False");
}

static gs_status read_shape(cursor *c, gs_shape *shape) {
    shape->rank = 0;
    if (!accept(c, '(')) return fail_header(c, "(");
    while (!accept(c, ')')) {
        if (shape->rank == GS_MAX_RANK) return fail_header(c, "at most 6 dimensions");
        int64_t value = 0;
        const char *first = c->at;
        while (c->at < c->end && *c->at >= '0' && *c->at <= '9') {
            if (value > INT64_MAX / 10 - 10) return fail_header(c, "a smaller dimension");
            value = value * 10 + (*c->at++ - '0');
        }
        if (c->at == first) return fail_header(c, "a dimension or )");
        if (c->at < c->end && *c->at == 'L') c->at++; // written by Python 2
        shape->dim[shape->rank++] = value;
        skip_space(c);
        if (!accept(c, ',') && (c->at == c->end || *c->at != ')')) return fail_header(c, ", or )");
    }
    return GS_OK;
}

static gs_status read_descr(cursor *c, gs__layout *layout) {
    static const struct {
        const char *code;
        gs__element element;
    } types[] = {{"f4", GS__ELEMENT_F32}, {"f8", GS__ELEMENT_F64}, {"u1", GS__ELEMENT_U8},  {"b1", GS__ELEMENT_BOOL},
                 {"i1", GS__ELEMENT_I8},  {"i2", GS__ELEMENT_I16}, {"i4", GS__ELEMENT_I32}, {"i8", GS__ELEMENT_I64},
                 {"u2", GS__ELEMENT_U16}, {"u4", GS__ELEMENT_U32}, {"u8", GS__ELEMENT_U64}, {"f2", GS__ELEMENT_F16}};
    char descr[16], shown[16];
    skip_space(c);
    if (c->at < c->end && *c->at == '[')
        return gs__fail(c->error, GS_ERR_FORMAT, "%s: its elements are records; an array of numbers is needed",
                        c->name);
    gs_status status = read_string(c, descr, sizeof descr);
    if (status != GS_OK) return status;
    layout->big_endian = descr[0] == '>';
    if (descr[0] && strchr("<>|=", descr[0]))
        for (size_t i = 0; i < sizeof types / sizeof *types; i++)
            if (strcmp(descr + 1, types[i].code) == 0) {
                layout->element = types[i].element;
                return GS_OK;
            }
    return gs__fail(
        c->error, GS_ERR_FORMAT,
        "%s: elements of type '%s' are not supported: save float16 to float64, bool, uint8 to uint64 or int8 to int64, "
        "e.g. with x.astype('float32')",
        c->name, gs__text_show(descr, shown, sizeof shown));
}

static gs_status read_header(cursor *c, gs__layout *layout) {
    unsigned seen = 0;
    gs_status status;
    if (!accept(c, '{')) return fail_header(c, "{");
    while (!accept(c, '}')) {
        char key[24];
        unsigned bit;
        GS_TRY(read_string(c, key, sizeof key));
        if (!accept(c, ':')) return fail_header(c, ":");
        if (strcmp(key, "descr") == 0) {
            bit = 1;
            GS_TRY(read_descr(c, layout));
        } else if (strcmp(key, "fortran_order") == 0) {
            bit = 2;
            GS_TRY(read_bool(c, &layout->fortran));
        } else if (strcmp(key, "shape") == 0) {
            bit = 4;
            GS_TRY(read_shape(c, &layout->shape));
        } else {
            return fail_header(c, "'descr', 'fortran_order' or 'shape' only");
        }
        if (seen & bit) return fail_header(c, "each key once");
        seen |= bit;
        skip_space(c);
        if (!accept(c, ',') && (c->at == c->end || *c->at != '}')) return fail_header(c, ", or }");
    }
    if (seen != 7) return fail_header(c, "'descr', 'fortran_order' and 'shape'");
    skip_space(c);
    return c->at == c->end ? GS_OK : fail_header(c, "only spaces after }");
fail:
    return status;
}

gs_status gs__npy_parse(gs__error *error, const char *name, const void *data, size_t bytes, gs__array_use use,
                        gs__array *array) {
    const unsigned char *from = data;
    gs__layout layout = {0};
    if (bytes < 10 || memcmp(from, magic, sizeof magic) != 0) {
        if (bytes < 10 && memcmp(from, magic, bytes < 6 ? bytes : 6) == 0)
            return gs__fail(error, GS_ERR_FORMAT, "%s: truncated: it has %zu bytes, an npy file 10 at least", name,
                            bytes);
        return gs__fail(error, GS_ERR_FORMAT, "%s: not an npy file: it does not begin with \\x93NUMPY", name);
    }
    unsigned version = from[6];
    size_t prefix = version == 1 ? 10 : 12, header = from[8] | (size_t)from[9] << 8;
    if (version < 1 || version > 3)
        return gs__fail(error, GS_ERR_FORMAT, "%s: npy version %u.%u: only 1.0, 2.0 and 3.0 are known", name, version,
                        (unsigned)from[7]);
    if (bytes < prefix) return gs__fail(error, GS_ERR_FORMAT, "%s: truncated within its header", name);
    if (version > 1) header |= (size_t)from[10] << 16 | (size_t)from[11] << 24;
    if (header > bytes - prefix)
        return gs__fail(error, GS_ERR_FORMAT, "%s: truncated: it claims a header of %zu bytes, the file has %zu", name,
                        header, bytes);
    cursor c = {.error = error, .name = name, .offset = prefix};
    c.begin = c.at = (const char *)from + prefix;
    c.end = c.begin + header;
    gs_status status = read_header(&c, &layout);
    if (status != GS_OK) return status;
    return gs__array_from_bytes(error, name, &layout, prefix + header, from + prefix + header, bytes - prefix - header,
                                use, array);
}

// --- writing -----------------------------------------------------------------------------------------------------

gs_status gs_npy_write(gs_context *context, const char *path, const float *values, const gs_shape *shape) {
    if (!context) return GS_ERR_ARGUMENT;
    gs__error *error = gs__context_error(context);
    uint64_t count;
    gs__file_writer *writer = NULL;
    gs__text text = {0};
    gs_status status;
    if (!path || !values || !shape) return gs__fail(error, GS_ERR_ARGUMENT, "gs_npy_write: an argument is NULL");
    if (!gs__shape_count(shape, &count)) return gs__fail(error, GS_ERR_ARGUMENT, "gs_npy_write: bad shape");
    gs__text_append(&text, "{'descr': '<f4', 'fortran_order': False, 'shape': (");
    for (uint32_t i = 0; i < shape->rank; i++)
        gs__text_append(&text, "%s%lld", i ? ", " : "", (long long)shape->dim[i]);
    gs__text_append(&text, "%s), }", shape->rank == 1 ? "," : "");
    // Magic, version, size and header take a multiple of 64 bytes.
    while (!text.failed && (10 + text.length + 1) % 64) gs__text_append(&text, " ");
    gs__text_append(&text, "\n");
    GS_TRY(gs__text_check(error, &text));
    const unsigned char prefix[10] = {
        0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, (unsigned char)text.length, (unsigned char)(text.length >> 8)};
    GS_TRY(gs__file_begin(error, path, &writer));
    GS_TRY(gs__file_append(writer, prefix, sizeof prefix));
    GS_TRY(gs__file_append(writer, text.data, text.length));
    GS_TRY(gs__file_append_f32(writer, values, count));
    gs__text_deinit(&text);
    return gs__file_commit(&writer);
fail:
    gs__text_deinit(&text);
    gs__file_discard(writer);
    return status;
}
