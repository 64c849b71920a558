#include "shim_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int device_has(shim_instance *in, VkPhysicalDevice physical, const char *name) {
    VkResult(VKAPI * enumerate)(VkPhysicalDevice, const char *, uint32_t *, VkExtensionProperties *) =
        (void *)in->get(in->instance, "vkEnumerateDeviceExtensionProperties");
    uint32_t n = 0;
    int found = 0;
    if (enumerate(physical, NULL, &n, NULL) || n == 0) {
        return 0;
    }
    VkExtensionProperties *all = calloc(n, sizeof *all);
    enumerate(physical, NULL, &n, all);
    for (uint32_t i = 0; i < n; i++) {
        found |= strcmp(all[i].name, name) == 0;
    }
    free(all);
    return found;
}

// The queue family for all work: one that computes and, if there is one, does
// not draw as well, so that desktop work does not share it. *timestamp_bits
// are those of its timestamps.
static int32_t compute_family(shim_instance *in, VkPhysicalDevice physical, uint32_t *timestamp_bits) {
    void(VKAPI * families)(VkPhysicalDevice, uint32_t *, VkQueueFamilyProperties *) =
        (void *)in->get(in->instance, "vkGetPhysicalDeviceQueueFamilyProperties");
    VkQueueFamilyProperties all[32];
    uint32_t n = 32;
    int32_t best = -1;
    families(physical, &n, all);
    for (uint32_t i = 0; i < n; i++) {
        if (all[i].flags & VK_QUEUE_COMPUTE && (best < 0 || (all[best].flags & 1 && !(all[i].flags & 1)))) {
            best = (int32_t)i;
            *timestamp_bits = all[i].timestampBits;
        }
    }
    return best;
}

// Cooperative matrices of a workgroup, in multiples of a granularity.
static void coop2_info(shim_instance *in, VkPhysicalDevice physical, uint32_t api_version,
                       void(VKAPI *features)(VkPhysicalDevice, VkPhysicalDeviceFeatures2 *), shim_info *out) {
    VkResult(VKAPI * list)(VkPhysicalDevice, uint32_t *, VkCoopFlexibleProperties *) =
        (void *)in->get(in->instance, "vkGetPhysicalDeviceCooperativeMatrixFlexibleDimensionsPropertiesNV");
    if (api_version < API(1, 3) || !list || !device_has(in, physical, "VK_NV_cooperative_matrix2")) {
        return;
    }
    VkPhysicalDeviceCoop2Features coop2 = {.sType = VK_PHYSICAL_DEVICE_COOP2_FEATURES};
    VkPhysicalDeviceFeatures2 f = {.sType = VK_PHYSICAL_DEVICE_FEATURES_2, .pNext = &coop2};
    features(physical, &f);
    if (!coop2.workgroup || !coop2.flexible || !coop2.perElement || !coop2.tensors) {
        return;
    }
    VkCoopFlexibleProperties all[SHIM_MAX_COOP] = {0};
    uint32_t n = SHIM_MAX_COOP;
    for (uint32_t i = 0; i < n; i++) {
        all[i].sType = VK_COOP_FLEXIBLE_PROPERTIES;
    }
    if (list(physical, &n, all) < 0) {
        return;
    }
    for (uint32_t i = 0; i < n; i++) {
        out->coop2[i] = (shim_coop){all[i].m,      all[i].n,     all[i].k,          all[i].a, all[i].b, all[i].c,
                                    all[i].result, all[i].scope, all[i].invocations};
    }
    out->coop2_count = n;
}

// Cooperative matrices, and what shaders that use them need. Nothing of it is
// there unless all is, and a validation layer that would take it for an error
// is no obstacle to the rest.
static void coop_info(shim_instance *in, VkPhysicalDevice physical, uint32_t api_version, shim_info *out) {
    VkResult(VKAPI * list)(VkPhysicalDevice, uint32_t *, VkCoopProperties *) =
        (void *)in->get(in->instance, "vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR");
    void(VKAPI * features)(VkPhysicalDevice, VkPhysicalDeviceFeatures2 *) =
        (void *)in->get(in->instance, "vkGetPhysicalDeviceFeatures2");
    if (in->layer && in->layer < API(1, 4) + 320) {
        return;
    }
    if (api_version < API(1, 2) || !list || !device_has(in, physical, "VK_KHR_cooperative_matrix") || out->subgroup_min == 0) {
        return;
    }
    VkPhysicalDeviceBfloat16Features bfloat16 = {.sType = VK_PHYSICAL_DEVICE_BFLOAT16_FEATURES};
    VkPhysicalDeviceFloat16Int8Features float16 = {.sType = VK_PHYSICAL_DEVICE_FLOAT16_INT8_FEATURES};
    VkPhysicalDeviceMemoryModelFeatures model = {.sType = VK_PHYSICAL_DEVICE_MEMORY_MODEL_FEATURES, .pNext = &float16};
    VkPhysicalDeviceCoopFeatures coop = {.sType = VK_PHYSICAL_DEVICE_COOP_FEATURES, .pNext = &model};
    VkPhysicalDeviceFeatures2 f = {.sType = VK_PHYSICAL_DEVICE_FEATURES_2, .pNext = &coop};
    if (device_has(in, physical, "VK_KHR_shader_bfloat16")) {
        float16.pNext = &bfloat16;
    }
    features(physical, &f);
    if (!coop.matrix || !model.model || !model.deviceScope) { // with the one, atomics want the other
        return;
    }
    out->float16 = float16.float16;
    out->bfloat16 = bfloat16.type && bfloat16.matrix;
    VkCoopProperties all[SHIM_MAX_COOP] = {0};
    uint32_t n = SHIM_MAX_COOP;
    for (uint32_t i = 0; i < n; i++) {
        all[i].sType = VK_COOP_PROPERTIES;
    }
    if (list(physical, &n, all) < 0) {
        return;
    }
    for (uint32_t i = 0; i < n; i++) {
        out->coop[i] = (shim_coop){all[i].m, all[i].n, all[i].k, all[i].a, all[i].b, all[i].c, all[i].result, all[i].scope, 0};
    }
    out->coop_count = n;
    coop2_info(in, physical, api_version, features, out);
}

void shim_device_info(shim_instance *in, void *device, uint32_t api_version, shim_info *out) {
    VkPhysicalDevice physical = device;
    memset(out, 0, sizeof *out);
    out->queue_family = compute_family(in, physical, &out->timestamp_bits);
    void(VKAPI * properties)(VkPhysicalDevice, VkPhysicalDeviceProperties2 *) =
        (void *)in->get(in->instance, "vkGetPhysicalDeviceProperties2");
    void(VKAPI * features)(VkPhysicalDevice, VkPhysicalDeviceFeatures2 *) =
        (void *)in->get(in->instance, "vkGetPhysicalDeviceFeatures2");
    void(VKAPI * memory)(VkPhysicalDevice, VkPhysicalDeviceMemoryProperties2 *) =
        (void *)in->get(in->instance, "vkGetPhysicalDeviceMemoryProperties2");
    if (!properties || !features || !memory || api_version < API(1, 1)) {
        return; // a device of Vulkan 1.0
    }
    VkPhysicalDeviceDriverProperties driver = {.sType = VK_PHYSICAL_DEVICE_DRIVER_PROPERTIES};
    VkPhysicalDeviceMaintenance3Properties limits = {.sType = VK_PHYSICAL_DEVICE_MAINTENANCE_3_PROPERTIES};
    VkPhysicalDeviceSubgroupSizeProperties sizes = {.sType = VK_PHYSICAL_DEVICE_SUBGROUP_SIZE_PROPERTIES, .pNext = &limits};
    VkPhysicalDeviceSMBuiltinsProperties cores = {.sType = VK_PHYSICAL_DEVICE_SM_BUILTINS_PROPERTIES};
    VkPhysicalDeviceSubgroupProperties subgroup = {.sType = VK_PHYSICAL_DEVICE_SUBGROUP_PROPERTIES, .pNext = &limits};
    VkPhysicalDeviceProperties2 p = {.sType = VK_PHYSICAL_DEVICE_PROPERTIES_2, .pNext = &subgroup};
    if (api_version >= API(1, 2) || device_has(in, physical, "VK_KHR_driver_properties")) {
        limits.pNext = &driver;
    }
    int size_control = device_has(in, physical, "VK_EXT_subgroup_size_control");
    if (size_control) {
        subgroup.pNext = &sizes;
    }
    if (device_has(in, physical, "VK_NV_shader_sm_builtins")) {
        cores.pNext = p.pNext;
        p.pNext = &cores;
    }
    properties(physical, &p);
    snprintf(out->driver_name, sizeof out->driver_name, "%s", driver.name);
    snprintf(out->driver_info, sizeof out->driver_info, "%s", driver.info);
    out->subgroup_size = subgroup.size;
    out->subgroup_operations = subgroup.stages & VK_SHADER_STAGE_COMPUTE ? subgroup.operations : 0;
    out->cores = cores.count;
    out->max_allocation = limits.maxMemoryAllocationSize;

    VkPhysicalDevice16BitStorageFeatures storage = {.sType = VK_PHYSICAL_DEVICE_16BIT_STORAGE_FEATURES};
    VkPhysicalDeviceSubgroupSizeFeatures full = {.sType = VK_PHYSICAL_DEVICE_SUBGROUP_SIZE_FEATURES};
    VkPhysicalDeviceFeatures2 f = {.sType = VK_PHYSICAL_DEVICE_FEATURES_2, .pNext = &storage};
    VkPhysicalDeviceTimelineSemaphoreFeatures timeline = {.sType = VK_PHYSICAL_DEVICE_TIMELINE_SEMAPHORE_FEATURES};
    if (size_control) {
        storage.pNext = &full;
    }
    if (api_version >= API(1, 2)) {
        timeline.pNext = storage.pNext;
        storage.pNext = &timeline;
    }
    features(physical, &f);
    out->storage16 = storage.buffer;
    out->timeline = timeline.timeline;
    if (full.control && full.full && sizes.stages & VK_SHADER_STAGE_COMPUTE) {
        out->subgroup_min = sizes.min;
        out->subgroup_max = sizes.max;
    }
    coop_info(in, physical, api_version, out);

    VkPhysicalDeviceMemoryBudgetProperties budget = {.sType = VK_PHYSICAL_DEVICE_MEMORY_BUDGET_PROPERTIES};
    VkPhysicalDeviceMemoryProperties2 m = {.sType = VK_PHYSICAL_DEVICE_MEMORY_PROPERTIES_2};
    out->has_budget = device_has(in, physical, "VK_EXT_memory_budget");
    if (out->has_budget) {
        m.pNext = &budget;
    }
    memory(physical, &m);
    out->type_count = m.memory.typeCount;
    out->heap_count = m.memory.heapCount;
    for (uint32_t i = 0; i < out->type_count; i++) {
        out->type_flags[i] = m.memory.types[i].flags;
        out->type_heap[i] = m.memory.types[i].heap;
    }
    for (uint32_t i = 0; i < out->heap_count; i++) {
        out->heap_size[i] = m.memory.heaps[i].size;
        out->heap_flags[i] = m.memory.heaps[i].flags;
        out->heap_free[i] = budget.budget[i] > budget.usage[i] ? budget.budget[i] - budget.usage[i] : 0;
    }
}

VkResult shim_device_new(shim_instance *in, void *device, const shim_info *info, shim_device **out) {
    VkPhysicalDevice physical = device;
    float priority = 1;
    VkDeviceQueueCreateInfo queue = {
        .sType = VK_DEVICE_QUEUE_CREATE_INFO, .family = (uint32_t)info->queue_family, .count = 1, .priorities = &priority};
    VkPhysicalDeviceTimelineSemaphoreFeatures timeline = {.sType = VK_PHYSICAL_DEVICE_TIMELINE_SEMAPHORE_FEATURES, .timeline = 1};
    VkPhysicalDevice16BitStorageFeatures storage = {
        .sType = VK_PHYSICAL_DEVICE_16BIT_STORAGE_FEATURES, .pNext = &timeline, .buffer = 1};
    VkPhysicalDeviceFeatures2 features = {.sType = VK_PHYSICAL_DEVICE_FEATURES_2, .pNext = &storage};
    VkPhysicalDeviceSubgroupSizeFeatures full = {
        .sType = VK_PHYSICAL_DEVICE_SUBGROUP_SIZE_FEATURES, .pNext = &storage, .control = 1, .full = 1};
    VkPhysicalDeviceFloat16Int8Features float16 = {.sType = VK_PHYSICAL_DEVICE_FLOAT16_INT8_FEATURES, .float16 = info->float16};
    VkPhysicalDeviceMemoryModelFeatures model = {
        .sType = VK_PHYSICAL_DEVICE_MEMORY_MODEL_FEATURES, .pNext = &float16, .model = 1, .deviceScope = 1};
    VkPhysicalDeviceCoopFeatures coop = {.sType = VK_PHYSICAL_DEVICE_COOP_FEATURES, .pNext = &model, .matrix = 1};
    VkPhysicalDeviceBfloat16Features bfloat16 = {.sType = VK_PHYSICAL_DEVICE_BFLOAT16_FEATURES, .type = 1, .matrix = 1};
    VkPhysicalDeviceCoop2Features coop2 = {
        .sType = VK_PHYSICAL_DEVICE_COOP2_FEATURES, .workgroup = 1, .flexible = 1, .perElement = 1, .tensors = 1};
    const char *extensions[5];
    VkDeviceCreateInfo create = {.sType = VK_DEVICE_CREATE_INFO,
                                 .pNext = &features,
                                 .queueCount = 1,
                                 .queues = &queue,
                                 .extensions = extensions};
    // A device that has this extension must be told that we know.
    if (device_has(in, physical, "VK_KHR_portability_subset")) {
        extensions[create.extensionCount++] = "VK_KHR_portability_subset";
    }
    if (info->subgroup_min > 0) {
        extensions[create.extensionCount++] = "VK_EXT_subgroup_size_control";
        features.pNext = &full;
    }
    if (info->coop_count > 0) {
        extensions[create.extensionCount++] = "VK_KHR_cooperative_matrix";
        float16.pNext = (void *)features.pNext;
        features.pNext = &coop;
    }
    if (info->coop_count > 0 && info->bfloat16) {
        extensions[create.extensionCount++] = "VK_KHR_shader_bfloat16";
        bfloat16.pNext = (void *)features.pNext;
        features.pNext = &bfloat16;
    }
    if (info->coop2_count > 0) {
        extensions[create.extensionCount++] = "VK_NV_cooperative_matrix2";
        coop2.pNext = (void *)features.pNext;
        features.pNext = &coop2;
    }
    VkResult(VKAPI * create_device)(VkPhysicalDevice, const VkDeviceCreateInfo *, const void *, VkDevice *) =
        (void *)in->get(in->instance, "vkCreateDevice");
    VkDevice d = NULL;
    VkResult r = create_device(physical, &create, NULL, &d);
    if (r) {
        return r;
    }
    VkGetDeviceProcAddr get = (VkGetDeviceProcAddr)in->get(in->instance, "vkGetDeviceProcAddr");
    shim_device *s = calloc(1, sizeof *s);
    s->device = d;
#define LOAD(name) s->name = (void *)get(d, "vk" #name)
    LOAD(DestroyDevice);
    LOAD(CreateDescriptorSetLayout);
    LOAD(CreatePipelineLayout);
    LOAD(CreatePipelineCache);
    LOAD(GetPipelineCacheData);
    LOAD(CreateShaderModule);
    LOAD(CreateComputePipelines);
    LOAD(DestroyDescriptorSetLayout);
    LOAD(DestroyPipelineLayout);
    LOAD(DestroyPipelineCache);
    LOAD(DestroyShaderModule);
    LOAD(DestroyPipeline);
    LOAD(CreateDescriptorPool);
    LOAD(AllocateDescriptorSets);
    LOAD(UpdateDescriptorSets);
    LOAD(DestroyDescriptorPool);
    LOAD(CmdBindPipeline);
    LOAD(CmdBindDescriptorSets);
    LOAD(CmdPushConstants);
    LOAD(CmdDispatch);
    LOAD(CmdPipelineBarrier);
    LOAD(CmdCopyBuffer);
    LOAD(CmdFillBuffer);
    LOAD(CreateQueryPool);
    LOAD(DestroyQueryPool);
    LOAD(GetQueryPoolResults);
    LOAD(CmdResetQueryPool);
    LOAD(CmdWriteTimestamp);
    LOAD(QueueSubmit);
    LOAD(CreateSemaphore);
    LOAD(DestroySemaphore);
    LOAD(WaitSemaphores);
#undef LOAD
    if (!s->WaitSemaphores) { // a loader of Vulkan 1.1
        shim_device_free(s);
        return VK_ERROR_FEATURE_NOT_PRESENT;
    }
    *out = s;
    return VK_SUCCESS;
}

void *shim_device_handle(shim_device *s) { return s->device; }

void shim_device_free(shim_device *s) {
    s->DestroyDevice(s->device, NULL);
    free(s);
}
