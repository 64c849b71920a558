#include "shim_internal.h"

VkResult shim_queries_new(shim_device *s, uint32_t count, uint64_t *pool) {
    VkQueryPoolCreateInfo info = {.sType = VK_QUERY_POOL_CREATE_INFO, .type = VK_QUERY_TYPE_TIMESTAMP, .count = count};
    return s->CreateQueryPool(s->device, &info, NULL, pool);
}

VkResult shim_queries_read(shim_device *s, uint64_t pool, uint32_t count, uint64_t *ticks) {
    return s->GetQueryPoolResults(s->device, pool, 0, count, 8 * (size_t)count, ticks, 8, VK_QUERY_RESULT_64 | VK_QUERY_RESULT_WAIT);
}

void shim_queries_free(shim_device *s, uint64_t pool) { s->DestroyQueryPool(s->device, pool, NULL); }
