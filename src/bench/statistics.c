#include "bench/bench.h"

#include <math.h>
#include <stdlib.h>

static int ascending(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

gs_bench_spread gs__bench_spread_of(double *values, uint32_t count) {
    qsort(values, count, sizeof *values, ascending);
    const double median = count % 2 ? values[count / 2] : 0.5 * values[count / 2 - 1] + 0.5 * values[count / 2];
    return (gs_bench_spread){.median = median, .low = values[0], .high = values[count - 1], .count = count};
}

gs_bench_spread gs__bench_rate(const gs_bench_spread *time, double scale) {
    return (gs_bench_spread){
        .median = scale / time->median, .low = scale / time->high, .high = scale / time->low, .count = time->count};
}

double gs__bench_tolerance(uint32_t k, double squares) {
    return 16 * 0x1p-24 * (sqrt(k) + 4) * sqrt(squares);
}
