// A device opened under validation, for the tests of src/gpu.
#ifndef GS_TESTS_GPU_FIXTURE_H
#define GS_TESTS_GPU_FIXTURE_H

#include "gpu/gpu.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

typedef struct fixture {
    gs__error error;
    gs__instance *instance;
    gs__gpu *gpu;
    bool validated; // false where the validation layer is not installed
} fixture;

// Asserts that a call succeeded, and shows its message otherwise.
#define assert_ok(f, call)               assert_status(f, GS_OK, call)
#define assert_status(f, expected, call) fixture_check((f), (expected), (call), #call, __FILE__, __LINE__)
void fixture_check(const fixture *f, gs_status expected, gs_status status, const char *call, const char *file,
                   int line);

// Opens the device that GRADSMITH_DEVICE names, or the best.
void fixture_open(fixture *f);
void fixture_open_staged(fixture *f); // with GRADSMITH_MEMORY=staged
// Asserts that there was no validation error.
void fixture_close(fixture *f);

// cmocka's group setups; *state is a fixture.
int fixture_setup(void **state);
int fixture_setup_staged(void **state);
int fixture_teardown(void **state);

// 77, which means skipped, after printing why, when there is no device; else 0.
int fixture_find_device(void);

gs__buffer *fixture_buffer(fixture *f, uint64_t bytes);
gs__commands *fixture_commands(fixture *f, uint32_t timestamp_count);
gs__range whole(gs__buffer *buffer);

#endif
