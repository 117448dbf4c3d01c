#include "data/safetensors.h"
#include "base/digest.h"
#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "context/context.h"
#include "protect/protect.h"
#include "tensor/shape.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_FILE_BYTES (UINT64_C(1) << 40) // of encrypted ones

enum { MAX_HEADER_BYTES = 100000000 }; // as in the reference implementation

static uint32_t dtype_bytes(const char *dtype) {
    static const struct {
        const char *name;
        uint32_t bytes;
    } types[] = {{"F32", 4}, {"F16", 2}, {"BF16", 2},    {"F64", 8},     {"BOOL", 1},
                 {"U8", 1},  {"I8", 1},  {"F8_E5M2", 1}, {"F8_E4M3", 1}, {"I16", 2},
                 {"U16", 2}, {"I32", 4}, {"U32", 4},     {"I64", 8},     {"U64", 8}};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (strcmp(types[i].name, dtype) == 0) return types[i].bytes;
    return 0;
}

// --- writing -----------------------------------------------------------------------------------------------------

static void put_u64(unsigned char out[8], uint64_t value) {
    for (int i = 0; i < 8; i++) out[i] = (unsigned char)(value >> (8 * i));
}

static int compare_names(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static gs_status check_names(gs__error *error, const gs__safetensors_entry *entries, uint32_t count) {
    const char **names = gs__allocate(error, count, sizeof *names, "names of tensors");
    if (!names) return GS_ERR_MEMORY;
    gs_status status = GS_OK;
    for (uint32_t i = 0; i < count; i++) names[i] = entries[i].name;
    qsort(names, count, sizeof *names, compare_names);
    for (uint32_t i = 0; i < count && status == GS_OK; i++) {
        if (strcmp(names[i], "__metadata__") == 0 || (i > 0 && strcmp(names[i - 1], names[i]) == 0))
            status = gs__fail(error, GS_ERR_ARGUMENT, "two tensors have the name \"%.200s\", or it is a reserved one",
                              names[i]);
    }
    free(names);
    return status;
}

// The checksum stands at a fixed place, so that it can be left out of itself: as so many zeros.
#define CHECKSUM_HEAD "{\"__metadata__\":{\"format\":\"gradsmith\",\"xxh3\":\""
enum { CHECKSUM_AT = 8 + sizeof CHECKSUM_HEAD - 1, CHECKSUM_DIGITS = 16, CHUNK_BYTES = 1 << 16 };

// `key` may be NULL: neither further metadata nor a checksum.
static gs_status make_header(gs__error *error, const char *key, const char *value, const gs__safetensors_entry *entries,
                             uint32_t count, gs__text *header) {
    uint64_t offset = 0;
    if (key) {
        gs__text_append(header, CHECKSUM_HEAD "%0*d\",", (int)CHECKSUM_DIGITS, 0);
        gs__text_append_json(header, key);
        gs__text_append(header, ":");
        gs__text_append_json(header, value);
    } else gs__text_append(header, "{\"__metadata__\":{\"format\":\"gradsmith\"");
    gs__text_append(header, "}");
    for (uint32_t i = 0; i < count; i++) {
        const gs__safetensors_entry *entry = &entries[i];
        const char *dtype = entry->dtype ? entry->dtype : "F32";
        uint64_t elements;
        char shape[128];
        if (!gs__shape_count(&entry->shape, &elements))
            return gs__fail(error, GS_ERR_ARGUMENT, "tensor \"%.200s\": bad shape %s", entry->name,
                            gs__shape_text(&entry->shape, false, shape, sizeof shape));
        gs__text_append(header, ",");
        gs__text_append_json(header, entry->name);
        gs__text_append(header, ":{\"dtype\":\"%s\",\"shape\":[", dtype);
        for (uint32_t d = 0; d < entry->shape.rank; d++)
            gs__text_append(header, "%s%lld", d ? "," : "", (long long)entry->shape.dim[d]);
        gs__text_append(header, "],\"data_offsets\":[%llu,%llu]}", (unsigned long long)offset,
                        (unsigned long long)(offset + elements * dtype_bytes(dtype)));
        offset += elements * dtype_bytes(dtype);
    }
    gs__text_append(header, "}");
    while (!header->failed && header->length % 8) gs__text_append(header, " ");
    if (header->length > MAX_HEADER_BYTES)
        return gs__fail(error, GS_ERR_ARGUMENT, "the names of %u tensors take more than %d bytes", (unsigned)count,
                        (int)MAX_HEADER_BYTES);
    return gs__text_check(error, header);
}

static bool is_little_endian(void) {
    const uint16_t probe = 1;
    unsigned char first;
    memcpy(&first, &probe, 1);
    return first == 1;
}

// Copies `words` 32-bit words of elements of `element_words` each, little-endian whatever the host is.
static void to_little_endian(const uint32_t *from, uint32_t words, uint32_t element_words, unsigned char *to) {
    if (is_little_endian()) {
        memcpy(to, from, words * sizeof *from);
        return;
    }
    for (uint32_t i = 0; i < words; i++) {
        const uint32_t word = from[i ^ (element_words - 1)];
        for (uint32_t b = 0; b < 4; b++) to[4 * i + b] = (unsigned char)(word >> 8 * b);
    }
}

// Where the bytes of a file go: to the disk, or only into the checksum.
struct sink {
    gs__file_writer *writer; // NULL: none
    gs__digest *digest;      // likewise
};

static gs_status put(const struct sink *sink, const void *data, size_t bytes) {
    if (sink->digest) gs__digest_add(sink->digest, data, bytes);
    return sink->writer ? gs__file_append(sink->writer, data, bytes) : GS_OK;
}

static gs_status put_values(const struct sink *sink, const gs__safetensors_entry *entry) {
    unsigned char chunk[CHUNK_BYTES];
    const uint32_t element_words = dtype_bytes(entry->dtype ? entry->dtype : "F32") / 4;
    const uint32_t most = CHUNK_BYTES / 4;
    const uint32_t *from = entry->values;
    uint64_t elements = 0;
    gs__shape_count(&entry->shape, &elements);
    for (uint64_t done = 0, words = elements * element_words; done < words;) {
        const uint32_t n = words - done < most ? (uint32_t)(words - done) : most;
        if (!entry->quad_words) to_little_endian(from + done, n, element_words, chunk);
        for (uint32_t i = 0; i < n && entry->quad_words; i += 4)
            to_little_endian(from + (done + i) / 4 * entry->quad_words, n - i < 4 ? n - i : 4, 1, chunk + 4 * i);
        gs_status status = put(sink, chunk, 4 * (size_t)n);
        if (status != GS_OK) return status;
        done += n;
    }
    return GS_OK;
}

static gs_status put_all(const struct sink *sink, const gs__text *header, const gs__safetensors_entry *entries,
                         uint32_t count) {
    unsigned char size[8];
    put_u64(size, header->length);
    gs_status status = put(sink, size, sizeof size);
    if (status == GS_OK) status = put(sink, header->data, header->length);
    for (uint32_t i = 0; i < count && status == GS_OK; i++) status = put_values(sink, &entries[i]);
    return status;
}

static gs_status put_checksum(gs__error *error, gs__text *header, const gs__safetensors_entry *entries,
                              uint32_t count) {
    const struct sink sink = {.digest = gs__digest_begin()};
    char digits[CHECKSUM_DIGITS + 1];
    if (!sink.digest) return gs__fail(error, GS_ERR_MEMORY, "out of host memory for a checksum");
    gs_status status = put_all(&sink, header, entries, count);
    snprintf(digits, sizeof digits, "%016llx", (unsigned long long)gs__digest_value(sink.digest));
    memcpy(header->data + CHECKSUM_AT - 8, digits, CHECKSUM_DIGITS);
    gs__digest_destroy(sink.digest);
    return status;
}

gs_status gs__safetensors_append(gs__error *error, gs__file_writer *writer, const char *key, const char *value,
                                 const gs__safetensors_entry *entries, uint32_t count) {
    gs__text header = {0};
    gs_status status;
    GS_TRY(check_names(error, entries, count));
    GS_TRY(make_header(error, key, value, entries, count, &header));
    if (key) GS_TRY(put_checksum(error, &header, entries, count));
    GS_TRY(put_all(&(struct sink){.writer = writer}, &header, entries, count));
fail:
    gs__text_deinit(&header);
    return status;
}

gs_status gs__safetensors_write(gs__error *error, const char *path, const gs__safetensors_entry *entries,
                                uint32_t count) {
    return gs__safetensors_write_with(error, path, NULL, NULL, entries, count);
}

gs_status gs__safetensors_write_with(gs__error *error, const char *path, const char *key, const char *value,
                                     const gs__safetensors_entry *entries, uint32_t count) {
    gs__file_writer *writer = NULL;
    gs_status status;
    GS_TRY(gs__file_begin(error, path, &writer));
    GS_TRY(gs__safetensors_append(error, writer, key, value, entries, count));
    return gs__file_commit(&writer);
fail:
    gs__file_discard(writer);
    return status;
}

gs_status gs__safetensors_write_in(gs_context *context, const char *path, const char *key, const char *value,
                                   const gs__safetensors_entry *entries, uint32_t count) {
    gs__file_writer *writer = NULL;
    gs_status status;
    GS_TRY(gs__context_begin_file(context, path, &writer));
    GS_TRY(gs__safetensors_append(gs__context_error(context), writer, key, value, entries, count));
    return gs__file_commit(&writer);
fail:
    gs__file_discard(writer);
    return status;
}

// --- reading -----------------------------------------------------------------------------------------------------

typedef struct tensor {
    gs__safetensors_info info;
    const cJSON *item;
    uint64_t begin, end; // bytes of the data
    uint32_t element_bytes;
} tensor;

struct gs__safetensors {
    gs__error *error;
    char *path;
    int fd;
    const unsigned char *memory; // the file, where it is not read from fd
    char *owned;                 // the same, decrypted; NULL: it is the caller's
    size_t owned_bytes;
    uint64_t data_offset; // of the file
    uint64_t data_bytes;  // header included, until it is known
    gs__json *json;
    tensor *tensors; // in the order of their data
    uint32_t count;
};

static gs_status fail_format(gs__safetensors *file, const char *what) {
    return gs__fail(file->error, GS_ERR_FORMAT, "%s: not a safetensors file, or a damaged one: %s",
                    gs__path_show(file->path), what);
}

static gs_status read_at(gs__safetensors *file, uint64_t offset, void *data, size_t bytes) {
    char *to = data;
    if (file->memory) {
        memcpy(data, file->memory + offset, bytes);
        return GS_OK;
    }
    while (bytes > 0) {
        ssize_t n = pread(file->fd, to, bytes, (off_t)offset);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0)
            return gs__fail(file->error, GS_ERR_FILE, "%s: cannot be read: %s", gs__path_show(file->path),
                            strerror(errno));
        if (n == 0) return fail_format(file, "it became shorter while it was read");
        to += n;
        offset += (uint64_t)n;
        bytes -= (size_t)n;
    }
    return GS_OK;
}

static gs_status open_file(gs__safetensors *file) {
    struct stat info;
    do file->fd = open(file->path, O_RDONLY | O_CLOEXEC);
    while (file->fd < 0 && errno == EINTR);
    if (file->fd < 0 || fstat(file->fd, &info) != 0)
        return gs__fail(file->error, GS_ERR_FILE, "%s: cannot be opened: %s", gs__path_show(file->path),
                        strerror(errno));
    if (!S_ISREG(info.st_mode))
        return gs__fail(file->error, GS_ERR_FILE, "%s: cannot be read: it is not a regular file",
                        gs__path_show(file->path));
    file->data_bytes = (uint64_t)info.st_size;
    return GS_OK;
}

static gs_status read_header(gs__safetensors *file) {
    unsigned char size[8];
    char what[160], *header = NULL;
    uint64_t file_bytes = file->data_bytes, header_bytes = 0;
    gs_status status;
    if (file_bytes < 8) return fail_format(file, "it has fewer than 8 bytes");
    GS_TRY(read_at(file, 0, size, 8));
    for (int i = 0; i < 8; i++) header_bytes |= (uint64_t)size[i] << (8 * i);
    if (header_bytes > MAX_HEADER_BYTES || header_bytes > file_bytes - 8) {
        snprintf(what, sizeof what, "it claims a header of %llu bytes; the file has %llu, and %d is the limit",
                 (unsigned long long)header_bytes, (unsigned long long)file_bytes, (int)MAX_HEADER_BYTES);
        return fail_format(file, what);
    }
    header = gs__allocate(file->error, header_bytes + 1, 1, "safetensors header");
    if (!header) return GS_ERR_MEMORY;
    GS_TRY(read_at(file, 8, header, (size_t)header_bytes));
    if (header[0] != '{') {
        status = fail_format(file, "its header does not begin with {");
        goto fail;
    }
    GS_TRY(gs__json_parse(file->error, header, (size_t)header_bytes, gs__path_show(file->path), &file->json));
    file->data_offset = 8 + header_bytes;
    file->data_bytes = file_bytes - file->data_offset;
fail:
    free(header);
    return status;
}

static gs_status read_shape(gs__safetensors *file, const cJSON *item, tensor *out) {
    const cJSON *shape = NULL, *dim;
    gs_shape *to = &out->info.shape;
    gs_status status;
    GS_TRY(gs__json_get_array(file->json, item, "shape", GS__JSON_REQUIRED, &shape));
    cJSON_ArrayForEach(dim, shape) {
        if (to->rank == GS_MAX_RANK)
            return gs__json_fail(file->json, shape, GS_ERR_UNSUPPORTED, "more than %d dimensions are not supported",
                                 GS_MAX_RANK);
        GS_TRY(gs__json_as_int(file->json, dim, 0, INT64_MAX, &to->dim[to->rank]));
        if (to->dim[to->rank++] == 0)
            return gs__json_fail(file->json, shape, GS_ERR_UNSUPPORTED, "tensors without elements are not supported");
    }
    if (!gs__shape_count(to, &out->info.count))
        return gs__json_fail(file->json, shape, GS_ERR_UNSUPPORTED, "more than 2^40 elements are not supported");
fail:
    return status;
}

static gs_status read_tensor(gs__safetensors *file, const cJSON *item, tensor *out) {
    gs__json *json = file->json;
    const cJSON *offsets = NULL;
    gs_status status;
    out->item = item;
    out->info.name = item->string;
    GS_TRY(gs__json_get_string(json, item, "dtype", GS__JSON_REQUIRED, &out->info.dtype));
    out->element_bytes = dtype_bytes(out->info.dtype);
    if (!out->element_bytes)
        return gs__json_fail(json, gs__json_find(item, "dtype"), GS_ERR_UNSUPPORTED, "unknown element type \"%.40s\"",
                             out->info.dtype);
    GS_TRY(read_shape(file, item, out));
    GS_TRY(gs__json_get_array(json, item, "data_offsets", GS__JSON_REQUIRED, &offsets));
    if (cJSON_GetArraySize(offsets) != 2)
        return gs__json_fail(json, offsets, GS_ERR_FORMAT, "expected two offsets, found %d",
                             cJSON_GetArraySize(offsets));
    GS_TRY(gs__json_as_uint(json, offsets->child, 0, UINT64_MAX, &out->begin));
    GS_TRY(gs__json_as_uint(json, offsets->child->next, 0, UINT64_MAX, &out->end));
    if (out->end < out->begin || out->end - out->begin != out->info.count * out->element_bytes)
        return gs__json_fail(json, offsets, GS_ERR_FORMAT, "%llu to %llu does not fit %llu elements of %u bytes",
                             (unsigned long long)out->begin, (unsigned long long)out->end,
                             (unsigned long long)out->info.count, (unsigned)out->element_bytes);
    if (out->end > file->data_bytes)
        return gs__json_fail(json, offsets, GS_ERR_FORMAT,
                             "the tensor ends at byte %llu of the data, but the file has only %llu: it is truncated",
                             (unsigned long long)out->end, (unsigned long long)file->data_bytes);
fail:
    return status;
}

static int compare_begin(const void *a, const void *b) {
    const tensor *x = a, *y = b;
    return x->begin < y->begin ? -1 : x->begin > y->begin;
}

// Tensors follow each other and fill the file.
static gs_status check_layout(gs__safetensors *file) {
    uint64_t end = 0;
    qsort(file->tensors, file->count, sizeof *file->tensors, compare_begin);
    for (uint32_t i = 0; i < file->count; i++) {
        const tensor *t = &file->tensors[i];
        if (t->begin != end)
            return gs__json_fail(file->json, t->item, GS_ERR_FORMAT,
                                 "it begins at byte %llu of the data, but the tensor before it ends at %llu",
                                 (unsigned long long)t->begin, (unsigned long long)end);
        end = t->end;
    }
    if (end == file->data_bytes) return GS_OK;
    return gs__fail(file->error, GS_ERR_FORMAT, "%s: %llu bytes follow the last tensor", gs__path_show(file->path),
                    (unsigned long long)(file->data_bytes - end));
}

static gs_status read_metadata(gs__safetensors *file, const cJSON *item) {
    gs_status status;
    const cJSON *value;
    const char *text;
    GS_TRY(gs__json_as_object(file->json, item));
    cJSON_ArrayForEach(value, item) GS_TRY(gs__json_as_string(file->json, value, &text));
    status = GS_OK;
fail:
    return status;
}

// `memory` NULL: the file at the path.
static gs_status open_any(gs__error *error, const char *path, const void *memory, uint64_t bytes,
                          gs__safetensors **file_out) {
    gs_status status = GS_ERR_MEMORY;
    const cJSON *item;
    gs__safetensors *file = gs__allocate(error, 1, sizeof *file, "safetensors file");
    if (!file) return GS_ERR_MEMORY;
    file->error = error;
    file->fd = -1;
    file->path = gs__text_copy(error, path);
    if (!file->path) goto fail;
    file->memory = memory;
    file->data_bytes = bytes;
    if (!memory) GS_TRY(open_file(file));
    GS_TRY(read_header(file));
    const cJSON *root = gs__json_root(file->json);
    uint64_t members = 0;
    cJSON_ArrayForEach(item, root) members++;
    file->tensors = gs__allocate(error, members, sizeof *file->tensors, "list of tensors");
    if (!file->tensors) {
        status = GS_ERR_MEMORY;
        goto fail;
    }
    cJSON_ArrayForEach(item, root) {
        if (strcmp(item->string, "__metadata__") == 0) GS_TRY(read_metadata(file, item));
        else GS_TRY(read_tensor(file, item, &file->tensors[file->count++]));
    }
    GS_TRY(check_layout(file));
    *file_out = file;
    return GS_OK;
fail:
    gs__safetensors_close(file);
    return status;
}

gs_status gs__safetensors_open(gs__error *error, const char *path, gs__safetensors **file) {
    return open_any(error, path, NULL, 0, file);
}

gs_status gs__safetensors_open_memory(gs__error *error, const char *name, const void *data, uint64_t bytes,
                                      gs__safetensors **file) {
    return open_any(error, name, data, bytes, file);
}

gs_status gs__safetensors_open_in(gs_context *context, const char *path, gs__safetensors **file) {
    gs__error *error = gs__context_error(context);
    char *data = NULL;
    size_t bytes = 0;
    // Plain files are read piece by piece, where they may be.
    if (!gs__context_key(context, GS_KEY_REQUIRE) && !gs_file_is_encrypted(path))
        return gs__safetensors_open(error, path, file);
    gs_status status = gs__context_read_file(context, path, MAX_FILE_BYTES, &data, &bytes);
    if (status != GS_OK) return status;
    status = gs__safetensors_open_memory(error, path, data, bytes, file);
    if (status == GS_OK) {
        (*file)->owned = data;
        (*file)->owned_bytes = bytes;
    } else {
        gs__protect_free(data, bytes);
    }
    return status;
}

void gs__safetensors_close(gs__safetensors *file) {
    if (!file) return;
    gs__protect_free(file->owned, file->owned_bytes);
    if (file->fd >= 0) close(file->fd);
    gs__json_destroy(file->json);
    free(file->tensors);
    free(file->path);
    free(file);
}

gs_status gs__safetensors_check(gs__safetensors *file) {
    unsigned char chunk[CHUNK_BYTES];
    char wanted[CHECKSUM_DIGITS + 1] = {0}, found[CHECKSUM_DIGITS + 1];
    const uint64_t bytes = file->data_offset + file->data_bytes;
    const size_t head = sizeof CHECKSUM_HEAD - 1;
    gs_status status = GS_OK;
    gs__digest *digest = NULL;
    if (bytes < CHECKSUM_AT + CHECKSUM_DIGITS) return fail_format(file, "it has no checksum");
    GS_TRY(read_at(file, 8, chunk, head + CHECKSUM_DIGITS));
    if (memcmp(chunk, CHECKSUM_HEAD, head) != 0) return fail_format(file, "it has no checksum");
    memcpy(wanted, chunk + head, CHECKSUM_DIGITS);
    digest = gs__digest_begin();
    if (!digest) return gs__fail(file->error, GS_ERR_MEMORY, "out of host memory for a checksum");
    for (uint64_t done = 0; done < bytes;) {
        const size_t n = bytes - done < sizeof chunk ? (size_t)(bytes - done) : sizeof chunk;
        GS_TRY(read_at(file, done, chunk, n));
        if (done == 0) memset(chunk + CHECKSUM_AT, '0', CHECKSUM_DIGITS);
        gs__digest_add(digest, chunk, n);
        done += n;
    }
    snprintf(found, sizeof found, "%016llx", (unsigned long long)gs__digest_value(digest));
    if (memcmp(found, wanted, CHECKSUM_DIGITS) != 0) status = fail_format(file, "its checksum is wrong");
fail:
    gs__digest_destroy(digest);
    return status;
}

uint32_t gs__safetensors_count(const gs__safetensors *file) {
    return file->count;
}

void gs__safetensors_get(const gs__safetensors *file, uint32_t index, gs__safetensors_info *info) {
    *info = file->tensors[index].info;
}

const char *gs__safetensors_metadata(const gs__safetensors *file, const char *key) {
    const cJSON *metadata = gs__json_find(gs__json_root(file->json), "__metadata__");
    const cJSON *item = metadata ? gs__json_find(metadata, key) : NULL;
    return item ? item->valuestring : NULL;
}

int64_t gs__safetensors_find(const gs__safetensors *file, const char *name) {
    for (uint32_t i = 0; i < file->count; i++)
        if (strcmp(file->tensors[i].info.name, name) == 0) return i;
    return -1;
}

static float from_bits(uint32_t bits) {
    float value;
    memcpy(&value, &bits, 4);
    return value;
}

static float from_f16(uint32_t half) {
    uint32_t sign = (half & 0x8000u) << 16, exponent = half >> 10 & 31u, fraction = half & 0x3FFu;
    if (exponent == 31) return from_bits(sign | 0x7F800000u | fraction << 13);
    if (exponent) return from_bits(sign | (exponent + 112) << 23 | fraction << 13);
    float value = (float)fraction * 0x1p-24f; // zero or subnormal: exact
    return sign ? -value : value;
}

static void convert(const tensor *t, const unsigned char *from, size_t count, float *to) {
    for (size_t i = 0; i < count; i++, from += t->element_bytes) {
        uint64_t bits = 0;
        for (uint32_t b = 0; b < t->element_bytes; b++) bits |= (uint64_t)from[b] << (8 * b);
        if (t->element_bytes == 4) to[i] = from_bits((uint32_t)bits);
        else if (t->element_bytes == 8) {
            double value;
            memcpy(&value, &bits, 8);
            to[i] = (float)value;
        } else if (t->info.dtype[0] == 'B') to[i] = from_bits((uint32_t)bits << 16);
        else to[i] = from_f16((uint32_t)bits);
    }
}

gs_status gs__safetensors_read_f32(gs__safetensors *file, uint32_t index, float *out) {
    const tensor *t = &file->tensors[index];
    bool is_float = t->element_bytes > 1 && (t->info.dtype[0] == 'F' || strcmp(t->info.dtype, "BF16") == 0);
    if (!is_float)
        return gs__json_fail(file->json, t->item, GS_ERR_UNSUPPORTED,
                             "elements of type %s: only F32, F16, BF16 and F64 are supported", t->info.dtype);
    unsigned char buffer[8192];
    uint64_t offset = file->data_offset + t->begin, left = t->info.count;
    while (left > 0) {
        size_t n = sizeof buffer / t->element_bytes;
        if (left < n) n = (size_t)left;
        gs_status status = read_at(file, offset, buffer, n * t->element_bytes);
        if (status != GS_OK) return status;
        convert(t, buffer, n, out);
        offset += n * t->element_bytes;
        out += n;
        left -= n;
    }
    return GS_OK;
}

gs_status gs__safetensors_read_raw(gs__safetensors *file, uint32_t index, void *out) {
    const tensor *t = &file->tensors[index];
    unsigned char *bytes = out;
    gs_status status = read_at(file, file->data_offset + t->begin, out, (size_t)(t->end - t->begin));
    if (status != GS_OK || is_little_endian()) return status;
    for (uint64_t i = 0; i < t->info.count; i++, bytes += t->element_bytes)
        for (uint32_t b = 0; b < t->element_bytes / 2; b++) {
            const unsigned char kept = bytes[b];
            bytes[b] = bytes[t->element_bytes - 1 - b];
            bytes[t->element_bytes - 1 - b] = kept;
        }
    return GS_OK;
}
