// Checks an optimizer: several steps on the device against its reference in doubles.
#ifndef GS_TESTS_OP_UPDATE_H
#define GS_TESTS_OP_UPDATE_H

#include "harness.h"

typedef struct update_case {
    const char *op;
    void *attr; // begins with a gs__tick, which is filled in
    uint32_t slot_count;
    struct gs_settings set; // hyper-parameters; the rest is filled in
    bool constant_gradient; // else another at every step
} update_case;

// Over several sizes, with the kernels of both classes.
void update_check(void *fixture, const update_case *c);

// As if a binding could hold no more than the State buffer needs, so that several dispatches are needed.
void update_check_parts(void *fixture, const update_case *c);

#endif
