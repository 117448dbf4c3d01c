// Axes with round numbers.
#ifndef GS_PLOT_AXIS_H
#define GS_PLOT_AXIS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { GS__MAX_TICKS = 16 };

typedef struct gs__axis {
    double low, high; // what is shown
    double ticks[GS__MAX_TICKS];
    uint32_t tick_count;
    double step;
} gs__axis;

// Covers [low, high] (finite; may be equal) with about `wanted` steps of 1, 2, 2.5 or 5 times a power of ten; the ends
// of the axis are ticks.
gs__axis gs__axis_round(double low, double high, uint32_t wanted);
// Whole numbers from `low` to `high` exactly, with ticks of 1, 2, 5, 10, ... among them.
gs__axis gs__axis_whole(uint32_t low, uint32_t high, uint32_t wanted);
// As many digits as the step needs: "0.25", "1.50", "2e-05". Returns `text`.
const char *gs__axis_label(const gs__axis *axis, double value, char *text, size_t bytes);

#endif
