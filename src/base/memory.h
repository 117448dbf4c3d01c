// Host memory with a message when there is none.
#ifndef GS_BASE_MEMORY_H
#define GS_BASE_MEMORY_H

#include "base/error.h"
#include <stddef.h>
#include <stdint.h>

// Zero-filled memory for count elements, freed with free(). NULL when there is none or the size overflows: the error is
// then GS_ERR_MEMORY and names `what` ("training samples") and the bytes. A count of 0 gives a valid pointer.
void *gs__allocate(gs__error *error, uint64_t count, uint64_t element_bytes, const char *what);

// A copy of a string, freed with free(). NULL with GS_ERR_MEMORY.
char *gs__text_copy(gs__error *error, const char *text);

#endif
