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

// stb_image fills what is missing of a BMP file with zeros; it reports a truncated PNG by itself.
static bool is_truncated(const unsigned char *data, size_t bytes, int width, int height) {
    if (bytes < 30 || data[0] != 'B' || data[1] != 'M') return false;
    size_t place = load_u32(data + 14) == 12 ? 24 : 28;
    uint64_t bits = data[place] | (uint64_t)data[place + 1] << 8;
    uint64_t row = (bits * (uint64_t)width + 31) / 32 * 4;
    return load_u32(data + 10) + row * (uint64_t)height > bytes;
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
            return gs__fail(error, GS_ERR_FORMAT, "%s: not an image that can be read (PNG, BMP or JPEG): %s", name,
                            bytes > INT_MAX ? "too large" : stbi_failure_reason());
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
