#include "plot/axis.h"

#include <math.h>
#include <stdio.h>

static double round_step(double least, bool whole) {
    static const double factors[] = {1, 2, 2.5, 5, 10};
    const double power = pow(10, floor(log10(least)));
    for (int i = 0; i < 5; i++) {
        const double step = factors[i] * power;
        if (whole && step != floor(step)) continue;
        if (step >= least * (1 - 1e-9)) return step;
    }
    return 10 * power;
}

static void set_ticks(gs__axis *axis, double first) {
    for (axis->tick_count = 0; axis->tick_count < GS__MAX_TICKS; axis->tick_count++) {
        const double tick = first + axis->step * axis->tick_count;
        if (tick > axis->high + axis->step * 1e-6) break;
        axis->ticks[axis->tick_count] = fabs(tick) < axis->step * 1e-9 ? 0 : tick;
    }
}

gs__axis gs__axis_round(double low, double high, uint32_t wanted) {
    gs__axis axis = {0};
    double range = high - low;
    // A line that is flat, or nearly so beside its value, is shown in the middle.
    const double least = fmax(fabs(low), fabs(high)) * 1e-6;
    if (!(range > least)) {
        range = low != 0 ? fabs(low) * 0.1 : 1;
        low -= range / 2, high += range / 2;
    }
    axis.step = round_step(range / (wanted ? wanted : 1), false);
    axis.low = floor(low / axis.step + 1e-9) * axis.step;
    axis.high = ceil(high / axis.step - 1e-9) * axis.step;
    set_ticks(&axis, axis.low);
    return axis;
}

gs__axis gs__axis_whole(uint32_t low, uint32_t high, uint32_t wanted) {
    gs__axis axis = {.low = low, .high = high};
    if (high <= low) axis.low = low - 0.5, axis.high = low + 0.5;
    axis.step = round_step(fmax(1, (axis.high - axis.low) / (wanted ? wanted : 1)), true);
    // From 1 on, ticks at 1, 10, 20 would be uneven: the first one is a multiple of the step.
    set_ticks(&axis, ceil(low / axis.step) * axis.step);
    return axis;
}

const char *gs__axis_label(const gs__axis *axis, double value, char *text, size_t bytes) {
    const double most = fmax(fabs(axis->low), fabs(axis->high));
    int digits = 0;
    if (value == 0 && (most >= 1e6 || axis->step < 1e-5)) snprintf(text, bytes, "0");
    else if (most >= 1e6 || axis->step < 1e-5) snprintf(text, bytes, "%.4g", value);
    else {
        for (double step = axis->step; digits < 7 && fabs(step - round(step)) > 1e-6 * step; step *= 10) digits++;
        snprintf(text, bytes, "%.*f", digits, value);
    }
    return text;
}
