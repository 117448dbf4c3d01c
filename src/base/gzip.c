#define ZLIB_CONST // z_stream.next_in points to const
#include "base/file.h"

#include <limits.h>
#include <stdlib.h>
#include <zlib.h>

bool gs__is_bomb(uint64_t bytes, uint64_t packed_bytes) {
    return bytes > UINT64_C(1) << 24 && bytes / 200 > packed_bytes;
}

typedef struct output {
    char *data;
    size_t capacity, used;
} output;

// Room for at least one byte more than is used. False without memory.
static bool grow(output *out) {
    if (out->used < out->capacity) return true;
    size_t capacity = out->capacity < SIZE_MAX / 4 ? out->capacity * 2 : 0;
    char *data = capacity ? realloc(out->data, capacity + 1) : NULL;
    if (!data) return false;
    out->data = data;
    out->capacity = capacity;
    return true;
}

static gs_status inflate_all(gs__error *error, const char *name, z_stream *stream, const unsigned char *packed,
                             size_t packed_bytes, uint64_t max_bytes, output *out) {
    size_t fed = 0; // bytes given to zlib so far
    for (;;) {
        if (!grow(out)) return gs__fail(error, GS_ERR_MEMORY, "%s: out of memory while decompressing", name);
        if (stream->avail_in == 0) {
            size_t chunk = packed_bytes - fed < UINT_MAX / 2 ? packed_bytes - fed : UINT_MAX / 2;
            stream->next_in = packed + fed;
            stream->avail_in = (unsigned)chunk;
            fed += chunk;
        }
        size_t room = out->capacity - out->used < UINT_MAX / 2 ? out->capacity - out->used : UINT_MAX / 2;
        stream->next_out = (unsigned char *)out->data + out->used;
        stream->avail_out = (unsigned)room;
        int result = inflate(stream, Z_NO_FLUSH);
        out->used += room - stream->avail_out;
        if (out->used > max_bytes)
            return gs__fail(error, GS_ERR_FORMAT, "%s: decompresses to more than the %llu bytes that are allowed here",
                            name, (unsigned long long)max_bytes);
        size_t left = packed_bytes - fed + stream->avail_in;
        if (gs__is_bomb(out->used, packed_bytes - left))
            return gs__fail(
                error, GS_ERR_FORMAT,
                "%s: %zu packed bytes gave %zu: a bomb is not unpacked; save real data of that kind without "
                "compression",
                name, packed_bytes - left, out->used);
        if (result == Z_STREAM_END) {
            if (left == 0) return GS_OK;
            // Another member may follow.
            if (packed[packed_bytes - left] != 0x1F)
                return gs__fail(error, GS_ERR_FORMAT, "%s: corrupt gzip: %zu bytes follow its end", name, left);
            if (inflateReset(stream) != Z_OK) return gs__fail(error, GS_ERR_INTERNAL, "%s: inflateReset failed", name);
        } else if (result == Z_MEM_ERROR) {
            return gs__fail(error, GS_ERR_MEMORY, "%s: out of memory while decompressing", name);
        } else if (result == Z_BUF_ERROR || (result == Z_OK && left == 0 && stream->avail_out > 0)) {
            return gs__fail(error, GS_ERR_FORMAT,
                            "%s: truncated gzip: it ends after %zu bytes, in the middle of its data", name,
                            packed_bytes);
        } else if (result != Z_OK) {
            return gs__fail(error, GS_ERR_FORMAT, "%s: corrupt gzip near byte %zu: %s", name, packed_bytes - left,
                            stream->msg ? stream->msg : "not a gzip stream");
        }
    }
}

gs_status gs__gzip_inflate(gs__error *error, const char *name, const void *packed, size_t packed_bytes,
                           uint64_t max_bytes, char **data, size_t *bytes) {
    z_stream stream = {0};
    if (inflateInit2(&stream, 16 + MAX_WBITS) != Z_OK)
        return gs__fail(error, GS_ERR_MEMORY, "%s: out of memory while decompressing", name);
    output out = {.capacity = packed_bytes < SIZE_MAX / 8 ? packed_bytes * 2 + 64 : packed_bytes};
    out.data = malloc(out.capacity + 1);
    gs_status status = out.data ? inflate_all(error, name, &stream, packed, packed_bytes, max_bytes, &out)
                                : gs__fail(error, GS_ERR_MEMORY, "%s: out of memory while decompressing", name);
    inflateEnd(&stream);
    if (status != GS_OK) {
        free(out.data);
        return status;
    }
    out.data[out.used] = 0;
    *data = out.data;
    *bytes = out.used;
    return GS_OK;
}
