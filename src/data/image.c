// Images. The only file that includes stb_image, whose functions are static here.
#include "data/data.h"
#include "tensor/shape.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_STATIC
// Not JPEG: in the versions that distributions ship, a damaged file makes stb_image write beyond its tables.
#define STBI_ONLY_PNG
#define STBI_ONLY_BMP
#define STBI_NO_STDIO
#define STBI_NO_HDR
#define STBI_NO_LINEAR
#define STBI_ASSERT(condition) ((void)(condition)) // a library does not abort
#if defined(__GNUC__)
// gcc looks for unused functions at the end of the file, so this cannot be popped.
#pragma GCC diagnostic ignored "-Wunused-function"
#endif
#include <stb/stb_image.h>

static uint64_t load_u32(const unsigned char *from) {
    return (uint64_t)from[0] | (uint64_t)from[1] << 8 | (uint64_t)from[2] << 16 | (uint64_t)from[3] << 24;
}

static uint32_t load_u32_be(const unsigned char *from) {
    return (uint32_t)from[0] << 24 | (uint32_t)from[1] << 16 | (uint32_t)from[2] << 8 | from[3];
}

static bool is_png(const unsigned char *data, size_t bytes) {
    return bytes >= 8 && memcmp(data, "\x89PNG\r\n\x1a\n", 8) == 0;
}

// Whether a chunk is longer than what is left of the file: stb_image takes memory for it before it finds out. Nor does it
// take a first chunk of pixels without any.
static bool is_png_truncated(const unsigned char *data, size_t bytes) {
    bool pixels = false;
    for (size_t at = 8; at < bytes;) {
        if (bytes - at < 12) return true;
        const uint64_t length = load_u32_be(data + at);
        if (length > bytes - at - 12) return true;
        if (memcmp(data + at + 4, "IEND", 4) == 0) return false;
        if (memcmp(data + at + 4, "IDAT", 4) == 0) {
            if (length == 0 && !pixels) return true;
            pixels = true;
        }
        at += (size_t)length + 12;
    }
    return true;
}

// stb_image fills what is missing of a BMP file with zeros.
static bool is_truncated(const unsigned char *data, size_t bytes, int width, int height) {
    if (is_png(data, bytes)) return is_png_truncated(data, bytes);
    if (bytes < 2 || data[0] != 'B' || data[1] != 'M') return false;
    if (bytes < 30) return true;
    size_t place = load_u32(data + 14) == 12 ? 24 : 28;
    uint64_t bits = data[place] | (uint64_t)data[place + 1] << 8;
    if (bits == 0) return true; // such an image takes no bytes, and any size would fit
    uint64_t row = (bits * (uint64_t)width + 31) / 32 * 4;
    return load_u32(data + 10) + row * (uint64_t)height > bytes;
}

// No PNG or JPEG file is packed tighter than this. What claims to be larger lacks data, and is refused before memory is
// taken for it. Deflate: bytes of rows from one of the file. JPEG: pixels from one byte, with one bit for a block of 64 in
// a component that has every fourth column only.
enum { PNG_RATIO = 1032, JPEG_RATIO = 64 * 8 * 4 };

// The bytes of rows of a PNG image, filters included; 0: it is none.
static uint64_t png_bytes(const unsigned char *data, size_t bytes, uint32_t width, uint32_t height) {
    static const unsigned char channels[7] = {1, 0, 3, 1, 2, 0, 4};
    if (bytes < 26 || !is_png(data, bytes) || data[25] > 6) return 0;
    const uint64_t bits = (uint64_t)data[24] * channels[data[25]] * width;
    return (1 + (bits + 7) / 8) * height;
}

static bool claims_too_much(const unsigned char *data, size_t bytes, const gs__image *image) {
    if (gs__jpeg_is(data, bytes)) return (uint64_t)image->width * image->height / JPEG_RATIO > bytes;
    return png_bytes(data, bytes, image->width, image->height) / PNG_RATIO > bytes;
}

// Channels that a sample of this shape takes from a width x height image; 0 when it does not fit.
static int channels_for(const gs_shape *shape, uint64_t elements, int width, int height) {
    uint64_t pixels = (uint64_t)width * (uint64_t)height;
    if (shape->rank >= 2 && (shape->dim[0] != height || shape->dim[1] != width)) return 0;
    if (shape->rank < 1 || shape->rank > 3 || elements % pixels || elements / pixels > 4) return 0;
    return (int)(elements / pixels);
}

static gs_status fail_size(gs__error *error, const char *name, const gs_shape *shape, int width, int height) {
    char text[128];
    gs__shape_text(shape, false, text, sizeof text);
    uint64_t side = 0;
    if (shape->rank == 1)
        while ((side + 1) * (side + 1) <= (uint64_t)shape->dim[0] && side < 65536) side++;
    if (side && side * side == (uint64_t)shape->dim[0])
        return gs__fail(error, GS_ERR_ARGUMENT,
                        "%s: the image is %d x %d (width x height); the input %s needs %llu values, e.g. %llu x %llu",
                        name, width, height, text, (unsigned long long)(side * side), (unsigned long long)side,
                        (unsigned long long)side);
    return gs__fail(error, GS_ERR_ARGUMENT,
                    "%s: the image is %d x %d (width x height), which does not fit the input %s (height, width, "
                    "channels)",
                    name, width, height, text);
}

// Why stb_image knows no size: it says "unknown image type" of all that is no BMP file, too.
static gs_status fail_head(gs__error *error, const char *name, const unsigned char *data, size_t bytes) {
    const bool png = is_png(data, bytes);
    if (!bytes) return gs__fail(error, GS_ERR_FORMAT, "%s: the file is empty", name);
    if (bytes > INT_MAX) return gs__fail(error, GS_ERR_FORMAT, "%s: an image of %zu bytes is too large", name, bytes);
    if (png && bytes < 33)
        return gs__fail(error, GS_ERR_FORMAT, "%s: truncated: it has %zu bytes, the header of a PNG file takes 33",
                        name, bytes);
    if (png)
        return gs__fail(
            error, GS_ERR_FORMAT,
            "%s: its PNG header says a size of %u x %u, bits %u, colour type %u: it is damaged, or too large", name,
            load_u32_be(data + 16), load_u32_be(data + 20), data[24], data[25]);
    if (bytes >= 2 && memcmp(data, "BM", 2) == 0)
        return gs__fail(error, GS_ERR_FORMAT,
                        "%s: a BMP file whose header is truncated, damaged or of another kind: %s", name,
                        stbi_failure_reason());
    return gs__fail(error, GS_ERR_FORMAT,
                    "%s: not an image that can be read (PNG, BMP or JPEG): it begins as none of them", name);
}

// Beyond this an image is taken for a small file that asks for much memory.
#define MAX_PIXELS (UINT64_C(1) << 27)

gs_status gs__image_info(gs__error *error, const char *name, const void *data, size_t bytes, gs__image *image) {
    int width = 0, height = 0, found = 0;
    *image = (gs__image){0};
    if (gs__jpeg_is(data, bytes)) {
        gs_status status = gs__jpeg_info(error, name, data, bytes, image);
        if (status != GS_OK) return status;
    } else {
        if (bytes > INT_MAX || !stbi_info_from_memory(data, (int)bytes, &width, &height, &found))
            return fail_head(error, name, data, bytes);
        if (width < 1 || height < 1)
            return gs__fail(error, GS_ERR_FORMAT, "%s: the image is %d x %d", name, width, height);
        if (stbi_is_16_bit_from_memory(data, (int)bytes))
            return gs__fail(error, GS_ERR_UNSUPPORTED,
                            "%s: 16 bits a channel: save it with 8, e.g. with ImageMagick's convert -depth 8", name);
        *image =
            (gs__image){.width = (uint32_t)width, .height = (uint32_t)height, .channels = found >= STBI_rgb ? 3 : 1};
    }
    if ((uint64_t)image->width * image->height > MAX_PIXELS)
        return gs__fail(error, GS_ERR_UNSUPPORTED, "%s: the image is %u x %u, at most %llu pixels are read", name,
                        image->width, image->height, (unsigned long long)MAX_PIXELS);
    if (claims_too_much(data, bytes, image))
        return gs__fail(error, GS_ERR_FORMAT, "%s: the image is damaged: it claims %u x %u pixels in %zu bytes", name,
                        image->width, image->height, bytes);
    if (!is_truncated(data, bytes, (int)image->width, (int)image->height)) return GS_OK;
    return gs__fail(error, GS_ERR_FORMAT, "%s: the image is truncated", name);
}

gs_status gs__image_decode(gs__error *error, const char *name, const void *data, size_t bytes, uint32_t channels,
                           gs__image *image) {
    gs_status status = gs__image_info(error, name, data, bytes, image);
    if (status != GS_OK) return status;
    if (gs__jpeg_is(data, bytes)) return gs__jpeg_decode(error, name, data, bytes, channels, image);
    int width = 0, height = 0, found = 0;
    unsigned char *pixels = stbi_load_from_memory(data, (int)bytes, &width, &height, &found, (int)channels);
    if (!pixels) return gs__fail(error, GS_ERR_FORMAT, "%s: the image is damaged: %s", name, stbi_failure_reason());
    if (width != (int)image->width || height != (int)image->height) {
        stbi_image_free(pixels);
        return gs__fail(error, GS_ERR_FORMAT, "%s: the image is damaged: it has two sizes", name);
    }
    image->channels = channels;
    image->pixels = pixels; // stb_image allocates with malloc
    return GS_OK;
}

gs_status gs__image_parse(gs__error *error, const char *name, const void *data, size_t bytes,
                          const gs_shape *sample_shape, bool resizes, gs__array *array) {
    gs__image image;
    uint64_t elements;
    if (sample_shape->rank >= GS_MAX_RANK || !gs__shape_count(sample_shape, &elements))
        return gs__fail(error, GS_ERR_ARGUMENT, "%s: an image cannot be a sample of the shape asked for", name);
    // The size is compared before anything is decoded, so that a small file cannot ask for much memory.
    gs_status status = gs__image_info(error, name, data, bytes, &image);
    if (status != GS_OK) return status;
    resizes = resizes && sample_shape->rank >= 2 && sample_shape->dim[0] <= 65536 && sample_shape->dim[1] <= 65536;
    const uint32_t height = resizes ? (uint32_t)sample_shape->dim[0] : image.height;
    const uint32_t width = resizes ? (uint32_t)sample_shape->dim[1] : image.width;
    int channels = channels_for(sample_shape, elements, (int)width, (int)height);
    if (channels == 0) return fail_size(error, name, sample_shape, (int)image.width, (int)image.height);
    GS_TRY(gs__image_decode(error, name, data, bytes, (uint32_t)channels, &image));
    GS_TRY(gs__image_resize(error, name, height, width, &image));
    *array = (gs__array){.dtype = GS_U8, .shape = {.rank = sample_shape->rank + 1, .dim = {1}}, .data = image.pixels};
    for (uint32_t i = 0; i < sample_shape->rank; i++) array->shape.dim[i + 1] = sample_shape->dim[i];
    return GS_OK;
fail:
    free(image.pixels);
    return status;
}
