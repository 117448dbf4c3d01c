#include "gpu/internal.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *gs_device_type_text(gs_device_type type) {
    switch (type) {
    case GS_DEVICE_INTEGRATED:
        return "integrated GPU";
    case GS_DEVICE_DISCRETE:
        return "discrete GPU";
    case GS_DEVICE_VIRTUAL:
        return "virtual GPU";
    case GS_DEVICE_CPU:
        return "CPU";
    case GS_DEVICE_OTHER:
        break;
    }
    return "other";
}

static int rank(gs_device_type type) {
    switch (type) {
    case GS_DEVICE_DISCRETE:
        return 4;
    case GS_DEVICE_INTEGRATED:
        return 3;
    case GS_DEVICE_VIRTUAL:
        return 2;
    case GS_DEVICE_OTHER:
        return 1;
    case GS_DEVICE_CPU:
        break;
    }
    return 0;
}

// Vulkan 1.0 devices are listed but cannot be used.
static bool is_usable(const gs_device_info *info) {
    return strncmp(info->api_version, "1.0.", 4) != 0 && strncmp(info->api_version, "0.", 2) != 0;
}

static bool contains(const char *name, const char *part) {
    size_t length = strlen(part);
    for (; strlen(name) >= length; name++) {
        size_t i = 0;
        while (i < length && tolower((unsigned char)name[i]) == tolower((unsigned char)part[i])) i++;
        if (i == length) return true;
    }
    return false;
}

// "0: llvmpipe (...), 1: ..." as far as it fits. Lists the devices whose name has `part`, or all.
static void list_devices(const gs_device_info *infos, uint32_t count, const char *part, char *text, size_t bytes) {
    size_t used = 0;
    text[0] = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (part && !contains(infos[i].name, part)) continue;
        int n = snprintf(text + used, bytes - used, "%s%u: %.80s", used ? ", " : "", (unsigned)infos[i].index,
                         infos[i].name);
        if (n < 0 || (size_t)n >= bytes - used) {
            if (used + 5 < bytes) memcpy(text + used, ", ...", 6);
            else memcpy(text + bytes - 4, "...", 4);
            return;
        }
        used += (size_t)n;
    }
}

static gs_status choose_index(gs__error *error, const gs_device_info *infos, uint32_t count, const char *select,
                              const char *source, uint32_t *index) {
    errno = 0;
    unsigned long value = strtoul(select, NULL, 10);
    if (errno == 0 && value < count) {
        *index = (uint32_t)value;
        return GS_OK;
    }
    char list[320];
    list_devices(infos, count, NULL, list, sizeof list);
    return gs__fail(error, GS_ERR_ARGUMENT, "%s%.40s: no device has this index; there %s %u: %s", source, select,
                    count == 1 ? "is" : "are", (unsigned)count, list);
}

static gs_status choose_name(gs__error *error, const gs_device_info *infos, uint32_t count, const char *select,
                             const char *source, uint32_t *index) {
    uint32_t matches = 0;
    for (uint32_t i = 0; i < count; i++)
        if (contains(infos[i].name, select) && matches++ == 0) *index = i;
    if (matches == 1) return GS_OK;
    char list[320];
    list_devices(infos, count, matches ? select : NULL, list, sizeof list);
    if (matches == 0)
        return gs__fail(error, GS_ERR_ARGUMENT, "%s\"%.60s\": no device's name contains this; there %s %u: %s", source,
                        select, count == 1 ? "is" : "are", (unsigned)count, list);
    return gs__fail(error, GS_ERR_ARGUMENT,
                    "%s\"%.60s\": %u devices' names contain this, give more of the name or an index: %s", source,
                    select, (unsigned)matches, list);
}

static gs_status choose_best(gs__error *error, const gs_device_info *infos, uint32_t count, uint32_t *index,
                             char *reason, size_t reason_bytes) {
    const gs_device_info *best = NULL;
    uint32_t usable = 0, same_type = 0, same_memory = 0;
    for (uint32_t i = 0; i < count; i++) {
        const gs_device_info *info = &infos[i];
        if (!is_usable(info)) continue;
        usable++;
        if (!best || rank(info->type) > rank(best->type)) {
            best = info;
            same_type = same_memory = 1;
        } else if (info->type == best->type) {
            same_type++;
            if (info->memory_bytes > best->memory_bytes) {
                best = info;
                same_memory = 1;
            } else if (info->memory_bytes == best->memory_bytes) {
                same_memory++;
            }
        }
    }
    if (!best) {
        char list[256];
        list_devices(infos, count, NULL, list, sizeof list);
        return gs__fail(error, GS_ERR_NO_DEVICE,
                        "no device has Vulkan 1.1 or later, which gradsmith needs: update the driver of %s", list);
    }
    *index = (uint32_t)(best - infos);
    const char *type = gs_device_type_text(best->type);
    const char *plural = best->type == GS_DEVICE_OTHER ? " devices" : "s";
    if (usable == 1)
        snprintf(reason, reason_bytes, count == 1 ? "the only device" : "the only device with Vulkan 1.1 or later");
    else if (same_type == 1) snprintf(reason, reason_bytes, "the only %s of %u devices", type, (unsigned)usable);
    else if (same_memory == same_type)
        snprintf(reason, reason_bytes, "first of %u %s%s with equal memory", (unsigned)same_type, type, plural);
    else snprintf(reason, reason_bytes, "most memory of %u %s%s", (unsigned)same_type, type, plural);
    return GS_OK;
}

static bool is_auto(const char *select) {
    return !select || !select[0] || strcmp(select, "auto") == 0;
}

gs_status gs__choose_device(gs__error *error, const gs_device_info *infos, uint32_t count, const char *select,
                            const char *environment, uint32_t *index, char *reason, size_t reason_bytes) {
    char own_reason[1];
    if (!reason || !reason_bytes) {
        reason = own_reason;
        reason_bytes = sizeof own_reason;
    }
    const char *source = "device ";
    if (is_auto(select)) {
        select = environment;
        source = "GRADSMITH_DEVICE=";
    }
    if (is_auto(select)) return choose_best(error, infos, count, index, reason, reason_bytes);

    bool is_index = strspn(select, "0123456789") == strlen(select);
    gs_status status = is_index ? choose_index(error, infos, count, select, source, index)
                                : choose_name(error, infos, count, select, source, index);
    if (status != GS_OK) return status;
    bool from_environment = source[0] == 'G';
    if (from_environment) snprintf(reason, reason_bytes, "GRADSMITH_DEVICE=%s", select);
    else if (is_index) snprintf(reason, reason_bytes, "index %s was asked for", select);
    else snprintf(reason, reason_bytes, "the name contains \"%s\"", select);
    return GS_OK;
}
