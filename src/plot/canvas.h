// A picture in memory: rectangles, anti-aliased lines, text.
#ifndef GS_PLOT_CANVAS_H
#define GS_PLOT_CANVAS_H

#include "base/error.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint32_t gs__color; // 0xRRGGBB

typedef enum gs__align { GS__ALIGN_LEFT, GS__ALIGN_MIDDLE, GS__ALIGN_RIGHT } gs__align;

typedef struct gs__point {
    double x, y;
} gs__point;

typedef struct gs__canvas gs__canvas;

// `width` and `height` in units; a unit has `scale` pixels each way. At most 2^26 pixels.
gs_status gs__canvas_create(gs__error *error, double width, double height, double scale, gs__color background,
                            gs__canvas **canvas);
void gs__canvas_destroy(gs__canvas *canvas);

// All of these in units, cut off at the canvas.
void gs__canvas_rect(gs__canvas *canvas, double x, double y, double width, double height, gs__color color);
// Joined segments; dash > 0: strokes of this length, and gaps of two thirds of it.
void gs__canvas_line(gs__canvas *canvas, const gs__point *points, uint32_t count, double width, double dash,
                     gs__color color);
void gs__canvas_disc(gs__canvas *canvas, double x, double y, double radius, gs__color color);
// UTF-8; (x, y) is on the base line. What the font lacks is a box.
void gs__canvas_text(gs__canvas *canvas, double x, double y, double size, gs__align align, gs__color color,
                     const char *text);
// Upwards, turned by 90 degrees to the left.
void gs__canvas_text_up(gs__canvas *canvas, double x, double y, double size, gs__align align, gs__color color,
                        const char *text);
double gs__text_width(const char *text, double size);

// PNG in memory; free it.
gs_status gs__canvas_png(const gs__canvas *canvas, void **png, size_t *bytes);

#endif
