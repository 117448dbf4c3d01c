#include "gpu/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VALIDATION_LAYER "VK_LAYER_KHRONOS_validation"
#define INSTALL_DRIVER                                                                                                 \
    "install your GPU's driver, or on Debian/Ubuntu `apt install mesa-vulkan-drivers` (includes a CPU device)"

static VKAPI_ATTR VkBool32 VKAPI_CALL on_message(VkDebugUtilsMessageSeverityFlagBitsEXT severity,
                                                 VkDebugUtilsMessageTypeFlagsEXT types,
                                                 const VkDebugUtilsMessengerCallbackDataEXT *data, void *user) {
    (void)severity, (void)types;
    gs__instance *instance = user;
    pthread_mutex_lock(&instance->lock);
    if (instance->validation_errors++ == 0)
        snprintf(instance->first_error, sizeof instance->first_error, "%s", data->pMessage ? data->pMessage : "");
    pthread_mutex_unlock(&instance->lock);
    return VK_FALSE;
}

static VkDebugUtilsMessengerCreateInfoEXT messenger_info(gs__instance *instance) {
    return (VkDebugUtilsMessengerCreateInfoEXT){
        .sType = VK_STRUCTURE_TYPE_DEBUG_UTILS_MESSENGER_CREATE_INFO_EXT,
        .messageSeverity =
            VK_DEBUG_UTILS_MESSAGE_SEVERITY_WARNING_BIT_EXT | VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT,
        .messageType = VK_DEBUG_UTILS_MESSAGE_TYPE_VALIDATION_BIT_EXT,
        .pfnUserCallback = on_message,
        .pUserData = instance,
    };
}

// Whether an instance extension is there; `layer`: among those of the layer.
static bool has_extension(const char *layer, const char *name) {
    uint32_t count = 0;
    if (vkEnumerateInstanceExtensionProperties(layer, &count, NULL) != VK_SUCCESS || count == 0) return false;
    VkExtensionProperties *list = calloc(count, sizeof *list);
    if (!list) return false;
    bool found = false;
    if (vkEnumerateInstanceExtensionProperties(layer, &count, list) >= 0)
        for (uint32_t i = 0; i < count; i++) found = found || strcmp(list[i].extensionName, name) == 0;
    free(list);
    return found;
}

static bool has_layer(const char *name) {
    uint32_t count = 0;
    if (vkEnumerateInstanceLayerProperties(&count, NULL) != VK_SUCCESS || count == 0) return false;
    VkLayerProperties *list = calloc(count, sizeof *list);
    if (!list) return true; // vkCreateInstance finds out, or what else takes memory
    bool found = false;
    if (vkEnumerateInstanceLayerProperties(&count, list) >= 0)
        for (uint32_t i = 0; i < count; i++) found = found || strcmp(list[i].layerName, name) == 0;
    free(list);
    return found;
}

static gs_status create_handle(gs__error *error, gs__instance *instance, bool validate) {
    VkDebugUtilsMessengerCreateInfoEXT messenger = messenger_info(instance);
    static const VkValidationFeatureEnableEXT enables[] = {VK_VALIDATION_FEATURE_ENABLE_SYNCHRONIZATION_VALIDATION_EXT};
    VkValidationFeaturesEXT features = {
        .sType = VK_STRUCTURE_TYPE_VALIDATION_FEATURES_EXT,
        .pNext = &messenger, // for messages of vkCreateInstance and vkDestroyInstance
        .enabledValidationFeatureCount = 1,
        .pEnabledValidationFeatures = enables,
    };
    const char *extensions[3];
    uint32_t extension_count = 0;
    VkApplicationInfo application = {
        .sType = VK_STRUCTURE_TYPE_APPLICATION_INFO,
        .pApplicationName = "gradsmith",
        .pEngineName = "gradsmith",
        .apiVersion = instance->api,
    };
    static const char *const layers[] = {VALIDATION_LAYER};
    VkInstanceCreateInfo create = {.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO, .pApplicationInfo = &application};
    if (has_extension(NULL, VK_KHR_PORTABILITY_ENUMERATION_EXTENSION_NAME)) {
        extensions[extension_count++] = VK_KHR_PORTABILITY_ENUMERATION_EXTENSION_NAME;
        create.flags |= VK_INSTANCE_CREATE_ENUMERATE_PORTABILITY_BIT_KHR;
    }
    if (validate) {
        if (!has_layer(VALIDATION_LAYER))
            return gs__fail(error, GS_ERR_UNSUPPORTED,
                            "validation was asked for but " VALIDATION_LAYER " is not installed: on Debian/Ubuntu "
                            "`apt install vulkan-validationlayers`, or run without validation");
        extensions[extension_count++] = VK_EXT_DEBUG_UTILS_EXTENSION_NAME;
        if (has_extension(VALIDATION_LAYER, VK_EXT_VALIDATION_FEATURES_EXTENSION_NAME)) {
            extensions[extension_count++] = VK_EXT_VALIDATION_FEATURES_EXTENSION_NAME;
            create.pNext = &features;
        } else {
            create.pNext = &messenger;
        }
        create.enabledLayerCount = 1;
        create.ppEnabledLayerNames = layers;
    }
    create.enabledExtensionCount = extension_count;
    create.ppEnabledExtensionNames = extensions;
    gs__loader_lock();
    VkResult result = vkCreateInstance(&create, NULL, &instance->handle);
    gs__loader_unlock();
    if (result == VK_ERROR_INCOMPATIBLE_DRIVER)
        return gs__fail(error, GS_ERR_NO_DEVICE, "no Vulkan driver found: " INSTALL_DRIVER);
    if (result != VK_SUCCESS) {
        instance->handle = VK_NULL_HANDLE;
        return gs__fail(error, gs__result_status(result), "vkCreateInstance failed: %s (%d)", gs__result_name(result),
                        (int)result);
    }
    return GS_OK;
}

static gs_status load_calls(gs__error *error, gs__instance *instance, bool validate) {
    VkInstance handle = instance->handle;
#define LOAD(name) instance->vk.name = (PFN_vk##name)vkGetInstanceProcAddr(handle, "vk" #name);
#define LOAD_CHECKED(name)                                                                                             \
    LOAD(name)                                                                                                         \
    if (!instance->vk.name)                                                                                            \
        return gs__fail(error, GS_ERR_NO_DEVICE, "the Vulkan loader lacks vk" #name ": update it (libvulkan1)");
    GS__INSTANCE_CALLS(LOAD_CHECKED)
    gs__loader_set_instance(handle);
    if (!validate) return GS_OK;
    LOAD_CHECKED(CreateDebugUtilsMessengerEXT)
    LOAD_CHECKED(DestroyDebugUtilsMessengerEXT)
#undef LOAD_CHECKED
#undef LOAD
    VkDebugUtilsMessengerCreateInfoEXT create = messenger_info(instance);
    VkResult result = instance->vk.CreateDebugUtilsMessengerEXT(handle, &create, NULL, &instance->messenger);
    if (result != VK_SUCCESS)
        return gs__fail(error, gs__result_status(result), "vkCreateDebugUtilsMessengerEXT failed: %s",
                        gs__result_name(result));
    return GS_OK;
}

// Leaves device_count 0 when the loader has no device: only then gs__instance_list can tell.
static gs_status find_devices(gs__error *error, gs__instance *instance) {
    uint32_t count = 0;
    VkResult result = instance->vk.EnumeratePhysicalDevices(instance->handle, &count, NULL);
    if (result == VK_ERROR_INITIALIZATION_FAILED || (result == VK_SUCCESS && count == 0)) return GS_OK;
    if (result != VK_SUCCESS)
        return gs__fail(error, gs__result_status(result), "vkEnumeratePhysicalDevices failed: %s",
                        gs__result_name(result));
    instance->devices = calloc(count, sizeof *instance->devices);
    instance->infos = calloc(count, sizeof *instance->infos);
    if (!instance->devices || !instance->infos)
        return gs__fail(error, GS_ERR_MEMORY, "out of host memory: list of devices");
    result = instance->vk.EnumeratePhysicalDevices(instance->handle, &count, instance->devices);
    if (result != VK_SUCCESS && result != VK_INCOMPLETE)
        return gs__fail(error, gs__result_status(result), "vkEnumeratePhysicalDevices failed: %s",
                        gs__result_name(result));
    for (uint32_t i = 0; i < count; i++) {
        gs__physical_facts facts;
        gs_status status = gs__physical_query(error, instance, instance->devices[i], &facts);
        if (status != GS_OK) return status;
        instance->infos[i] = facts.info;
        instance->infos[i].index = i;
    }
    instance->device_count = count;
    return GS_OK;
}

gs_status gs__instance_create(gs__error *error, const gs__instance_params *params, gs__instance **result) {
    gs_status status = GS_OK;
    *result = NULL;
    bool validate = params && params->validate;
    gs__instance *instance = calloc(1, sizeof *instance);
    if (!instance) return gs__fail(error, GS_ERR_MEMORY, "out of host memory: Vulkan instance");
    if (pthread_mutex_init(&instance->lock, NULL) != 0) {
        free(instance);
        return gs__fail(error, GS_ERR_MEMORY, "out of host memory: mutex");
    }
    GS_TRY(gs__loader_open(error));
    instance->api = volkGetInstanceVersion();
    if (instance->api > VK_API_VERSION_1_3) instance->api = VK_API_VERSION_1_3;
    if (instance->api < VK_API_VERSION_1_1)
        GS_TRY(gs__fail(error, GS_ERR_NO_DEVICE,
                        "the Vulkan loader is version 1.0 but 1.1 or later is needed: update it (libvulkan1)"));
    GS_TRY(create_handle(error, instance, validate));
    GS_TRY(load_calls(error, instance, validate));
    GS_TRY(find_devices(error, instance));
    *result = instance;
    return GS_OK;
fail:
    gs__instance_destroy(instance);
    return status;
}

void gs__instance_destroy(gs__instance *instance) {
    if (!instance) return;
    if (instance->messenger) instance->vk.DestroyDebugUtilsMessengerEXT(instance->handle, instance->messenger, NULL);
    gs__loader_lock();
    if (instance->handle && instance->vk.DestroyInstance) instance->vk.DestroyInstance(instance->handle, NULL);
    gs__loader_unlock();
    pthread_mutex_destroy(&instance->lock);
    free(instance->devices);
    free(instance->infos);
    free(instance);
}

uint64_t gs__instance_validation_errors(const gs__instance *instance, const char **first) {
    // The text is written once, before the count leaves 0, so it may be read without the lock afterwards.
    pthread_mutex_t *lock = (pthread_mutex_t *)&instance->lock;
    pthread_mutex_lock(lock);
    uint64_t count = instance->validation_errors;
    pthread_mutex_unlock(lock);
    if (first) *first = instance->first_error;
    return count;
}

gs_status gs__instance_list(gs__error *error, gs__instance *instance, gs_device_info *infos, uint32_t capacity,
                            uint32_t *count) {
    *count = instance->device_count;
    if (instance->device_count == 0)
        return gs__fail(error, GS_ERR_NO_DEVICE, "the Vulkan loader finds no device: " INSTALL_DRIVER);
    for (uint32_t i = 0; i < capacity && i < instance->device_count; i++) infos[i] = instance->infos[i];
    return GS_OK;
}

gs_status gs__instance_choose(gs__error *error, gs__instance *instance, const char *select, uint32_t *index,
                              char *reason, size_t reason_bytes) {
    uint32_t count = 0;
    gs_status status = gs__instance_list(error, instance, NULL, 0, &count);
    if (status != GS_OK) return status;
    return gs__choose_device(error, instance->infos, count, select, getenv("GRADSMITH_DEVICE"), index, reason,
                             reason_bytes);
}
