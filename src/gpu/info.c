// What a physical device says of itself.
#include "gpu/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *gs__vendor_name(uint32_t vendor_id) {
    static const struct {
        uint32_t id;
        const char *name;
    } vendors[] = {
        {0x1002, "AMD"},
        {0x10DE, "NVIDIA"},
        {0x8086, "Intel"},
        {0x13B5, "Arm"},
        {0x5143, "Qualcomm"},
        {0x1010, "ImgTec"},
        {0x106B, "Apple"},
        {0x14E4, "Broadcom"},
        {0x1AE0, "Google"},
        {0x1414, "Microsoft"},
        {0x144D, "Samsung"},
        {0x19E5, "Huawei"},
        {0x1D17, "Zhaoxin"},
        {0x1ED5, "Moore Threads"},
        // Vendors without a PCI id: VkVendorId.
        {0x10001, "Vivante"},
        {0x10002, "VeriSilicon"},
        {0x10003, "Kazan"},
        {0x10004, "Codeplay"},
        {0x10005, "Mesa"},
        {0x10006, "PoCL"},
        {0x10007, "Mobileye"},
    };
    for (size_t i = 0; i < sizeof vendors / sizeof *vendors; i++)
        if (vendors[i].id == vendor_id) return vendors[i].name;
    return NULL;
}

void gs__driver_version_text(uint32_t vendor_id, uint32_t driver_id, uint32_t version, char *text, size_t bytes) {
    bool nvidia = driver_id ? driver_id == VK_DRIVER_ID_NVIDIA_PROPRIETARY : vendor_id == 0x10DE;
    if (nvidia) {
        unsigned major = version >> 22, minor = version >> 14 & 0xFF, patch = version >> 6 & 0xFF;
        unsigned rest = version & 0x3F;
        if (rest) snprintf(text, bytes, "%u.%02u.%02u.%u", major, minor, patch, rest);
        else snprintf(text, bytes, "%u.%02u.%02u", major, minor, patch);
    } else if (driver_id == VK_DRIVER_ID_INTEL_PROPRIETARY_WINDOWS) {
        snprintf(text, bytes, "%u.%u", (unsigned)(version >> 14), (unsigned)(version & 0x3FFF));
    } else {
        snprintf(text, bytes, "%u.%u.%u", (unsigned)VK_API_VERSION_MAJOR(version),
                 (unsigned)VK_API_VERSION_MINOR(version), (unsigned)VK_API_VERSION_PATCH(version));
    }
}

static gs_device_type device_type(VkPhysicalDeviceType type) {
    switch (type) {
    case VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU:
        return GS_DEVICE_INTEGRATED;
    case VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU:
        return GS_DEVICE_DISCRETE;
    case VK_PHYSICAL_DEVICE_TYPE_VIRTUAL_GPU:
        return GS_DEVICE_VIRTUAL;
    case VK_PHYSICAL_DEVICE_TYPE_CPU:
        return GS_DEVICE_CPU;
    default:
        return GS_DEVICE_OTHER;
    }
}

static void fill_info(gs_device_info *info, const VkPhysicalDeviceProperties *p,
                      const VkPhysicalDeviceMemoryProperties *memory) {
    snprintf(info->name, sizeof info->name, "%.*s", (int)sizeof info->name - 1, p->deviceName);
    info->type = device_type(p->deviceType);
    info->vendor_id = p->vendorID;
    info->device_id = p->deviceID;
    const char *vendor = gs__vendor_name(p->vendorID);
    if (vendor) snprintf(info->vendor, sizeof info->vendor, "%s", vendor);
    else snprintf(info->vendor, sizeof info->vendor, "0x%04X", (unsigned)p->vendorID);
    snprintf(info->api_version, sizeof info->api_version, "%u.%u.%u", (unsigned)VK_API_VERSION_MAJOR(p->apiVersion),
             (unsigned)VK_API_VERSION_MINOR(p->apiVersion), (unsigned)VK_API_VERSION_PATCH(p->apiVersion));
    memcpy(info->uuid, p->pipelineCacheUUID, sizeof info->uuid);
    for (uint32_t i = 0; i < memory->memoryHeapCount; i++) {
        const VkMemoryHeap *heap = &memory->memoryHeaps[i];
        if (heap->flags & VK_MEMORY_HEAP_DEVICE_LOCAL_BIT && heap->size > info->memory_bytes)
            info->memory_bytes = heap->size;
    }
}

static bool has_extension(const VkExtensionProperties *list, uint32_t count, const char *name) {
    for (uint32_t i = 0; i < count; i++)
        if (strcmp(list[i].extensionName, name) == 0) return true;
    return false;
}

// Properties and features that need Vulkan 1.1, and what extensions add.
static void fill_details(gs__physical_facts *facts, const gs__instance *instance, VkPhysicalDevice device,
                         const VkExtensionProperties *extensions, uint32_t extension_count) {
    gs_device_info *info = &facts->info;
#define HAS(name) has_extension(extensions, extension_count, name)
    bool has_driver = facts->api >= VK_API_VERSION_1_2 || HAS("VK_KHR_driver_properties");
    bool has_float16 = facts->api >= VK_API_VERSION_1_2 || HAS("VK_KHR_shader_float16_int8");
    bool has_subgroup_control = facts->api >= VK_API_VERSION_1_3 || HAS("VK_EXT_subgroup_size_control");
    bool has_maintenance4 = facts->api >= VK_API_VERSION_1_3 || HAS("VK_KHR_maintenance4");
    facts->portability_subset = HAS("VK_KHR_portability_subset");
    facts->executable_properties = HAS("VK_KHR_pipeline_executable_properties");
    facts->memory_budget = HAS("VK_EXT_memory_budget");
    info->cooperative_matrix = HAS("VK_KHR_cooperative_matrix");
    const bool has_bfloat = HAS("VK_KHR_shader_bfloat16");
#undef HAS

    VkPhysicalDeviceMaintenance4Properties maintenance4 = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_4_PROPERTIES};
    VkPhysicalDeviceDriverProperties driver = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRIVER_PROPERTIES};
    VkPhysicalDeviceSubgroupProperties subgroup = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_PROPERTIES};
    VkPhysicalDeviceMaintenance3Properties maintenance3 = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_3_PROPERTIES, .pNext = &subgroup};
    VkPhysicalDeviceProperties2 properties = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2,
                                              .pNext = &maintenance3};
    if (has_driver) {
        driver.pNext = properties.pNext;
        properties.pNext = &driver;
    }
    VkPhysicalDeviceSubgroupSizeControlProperties sizes = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_PROPERTIES};
    if (has_subgroup_control) {
        sizes.pNext = properties.pNext;
        properties.pNext = &sizes;
    }
    if (has_maintenance4) {
        maintenance4.pNext = properties.pNext;
        properties.pNext = &maintenance4;
    }
    instance->vk.GetPhysicalDeviceProperties2(device, &properties);

    VkPhysicalDeviceShaderFloat16Int8Features float16 = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_FLOAT16_INT8_FEATURES};
    VkPhysicalDevice16BitStorageFeatures storage16 = {.sType =
                                                          VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_16BIT_STORAGE_FEATURES};
    VkPhysicalDeviceFeatures2 features = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2, .pNext = &storage16};
    if (has_float16) storage16.pNext = &float16;
    instance->vk.GetPhysicalDeviceFeatures2(device, &features);

    const VkPhysicalDeviceProperties *p = &properties.properties;
    uint32_t driver_id = has_driver ? (uint32_t)driver.driverID : 0;
    gs__driver_version_text(p->vendorID, driver_id, p->driverVersion, info->driver_version,
                            sizeof info->driver_version);
    if (has_driver && driver.driverName[0])
        snprintf(info->driver, sizeof info->driver, "%.*s%s%.*s", 127, driver.driverName,
                 driver.driverInfo[0] ? " " : "", 127, driver.driverInfo);
    else snprintf(info->driver, sizeof info->driver, "%s %s", info->vendor, info->driver_version);
    info->fp16 = float16.shaderFloat16 && storage16.storageBuffer16BitAccess;
    info->subgroup_size = subgroup.subgroupSize;
    facts->subgroup_shuffle = subgroup.supportedOperations & VK_SUBGROUP_FEATURE_SHUFFLE_BIT &&
                              subgroup.supportedStages & VK_SHADER_STAGE_COMPUTE_BIT;
    // Drivers for RDNA let choose 32 or 64. Those that are too old to say are taken for GCN's.
    facts->wave64_only =
        p->vendorID == 0x1002 && subgroup.subgroupSize == 64 && (!has_subgroup_control || sizes.minSubgroupSize == 64);
    if (info->cooperative_matrix && facts->api >= VK_API_VERSION_1_2)
        gs__matrix_query(facts, instance, device, has_bfloat, has_subgroup_control);
    facts->max_allocation_bytes = maintenance3.maxMemoryAllocationSize;
    if (has_maintenance4 && maintenance4.maxBufferSize < facts->max_allocation_bytes)
        facts->max_allocation_bytes = maintenance4.maxBufferSize;
}

gs_status gs__physical_query(gs__error *error, const gs__instance *instance, VkPhysicalDevice device,
                             gs__physical_facts *facts) {
    gs_status status = GS_OK;
    VkExtensionProperties *extensions = NULL;
    memset(facts, 0, sizeof *facts);
    VkPhysicalDeviceProperties properties;
    instance->vk.GetPhysicalDeviceProperties(device, &properties);
    instance->vk.GetPhysicalDeviceMemoryProperties(device, &facts->memory);
    fill_info(&facts->info, &properties, &facts->memory);
    facts->limits = properties.limits;
    facts->api = properties.apiVersion < instance->api ? properties.apiVersion : instance->api;
    if (facts->api < VK_API_VERSION_1_1) {
        gs__driver_version_text(properties.vendorID, 0, properties.driverVersion, facts->info.driver_version,
                                sizeof facts->info.driver_version);
        snprintf(facts->info.driver, sizeof facts->info.driver, "%s %s", facts->info.vendor,
                 facts->info.driver_version);
        return GS_OK;
    }

    uint32_t count = 0;
    VkResult result = instance->vk.EnumerateDeviceExtensionProperties(device, NULL, &count, NULL);
    if (result == VK_SUCCESS && count > 0) {
        extensions = calloc(count, sizeof *extensions);
        if (!extensions) return gs__fail(error, GS_ERR_MEMORY, "out of host memory: list of device extensions");
        result = instance->vk.EnumerateDeviceExtensionProperties(device, NULL, &count, extensions);
    }
    if (result != VK_SUCCESS && result != VK_INCOMPLETE) {
        GS_TRY(gs__fail(error, gs__result_status(result), "vkEnumerateDeviceExtensionProperties failed on %.64s: %s",
                        facts->info.name, gs__result_name(result)));
    }
    fill_details(facts, instance, device, extensions, count);
fail:
    free(extensions);
    return status;
}
