// A small C layer under package vkshim. Nothing here keeps a pointer that it
// was given: the loader, instances and devices are C memory of its own.
#ifndef KIBAN_SHIM_H
#define KIBAN_SHIM_H

#include "vk.h"

typedef struct shim_instance shim_instance;
typedef struct shim_device shim_device;

typedef struct {
    uint32_t m, n, k;
    int32_t a, b, c, result, scope; // VkComponentTypeKHR, VkScopeKHR
    uint32_t invocations;           // of the workgroup, of flexible ones
} shim_coop;

#define SHIM_MAX_COOP 64

typedef struct {
    char driver_name[256], driver_info[256];
    uint32_t subgroup_size, subgroup_operations;
    uint32_t subgroup_min, subgroup_max; // sizes that a pipeline may ask for; 0 if none
    uint32_t cores;                      // streaming multiprocessors; 0 if the driver does not say
    uint32_t float16, bfloat16;          // in shaders; bfloat16 in cooperative matrices
    uint32_t coop_count;                 // 0 without cooperative matrices
    shim_coop coop[SHIM_MAX_COOP];
    uint32_t coop2_count; // 0 without VK_NV_cooperative_matrix2 and what the shaders use of it
    shim_coop coop2[SHIM_MAX_COOP];
    uint32_t storage16, timeline; // storageBuffer16BitAccess, timelineSemaphore
    uint64_t max_allocation;
    int32_t queue_family;    // -1 if none computes
    uint32_t timestamp_bits; // of that family; 0 if it takes no times
    int32_t has_budget;
    uint32_t type_count, heap_count;
    uint32_t type_flags[32], type_heap[32];
    uint64_t heap_size[16], heap_free[16];
    uint32_t heap_flags[16];
} shim_info;

void *shim_open(const char *name, void **get_proc, char *err, size_t err_size);

VkResult shim_instance_new(void *get_proc, int validate, shim_instance **out);
void *shim_instance_handle(shim_instance *);
void shim_instance_destroy(shim_instance *); // ends the instance; its messages stay
void shim_instance_free(shim_instance *);
uint32_t shim_message_count(shim_instance *);
char *shim_message(shim_instance *, uint32_t i); // malloc'ed copy, or NULL

void shim_device_info(shim_instance *, void *physical, uint32_t api_version, shim_info *out);

VkResult shim_device_new(shim_instance *, void *physical, const shim_info *, shim_device **out);
void *shim_device_handle(shim_device *);
void shim_device_free(shim_device *);

VkResult shim_layouts_new(shim_device *, uint32_t bindings, uint32_t push_bytes, uint64_t *set, uint64_t *pipeline);
VkResult shim_cache_new(shim_device *, const void *data, size_t size, uint64_t *cache);
VkResult shim_cache_data(shim_device *, uint64_t cache, void *data, size_t *size); // data NULL asks for the size
VkResult shim_pipeline_new(shim_device *, uint64_t cache, uint64_t layout, const uint32_t *code, size_t code_bytes,
                           const uint32_t *spec, uint32_t spec_count, uint32_t subgroup_size, uint64_t *out);
void shim_layouts_free(shim_device *, uint64_t set, uint64_t pipeline);
void shim_cache_free(shim_device *, uint64_t cache);
void shim_pipeline_free(shim_device *, uint64_t pipeline);

VkResult shim_sets_new(shim_device *, uint32_t count, const uint64_t *layouts, uint32_t descriptors, uint64_t *pool,
                       uint64_t *sets);
void shim_sets_write(shim_device *, uint32_t count, const uint64_t *sets, const uint32_t *bindings,
                     const uint64_t *buffers); // three words a binding: buffer, offset, range
void shim_sets_free(shim_device *, uint64_t pool);

VkResult shim_queries_new(shim_device *, uint32_t count, uint64_t *pool); // of timestamps
VkResult shim_queries_read(shim_device *, uint64_t pool, uint32_t count, uint64_t *ticks);
void shim_queries_free(shim_device *, uint64_t pool);

// The commands of shim_record, each with its words.
enum {
    SHIM_DISPATCH = 1, // pipeline, layout, set, x, y, z, push words, then the words in pairs
    SHIM_BARRIER = 2,  // work on the device after work on the device
    SHIM_TO_HOST = 3,  // the host after work on the device
    SHIM_COPY = 4,     // from, to, offset in from, offset in to, bytes
    SHIM_FILL = 5,     // buffer, offset, bytes, word
    SHIM_FORGET = 6,   // pool, count: queries 0 to count-1 may be written anew
    SHIM_STAMP = 7,    // pool, query: the time at which the dispatches so far are done
};
int shim_record(shim_device *, void *command_buffer, const uint64_t *words, size_t count);

// A timeline is a semaphore that counts from 0.
VkResult shim_timeline_new(shim_device *, uint64_t *timeline);
VkResult shim_timeline_wait(shim_device *, uint64_t timeline, uint64_t value, uint64_t nanoseconds); // or VK_TIMEOUT
void shim_timeline_free(shim_device *, uint64_t timeline);
// The timeline has the value when this submission and those before it are done.
VkResult shim_submit(shim_device *, void *queue, const void *const *command_buffers, uint32_t count, uint64_t timeline,
                     uint64_t value);

#endif
