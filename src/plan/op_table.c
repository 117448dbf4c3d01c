// The table of all ops. op_list.inc is made by the build: one X(NAME) for every src/op/NAME.c, in alphabetical order.
#include "plan/op.h"

#include <string.h>

#define X(name) extern const gs_op gs__op_##name;
#include "op_list.inc"
#undef X

// Ends with NULL, so that it is never empty.
static const gs_op *const table[] = {
#define X(name) &gs__op_##name,
#include "op_list.inc"
#undef X
    NULL,
};

const gs_op *const *gs__op_table(uint32_t *count) {
    *count = (uint32_t)(sizeof table / sizeof table[0]) - 1;
    return table;
}

const gs_op *gs__op_find(const char *name) {
    for (const gs_op *const *op = table; *op; op++)
        if (strcmp((*op)->name, name) == 0) return *op;
    return NULL;
}
