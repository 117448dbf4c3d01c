// Independent pieces of work on several threads.
#ifndef GS_BASE_PARALLEL_H
#define GS_BASE_PARALLEL_H

#include <stdint.h>

enum { GS__MAX_THREADS = 8 };

// Calls work(user, i) once for each i below `count`, in any order, on up to GS__MAX_THREADS threads (as many as the
// machine has processors), the caller's among them; returns when all are done. With fewer threads where the system
// gives no more.
void gs__parallel(uint32_t count, void (*work)(void *user, uint32_t index), void *user);

#endif
