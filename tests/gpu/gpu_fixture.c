#include "gpu_fixture.h"

#include <stdio.h>
#include <stdlib.h>

void fixture_check(const fixture *f, gs_status expected, gs_status status, const char *call, const char *file,
                   int line) {
    if (status == expected) return;
    print_error("%s\n  gave %s, expected %s: %s\n", call, gs_status_name(status), gs_status_name(expected),
                f->error.message);
    _fail(file, line);
}

void fixture_open(fixture *f) {
    *f = (fixture){0};
    gs__instance_params params = {.validate = true};
    gs_status status = gs__instance_create(&f->error, &params, &f->instance);
    f->validated = status == GS_OK;
    if (status == GS_ERR_UNSUPPORTED) {
        print_message("without validation: %s\n", f->error.message);
        status = gs__instance_create(&f->error, NULL, &f->instance);
    }
    assert_ok(f, status);
    uint32_t index;
    assert_ok(f, gs__instance_choose(&f->error, f->instance, NULL, &index, NULL, 0));
    assert_ok(f, gs__gpu_open(&f->error, f->instance, index, &f->gpu));
}

void fixture_open_staged(fixture *f) {
    setenv("GRADSMITH_MEMORY", "staged", 1);
    fixture_open(f);
    unsetenv("GRADSMITH_MEMORY");
}

void fixture_close(fixture *f) {
    gs__gpu_close(f->gpu);
    const char *first = NULL;
    uint64_t errors = gs__instance_validation_errors(f->instance, &first);
    if (errors) print_error("first validation error: %s\n", first);
    gs__instance_destroy(f->instance);
    assert_int_equal(errors, 0);
}

int fixture_setup(void **state) {
    *state = calloc(1, sizeof(fixture));
    if (!*state) return -1;
    fixture_open(*state);
    return 0;
}

int fixture_setup_staged(void **state) {
    *state = calloc(1, sizeof(fixture));
    if (!*state) return -1;
    fixture_open_staged(*state);
    return 0;
}

int fixture_teardown(void **state) {
    fixture_close(*state);
    free(*state);
    return 0;
}

int fixture_find_device(void) {
    gs__error error = {0};
    gs__instance *instance = NULL;
    uint32_t count = 0;
    gs_status status = gs__instance_create(&error, NULL, &instance);
    if (status == GS_OK) status = gs__instance_list(&error, instance, NULL, 0, &count);
    gs__instance_destroy(instance);
    if (status == GS_OK) return 0;
    fprintf(stderr, "%s: %s\n", status == GS_ERR_NO_DEVICE ? "skipped" : "failed", error.message);
    return status == GS_ERR_NO_DEVICE ? 77 : 1;
}

gs__buffer *fixture_buffer(fixture *f, uint64_t bytes) {
    gs__buffer *buffer = NULL;
    assert_ok(f, gs__buffer_create(f->gpu, GS__MEMORY_DEVICE, bytes, "test buffer", &buffer));
    return buffer;
}

gs__commands *fixture_commands(fixture *f, uint32_t timestamp_count) {
    gs__commands *commands = NULL;
    assert_ok(f, gs__commands_create(f->gpu, timestamp_count, &commands));
    return commands;
}

gs__range whole(gs__buffer *buffer) {
    return (gs__range){buffer, 0, gs__buffer_bytes(buffer)};
}
