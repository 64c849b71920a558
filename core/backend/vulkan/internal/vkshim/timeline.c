#include "shim_internal.h"

VkResult shim_timeline_new(shim_device *s, uint64_t *timeline) {
    VkSemaphoreTypeCreateInfo type = {.sType = VK_SEMAPHORE_TYPE_CREATE_INFO, .type = VK_SEMAPHORE_TYPE_TIMELINE};
    VkSemaphoreCreateInfo info = {.sType = VK_SEMAPHORE_CREATE_INFO, .pNext = &type};
    return s->CreateSemaphore(s->device, &info, NULL, timeline);
}

VkResult shim_timeline_wait(shim_device *s, uint64_t timeline, uint64_t value, uint64_t nanoseconds) {
    VkSemaphoreWaitInfo info = {.sType = VK_SEMAPHORE_WAIT_INFO, .count = 1, .semaphores = &timeline, .values = &value};
    return s->WaitSemaphores(s->device, &info, nanoseconds);
}

void shim_timeline_free(shim_device *s, uint64_t timeline) { s->DestroySemaphore(s->device, timeline, NULL); }

VkResult shim_submit(shim_device *s, void *queue, const void *const *command_buffers, uint32_t count, uint64_t timeline,
                     uint64_t value) {
    VkTimelineSemaphoreSubmitInfo values = {.sType = VK_TIMELINE_SEMAPHORE_SUBMIT_INFO, .signalCount = 1, .signals = &value};
    VkSubmitInfo info = {.sType = VK_SUBMIT_INFO,
                         .pNext = &values,
                         .commandCount = count,
                         .commands = (const VkCommandBuffer *)command_buffers,
                         .signalCount = 1,
                         .signals = &timeline};
    return s->QueueSubmit(queue, 1, &info, 0);
}
