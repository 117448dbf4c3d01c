// Checks an op that changes what is there, in place or by adding to it, over several steps against its reference.
#ifndef GS_TESTS_OP_STATEFUL_H
#define GS_TESTS_OP_STATEFUL_H

#include "harness.h"

enum { STATEFUL_MAX_STEPS = 4 };

typedef struct stateful_case {
    const char *op;
    const void *attr;
    op_input x[GS__MAX_INPUTS]; // `values` are the same in every step, random ones others
    uint32_t in_place;          // y[i] is x[i], for so many of the first; 0: y is added to, from 0
    uint32_t steps;             // 1 to STATEFUL_MAX_STEPS
    uint32_t rows[STATEFUL_MAX_STEPS];
    double relative, absolute; // tolerances
    // Of the tensor that is compared, before it is; may be NULL.
    void (*convert)(double *y, uint64_t count);
} stateful_case;

// With the kernels of both classes, each twice: the second time must give the same bits.
void stateful_check(void *fixture, const stateful_case *c);

#endif
