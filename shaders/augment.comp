// Op augment (src/op/augment.c): each row of a batch is an image, which is flipped, cropped, rotated, changed in contrast
// and brightness, and has a square cut out, as its random numbers say. An invocation makes a part of a line.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "augment.glsl"
#include "item.glsl"

layout(local_size_x = 64, local_size_x_id = 0) in;
layout(constant_id = 1) const uint ROTATES = 0;
layout(constant_id = 2) const uint FILL = 0;     // gs__fill
layout(constant_id = 3) const uint CONTRAST = 0; // 1: by the means
layout(constant_id = 4) const uint CLIPS = 0;

#define CONSTANT 0u
#define REFLECT 1u
#define NEAREST 2u

layout(push_constant) uniform PUSH {
    uint x, mean, y; // first elements
    uint items, batch;
    int in_height, in_width;
    uint height, width, channels;
    uint parts, part_width; // of a line
    uint key, flips;
    int top, left;
    uint down, right, cutout;
    float fill, turn, turn_span, contrast, contrast_span, brightness, brightness_span, low, high;
} push;

layout(set = 0, binding = 0, std430) readonly buffer X { float x[]; };
layout(set = 0, binding = 1, std430) readonly buffer MEAN { float mean[]; };
layout(set = 0, binding = 2, std430) writeonly buffer Y { float y[]; };

// What a row draws.
struct Draw {
    bool flip_x, flip_y;
    int top, left;
    float sin_, cos_;
    float contrast, brightness;
    ivec2 hole; // first column and line of the square
};

// Sine and cosine of `turn` full turns; exact at quarters.
vec2 sin_cos(float turn) {
    float quarter = floor(4.0 * turn + 0.5);
    float a = (turn - 0.25 * quarter) * 6.28318531, q = a * a; // within pi/4
    float s = a * (1.0 + q * (-0.166666667 + q * (0.00833333333 + q * (-0.000198412698 + q * 2.75573192e-6))));
    float c = 1.0 + q * (-0.5 + q * (0.0416666667 + q * (-0.00138888889 + q * 2.48015873e-5)));
    int k = int(quarter) & 3;
    vec2 r = (k & 1) == 0 ? vec2(s, c) : vec2(c, -s);
    return k >= 2 ? -r : r;
}

Draw draw(uint row) {
    Draw d;
    uvec4 a = random4(2u * row, push.key), b = random4(2u * row + 1u, push.key);
    d.flip_x = (push.flips & 1u) != 0u && (a.x & 0x80000000u) != 0u;
    d.flip_y = (push.flips & 2u) != 0u && (a.x & 0x40000000u) != 0u;
    d.top = push.top + int(below(a.y, push.down + 1u));
    d.left = push.left + int(below(a.z, push.right + 1u));
    vec2 turned = vec2(0.0, 1.0);
    if (ROTATES != 0u) turned = sin_cos(push.turn + unit(a.w) * push.turn_span);
    d.sin_ = turned.x;
    d.cos_ = turned.y;
    d.brightness = push.brightness + unit(b.x) * push.brightness_span;
    d.contrast = 1.0 + push.contrast + unit(b.y) * push.contrast_span;
    d.hole = ivec2(below(b.z, push.width), below(b.w, push.height)) - int(push.cutout / 2u);
    return d;
}

// A place beyond the edge as one within, or -1: the constant.
int fold(int i, int size) {
    if (i >= 0 && i < size) return i;
    if (FILL == CONSTANT) return -1;
    if (FILL == NEAREST) return i < 0 ? 0 : size - 1;
    int period = FILL == REFLECT ? 2 * size : size;
    int m = i - i / period * period;
    if (m < 0) m += period;
    return m < size ? m : 2 * size - 1 - m;
}

float pixel(uint row, Draw d, int line, int column, uint channel) {
    int v = fold(line, push.in_height), h = fold(column, push.in_width);
    if (v < 0 || h < 0) return push.fill;
    if (d.flip_x) h = push.in_width - 1 - h;
    if (d.flip_y) v = push.in_height - 1 - v;
    return x[push.x + ((row * uint(push.in_height) + uint(v)) * uint(push.in_width) + uint(h)) * push.channels + channel];
}

float value(uint row, Draw d, uint line, uint column, uint channel) {
    float v;
    if (ROTATES != 0u) {
        vec2 center = 0.5 * vec2(float(push.width) - 1.0, float(push.height) - 1.0);
        vec2 p = vec2(float(column), float(line)) - center;
        p = vec2(d.cos_ * p.x - d.sin_ * p.y, d.sin_ * p.x + d.cos_ * p.y) + center;
        vec2 whole = floor(p), part = p - whole;
        int l = int(whole.y) + d.top, c = int(whole.x) + d.left;
        float upper = mix(pixel(row, d, l, c, channel), pixel(row, d, l, c + 1, channel), part.x);
        float lower = mix(pixel(row, d, l + 1, c, channel), pixel(row, d, l + 1, c + 1, channel), part.x);
        v = mix(upper, lower, part.y);
    } else v = pixel(row, d, int(line) + d.top, int(column) + d.left, channel);
    if (CONTRAST != 0u) {
        float m = mean[push.mean + row * push.channels + channel];
        v = (v - m) * d.contrast + m;
    }
    v += d.brightness;
    // Comparisons, so that NaN stays.
    if (CLIPS != 0u) v = v < push.low ? push.low : v > push.high ? push.high : v;
    ivec2 inside = ivec2(column, line) - d.hole;
    bool cut = push.cutout > 0u && all(greaterThanEqual(inside, ivec2(0))) && all(lessThan(inside, ivec2(push.cutout)));
    return cut ? 0.0 : v;
}

void main() {
    uint item = item_index();
    if (item >= push.items) return;
    uint part = item % push.parts, line = item / push.parts % push.height, row = item / push.parts / push.height;
    uint end = min(push.width, (part + 1u) * push.part_width);
    uint to = push.y + ((row * push.height + line) * push.width + part * push.part_width) * push.channels;
    bool here = row < state.cur.rows;
    Draw d = draw(row);
    for (uint column = part * push.part_width; column < end; column++)
        for (uint channel = 0u; channel < push.channels; channel++)
            y[to++] = here ? value(row, d, line, column, channel) : 0.0;
}
