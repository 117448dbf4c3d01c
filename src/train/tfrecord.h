// Records of TFRecord's form: length (8 bytes), masked CRC-32C of it (4), data, masked CRC-32C of that (4); all
// little-endian.
#ifndef GS_TRAIN_TFRECORD_H
#define GS_TRAIN_TFRECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

// Castagnoli's polynomial (RFC 3720, B.4), not zlib's.
uint32_t gs__crc32c(const void *data, size_t bytes);
// False when the file cannot be written: see errno.
bool gs__tfrecord_write(FILE *file, const void *data, size_t bytes);

#endif
