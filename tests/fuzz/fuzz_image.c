// PNG, BMP and JPEG. The first byte says what the image is for.
#include "data/data.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    if (bytes < 1) return 0;
    static const gs_shape shapes[] = {{2, {28, 28}}, {3, {16, 16, 3}}, {3, {8, 8, 4}}, {1, {784}}};
    const uint8_t chosen = data[0];
    gs__error error = {0};
    gs__array array = {0};
    gs__image image = {0};
    data++, bytes--;
    fuzz_check(gs__image_parse(&error, "fuzz.png", data, bytes, &shapes[chosen % 4], chosen & 4, &array), &error);
    gs__array_deinit(&array);
    gs_status status = gs__image_decode(&error, "fuzz.png", data, bytes, chosen & 8 ? 3 : 1, &image);
    fuzz_check(status, &error);
    free(image.pixels);
    return 0;
}
