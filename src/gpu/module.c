// Shader modules, and replacing an embedded kernel by a file.
#include "gpu/internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
    SPIRV_MAGIC = 0x07230203,
    SPIRV_HEADER_WORDS = 5,
    OP_FUNCTION_END = 56,
    OP_DECORATE = 71,
    DECORATION_BINDING = 33
};
enum { MAX_FILE_BYTES = 16 << 20 };

static bool has_binding(const gs__shader *shader, uint32_t binding) {
    if (binding < shader->binding_count) return true;
    if (binding == GS__STATE_BINDING) return shader->reads_state;
    return binding >= GS__TEXEL_BINDING && binding < GS__TEXEL_BINDING + GS__MAX_BINDINGS &&
           shader->texel_mask & UINT32_C(1) << (binding - GS__TEXEL_BINDING);
}

gs_status gs__module_check(gs__error *error, const gs__shader *shader, const uint32_t *words, size_t word_count,
                           const char *path) {
    if (word_count < SPIRV_HEADER_WORDS || words[0] != SPIRV_MAGIC)
        return gs__fail(error, GS_ERR_FORMAT, "%.200s: not SPIR-V: expected the word 0x07230203 first, found 0x%08x",
                        path, word_count ? (unsigned)words[0] : 0u);
    uint32_t last_op = 0;
    for (size_t i = SPIRV_HEADER_WORDS; i < word_count;) {
        uint32_t length = words[i] >> 16, op = words[i] & 0xFFFF;
        if (length == 0 || length > word_count - i)
            return gs__fail(error, GS_ERR_FORMAT, "%.200s: SPIR-V is cut off or damaged at word %zu", path, i);
        if (op == OP_DECORATE && length >= 4 && words[i + 2] == DECORATION_BINDING &&
            !has_binding(shader, words[i + 3]))
            return gs__fail(error, GS_ERR_FORMAT,
                            "%.200s: uses binding %u, which kernel %s does not have (%u storage buffers%s)", path,
                            (unsigned)words[i + 3], shader->name, (unsigned)shader->binding_count,
                            shader->reads_state ? ", State" : "");
        i += length;
        last_op = op;
    }
    if (last_op != OP_FUNCTION_END)
        return gs__fail(error, GS_ERR_FORMAT, "%.200s: SPIR-V is cut off: it does not end with a function's end", path);
    return GS_OK;
}

// The whole file as words. *words stays NULL when the file does not exist.
static gs_status read_words(gs__error *error, const char *path, uint32_t **words, size_t *word_count) {
    gs_status status = GS_OK;
    *words = NULL;
    FILE *file = fopen(path, "rb");
    if (!file && errno == ENOENT) return GS_OK;
    if (!file) return gs__fail(error, GS_ERR_FILE, "%.200s: cannot be opened: %s", path, strerror(errno));
    long bytes = -1;
    if (fseek(file, 0, SEEK_END) == 0) bytes = ftell(file);
    if (bytes < 0 || fseek(file, 0, SEEK_SET) != 0)
        GS_TRY(gs__fail(error, GS_ERR_FILE, "%.200s: cannot be read: %s", path, strerror(errno)));
    if (bytes == 0 || bytes % 4 != 0 || bytes > MAX_FILE_BYTES)
        GS_TRY(gs__fail(error, GS_ERR_FORMAT, "%.200s: not SPIR-V: has %ld bytes, expected a multiple of 4 up to %d",
                        path, bytes, MAX_FILE_BYTES));
    *words = malloc((size_t)bytes);
    if (!*words) GS_TRY(gs__fail(error, GS_ERR_MEMORY, "out of host memory: %.200s", path));
    *word_count = (size_t)bytes / 4;
    if (fread(*words, 4, *word_count, file) != *word_count)
        GS_TRY(gs__fail(error, GS_ERR_FILE, "%.200s: cannot be read: %s", path, strerror(errno)));
fail:
    fclose(file);
    if (status != GS_OK) {
        free(*words);
        *words = NULL;
    }
    return status;
}

static gs_status read_override(gs__gpu *gpu, const gs__shader *shader, uint32_t **words, size_t *word_count) {
    *words = NULL;
    const char *folder = getenv("GRADSMITH_SHADER_DIR");
    if (!folder || !folder[0]) return GS_OK;
    struct stat facts;
    if (stat(folder, &facts) != 0 || !S_ISDIR(facts.st_mode))
        return gs__fail(gpu->error, GS_ERR_FILE, "GRADSMITH_SHADER_DIR names %.200s, which is not a folder", folder);
    char path[1024];
    int n = snprintf(path, sizeof path, "%s/%s.spv", folder, shader->name);
    if (n < 0 || (size_t)n >= sizeof path)
        return gs__fail(gpu->error, GS_ERR_ARGUMENT, "GRADSMITH_SHADER_DIR is too long (%zu bytes)", strlen(folder));
    gs_status status = read_words(gpu->error, path, words, word_count);
    if (status != GS_OK || !*words) return status;
    status = gs__module_check(gpu->error, shader, *words, *word_count, path);
    if (status == GS_OK) return GS_OK;
    free(*words);
    *words = NULL;
    return status;
}

gs_status gs__module_get(gs__gpu *gpu, const gs__shader *shader, VkShaderModule *handle) {
    gs_status status = GS_OK;
    uint32_t *words = NULL;
    size_t word_count = 0;
    gs__module *module = gpu->modules;
    while (module && module->shader != shader) module = module->next;
    if (module) {
        *handle = module->handle;
        return GS_OK;
    }
    module = calloc(1, sizeof *module);
    if (!module) return gs__fail(gpu->error, GS_ERR_MEMORY, "out of host memory: kernel %s", shader->name);
    module->shader = shader;
    GS_TRY(read_override(gpu, shader, &words, &word_count));
    VkShaderModuleCreateInfo create = {
        .sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO,
        .codeSize = 4 * (words ? word_count : shader->word_count),
        .pCode = words ? words : shader->words,
    };
    status = gs__vk_check(gpu, gpu->vk.vkCreateShaderModule(gpu->device, &create, NULL, &module->handle),
                          "vkCreateShaderModule");
    if (status != GS_OK) {
        gs__fail_at(gpu->error, status, "kernel %s", shader->name);
        goto fail;
    }
    module->next = gpu->modules;
    gpu->modules = module;
    *handle = module->handle;
    free(words);
    return GS_OK;
fail:
    free(words);
    free(module);
    return status;
}

void gs__module_destroy_all(gs__gpu *gpu) {
    while (gpu->modules) {
        gs__module *module = gpu->modules;
        gpu->modules = module->next;
        gpu->vk.vkDestroyShaderModule(gpu->device, module->handle, NULL);
        free(module);
    }
}
