#ifndef KIBAN_SHIM_INTERNAL_H
#define KIBAN_SHIM_INTERNAL_H

#include "shim.h"

#include <pthread.h>

#define API(major, minor) (((uint32_t)(major) << 22) | ((minor) << 12))
#define MAX_MESSAGES 64 // kept; the rest are counted

struct shim_instance {
    VkGetInstanceProcAddr get;
    VkInstance instance;
    uint32_t layer; // version of Vulkan that the validation layer knows, 0 without one
    VkDebugUtilsMessenger messenger;
    pthread_mutex_t lock;
    char *messages[MAX_MESSAGES];
    uint32_t message_count;
};

struct shim_device {
    VkDevice device;
    void(VKAPI *DestroyDevice)(VkDevice, const void *);
    VkResult(VKAPI *CreateDescriptorSetLayout)(VkDevice, const VkDescriptorSetLayoutCreateInfo *, const void *, uint64_t *);
    VkResult(VKAPI *CreatePipelineLayout)(VkDevice, const VkPipelineLayoutCreateInfo *, const void *, uint64_t *);
    VkResult(VKAPI *CreatePipelineCache)(VkDevice, const VkPipelineCacheCreateInfo *, const void *, uint64_t *);
    VkResult(VKAPI *GetPipelineCacheData)(VkDevice, uint64_t, size_t *, void *);
    VkResult(VKAPI *CreateShaderModule)(VkDevice, const VkShaderModuleCreateInfo *, const void *, uint64_t *);
    VkResult(VKAPI *CreateComputePipelines)(VkDevice, uint64_t, uint32_t, const VkComputePipelineCreateInfo *, const void *,
                                            uint64_t *);
    void(VKAPI *DestroyDescriptorSetLayout)(VkDevice, uint64_t, const void *);
    void(VKAPI *DestroyPipelineLayout)(VkDevice, uint64_t, const void *);
    void(VKAPI *DestroyPipelineCache)(VkDevice, uint64_t, const void *);
    void(VKAPI *DestroyShaderModule)(VkDevice, uint64_t, const void *);
    void(VKAPI *DestroyPipeline)(VkDevice, uint64_t, const void *);
    VkResult(VKAPI *CreateDescriptorPool)(VkDevice, const VkDescriptorPoolCreateInfo *, const void *, uint64_t *);
    VkResult(VKAPI *AllocateDescriptorSets)(VkDevice, const VkDescriptorSetAllocateInfo *, uint64_t *);
    void(VKAPI *UpdateDescriptorSets)(VkDevice, uint32_t, const VkWriteDescriptorSet *, uint32_t, const void *);
    void(VKAPI *DestroyDescriptorPool)(VkDevice, uint64_t, const void *);
    void(VKAPI *CmdBindPipeline)(VkCommandBuffer, int32_t, uint64_t);
    void(VKAPI *CmdBindDescriptorSets)(VkCommandBuffer, int32_t, uint64_t, uint32_t, uint32_t, const uint64_t *, uint32_t,
                                       const uint32_t *);
    void(VKAPI *CmdPushConstants)(VkCommandBuffer, uint64_t, VkFlags, uint32_t, uint32_t, const void *);
    void(VKAPI *CmdDispatch)(VkCommandBuffer, uint32_t, uint32_t, uint32_t);
    void(VKAPI *CmdPipelineBarrier)(VkCommandBuffer, VkFlags, VkFlags, VkFlags, uint32_t, const VkMemoryBarrier *, uint32_t,
                                    const void *, uint32_t, const void *);
    void(VKAPI *CmdCopyBuffer)(VkCommandBuffer, uint64_t, uint64_t, uint32_t, const VkBufferCopy *);
    void(VKAPI *CmdFillBuffer)(VkCommandBuffer, uint64_t, uint64_t, uint64_t, uint32_t);
    VkResult(VKAPI *CreateQueryPool)(VkDevice, const VkQueryPoolCreateInfo *, const void *, uint64_t *);
    void(VKAPI *DestroyQueryPool)(VkDevice, uint64_t, const void *);
    VkResult(VKAPI *GetQueryPoolResults)(VkDevice, uint64_t, uint32_t, uint32_t, size_t, void *, VkDeviceSize, VkFlags);
    void(VKAPI *CmdResetQueryPool)(VkCommandBuffer, uint64_t, uint32_t, uint32_t);
    void(VKAPI *CmdWriteTimestamp)(VkCommandBuffer, VkFlags, uint64_t, uint32_t);
    VkResult(VKAPI *QueueSubmit)(VkQueue, uint32_t, const VkSubmitInfo *, uint64_t);
    VkResult(VKAPI *CreateSemaphore)(VkDevice, const VkSemaphoreCreateInfo *, const void *, uint64_t *);
    void(VKAPI *DestroySemaphore)(VkDevice, uint64_t, const void *);
    VkResult(VKAPI *WaitSemaphores)(VkDevice, const VkSemaphoreWaitInfo *, uint64_t);
};

#endif
