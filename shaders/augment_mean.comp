// Op augment: the mean of each channel of each image, around which contrast changes.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "rows.glsl"

layout(push_constant) uniform PUSH {
    uint x, y; // first elements
    uint rows, pixels, channels; // rows: one for each image and channel
} push;

layout(set = 0, binding = 0, std430) readonly buffer X { float x[]; };
layout(set = 0, binding = 1, std430) writeonly buffer Y { float y[]; };

void main() {
    uint row = row_index();
    bool here = row < push.rows;
    uint first = push.x + row / push.channels * push.pixels * push.channels + row % push.channels;
    float sum = 0.0;
    for (uint i = row_lane(); i < push.pixels && here; i += ROW_LANES) sum += x[first + i * push.channels];
    sum = row_sum(sum);
    if (here && row_lane() == 0u) y[push.y + row] = sum / float(push.pixels);
}
