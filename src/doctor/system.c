// The system around the devices: what it is, which GPUs the kernel drives, and what to install or to set.
#include <gradsmith/doctor.h>

#include <ctype.h>
#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { AMD = 0x1002, INTEL = 0x8086, NVIDIA = 0x10de, MAX_GPUS = 16 };

static void advise(gs_doctor_system *system, const char *format, ...) {
    va_list arguments;
    if (system->advice_count == GS_DOCTOR_MAX_ADVICE) return;
    va_start(arguments, format);
    vsnprintf(system->advice[system->advice_count++], sizeof system->advice[0], format, arguments);
    va_end(arguments);
}

// --- the distribution -------------------------------------------------------------------------------------------------
// Value of KEY=value or KEY="value" in /etc/os-release; "" without.
static void read_release(const char *key, char *value, size_t bytes) {
    char line[256];
    // A test names another file.
    const char *path = getenv("GRADSMITH_OS_RELEASE");
    FILE *file = fopen(path ? path : "/etc/os-release", "r");
    value[0] = 0;
    while (file && !value[0] && fgets(line, sizeof line, file)) {
        const size_t length = strlen(key);
        if (strncmp(line, key, length) != 0 || line[length] != '=') continue;
        char *text = line + length + 1;
        text[strcspn(text, "\r\n")] = 0;
        if (*text == '"' || *text == '\'') {
            text++;
            text[strcspn(text, "\"'")] = 0;
        }
        snprintf(value, bytes, "%s", text);
    }
    if (file) fclose(file);
    for (char *c = value; *c; c++)
        if (iscntrl((unsigned char)*c)) *c = '?';
}

// "debian" in "ubuntu debian"
static bool is_like(const char *list, const char *word) {
    const size_t length = strlen(word);
    for (const char *at = strstr(list, word); at; at = strstr(at + 1, word))
        if ((at == list || at[-1] == ' ') && (at[length] == 0 || at[length] == ' ')) return true;
    return false;
}

typedef struct packages {
    const char *like, *command, *base, *nvidia; // base: loader, drivers of Mesa, a CPU device
} packages;

static const packages known[] = {
    {"debian", "apt install", "libvulkan1 mesa-vulkan-drivers", "nvidia-driver"},
    {"ubuntu", "apt install", "libvulkan1 mesa-vulkan-drivers", "(and `ubuntu-drivers install` for NVIDIA)"},
    {"fedora", "dnf install", "vulkan-loader mesa-vulkan-drivers", "akmod-nvidia (of RPM Fusion)"},
    {"rhel", "dnf install", "vulkan-loader mesa-vulkan-drivers", "NVIDIA's own driver"},
    {"suse", "zypper install", "libvulkan1 libvulkan_radeon libvulkan_intel libvulkan_lvp", "nvidia-driver-G06"},
    {"arch", "pacman -S", "vulkan-icd-loader vulkan-swrast", "nvidia-utils"},
    {"alpine", "apk add", "vulkan-loader mesa-vulkan-swrast", "(NVIDIA has no driver for musl)"},
};

static const packages *find_packages(void) {
    char id[64], like[128], all[200];
    read_release("ID", id, sizeof id);
    read_release("ID_LIKE", like, sizeof like);
    snprintf(all, sizeof all, "%s %s", id, like);
    // The system's own name counts before what it is like.
    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < sizeof known / sizeof *known; i++)
            if (is_like(pass ? all : id, known[i].like)) return &known[i];
    return NULL;
}

// --- GPUs -------------------------------------------------------------------------------------------------------------
struct gpus {
    uint32_t vendors[MAX_GPUS];
    uint32_t count;
    char locked[64]; // a render node that this user may not open
};

static void read_gpus(struct gpus *gpus) {
    DIR *dir = opendir("/sys/class/drm");
    const struct dirent *entry;
    while (dir && (entry = readdir(dir))) {
        char path[300], text[32] = "";
        if (strncmp(entry->d_name, "renderD", 7) != 0 || gpus->count == MAX_GPUS) continue;
        snprintf(path, sizeof path, "/sys/class/drm/%.100s/device/vendor", entry->d_name);
        FILE *file = fopen(path, "r");
        if (!file) continue;
        if (fgets(text, sizeof text, file)) gpus->vendors[gpus->count++] = (uint32_t)strtoul(text, NULL, 16);
        fclose(file);
        snprintf(path, sizeof path, "/dev/dri/%.40s", entry->d_name);
        if (!gpus->locked[0] && access(path, F_OK) == 0 && access(path, R_OK | W_OK) != 0)
            snprintf(gpus->locked, sizeof gpus->locked, "%.60s", path);
    }
    if (dir) closedir(dir);
    if (access("/proc/driver/nvidia/version", F_OK) == 0 && gpus->count < MAX_GPUS)
        gpus->vendors[gpus->count++] = NVIDIA;
}

static const char *vendor_name(uint32_t vendor) {
    return vendor == AMD ? "AMD" : vendor == INTEL ? "Intel" : vendor == NVIDIA ? "NVIDIA" : "another vendor";
}

static bool has(const struct gpus *gpus, uint32_t vendor) {
    for (uint32_t i = 0; i < gpus->count; i++)
        if (gpus->vendors[i] == vendor) return true;
    return false;
}

static bool has_device(const gs_device_info *infos, uint32_t count, uint32_t vendor) {
    for (uint32_t i = 0; i < count; i++)
        if (infos[i].vendor_id == vendor && infos[i].type != GS_DEVICE_CPU) return true;
    return false;
}

// --- advice -----------------------------------------------------------------------------------------------------------
static void write_command(const packages *p, const struct gpus *gpus, gs_doctor_system *system) {
    const bool arch = p && strcmp(p->like, "arch") == 0;
    if (!p) {
        snprintf(system->install_command, sizeof system->install_command,
                 "your system's packages of the Vulkan loader (libvulkan.so.1) and of Mesa's Vulkan drivers");
        return;
    }
    snprintf(system->install_command, sizeof system->install_command, "%s %s%s%s%s%s", p->command, p->base,
             arch && has(gpus, AMD) ? " vulkan-radeon" : "", arch && has(gpus, INTEL) ? " vulkan-intel" : "",
             has(gpus, NVIDIA) ? " " : "", has(gpus, NVIDIA) ? p->nvidia : "");
}

static void advise_settings(gs_doctor_system *system, bool has_devices) {
    static const char *const names[] = {"VK_DRIVER_FILES", "VK_ICD_FILENAMES", "VK_LOADER_DRIVERS_DISABLE"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *value = getenv(names[i]);
        if (!value || !*value) continue;
        const bool missing = i < 2 && !strchr(value, ':') && access(value, R_OK) != 0;
        advise(system, "%s=%.120s %s", names[i], value,
               missing       ? "names no file that can be read: unset it"
               : has_devices ? "decides which drivers are seen: unset it to see all"
                             : "decides which drivers are seen: unset it");
    }
}

void gs_doctor_look(const gs_device_info *infos, uint32_t count, gs_doctor_system *system) {
    struct gpus gpus = {0};
    const packages *p = find_packages();
    uint32_t cpus = 0;
    *system = (gs_doctor_system){0};
    read_release("PRETTY_NAME", system->name, sizeof system->name);
    read_gpus(&gpus);
    for (uint32_t i = 0; i < gpus.count; i++) {
        const char *name = vendor_name(gpus.vendors[i]);
        const size_t used = strlen(system->gpus);
        if (!strstr(system->gpus, name))
            snprintf(system->gpus + used, sizeof system->gpus - used, "%s%s", used ? ", " : "", name);
    }
    write_command(p, &gpus, system);
    for (uint32_t i = 0; i < count; i++) cpus += infos[i].type == GS_DEVICE_CPU;
    advise_settings(system, count > 0);
    if (!count) advise(system, "install a Vulkan loader and drivers: %s", system->install_command);
    static const uint32_t vendors[] = {AMD, INTEL, NVIDIA};
    for (size_t i = 0; i < sizeof vendors / sizeof *vendors && count; i++)
        if (has(&gpus, vendors[i]) && !has_device(infos, count, vendors[i]))
            advise(system, "the kernel drives a GPU of %s, but no Vulkan driver shows it: %s", vendor_name(vendors[i]),
                   system->install_command);
    if (gpus.locked[0])
        advise(system, "%s may not be opened by this user: `usermod -aG render,video $USER`, then log in again",
               gpus.locked);
    if (count && cpus == count && !gpus.count)
        advise(system, "there is no GPU, or the kernel drives none: training runs on the processor");
}
