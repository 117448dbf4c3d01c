// Known drivers: assets/known-drivers.json, which the build embeds.
#include "base/memory.h"
#include "doctor/doctor.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

extern const unsigned char gs__known_drivers_json[];
extern const unsigned long gs__known_drivers_json_bytes;

static gs_status read_entry(gs__json *json, const cJSON *item, gs__known_driver *entry) {
    gs_status status = GS_OK;
    gs_doctor_known *known = &entry->public;
    entry->vendor_id = -1;
    GS_TRY(gs__json_as_object(json, item));
    GS_TRY(gs__json_get_string(json, item, "id", GS__JSON_REQUIRED, &known->id));
    GS_TRY(gs__json_get_string(json, item, "affects", GS__JSON_REQUIRED, &known->affects));
    GS_TRY(gs__json_get_string(json, item, "what", GS__JSON_REQUIRED, &known->what));
    GS_TRY(gs__json_get_string(json, item, "advice", GS__JSON_REQUIRED, &known->advice));
    GS_TRY(gs__json_get_string(json, item, "source", GS__JSON_REQUIRED, &known->source));
    GS_TRY(gs__json_get_string(json, item, "driver", GS__JSON_OPTIONAL, &entry->driver));
    GS_TRY(gs__json_get_string(json, item, "device", GS__JSON_OPTIONAL, &entry->device));
    GS_TRY(gs__json_get_string(json, item, "type", GS__JSON_OPTIONAL, &entry->type));
    GS_TRY(gs__json_get_int(json, item, "vendor_id", GS__JSON_OPTIONAL, 0, UINT32_MAX, &entry->vendor_id));
    known->here = "";
fail:
    return status;
}

gs_status gs__known_drivers_read(gs__error *error, gs__known_drivers *known) {
    gs_status status = GS_OK;
    const cJSON *list, *item;
    *known = (gs__known_drivers){0};
    GS_TRY(gs__json_parse(error, (const char *)gs__known_drivers_json, gs__known_drivers_json_bytes,
                          "known-drivers.json", &known->json));
    GS_TRY(gs__json_get_array(known->json, gs__json_root(known->json), "drivers", GS__JSON_REQUIRED, &list));
    known->entries = gs__allocate(error, (uint64_t)cJSON_GetArraySize(list), sizeof *known->entries, "known drivers");
    if (!known->entries) {
        status = GS_ERR_MEMORY;
        goto fail;
    }
    cJSON_ArrayForEach(item, list) {
        GS_TRY(read_entry(known->json, item, &known->entries[known->count]));
        known->count++;
    }
    return GS_OK;
fail:
    gs__known_drivers_deinit(known);
    return status;
}

void gs__known_drivers_deinit(gs__known_drivers *known) {
    free(known->entries);
    gs__json_destroy(known->json);
    *known = (gs__known_drivers){0};
}

static bool contains(const char *text, const char *part) {
    if (!part) return true;
    for (; *text; text++) {
        size_t i = 0;
        while (part[i] && tolower((unsigned char)text[i]) == tolower((unsigned char)part[i])) i++;
        if (!part[i]) return true;
    }
    return false;
}

bool gs__known_driver_matches(const gs__known_driver *entry, const gs_device_info *device) {
    return (entry->vendor_id < 0 || entry->vendor_id == (int64_t)device->vendor_id) &&
           contains(device->driver, entry->driver) && contains(device->name, entry->device) &&
           contains(gs_device_type_text(device->type), entry->type);
}
