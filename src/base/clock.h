// Time.
#ifndef GS_BASE_CLOCK_H
#define GS_BASE_CLOCK_H

#include <stdint.h>

// Nanoseconds from an arbitrary start; never goes back.
uint64_t gs__clock_ns(void);

#endif
