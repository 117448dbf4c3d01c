// Descriptor sets of one recording. Steps are recorded many times over, so equal sets are written once.
#include "gpu/internal.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_POOL_SETS = 64, MAX_POOL_SETS = 1024 };

// FNV-1a, 64 bits at a time.
static uint64_t hash_key(const gs__set_key *key) {
    uint64_t hash = UINT64_C(0xcbf29ce484222325), word;
    for (size_t i = 0; i + sizeof word <= sizeof *key; i += sizeof word) {
        memcpy(&word, (const char *)key + i, sizeof word);
        hash = (hash ^ word) * UINT64_C(0x100000001b3);
        hash ^= hash >> 32;
    }
    return hash;
}

static gs__set *find_slot(gs__set *sets, uint32_t capacity, const gs__set_key *key) {
    uint32_t i = (uint32_t)hash_key(key) & (capacity - 1);
    while (sets[i].handle && memcmp(&sets[i].key, key, sizeof *key) != 0) i = (i + 1) & (capacity - 1);
    return &sets[i];
}

static gs_status grow_table(gs__commands *commands) {
    if (commands->set_capacity && commands->set_count < commands->set_capacity / 2) return GS_OK;
    uint32_t capacity = commands->set_capacity ? 2 * commands->set_capacity : 64;
    gs__set *sets = calloc(capacity, sizeof *sets);
    if (!sets) return gs__fail(commands->gpu->error, GS_ERR_MEMORY, "out of host memory: %u descriptor sets", capacity);
    for (uint32_t i = 0; i < commands->set_capacity; i++)
        if (commands->sets[i].handle) *find_slot(sets, capacity, &commands->sets[i].key) = commands->sets[i];
    free(commands->sets);
    commands->sets = sets;
    commands->set_capacity = capacity;
    return GS_OK;
}

static gs_status add_pool(gs__commands *commands) {
    gs_status status = GS_OK;
    gs__gpu *gpu = commands->gpu;
    VkDescriptorPool *pools = realloc(commands->pools, (commands->pool_count + 1) * sizeof *pools);
    if (!pools) return gs__fail(gpu->error, GS_ERR_MEMORY, "out of host memory: descriptor pools");
    commands->pools = pools;
    uint32_t sets = FIRST_POOL_SETS;
    for (uint32_t i = 0; i < commands->pool_count && sets < MAX_POOL_SETS; i++) sets *= 2;
    VkDescriptorPoolSize sizes[] = {
        {VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, sets * GS__MAX_BINDINGS},
        {VK_DESCRIPTOR_TYPE_UNIFORM_TEXEL_BUFFER, sets * GS__MAX_BINDINGS},
        {VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER, sets},
    };
    VkDescriptorPoolCreateInfo create = {
        .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO,
        .maxSets = sets,
        .poolSizeCount = sizeof sizes / sizeof *sizes,
        .pPoolSizes = sizes,
    };
    VkDescriptorPool pool;
    VK_TRY(gpu, gpu->vk.vkCreateDescriptorPool(gpu->device, &create, NULL, &pool));
    commands->pools[commands->pool_count++] = pool;
fail:
    return status;
}

static gs_status allocate_set(gs__commands *commands, VkDescriptorSetLayout layout, VkDescriptorSet *set) {
    gs_status status = GS_OK;
    gs__gpu *gpu = commands->gpu;
    if (commands->pool_count == 0) GS_TRY(add_pool(commands));
    for (;;) {
        VkDescriptorSetAllocateInfo info = {
            .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO,
            .descriptorPool = commands->pools[commands->pool_used],
            .descriptorSetCount = 1,
            .pSetLayouts = &layout,
        };
        VkResult result = gpu->vk.vkAllocateDescriptorSets(gpu->device, &info, set);
        bool full = result == VK_ERROR_OUT_OF_POOL_MEMORY || result == VK_ERROR_FRAGMENTED_POOL;
        if (!full || commands->sets_in_pool == 0) {
            GS_TRY(gs__vk_check(gpu, result, "vkAllocateDescriptorSets"));
            commands->sets_in_pool++;
            return GS_OK;
        }
        if (commands->pool_used + 1 == commands->pool_count) GS_TRY(add_pool(commands));
        commands->pool_used++;
        commands->sets_in_pool = 0;
    }
fail:
    return status;
}

static gs_status get_view(gs__commands *commands, const gs__range *range, uint64_t bytes, VkFormat format,
                          VkBufferView *handle) {
    gs_status status = GS_OK;
    gs__gpu *gpu = commands->gpu;
    for (uint32_t i = 0; i < commands->view_count; i++) {
        const gs__view *view = &commands->views[i];
        if (view->buffer != range->buffer->handle || view->offset != range->offset || view->bytes != bytes ||
            view->format != format)
            continue;
        *handle = view->handle;
        return GS_OK;
    }
    if (commands->view_count == commands->view_capacity) {
        uint32_t capacity = commands->view_capacity ? 2 * commands->view_capacity : 16;
        gs__view *views = realloc(commands->views, capacity * sizeof *views);
        if (!views) return gs__fail(gpu->error, GS_ERR_MEMORY, "out of host memory: texel views");
        commands->views = views;
        commands->view_capacity = capacity;
    }
    VkBufferViewCreateInfo create = {
        .sType = VK_STRUCTURE_TYPE_BUFFER_VIEW_CREATE_INFO,
        .buffer = range->buffer->handle,
        .format = format,
        .offset = range->offset,
        .range = bytes,
    };
    VK_TRY(gpu, gpu->vk.vkCreateBufferView(gpu->device, &create, NULL, handle));
    commands->views[commands->view_count++] = (gs__view){range->buffer->handle, range->offset, bytes, format, *handle};
fail:
    return status;
}

// Whole vec4, so that the last elements of a range can be loaded as one; buffers are padded for it.
static uint64_t padded(uint64_t bytes) {
    return (bytes + 15) & ~UINT64_C(15);
}

static gs_status write_set(gs__commands *commands, const gs__shader *shader, const gs__set_key *key,
                           const gs__range *ranges, VkDescriptorSet set) {
    gs_status status = GS_OK;
    VkDescriptorBufferInfo buffers[GS__MAX_BINDINGS + 1];
    VkBufferView views[GS__MAX_BINDINGS];
    VkWriteDescriptorSet writes[2 * GS__MAX_BINDINGS + 1];
    uint32_t count = 0;
    for (uint32_t i = 0; i <= GS__MAX_BINDINGS; i++) {
        bool is_state = i == GS__MAX_BINDINGS;
        if (is_state ? !shader->reads_state : i >= shader->binding_count) continue;
        buffers[i] = (VkDescriptorBufferInfo){key->range[i].buffer, key->range[i].offset, key->range[i].bytes};
        writes[count++] = (VkWriteDescriptorSet){
            .sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
            .dstSet = set,
            .dstBinding = is_state ? GS__STATE_BINDING : i,
            .descriptorCount = 1,
            .descriptorType = is_state ? VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER : VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
            .pBufferInfo = &buffers[i],
        };
    }
    for (uint32_t i = 0; i < shader->binding_count; i++) {
        if (!(shader->texel_mask & UINT32_C(1) << i)) continue;
        const bool words = shader->texel_words & UINT32_C(1) << i;
        GS_TRY(get_view(commands, &ranges[i], key->range[i].bytes,
                        words ? VK_FORMAT_R32G32B32A32_UINT : VK_FORMAT_R32G32B32A32_SFLOAT, &views[i]));
        writes[count++] = (VkWriteDescriptorSet){
            .sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
            .dstSet = set,
            .dstBinding = GS__TEXEL_BINDING + i,
            .descriptorCount = 1,
            .descriptorType = VK_DESCRIPTOR_TYPE_UNIFORM_TEXEL_BUFFER,
            .pTexelBufferView = &views[i],
        };
    }
    commands->gpu->vk.vkUpdateDescriptorSets(commands->gpu->device, count, writes, 0, NULL);
fail:
    return status;
}

gs_status gs__descriptor_get(gs__commands *commands, const gs__pipeline *pipeline, const gs__range *ranges,
                             const gs__range *state, VkDescriptorSet *set) {
    gs_status status = GS_OK;
    gs__gpu *gpu = commands->gpu;
    const gs__shader *shader = pipeline->shader;
    gs__set_key key;
    memset(&key, 0, sizeof key);
    key.layout = pipeline->set_layout;
    key.texel_words = shader->texel_words;
    for (uint32_t i = 0; i < shader->binding_count; i++) {
        key.range[i].buffer = ranges[i].buffer->handle;
        key.range[i].offset = ranges[i].offset;
        key.range[i].bytes = padded(ranges[i].bytes);
    }
    if (shader->reads_state) {
        uint64_t bytes = padded(state->bytes);
        key.range[GS__MAX_BINDINGS].buffer = state->buffer->handle;
        key.range[GS__MAX_BINDINGS].offset = state->offset;
        key.range[GS__MAX_BINDINGS].bytes = bytes < gpu->max_uniform_range ? bytes : gpu->max_uniform_range;
    }
    GS_TRY(grow_table(commands));
    gs__set *slot = find_slot(commands->sets, commands->set_capacity, &key);
    if (!slot->handle) {
        VkDescriptorSet fresh;
        GS_TRY(allocate_set(commands, key.layout, &fresh));
        GS_TRY(write_set(commands, shader, &key, ranges, fresh));
        slot->key = key;
        slot->handle = fresh;
        commands->set_count++;
    }
    *set = slot->handle;
fail:
    return status;
}

void gs__descriptor_reset(gs__commands *commands) {
    gs__gpu *gpu = commands->gpu;
    // Always succeeds: the specification gives it no error.
    for (uint32_t i = 0; i < commands->pool_count; i++)
        gpu->vk.vkResetDescriptorPool(gpu->device, commands->pools[i], 0);
    commands->pool_used = commands->sets_in_pool = 0;
    if (commands->sets) memset(commands->sets, 0, commands->set_capacity * sizeof *commands->sets);
    commands->set_count = 0;
    for (uint32_t i = 0; i < commands->view_count; i++)
        gpu->vk.vkDestroyBufferView(gpu->device, commands->views[i].handle, NULL);
    commands->view_count = 0;
}

void gs__descriptor_destroy(gs__commands *commands) {
    gs__gpu *gpu = commands->gpu;
    for (uint32_t i = 0; i < commands->view_count; i++)
        gpu->vk.vkDestroyBufferView(gpu->device, commands->views[i].handle, NULL);
    for (uint32_t i = 0; i < commands->pool_count; i++)
        gpu->vk.vkDestroyDescriptorPool(gpu->device, commands->pools[i], NULL);
    free(commands->views);
    free(commands->pools);
    free(commands->sets);
}
