// What the two passes of row_norm share. x is seen as (A, S, G, D); a "row" is one (a, g), of S * D elements.
// The including kernel has x, RMS, and push.x, row_count, inner (S), groups (G), depth (D), epsilon.
#ifndef GS_NORM_ROWS_GLSL
#define GS_NORM_ROWS_GLSL

uint norm_begin, norm_group;

// Sets the row; returns its length, 0 for one that is not there (no return: the others wait at barriers).
uint norm_row(uint row) {
    norm_group = row % push.groups;
    norm_begin = row / push.groups * push.inner * push.groups * push.depth + norm_group * push.depth;
    return row < push.row_count ? push.inner * push.depth : 0u;
}

// Element k of the row in x, and its channel.
uint norm_place(uint k) {
    if (push.inner == 1u) return norm_begin + k;
    return norm_begin + k / push.depth * push.groups * push.depth + k % push.depth;
}
uint norm_channel(uint k) {
    return norm_group * push.depth + (push.inner == 1u ? k : k % push.depth);
}

void norm_statistics(uint end, float count, out float mean, out float rdev) {
    float sum = 0.0;
    mean = 0.0;
    if (RMS == 0u) {
        for (uint k = row_lane(); k < end; k += ROW_LANES) sum += x[push.x + norm_place(k)];
        mean = row_sum(sum) / count;
    }
    sum = 0.0;
    for (uint k = row_lane(); k < end; k += ROW_LANES) {
        float d = x[push.x + norm_place(k)] - mean;
        sum += d * d;
    }
    rdev = 1.0 / sqrt(row_sum(sum) / count + push.epsilon);
}

#endif
