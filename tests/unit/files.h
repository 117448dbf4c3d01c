// Files of tests, and damaged copies of them.
#ifndef TEST_FILES_H
#define TEST_FILES_H

#include "base/error.h"
#include <stdbool.h>
#include <stddef.h>

// A new folder under $TMPDIR, as cmocka's group setup and teardown. The folder is removed with all in it.
int files_setup(void **state);
int files_teardown(void **state);

// Path of a file in the folder. Valid until the eighth call after it.
const char *files_path(const char *name);
// Writes a file there and returns its path.
const char *files_put(const char *name, const void *data, size_t bytes);
// Reads a whole file, with a zero byte after it; freed with free().
char *files_get(const char *path, size_t *bytes);
// Number of entries in the folder, "." and ".." not counted.
int files_count(const char *folder);

// Fails the test unless `status` is `expected` and the message has each of the texts (ends with NULL).
void expect_failure(const gs__error *error, gs_status status, gs_status expected, ...);

// Calls `parse` with every true prefix of the data, and with every byte inverted and every lowest bit changed. Each
// copy is a memory block of its own, so that a sanitizer sees a read beyond its end. `parse` returns the status;
// it must fail for prefixes when `prefixes_fail`. Returns how many of the changed copies failed.
typedef gs_status damage_parse(void *user, const char *data, size_t bytes);
size_t damage(const void *data, size_t bytes, bool prefixes_fail, damage_parse *parse, void *user);

#endif
