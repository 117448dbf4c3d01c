// The only file that includes stb_truetype and stb_image_write, whose functions are static here.
#include "plot/canvas.h"

#include "base/memory.h"
#include "plot/font.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

// stb's own compressor takes many times as long.
static unsigned char *compress_zlib(unsigned char *data, int data_bytes, int *out_bytes, int quality) {
    uLongf bytes = compressBound((uLong)data_bytes);
    unsigned char *out = malloc(bytes);
    (void)quality;
    if (out && compress2(out, &bytes, data, (uLong)data_bytes, 6) != Z_OK) {
        free(out);
        out = NULL;
    }
    *out_bytes = (int)bytes;
    return out;
}

#define STB_IMAGE_WRITE_IMPLEMENTATION
#define STB_IMAGE_WRITE_STATIC
#define STBI_WRITE_NO_STDIO
#define STBIW_ZLIB_COMPRESS     compress_zlib
#define STBIW_ASSERT(condition) ((void)(condition)) // a library does not abort
#define STB_TRUETYPE_IMPLEMENTATION
#define STBTT_STATIC
#define STBTT_assert(condition) ((void)(condition))
#if defined(__GNUC__)
#pragma GCC diagnostic ignored "-Wunused-function"
#endif
#include <stb/stb_image_write.h>
#include <stb/stb_truetype.h>

#define MAX_PIXELS (1 << 26)

struct gs__canvas {
    gs__error *error;
    int width, height; // pixels
    double scale;
    unsigned char *pixels;   // RGB
    unsigned char *coverage; // of one line
};

gs_status gs__canvas_create(gs__error *error, double width, double height, double scale, gs__color background,
                            gs__canvas **canvas) {
    const double w = ceil(width * scale), h = ceil(height * scale);
    *canvas = NULL;
    if (!(w >= 1) || !(h >= 1) || w * h > MAX_PIXELS)
        return gs__fail(error, GS_ERR_ARGUMENT, "a picture of %g x %g pixels: expected at least 1, at most %d", w, h,
                        MAX_PIXELS);
    gs__canvas *c = gs__allocate(error, 1, sizeof *c, "a picture");
    if (!c) return GS_ERR_MEMORY;
    *c = (gs__canvas){.error = error, .width = (int)w, .height = (int)h, .scale = scale};
    c->pixels = gs__allocate(error, (uint64_t)(w * h), 3, "a picture");
    c->coverage = gs__allocate(error, (uint64_t)(w * h), 1, "a picture");
    if (!c->pixels || !c->coverage) {
        gs__canvas_destroy(c);
        return GS_ERR_MEMORY;
    }
    gs__canvas_rect(c, 0, 0, width + 1, height + 1, background);
    *canvas = c;
    return GS_OK;
}

void gs__canvas_destroy(gs__canvas *canvas) {
    if (!canvas) return;
    free(canvas->pixels);
    free(canvas->coverage);
    free(canvas);
}

// alpha 0 .. 255
static void blend(gs__canvas *c, int x, int y, gs__color color, unsigned alpha) {
    if (x < 0 || y < 0 || x >= c->width || y >= c->height || !alpha) return;
    unsigned char *p = c->pixels + 3 * ((size_t)y * (size_t)c->width + (size_t)x);
    for (int i = 0; i < 3; i++) {
        const unsigned wanted = color >> (16 - 8 * i) & 255;
        p[i] = (unsigned char)((p[i] * (255 - alpha) + wanted * alpha + 127) / 255);
    }
}

static int clamp(double value, int low, int high) {
    return value < low ? low : value > high ? high : (int)value;
}

static double overlap(double a, double b, int pixel) {
    const double low = a > pixel ? a : pixel, high = b < pixel + 1 ? b : pixel + 1;
    return high > low ? high - low : 0;
}

void gs__canvas_rect(gs__canvas *c, double x, double y, double width, double height, gs__color color) {
    const double x0 = x * c->scale, y0 = y * c->scale, x1 = x0 + width * c->scale, y1 = y0 + height * c->scale;
    const int right = clamp(ceil(x1), 0, c->width), bottom = clamp(ceil(y1), 0, c->height);
    for (int row = clamp(floor(y0), 0, c->height); row < bottom; row++)
        for (int column = clamp(floor(x0), 0, c->width); column < right; column++)
            blend(c, column, row, color, (unsigned)(255 * overlap(x0, x1, column) * overlap(y0, y1, row) + 0.5));
}

// --- lines -----------------------------------------------------------------------------------------------------------
static double distance(double x, double y, gs__point a, gs__point b) {
    const double dx = b.x - a.x, dy = b.y - a.y, length = dx * dx + dy * dy;
    double t = length > 0 ? ((x - a.x) * dx + (y - a.y) * dy) / length : 0;
    t = t < 0 ? 0 : t > 1 ? 1 : t;
    return hypot(x - a.x - t * dx, y - a.y - t * dy);
}

struct box {
    int x0, y0, x1, y1;
};

// The greatest coverage of all segments, so that joints are no darker than the rest.
static void cover(gs__canvas *c, gs__point a, gs__point b, double radius, struct box *box) {
    const int x0 = clamp(floor(fmin(a.x, b.x) - radius - 1), 0, c->width),
              y0 = clamp(floor(fmin(a.y, b.y) - radius - 1), 0, c->height);
    const int x1 = clamp(ceil(fmax(a.x, b.x) + radius + 1), 0, c->width),
              y1 = clamp(ceil(fmax(a.y, b.y) + radius + 1), 0, c->height);
    for (int y = y0; y < y1; y++)
        for (int x = x0; x < x1; x++) {
            const double inside = radius + 0.5 - distance(x + 0.5, y + 0.5, a, b);
            const unsigned char value = (unsigned char)(inside <= 0 ? 0 : inside >= 1 ? 255 : 255 * inside);
            unsigned char *at = c->coverage + (size_t)y * (size_t)c->width + (size_t)x;
            if (value > *at) *at = value;
        }
    box->x0 = x0 < box->x0 ? x0 : box->x0, box->y0 = y0 < box->y0 ? y0 : box->y0;
    box->x1 = x1 > box->x1 ? x1 : box->x1, box->y1 = y1 > box->y1 ? y1 : box->y1;
}

static void paint(gs__canvas *c, const struct box *box, gs__color color) {
    for (int y = box->y0; y < box->y1; y++)
        for (int x = box->x0; x < box->x1; x++) {
            unsigned char *at = c->coverage + (size_t)y * (size_t)c->width + (size_t)x;
            blend(c, x, y, color, *at);
            *at = 0;
        }
}

// The part of a segment between two distances from its beginning.
static void cover_part(gs__canvas *c, gs__point a, gs__point b, double from, double to, double radius,
                       struct box *box) {
    const double length = hypot(b.x - a.x, b.y - a.y);
    if (!(length > 0) || to <= from) return;
    const gs__point p = {a.x + (b.x - a.x) * from / length, a.y + (b.y - a.y) * from / length};
    const gs__point q = {a.x + (b.x - a.x) * to / length, a.y + (b.y - a.y) * to / length};
    cover(c, p, q, radius, box);
}

void gs__canvas_line(gs__canvas *c, const gs__point *points, uint32_t count, double width, double dash,
                     gs__color color) {
    struct box box = {c->width, c->height, 0, 0};
    const double radius = width * c->scale / 2, stroke = dash * c->scale, period = stroke * 5 / 3;
    double done = 0; // along the line
    for (uint32_t i = 0; i + 1 < count; i++) {
        const gs__point a = {points[i].x * c->scale, points[i].y * c->scale};
        const gs__point b = {points[i + 1].x * c->scale, points[i + 1].y * c->scale};
        const double length = hypot(b.x - a.x, b.y - a.y);
        if (!(dash > 0)) cover(c, a, b, radius, &box);
        for (double begin = -fmod(done, period); dash > 0 && begin < length; begin += period)
            cover_part(c, a, b, fmax(begin, 0), fmin(begin + stroke, length), radius, &box);
        done += length;
    }
    paint(c, &box, color);
}

void gs__canvas_disc(gs__canvas *c, double x, double y, double radius, gs__color color) {
    struct box box = {c->width, c->height, 0, 0};
    const gs__point p = {x * c->scale, y * c->scale};
    cover(c, p, p, radius * c->scale, &box);
    paint(c, &box, color);
}

// --- text ------------------------------------------------------------------------------------------------------------
// The next code point; U+FFFD for what is no UTF-8.
static int decode(const char **text) {
    const unsigned char *at = (const unsigned char *)*text;
    const int length = at[0] < 0x80 ? 1 : at[0] >= 0xF0 ? 4 : at[0] >= 0xE0 ? 3 : at[0] >= 0xC0 ? 2 : 0;
    int point = length == 1 ? at[0] : length ? at[0] & (0xFF >> (length + 1)) : 0xFFFD;
    *text += length ? length : 1;
    for (int i = 1; i < length; i++) {
        if ((at[i] & 0xC0) != 0x80) {
            *text = (const char *)at + i;
            return 0xFFFD;
        }
        point = point << 6 | (at[i] & 0x3F);
    }
    return point;
}

static bool open_font(stbtt_fontinfo *font) {
    return stbtt_InitFont(font, gs__font, 0) != 0;
}

static double advance(const stbtt_fontinfo *font, int point, double scale) {
    int width = 0, bearing = 0;
    stbtt_GetCodepointHMetrics(font, point, &width, &bearing);
    return width * scale;
}

double gs__text_width(const char *text, double size) {
    stbtt_fontinfo font;
    double width = 0;
    if (!open_font(&font)) return 0;
    const double scale = (double)stbtt_ScaleForMappingEmToPixels(&font, (float)size);
    while (*text) width += advance(&font, decode(&text), scale);
    return width;
}

static void draw_text(gs__canvas *c, double x, double y, double size, gs__align align, gs__color color,
                      const char *text, bool up) {
    stbtt_fontinfo font;
    if (!open_font(&font)) return;
    const float scale = stbtt_ScaleForMappingEmToPixels(&font, (float)(size * c->scale));
    const double width = gs__text_width(text, size);
    double pen = -(align == GS__ALIGN_LEFT ? 0 : align == GS__ALIGN_RIGHT ? width : width / 2) * c->scale;
    while (*text) {
        const int point = decode(&text);
        // `pen` along the line; glyphs lie between pixels.
        const double at = up ? 0 : x * c->scale + pen;
        int w = 0, h = 0, left = 0, top = 0;
        unsigned char *glyph = stbtt_GetCodepointBitmapSubpixel(&font, scale, scale, (float)(at - floor(at)), 0, point,
                                                                &w, &h, &left, &top);
        for (int row = 0; glyph && row < h; row++)
            for (int column = 0; column < w; column++) {
                const int along = left + column, across = top + row;
                const int px = up ? (int)lround(x * c->scale) + across : (int)floor(at) + along;
                const int py = up ? (int)lround(y * c->scale - pen) - along : (int)lround(y * c->scale) + across;
                blend(c, px, py, color, glyph[row * w + column]);
            }
        stbtt_FreeBitmap(glyph, NULL);
        pen += advance(&font, point, (double)scale);
    }
}

void gs__canvas_text(gs__canvas *c, double x, double y, double size, gs__align align, gs__color color,
                     const char *text) {
    draw_text(c, x, y, size, align, color, text, false);
}

void gs__canvas_text_up(gs__canvas *c, double x, double y, double size, gs__align align, gs__color color,
                        const char *text) {
    draw_text(c, x, y, size, align, color, text, true);
}

// --- PNG -------------------------------------------------------------------------------------------------------------
gs_status gs__canvas_png(const gs__canvas *c, void **png, size_t *bytes) {
    int length = 0;
    *png = stbi_write_png_to_mem(c->pixels, 3 * c->width, c->width, c->height, 3, &length);
    *bytes = (size_t)length;
    return *png ? GS_OK : gs__fail(c->error, GS_ERR_MEMORY, "out of host memory for a picture");
}
