// Other sizes of images: a triangle filter, as wide as two pixels of the coarser image. That is bilinear interpolation
// when the image grows; when it shrinks every pixel counts. The same as Pillow's BILINEAR, but for rounding.
#include "base/memory.h"
#include "data/data.h"

#include <math.h>
#include <stdlib.h>

// The weights of one output pixel: `count` input pixels from `first` on.
struct tap {
    uint32_t first, count;
};

// Taps and weights of one axis; `width` weights for each output pixel.
struct filter {
    struct tap *taps;
    float *weights;
    uint32_t width;
};

static void filter_deinit(struct filter *filter) {
    free(filter->taps);
    free(filter->weights);
}

static gs_status filter_make(gs__error *error, const char *name, uint32_t from, uint32_t to, struct filter *filter) {
    const double scale = (double)from / to, support = scale > 1 ? scale : 1;
    filter->width = (uint32_t)ceil(support) * 2 + 1;
    filter->taps = gs__allocate(error, to, sizeof *filter->taps, name);
    filter->weights = gs__allocate(error, (uint64_t)to * filter->width, sizeof *filter->weights, name);
    if (!filter->taps || !filter->weights) return GS_ERR_MEMORY;
    for (uint32_t i = 0; i < to; i++) {
        const double center = (i + 0.5) * scale;
        const double low = floor(center - support + 0.5), high = floor(center + support + 0.5);
        struct tap *tap = &filter->taps[i];
        tap->first = low < 0 ? 0 : (uint32_t)low;
        tap->count = (high > from ? from : (uint32_t)high) - tap->first;
        float *weights = filter->weights + (size_t)i * filter->width;
        double sum = 0;
        for (uint32_t k = 0; k < tap->count; k++) {
            const double distance = fabs((tap->first + k + 0.5 - center) / support);
            const double weight = distance < 1 ? 1 - distance : 0;
            weights[k] = (float)weight;
            sum += weight;
        }
        for (uint32_t k = 0; k < tap->count; k++) weights[k] = (float)((double)weights[k] / sum);
    }
    return GS_OK;
}

static void resize_rows(const gs__image *image, const struct filter *filter, uint32_t width, float *to) {
    const uint32_t channels = image->channels;
    for (uint32_t row = 0; row < image->height; row++)
        for (uint32_t i = 0; i < width; i++) {
            const struct tap tap = filter->taps[i];
            const float *weights = filter->weights + (size_t)i * filter->width;
            const unsigned char *from = image->pixels + ((size_t)row * image->width + tap.first) * channels;
            for (uint32_t c = 0; c < channels; c++) {
                float sum = 0;
                for (uint32_t k = 0; k < tap.count; k++) sum += weights[k] * (float)from[k * channels + c];
                to[((size_t)row * width + i) * channels + c] = sum;
            }
        }
}

static void resize_columns(const float *from, size_t row_elements, const struct filter *filter, uint32_t height,
                           unsigned char *to) {
    for (uint32_t i = 0; i < height; i++) {
        const struct tap tap = filter->taps[i];
        const float *weights = filter->weights + (size_t)i * filter->width;
        for (size_t e = 0; e < row_elements; e++) {
            float sum = 0.5f;
            for (uint32_t k = 0; k < tap.count; k++) sum += weights[k] * from[(tap.first + k) * row_elements + e];
            to[i * row_elements + e] = (unsigned char)(sum < 0 ? 0 : sum > 255 ? 255 : sum);
        }
    }
}

gs_status gs__image_resize(gs__error *error, const char *name, uint32_t height, uint32_t width, gs__image *image) {
    if (height == image->height && width == image->width) return GS_OK;
    gs_status status = GS_OK;
    struct filter across = {0}, down = {0};
    float *rows = gs__allocate(error, (uint64_t)image->height * width * image->channels, sizeof *rows, name);
    unsigned char *pixels = gs__allocate(error, (uint64_t)height * width * image->channels, 1, name);
    if (!rows || !pixels) {
        status = GS_ERR_MEMORY;
        goto fail;
    }
    GS_TRY(filter_make(error, name, image->width, width, &across));
    GS_TRY(filter_make(error, name, image->height, height, &down));
    resize_rows(image, &across, width, rows);
    resize_columns(rows, (size_t)width * image->channels, &down, height, pixels);
    free(image->pixels);
    image->pixels = pixels;
    image->height = height;
    image->width = width;
    pixels = NULL;
fail:
    filter_deinit(&across);
    filter_deinit(&down);
    free(rows);
    free(pixels);
    return status;
}
