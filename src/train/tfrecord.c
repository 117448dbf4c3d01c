#include "train/tfrecord.h"

uint32_t gs__crc32c(const void *data, size_t bytes) {
    const unsigned char *at = data;
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < bytes; i++) {
        crc ^= at[i];
        for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc & 1 ? 0x82F63B78u : 0);
    }
    return ~crc;
}

// So that the checksum of data that holds checksums is none of their plain functions.
static uint32_t masked(uint32_t crc) {
    return (crc >> 15 | crc << 17) + 0xA282EAD8u;
}

static void put(unsigned char *out, uint64_t value, int bytes) {
    for (int i = 0; i < bytes; i++) out[i] = (unsigned char)(value >> (8 * i));
}

bool gs__tfrecord_write(FILE *file, const void *data, size_t bytes) {
    unsigned char head[12], tail[4];
    put(head, bytes, 8);
    put(head + 8, masked(gs__crc32c(head, 8)), 4);
    put(tail, masked(gs__crc32c(data, bytes)), 4);
    return fwrite(head, 1, sizeof head, file) == sizeof head && fwrite(data, 1, bytes, file) == bytes &&
           fwrite(tail, 1, sizeof tail, file) == sizeof tail;
}
