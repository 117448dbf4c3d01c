// The same from C++.
#include <cstdio>
#include <gradsmith/device.h>

int main() {
    gs_context *context = nullptr;
    gs_status status = gs_context_create(&context, nullptr);
    std::printf("  C++: %s\n", gs_status_text(status));
    gs_context_destroy(&context);
    return status == GS_OK && context == nullptr ? 0 : 1;
}
