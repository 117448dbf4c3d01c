// Checks that a text is strict JSON before a parser sees it.
#ifndef GS_BASE_JSON_SCAN_H
#define GS_BASE_JSON_SCAN_H

#include <stddef.h>

// What is wrong with too much nesting.
#define GS__JSON_TOO_DEEP "nested too deeply"

// NULL when it is. Else what is wrong, with the offset of the place. Nesting beyond max_depth (<= 1000) is wrong too.
const char *gs__json_scan(const char *text, size_t bytes, unsigned max_depth, size_t *offset);

#endif
