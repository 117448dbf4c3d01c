// volk's code is compiled here; its globals are written here only, under a lock. They are trampolines of the Vulkan
// loader, valid for every instance.
#define VOLK_IMPLEMENTATION
#include "gpu/internal.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bool loaded;

gs_status gs__loader_open(gs__error *error) {
    pthread_mutex_lock(&lock);
    if (!loaded) loaded = volkInitialize() == VK_SUCCESS;
    bool ok = loaded;
    pthread_mutex_unlock(&lock);
    if (ok) return GS_OK;
    return gs__fail(error, GS_ERR_NO_DEVICE,
                    "no Vulkan loader (libvulkan.so.1) found: install your GPU's driver and the loader; on "
                    "Debian/Ubuntu `apt install libvulkan1 mesa-vulkan-drivers` (includes a CPU device)");
}

void gs__loader_lock(void) {
    pthread_mutex_lock(&lock);
}

void gs__loader_unlock(void) {
    pthread_mutex_unlock(&lock);
}

void gs__loader_set_instance(VkInstance instance) {
    pthread_mutex_lock(&lock);
    if (!vkGetDeviceProcAddr)
        vkGetDeviceProcAddr = (PFN_vkGetDeviceProcAddr)vkGetInstanceProcAddr(instance, "vkGetDeviceProcAddr");
    pthread_mutex_unlock(&lock);
}
