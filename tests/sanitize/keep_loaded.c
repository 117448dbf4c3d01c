// Linked into the executables of a sanitizer build: libraries stay loaded, so that leaks inside Vulkan drivers and
// layers can be told from ours by the library's name (lsan.supp) when the leak check runs, at exit.
__attribute__((visibility("default"))) int dlclose(void *handle);

int dlclose(void *handle) {
    (void)handle;
    return 0;
}
