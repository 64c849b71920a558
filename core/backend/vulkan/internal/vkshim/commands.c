#include "shim_internal.h"

#include <stdlib.h>

VkResult shim_layouts_new(shim_device *s, uint32_t bindings, uint32_t push_bytes, uint64_t *set, uint64_t *pipeline) {
    VkDescriptorSetLayoutBinding all[64] = {0};
    for (uint32_t i = 0; i < bindings; i++) {
        all[i] = (VkDescriptorSetLayoutBinding){
            .binding = i, .type = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, .count = 1, .stages = VK_SHADER_STAGE_COMPUTE};
    }
    VkDescriptorSetLayoutCreateInfo info = {
        .sType = VK_DESCRIPTOR_SET_LAYOUT_CREATE_INFO, .count = bindings, .bindings = all};
    VkResult r = s->CreateDescriptorSetLayout(s->device, &info, NULL, set);
    if (r) {
        return r;
    }
    VkPushConstantRange push = {.stages = VK_SHADER_STAGE_COMPUTE, .size = push_bytes};
    VkPipelineLayoutCreateInfo layout = {
        .sType = VK_PIPELINE_LAYOUT_CREATE_INFO, .setCount = 1, .sets = set, .pushCount = 1, .push = &push};
    r = s->CreatePipelineLayout(s->device, &layout, NULL, pipeline);
    if (r) {
        s->DestroyDescriptorSetLayout(s->device, *set, NULL);
    }
    return r;
}

void shim_layouts_free(shim_device *s, uint64_t set, uint64_t pipeline) {
    s->DestroyPipelineLayout(s->device, pipeline, NULL);
    s->DestroyDescriptorSetLayout(s->device, set, NULL);
}

VkResult shim_cache_new(shim_device *s, const void *data, size_t size, uint64_t *cache) {
    VkPipelineCacheCreateInfo info = {.sType = VK_PIPELINE_CACHE_CREATE_INFO, .size = size, .data = data};
    return s->CreatePipelineCache(s->device, &info, NULL, cache);
}

VkResult shim_cache_data(shim_device *s, uint64_t cache, void *data, size_t *size) {
    return s->GetPipelineCacheData(s->device, cache, size, data);
}

void shim_cache_free(shim_device *s, uint64_t cache) { s->DestroyPipelineCache(s->device, cache, NULL); }

VkResult shim_pipeline_new(shim_device *s, uint64_t cache, uint64_t layout, const uint32_t *code, size_t code_bytes,
                           const uint32_t *spec, uint32_t spec_count, uint32_t subgroup_size, uint64_t *out) {
    VkShaderModuleCreateInfo info = {.sType = VK_SHADER_MODULE_CREATE_INFO, .size = code_bytes, .code = code};
    uint64_t module = 0;
    VkResult r = s->CreateShaderModule(s->device, &info, NULL, &module);
    if (r) {
        return r;
    }
    VkSpecializationMapEntry *entries = calloc(spec_count + 1, sizeof *entries);
    for (uint32_t i = 0; i < spec_count; i++) {
        entries[i] = (VkSpecializationMapEntry){.id = i, .offset = 4 * i, .size = 4};
    }
    VkSpecializationInfo constants = {.count = spec_count, .entries = entries, .size = 4 * spec_count, .data = spec};
    VkShaderStageSubgroupSize size = {.sType = VK_SHADER_STAGE_SUBGROUP_SIZE, .size = subgroup_size};
    VkComputePipelineCreateInfo pipeline = {
        .sType = VK_COMPUTE_PIPELINE_CREATE_INFO,
        .stage = {.sType = VK_PIPELINE_SHADER_STAGE_CREATE_INFO,
                  .pNext = subgroup_size ? &size : NULL,
                  .flags = subgroup_size ? VK_STAGE_FULL_SUBGROUPS : 0,
                  .stage = VK_SHADER_STAGE_COMPUTE,
                  .module = module,
                  .name = "main",
                  .specialization = &constants},
        .layout = layout,
        .baseIndex = -1,
    };
    r = s->CreateComputePipelines(s->device, cache, 1, &pipeline, NULL, out);
    s->DestroyShaderModule(s->device, module, NULL);
    free(entries);
    return r;
}

void shim_pipeline_free(shim_device *s, uint64_t pipeline) { s->DestroyPipeline(s->device, pipeline, NULL); }

VkResult shim_sets_new(shim_device *s, uint32_t count, const uint64_t *layouts, uint32_t descriptors, uint64_t *pool,
                       uint64_t *sets) {
    VkDescriptorPoolSize size = {.type = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, .count = descriptors};
    VkDescriptorPoolCreateInfo info = {
        .sType = VK_DESCRIPTOR_POOL_CREATE_INFO, .maxSets = count, .sizeCount = 1, .sizes = &size};
    VkResult r = s->CreateDescriptorPool(s->device, &info, NULL, pool);
    if (r) {
        return r;
    }
    VkDescriptorSetAllocateInfo allocate = {
        .sType = VK_DESCRIPTOR_SET_ALLOCATE_INFO, .pool = *pool, .count = count, .layouts = layouts};
    r = s->AllocateDescriptorSets(s->device, &allocate, sets);
    if (r) {
        s->DestroyDescriptorPool(s->device, *pool, NULL);
    }
    return r;
}

void shim_sets_write(shim_device *s, uint32_t count, const uint64_t *sets, const uint32_t *bindings,
                     const uint64_t *buffers) {
    for (uint32_t i = 0; i < count; i++) {
        VkDescriptorBufferInfo info[64];
        VkWriteDescriptorSet write = {.sType = VK_WRITE_DESCRIPTOR_SET,
                                      .set = sets[i],
                                      .count = bindings[i],
                                      .type = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
                                      .buffers = info};
        for (uint32_t j = 0; j < bindings[i]; j++, buffers += 3) {
            info[j] = (VkDescriptorBufferInfo){.buffer = buffers[0], .offset = buffers[1], .range = buffers[2]};
        }
        // One write may run over consecutive bindings of one type.
        s->UpdateDescriptorSets(s->device, 1, &write, 0, NULL);
    }
}

void shim_sets_free(shim_device *s, uint64_t pool) { s->DestroyDescriptorPool(s->device, pool, NULL); }

static void barrier(shim_device *s, VkCommandBuffer c, int to_host) {
    VkFlags work = VK_STAGE_COMPUTE | VK_STAGE_TRANSFER;
    VkMemoryBarrier b = {.sType = VK_MEMORY_BARRIER, .src = VK_ACCESS_SHADER_WRITE | VK_ACCESS_TRANSFER_WRITE};
    b.dst = to_host ? VK_ACCESS_HOST_READ
                    : VK_ACCESS_SHADER_READ | VK_ACCESS_SHADER_WRITE | VK_ACCESS_TRANSFER_READ | VK_ACCESS_TRANSFER_WRITE;
    s->CmdPipelineBarrier(c, work, to_host ? VK_STAGE_HOST : work, 0, 1, &b, 0, NULL, 0, NULL);
}

int shim_record(shim_device *s, void *command_buffer, const uint64_t *w, size_t count) {
    VkCommandBuffer c = command_buffer;
    const uint64_t *end = w + count;
    uint64_t bound = 0;
    while (w < end) {
        switch (*w++) {
        case SHIM_DISPATCH: {
            if (w[0] != bound) {
                s->CmdBindPipeline(c, VK_PIPELINE_BIND_POINT_COMPUTE, w[0]);
                bound = w[0];
            }
            s->CmdBindDescriptorSets(c, VK_PIPELINE_BIND_POINT_COMPUTE, w[1], 0, 1, &w[2], 0, NULL);
            uint32_t push = (uint32_t)w[6], words[64];
            for (uint32_t i = 0; i < push && i < 64; i++) {
                words[i] = (uint32_t)(w[7 + i / 2] >> (32 * (i % 2)));
            }
            if (push > 0) {
                s->CmdPushConstants(c, w[1], VK_SHADER_STAGE_COMPUTE, 0, 4 * push, words);
            }
            s->CmdDispatch(c, (uint32_t)w[3], (uint32_t)w[4], (uint32_t)w[5]);
            w += 7 + (push + 1) / 2;
            break;
        }
        case SHIM_BARRIER:
            barrier(s, c, 0);
            break;
        case SHIM_TO_HOST:
            barrier(s, c, 1);
            break;
        case SHIM_COPY: {
            VkBufferCopy copy = {.src = w[2], .dst = w[3], .size = w[4]};
            s->CmdCopyBuffer(c, w[0], w[1], 1, &copy);
            w += 5;
            break;
        }
        case SHIM_FILL:
            s->CmdFillBuffer(c, w[0], w[1], w[2], (uint32_t)w[3]);
            w += 4;
            break;
        case SHIM_FORGET:
            s->CmdResetQueryPool(c, w[0], 0, (uint32_t)w[1]);
            w += 2;
            break;
        case SHIM_STAMP:
            s->CmdWriteTimestamp(c, VK_STAGE_COMPUTE, w[0], (uint32_t)w[1]);
            w += 2;
            break;
        default:
            return -1;
        }
    }
    return 0;
}
