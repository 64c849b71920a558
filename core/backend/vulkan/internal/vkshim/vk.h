// The part of the Vulkan interface that the shim calls, declared by hand so
// that building needs no Vulkan headers. Names, values and layouts are those of
// the Vulkan specification, the extensions' shortened.
#ifndef KIBAN_VK_H
#define KIBAN_VK_H

#include <stddef.h>
#include <stdint.h>

#ifdef _WIN32
#define VKAPI __stdcall
#else
#define VKAPI
#endif

typedef uint32_t VkBool32, VkFlags;
typedef uint64_t VkDeviceSize;
typedef int32_t VkResult, VkStructureType;
typedef struct VkInstance_T *VkInstance;
typedef struct VkPhysicalDevice_T *VkPhysicalDevice;
typedef struct VkDevice_T *VkDevice;
typedef struct VkQueue_T *VkQueue;
typedef struct VkCommandBuffer_T *VkCommandBuffer;
// Handles of objects are 64 bits wide on every platform.
typedef uint64_t VkBuffer, VkFence, VkSemaphore, VkShaderModule, VkPipelineCache, VkPipeline, VkPipelineLayout;
typedef uint64_t VkDescriptorSetLayout, VkDescriptorPool, VkDescriptorSet, VkSampler, VkDebugUtilsMessenger;

enum {
    VK_SUCCESS = 0,
    VK_TIMEOUT = 2,
    VK_ERROR_LAYER_NOT_PRESENT = -6,
    VK_ERROR_EXTENSION_NOT_PRESENT = -7,
    VK_ERROR_FEATURE_NOT_PRESENT = -8,

    VK_APPLICATION_INFO = 0,
    VK_INSTANCE_CREATE_INFO = 1,
    VK_DEVICE_QUEUE_CREATE_INFO = 2,
    VK_DEVICE_CREATE_INFO = 3,
    VK_SUBMIT_INFO = 4,
    VK_SEMAPHORE_CREATE_INFO = 9,
    VK_QUERY_POOL_CREATE_INFO = 11,
    VK_SHADER_MODULE_CREATE_INFO = 16,
    VK_PIPELINE_CACHE_CREATE_INFO = 17,
    VK_PIPELINE_SHADER_STAGE_CREATE_INFO = 18,
    VK_COMPUTE_PIPELINE_CREATE_INFO = 29,
    VK_PIPELINE_LAYOUT_CREATE_INFO = 30,
    VK_DESCRIPTOR_SET_LAYOUT_CREATE_INFO = 32,
    VK_DESCRIPTOR_POOL_CREATE_INFO = 33,
    VK_DESCRIPTOR_SET_ALLOCATE_INFO = 34,
    VK_WRITE_DESCRIPTOR_SET = 35,
    VK_MEMORY_BARRIER = 46,
    VK_PHYSICAL_DEVICE_FEATURES_2 = 1000059000,
    VK_PHYSICAL_DEVICE_PROPERTIES_2 = 1000059001,
    VK_PHYSICAL_DEVICE_MEMORY_PROPERTIES_2 = 1000059006,
    VK_PHYSICAL_DEVICE_FLOAT16_INT8_FEATURES = 1000082000,
    VK_PHYSICAL_DEVICE_16BIT_STORAGE_FEATURES = 1000083000,
    VK_PHYSICAL_DEVICE_SUBGROUP_PROPERTIES = 1000094000,
    VK_DEBUG_UTILS_MESSENGER_CREATE_INFO = 1000128004,
    VK_PHYSICAL_DEVICE_BFLOAT16_FEATURES = 1000141000,
    VK_PHYSICAL_DEVICE_SM_BUILTINS_PROPERTIES = 1000154001,
    VK_PHYSICAL_DEVICE_MAINTENANCE_3_PROPERTIES = 1000168000,
    VK_PHYSICAL_DEVICE_DRIVER_PROPERTIES = 1000196000,
    VK_PHYSICAL_DEVICE_TIMELINE_SEMAPHORE_FEATURES = 1000207000,
    VK_SEMAPHORE_TYPE_CREATE_INFO = 1000207002,
    VK_TIMELINE_SEMAPHORE_SUBMIT_INFO = 1000207003,
    VK_SEMAPHORE_WAIT_INFO = 1000207004,
    VK_PHYSICAL_DEVICE_MEMORY_MODEL_FEATURES = 1000211000,
    VK_PHYSICAL_DEVICE_SUBGROUP_SIZE_PROPERTIES = 1000225000,
    VK_SHADER_STAGE_SUBGROUP_SIZE = 1000225001,
    VK_PHYSICAL_DEVICE_SUBGROUP_SIZE_FEATURES = 1000225002,
    VK_PHYSICAL_DEVICE_MEMORY_BUDGET_PROPERTIES = 1000237000,
    VK_VALIDATION_FEATURES = 1000247000,
    VK_LAYER_SETTINGS_CREATE_INFO = 1000496000,
    VK_PHYSICAL_DEVICE_COOP_FEATURES = 1000506000,
    VK_COOP_PROPERTIES = 1000506001,
    VK_PHYSICAL_DEVICE_COOP2_FEATURES = 1000593000,
    VK_COOP_FLEXIBLE_PROPERTIES = 1000593001,

    VK_DESCRIPTOR_TYPE_STORAGE_BUFFER = 7,
    VK_PIPELINE_BIND_POINT_COMPUTE = 1,
    VK_QUERY_TYPE_TIMESTAMP = 2,
    VK_SEMAPHORE_TYPE_TIMELINE = 1,
    VK_QUERY_RESULT_64 = 0x1,
    VK_QUERY_RESULT_WAIT = 0x2,
    VK_SHADER_STAGE_COMPUTE = 0x20,
    VK_STAGE_FULL_SUBGROUPS = 0x2,
    VK_QUEUE_COMPUTE = 0x2,
    VK_MEMORY_HEAP_DEVICE_LOCAL = 0x1,
    VK_INSTANCE_CREATE_ENUMERATE_PORTABILITY = 0x1,

    VK_STAGE_COMPUTE = 0x800,
    VK_STAGE_TRANSFER = 0x1000,
    VK_STAGE_HOST = 0x4000,
    VK_ACCESS_SHADER_READ = 0x20,
    VK_ACCESS_SHADER_WRITE = 0x40,
    VK_ACCESS_TRANSFER_READ = 0x800,
    VK_ACCESS_TRANSFER_WRITE = 0x1000,
    VK_ACCESS_HOST_READ = 0x2000,

    VK_SEVERITY_WARNING = 0x100,
    VK_SEVERITY_ERROR = 0x1000,
    VK_VALIDATION_FEATURE_SYNCHRONIZATION = 4,
};

typedef struct { VkStructureType sType; const void *pNext; const char *app; uint32_t appVersion; const char *engine; uint32_t engineVersion, apiVersion; } VkApplicationInfo;
typedef struct { VkStructureType sType; const void *pNext; VkFlags flags; const VkApplicationInfo *app; uint32_t layerCount; const char *const *layers; uint32_t extensionCount; const char *const *extensions; } VkInstanceCreateInfo;
typedef struct { char name[256]; uint32_t specVersion, implementationVersion; char description[256]; } VkLayerProperties;
typedef struct { char name[256]; uint32_t specVersion; } VkExtensionProperties;
typedef struct { VkStructureType sType; const void *pNext; VkFlags flags; const char *idName; int32_t idNumber; const char *message; /* more follows */ } VkDebugUtilsMessengerCallbackData;
typedef VkBool32(VKAPI *VkDebugUtilsCallback)(VkFlags severity, VkFlags types, const VkDebugUtilsMessengerCallbackData *, void *);
typedef struct { VkStructureType sType; const void *pNext; VkFlags flags, severity, types; VkDebugUtilsCallback callback; void *user; } VkDebugUtilsMessengerCreateInfo;
typedef struct { VkStructureType sType; const void *pNext; uint32_t enabledCount; const int32_t *enabled; uint32_t disabledCount; const int32_t *disabled; } VkValidationFeatures;

typedef struct { const char *layer, *name; int32_t type; uint32_t count; const void *values; } VkLayerSetting;
typedef struct { VkStructureType sType; const void *pNext; uint32_t count; const VkLayerSetting *settings; } VkLayerSettingsCreateInfo;

typedef struct { VkStructureType sType; void *pNext; VkBool32 buffer, uniform, push, inOut; } VkPhysicalDevice16BitStorageFeatures;
typedef struct { VkStructureType sType; void *pNext; VkBool32 features[55]; } VkPhysicalDeviceFeatures2;
// VkPhysicalDeviceProperties takes 824 bytes; the binding reads them, so here they are only room.
typedef struct { VkStructureType sType; void *pNext; uint64_t properties[128]; } VkPhysicalDeviceProperties2;
typedef struct { VkStructureType sType; void *pNext; int32_t id; char name[256], info[256]; uint8_t conformance[4]; } VkPhysicalDeviceDriverProperties;
typedef struct { VkStructureType sType; void *pNext; uint32_t size; VkFlags stages, operations; VkBool32 quad; } VkPhysicalDeviceSubgroupProperties;
typedef struct { VkStructureType sType; void *pNext; uint32_t maxPerSetDescriptors; VkDeviceSize maxMemoryAllocationSize; } VkPhysicalDeviceMaintenance3Properties;
typedef struct { VkStructureType sType; void *pNext; VkBool32 float16, int8; } VkPhysicalDeviceFloat16Int8Features;
typedef struct { VkStructureType sType; void *pNext; VkBool32 type, dot, matrix; } VkPhysicalDeviceBfloat16Features;
typedef struct { VkStructureType sType; void *pNext; uint32_t count, warps; } VkPhysicalDeviceSMBuiltinsProperties;
typedef struct { VkStructureType sType; void *pNext; VkBool32 model, deviceScope, chains; } VkPhysicalDeviceMemoryModelFeatures;
typedef struct { VkStructureType sType; void *pNext; uint32_t min, max, maxSubgroups; VkFlags stages; } VkPhysicalDeviceSubgroupSizeProperties;
typedef struct { VkStructureType sType; void *pNext; VkBool32 control, full; } VkPhysicalDeviceSubgroupSizeFeatures;
typedef struct { VkStructureType sType; void *pNext; VkBool32 matrix, robust; } VkPhysicalDeviceCoopFeatures;
typedef struct { VkStructureType sType; void *pNext; uint32_t m, n, k; int32_t a, b, c, result; VkBool32 saturating; int32_t scope; } VkCoopProperties;
typedef struct { VkStructureType sType; void *pNext; VkBool32 workgroup, flexible, reductions, conversions, perElement, tensors, blockLoads; } VkPhysicalDeviceCoop2Features;
typedef struct { VkStructureType sType; void *pNext; uint32_t m, n, k; int32_t a, b, c, result; VkBool32 saturating; int32_t scope; uint32_t invocations; } VkCoopFlexibleProperties;
typedef struct { VkStructureType sType; void *pNext; VkBool32 timeline; } VkPhysicalDeviceTimelineSemaphoreFeatures;
typedef struct { VkFlags flags; uint32_t heap; } VkMemoryType;
typedef struct { VkDeviceSize size; VkFlags flags; } VkMemoryHeap;
typedef struct { uint32_t typeCount; VkMemoryType types[32]; uint32_t heapCount; VkMemoryHeap heaps[16]; } VkPhysicalDeviceMemoryProperties;
typedef struct { VkStructureType sType; void *pNext; VkPhysicalDeviceMemoryProperties memory; } VkPhysicalDeviceMemoryProperties2;
typedef struct { VkStructureType sType; void *pNext; VkDeviceSize budget[16], usage[16]; } VkPhysicalDeviceMemoryBudgetProperties;
typedef struct { VkFlags flags; uint32_t count, timestampBits, granularity[3]; } VkQueueFamilyProperties;

typedef struct { VkStructureType sType; const void *pNext; VkFlags flags; uint32_t family, count; const float *priorities; } VkDeviceQueueCreateInfo;
typedef struct { VkStructureType sType; const void *pNext; VkFlags flags; uint32_t queueCount; const VkDeviceQueueCreateInfo *queues; uint32_t layerCount; const char *const *layers; uint32_t extensionCount; const char *const *extensions; const void *features; } VkDeviceCreateInfo;
typedef struct { uint32_t binding; int32_t type; uint32_t count; VkFlags stages; const VkSampler *samplers; } VkDescriptorSetLayoutBinding;
typedef struct { VkStructureType sType; const void *pNext; VkFlags flags; uint32_t count; const VkDescriptorSetLayoutBinding *bindings; } VkDescriptorSetLayoutCreateInfo;
typedef struct { VkFlags stages; uint32_t offset, size; } VkPushConstantRange;
typedef struct { VkStructureType sType; const void *pNext; VkFlags flags; uint32_t setCount; const VkDescriptorSetLayout *sets; uint32_t pushCount; const VkPushConstantRange *push; } VkPipelineLayoutCreateInfo;
typedef struct { VkStructureType sType; const void *pNext; VkFlags flags; size_t size; const uint32_t *code; } VkShaderModuleCreateInfo;
typedef struct { uint32_t id, offset; size_t size; } VkSpecializationMapEntry;
typedef struct { uint32_t count; const VkSpecializationMapEntry *entries; size_t size; const void *data; } VkSpecializationInfo;
typedef struct { VkStructureType sType; void *pNext; uint32_t size; } VkShaderStageSubgroupSize;
typedef struct { VkStructureType sType; const void *pNext; VkFlags flags; int32_t stage; VkShaderModule module; const char *name; const VkSpecializationInfo *specialization; } VkPipelineShaderStageCreateInfo;
typedef struct { VkStructureType sType; const void *pNext; VkFlags flags; VkPipelineShaderStageCreateInfo stage; VkPipelineLayout layout; VkPipeline base; int32_t baseIndex; } VkComputePipelineCreateInfo;
typedef struct { VkStructureType sType; const void *pNext; VkFlags flags; size_t size; const void *data; } VkPipelineCacheCreateInfo;
typedef struct { VkStructureType sType; const void *pNext; VkFlags flags; int32_t type; uint32_t count; VkFlags statistics; } VkQueryPoolCreateInfo;
typedef struct { int32_t type; uint32_t count; } VkDescriptorPoolSize;
typedef struct { VkStructureType sType; const void *pNext; VkFlags flags; uint32_t maxSets, sizeCount; const VkDescriptorPoolSize *sizes; } VkDescriptorPoolCreateInfo;
typedef struct { VkStructureType sType; const void *pNext; VkDescriptorPool pool; uint32_t count; const VkDescriptorSetLayout *layouts; } VkDescriptorSetAllocateInfo;
typedef struct { VkBuffer buffer; VkDeviceSize offset, range; } VkDescriptorBufferInfo;
typedef struct { VkStructureType sType; const void *pNext; VkDescriptorSet set; uint32_t binding, element, count; int32_t type; const void *images; const VkDescriptorBufferInfo *buffers; const void *views; } VkWriteDescriptorSet;
typedef struct { VkStructureType sType; const void *pNext; VkFlags src, dst; } VkMemoryBarrier;
typedef struct { VkDeviceSize src, dst, size; } VkBufferCopy;
typedef struct { VkStructureType sType; const void *pNext; uint32_t waitCount; const uint64_t *waits; const VkFlags *waitStages; uint32_t commandCount; const VkCommandBuffer *commands; uint32_t signalCount; const uint64_t *signals; } VkSubmitInfo;
typedef struct { VkStructureType sType; const void *pNext; uint32_t waitCount; const uint64_t *waits; uint32_t signalCount; const uint64_t *signals; } VkTimelineSemaphoreSubmitInfo;
typedef struct { VkStructureType sType; const void *pNext; VkFlags flags; } VkSemaphoreCreateInfo;
typedef struct { VkStructureType sType; const void *pNext; int32_t type; uint64_t initial; } VkSemaphoreTypeCreateInfo;
typedef struct { VkStructureType sType; const void *pNext; VkFlags flags; uint32_t count; const VkSemaphore *semaphores; const uint64_t *values; } VkSemaphoreWaitInfo;

typedef void(VKAPI *VkFunction)(void);
typedef VkFunction(VKAPI *VkGetInstanceProcAddr)(VkInstance, const char *);
typedef VkFunction(VKAPI *VkGetDeviceProcAddr)(VkDevice, const char *);

#endif
