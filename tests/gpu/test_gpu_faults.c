// Vulkan calls that fail: what is reported, and that nothing leaks or is used half-made.
#include "gpu/internal.h"
#include "gpu_fixture.h"
#include "shaders/test_bump.h"

#include <string.h>

// Stands in for a call of the device's table, `name` without "vk". Fails with `fault` when `countdown` reaches 0.
static VkResult fault;
static int countdown;
static struct VolkDeviceTable real;
static VkResult next_result(void) {
    return countdown-- == 0 ? fault : VK_SUCCESS;
}

#define STAND_IN(name, parameters, arguments)                                                                          \
    static VKAPI_ATTR VkResult VKAPI_CALL fail_##name parameters {                                                     \
        VkResult result = next_result();                                                                               \
        return result != VK_SUCCESS ? result : real.vk##name arguments;                                                \
    }
#define CREATE(name, info, handle)                                                                                     \
    STAND_IN(name, (VkDevice d, const info *i, const VkAllocationCallbacks *a, handle *h), (d, i, a, h))

CREATE(CreateBuffer, VkBufferCreateInfo, VkBuffer)
CREATE(AllocateMemory, VkMemoryAllocateInfo, VkDeviceMemory)
CREATE(CreateCommandPool, VkCommandPoolCreateInfo, VkCommandPool)
CREATE(CreateFence, VkFenceCreateInfo, VkFence)
CREATE(CreateQueryPool, VkQueryPoolCreateInfo, VkQueryPool)
CREATE(CreateShaderModule, VkShaderModuleCreateInfo, VkShaderModule)
CREATE(CreateDescriptorSetLayout, VkDescriptorSetLayoutCreateInfo, VkDescriptorSetLayout)
CREATE(CreatePipelineLayout, VkPipelineLayoutCreateInfo, VkPipelineLayout)
CREATE(CreateDescriptorPool, VkDescriptorPoolCreateInfo, VkDescriptorPool)
STAND_IN(BindBufferMemory, (VkDevice d, VkBuffer b, VkDeviceMemory m, VkDeviceSize o), (d, b, m, o))
STAND_IN(MapMemory, (VkDevice d, VkDeviceMemory m, VkDeviceSize o, VkDeviceSize s, VkMemoryMapFlags f, void **p),
         (d, m, o, s, f, p))
STAND_IN(AllocateCommandBuffers, (VkDevice d, const VkCommandBufferAllocateInfo *i, VkCommandBuffer *h), (d, i, h))
STAND_IN(AllocateDescriptorSets, (VkDevice d, const VkDescriptorSetAllocateInfo *i, VkDescriptorSet *h), (d, i, h))
STAND_IN(CreateComputePipelines,
         (VkDevice d, VkPipelineCache c, uint32_t n, const VkComputePipelineCreateInfo *i,
          const VkAllocationCallbacks *a, VkPipeline *h),
         (d, c, n, i, a, h))
STAND_IN(BeginCommandBuffer, (VkCommandBuffer c, const VkCommandBufferBeginInfo *i), (c, i))
STAND_IN(EndCommandBuffer, (VkCommandBuffer c), (c))
STAND_IN(QueueSubmit, (VkQueue q, uint32_t n, const VkSubmitInfo *i, VkFence f), (q, n, i, f))
STAND_IN(WaitForFences, (VkDevice d, uint32_t n, const VkFence *f, VkBool32 all, uint64_t t), (d, n, f, all, t))

static void break_calls(gs__gpu *gpu) {
#define BREAK(name) gpu->vk.vk##name = fail_##name;
    BREAK(CreateBuffer)
    BREAK(AllocateMemory)
    BREAK(CreateCommandPool)
    BREAK(CreateFence)
    BREAK(CreateQueryPool)
    BREAK(CreateShaderModule)
    BREAK(CreateDescriptorSetLayout)
    BREAK(CreatePipelineLayout)
    BREAK(CreateDescriptorPool)
    BREAK(BindBufferMemory)
    BREAK(MapMemory)
    BREAK(AllocateCommandBuffers)
    BREAK(AllocateDescriptorSets)
    BREAK(CreateComputePipelines)
    BREAK(BeginCommandBuffer)
    BREAK(EndCommandBuffer)
    BREAK(QueueSubmit)
    BREAK(WaitForFences)
#undef BREAK
}

// Everything once: buffer, kernel, recording, submission, copies. Cleans up whatever happens.
static gs_status use_all(gs__gpu *gpu) {
    gs_status status = GS_OK;
    gs__buffer *buffer = NULL;
    gs__commands *commands = NULL;
    gs__pipeline *pipeline = NULL;
    uint32_t word = 5;
    double ns;
    bool timed = gs__gpu_get_caps(gpu)->timestamps;
    struct gs_push_test_bump push = {1, 2};
    static const uint32_t groups[3] = {1, 1, 1};
    GS_TRY(gs__buffer_create(gpu, GS__MEMORY_DEVICE, 1024, "faults", &buffer));
    GS_TRY(gs__buffer_write(buffer, 0, &word, sizeof word));
    GS_TRY(gs__pipeline_get(gpu, &gs__shader_test_bump, NULL, 0, &pipeline));
    GS_TRY(gs__commands_create(gpu, timed ? 1 : 0, &commands));
    GS_TRY(gs__commands_begin(commands));
    if (timed) gs__commands_timestamp(commands, 0);
    gs__range range = whole(buffer);
    GS_TRY(gs__commands_dispatch(commands, pipeline, &range, NULL, &push, sizeof push, groups));
    GS_TRY(gs__commands_end(commands));
    GS_TRY(gs__commands_submit(commands));
    GS_TRY(gs__commands_wait(commands));
    if (timed) GS_TRY(gs__commands_timestamps(commands, &ns, 1));
    GS_TRY(gs__buffer_read(buffer, 0, &word, sizeof word));
    if (word != 3 * 5 + 2) status = GS_ERR_NAN; // a result that is wrong without an error
fail:
    gs__commands_destroy(commands);
    gs__buffer_destroy(buffer);
    return status;
}

// Each call fails once, on a device of its own; afterwards the device works.
static void test_each_call(void **state) {
    (void)state;
    int fault_count = 0, recovered = 0;
    for (int n = 0;; n++) {
        fixture f;
        fixture_open_staged(&f);
        real = f.gpu->vk;
        fault = VK_ERROR_OUT_OF_HOST_MEMORY;
        countdown = n;
        break_calls(f.gpu);
        gs_status status = use_all(f.gpu);
        bool reached = countdown < 0;
        if (reached) {
            fault_count++;
            if (status == GS_OK) recovered++; // a failed wait is done in another way
            else if (status != GS_ERR_MEMORY && status != GS_ERR_DEVICE_MEMORY)
                fail_msg("fault %d: %s: %s", n, gs_status_name(status), f.error.message);
            else assert_true(f.error.message[0]);
        }
        countdown = -1;
        assert_ok(&f, use_all(f.gpu));
        fixture_close(&f);
        if (!reached) break;
    }
    print_message("%d calls failed in turn, %d of them without consequence\n", fault_count, recovered);
    assert_true(fault_count >= 20 && recovered <= 4); // waits: zero fill, write, commands, read
}

static void test_device_lost(void **state) {
    (void)state;
    fixture f;
    fixture_open_staged(&f);
    gs__buffer *buffer = fixture_buffer(&f, 1024), *other = NULL;
    gs__commands *commands = fixture_commands(&f, 0);
    uint32_t word = 0;
    assert_ok(&f, gs__commands_begin(commands));
    assert_ok(&f, gs__commands_end(commands));
    real = f.gpu->vk;
    f.gpu->vk.vkQueueSubmit = fail_QueueSubmit;
    fault = VK_ERROR_DEVICE_LOST;
    countdown = 0;
    assert_status(&f, GS_ERR_DEVICE_LOST, gs__commands_submit(commands));
    assert_non_null(strstr(f.error.message, "device lost: vkQueueSubmit"));
    // From now on, without asking the driver.
    f.gpu->vk = real;
    assert_status(&f, GS_ERR_DEVICE_LOST, gs__commands_submit(commands));
    assert_status(&f, GS_ERR_DEVICE_LOST, gs__commands_wait(commands));
    assert_status(&f, GS_ERR_DEVICE_LOST, gs__commands_begin(commands));
    assert_status(&f, GS_ERR_DEVICE_LOST, gs__buffer_read(buffer, 0, &word, 4));
    assert_status(&f, GS_ERR_DEVICE_LOST, gs__buffer_create(f.gpu, GS__MEMORY_DEVICE, 4, "x", &other));
    assert_non_null(strstr(f.error.message, "device lost: vkQueueSubmit"));
    gs__commands_destroy(commands);
    gs__buffer_destroy(buffer);
    fixture_close(&f);
}

static VKAPI_ATTR VkResult VKAPI_CALL never(VkDevice d, uint32_t n, const VkFence *f, VkBool32 all, uint64_t timeout) {
    (void)d, (void)n, (void)f, (void)all;
    assert_true(timeout >= 1000000000); // it does wait
    return VK_TIMEOUT;
}

static void test_hang(void **state) {
    (void)state;
    fixture f;
    fixture_open_staged(&f);
    gs__commands *commands = fixture_commands(&f, 0);
    assert_ok(&f, gs__commands_begin(commands));
    assert_ok(&f, gs__commands_end(commands));
    assert_ok(&f, gs__commands_submit(commands));
    real = f.gpu->vk;
    f.gpu->vk.vkWaitForFences = never;
    assert_status(&f, GS_ERR_DEVICE, gs__commands_wait(commands));
    assert_non_null(strstr(f.error.message, "device hang"));
    assert_status(&f, GS_ERR_DEVICE, gs__commands_submit(commands));
    f.gpu->vk = real;
    real.vkDeviceWaitIdle(f.gpu->device); // so that destroying is allowed
    gs__commands_destroy(commands);
    fixture_close(&f);
}

int main(void) {
    int skip = fixture_find_device();
    if (skip) return skip;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_call),
        cmocka_unit_test(test_device_lost),
        cmocka_unit_test(test_hang),
    };
    return cmocka_run_group_tests_name("faults", tests, NULL, NULL);
}
