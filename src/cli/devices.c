// gradsmith devices: what Vulkan offers, and which device is used.
#include "cli.h"
#include "options.h"
#include <cjson/cJSON.h>
#include <stdlib.h>

static void print_device(const gs_device_info *device, const char *chosen) {
    printf("Device %u: %s%s\n", device->index, cli_clean(device->name, 0).text, chosen != NULL ? "  <- chosen" : "");
    if (chosen != NULL) printf("    %-20s%s\n", "chosen because", chosen);
    printf("    %-20s%s\n", "type", gs_device_type_text(device->type));
    printf("    %-20s%s\n", "vendor", cli_clean(device->vendor, 0).text);
    printf("    %-20s%s, version %s\n", "driver", cli_clean(device->driver, 0).text, device->driver_version);
    printf("    %-20s%s\n", "Vulkan API", device->api_version);
    printf("    %-20s%s\n", "memory", cli_bytes(device->memory_bytes).text);
    printf("    %-20s%u\n", "subgroup size", device->subgroup_size);
    printf("    %-20s%s\n", "fp16", device->fp16 ? "yes" : "no");
    printf("    %-20s%s\n", "cooperative matrix", device->cooperative_matrix ? "yes" : "no");
}

static void add_device(cJSON *list, const gs_device_info *device) {
    cJSON *object = cJSON_CreateObject();
    cJSON_AddNumberToObject(object, "index", device->index);
    cJSON_AddStringToObject(object, "name", device->name);
    cJSON_AddStringToObject(object, "type", gs_device_type_text(device->type));
    cJSON_AddStringToObject(object, "vendor", device->vendor);
    cJSON_AddNumberToObject(object, "vendor_id", device->vendor_id);
    cJSON_AddNumberToObject(object, "device_id", device->device_id);
    cJSON_AddStringToObject(object, "driver", device->driver);
    cJSON_AddStringToObject(object, "driver_version", device->driver_version);
    cJSON_AddStringToObject(object, "api_version", device->api_version);
    cJSON_AddNumberToObject(object, "memory_bytes", (double)device->memory_bytes);
    cJSON_AddNumberToObject(object, "subgroup_size", device->subgroup_size);
    cJSON_AddBoolToObject(object, "fp16", device->fp16);
    cJSON_AddBoolToObject(object, "cooperative_matrix", device->cooperative_matrix);
    cJSON_AddItemToArray(list, object);
}

// `chosen` is NULL when there is none.
static int print_json(const gs_device_info *devices, uint32_t count, const gs_device_info *chosen, const char *reason) {
    cJSON *root = cJSON_CreateObject();
    cJSON *list = cJSON_AddArrayToObject(root, "devices");
    for (uint32_t i = 0; i < count; i++) add_device(list, &devices[i]);
    if (chosen != NULL) cJSON_AddNumberToObject(root, "chosen", chosen->index);
    else cJSON_AddNullToObject(root, "chosen");
    cJSON_AddStringToObject(root, "reason", reason);
    char *text = list != NULL ? cJSON_Print(root) : NULL;
    if (text != NULL) printf("%s\n", text);
    cJSON_free(text);
    cJSON_Delete(root);
    return text != NULL ? CLI_OK : cli_fail("out of memory");
}

static int list_devices(gs_context *context, bool json) {
    enum { CAPACITY = 64 };
    uint32_t count = 0;
    gs_device_info *devices = calloc(CAPACITY, sizeof *devices), chosen;
    char reason[256] = "";
    int code = CLI_OK;
    if (devices == NULL) return cli_fail("out of memory");
    if (gs_device_list(context, devices, CAPACITY, &count) != GS_OK) {
        code = cli_fail_context(context, NULL);
        goto done;
    }
    if (count > CAPACITY) count = CAPACITY;
    bool found = gs_device_get(context, &chosen, reason, sizeof reason) == GS_OK;
    if (json) {
        code = print_json(devices, count, found ? &chosen : NULL, found ? reason : gs_context_message(context));
    } else {
        for (uint32_t i = 0; i < count; i++) {
            if (i > 0) printf("\n");
            print_device(&devices[i], found && chosen.index == devices[i].index ? reason : NULL);
        }
    }
    if (!found && code == CLI_OK) code = cli_fail_context(context, NULL);
done:
    free(devices);
    return code;
}

int cli_devices(int argc, char **argv) {
    bool json = false;
    gs_context_params params = {0};
    const cli_option options[] = {
        {.name = "json", .flag = &json, .help = "print JSON: devices, chosen (an index), reason"},
        {"device", "D", .text = &params.device, .help = "show the choice for D: auto, an index, or a part of a name"},
        {0},
    };
    const cli_usage usage = {
        .command = "devices",
        .synopsis = "[--json] [--device D]",
        .text = "Lists every Vulkan device, and says which one is used and why. Without --device\n"
                "or GRADSMITH_DEVICE the best kind is taken: discrete GPU, integrated GPU,\n"
                "virtual GPU, CPU; of several, the one with the most memory.",
        .options = options,
    };
    int code = cli_parse(&usage, argc, argv);
    if (code != CLI_GO_ON) return code;
    gs_context *context;
    if (gs_context_create(&context, &params) != GS_OK) return cli_fail("out of memory");
    code = list_devices(context, json);
    gs_context_destroy(&context);
    return code;
}
