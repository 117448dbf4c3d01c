// Checksums of files: XXH3, 64 bits, which runs at the speed of memory. Against damage, not against forgery.
#ifndef GS_BASE_DIGEST_H
#define GS_BASE_DIGEST_H

#include <stddef.h>
#include <stdint.h>

typedef struct gs__digest gs__digest;

// NULL: no memory.
gs__digest *gs__digest_begin(void);
void gs__digest_add(gs__digest *digest, const void *data, size_t bytes);
// Of all that was added.
uint64_t gs__digest_value(const gs__digest *digest);
void gs__digest_destroy(gs__digest *digest); // takes NULL

#endif
