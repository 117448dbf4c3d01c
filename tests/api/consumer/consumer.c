// Calls the library; needs no device.
#include <gradsmith/device.h>
#include <stdio.h>
#include <string.h>

int main(void) {
    gs_context *context = NULL;
    gs_status status = gs_context_create(&context, NULL);
    printf("  C: %s, %s\n", gs_status_name(status), gs_status_text(status));
    gs_context_destroy(&context);
    return status == GS_OK && context == NULL && strcmp(gs_status_name(status), "GS_OK") == 0 ? 0 : 1;
}
