#include "shim_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef _WIN32
#include <windows.h>

void *shim_open(const char *name, void **get_proc, char *err, size_t err_size) {
    HMODULE lib = LoadLibraryA(name);
    if (!lib) {
        snprintf(err, err_size, "%s: cannot be loaded (error %lu)", name, GetLastError());
        return NULL;
    }
    *get_proc = (void *)GetProcAddress(lib, "vkGetInstanceProcAddr");
    if (!*get_proc) {
        snprintf(err, err_size, "%s: has no vkGetInstanceProcAddr", name);
        FreeLibrary(lib);
        return NULL;
    }
    return lib;
}
#else
#include <dlfcn.h>

void *shim_open(const char *name, void **get_proc, char *err, size_t err_size) {
    void *lib = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (!lib) {
        snprintf(err, err_size, "%s", dlerror());
        return NULL;
    }
    *get_proc = dlsym(lib, "vkGetInstanceProcAddr");
    if (!*get_proc) {
        snprintf(err, err_size, "%s: has no vkGetInstanceProcAddr", name);
        dlclose(lib);
        return NULL;
    }
    return lib;
}
#endif

static VkBool32 VKAPI on_message(VkFlags severity, VkFlags types, const VkDebugUtilsMessengerCallbackData *data,
                                 void *user) {
    (void)severity;
    (void)types;
    shim_instance *in = user;
    pthread_mutex_lock(&in->lock);
    if (in->message_count < MAX_MESSAGES) {
        in->messages[in->message_count] = strdup(data->message ? data->message : "");
    }
    in->message_count++;
    pthread_mutex_unlock(&in->lock);
    return 0;
}

// The version of Vulkan that a layer knows, or 0 if there is none.
static uint32_t has_layer(VkGetInstanceProcAddr get, const char *name) {
    VkResult(VKAPI * enumerate)(uint32_t *, VkLayerProperties *) = (void *)get(NULL, "vkEnumerateInstanceLayerProperties");
    uint32_t n = 0, found = 0;
    if (!enumerate || enumerate(&n, NULL) || n == 0) {
        return 0;
    }
    VkLayerProperties *all = calloc(n, sizeof *all);
    enumerate(&n, all);
    for (uint32_t i = 0; i < n; i++) {
        if (strcmp(all[i].name, name) == 0) {
            found = all[i].specVersion;
        }
    }
    free(all);
    return found;
}

static int has_extension(VkGetInstanceProcAddr get, const char *layer, const char *name) {
    VkResult(VKAPI * enumerate)(const char *, uint32_t *, VkExtensionProperties *) =
        (void *)get(NULL, "vkEnumerateInstanceExtensionProperties");
    uint32_t n = 0;
    int found = 0;
    if (!enumerate || enumerate(layer, &n, NULL) || n == 0) {
        return 0;
    }
    VkExtensionProperties *all = calloc(n, sizeof *all);
    enumerate(layer, &n, all);
    for (uint32_t i = 0; i < n; i++) {
        found |= strcmp(all[i].name, name) == 0;
    }
    free(all);
    return found;
}

VkResult shim_instance_new(void *get_proc, int validate, shim_instance **out) {
    VkGetInstanceProcAddr get = (VkGetInstanceProcAddr)get_proc;
    static const char validation[] = "VK_LAYER_KHRONOS_validation";
    const char *layers[1], *extensions[3];
    VkInstanceCreateInfo info = {.sType = VK_INSTANCE_CREATE_INFO, .layers = layers, .extensions = extensions};

    // Instances of Vulkan 1.0 know no version function and refuse anything else.
    VkResult(VKAPI * version)(uint32_t *) = (void *)get(NULL, "vkEnumerateInstanceVersion");
    uint32_t api = 1u << 22;
    if (version) {
        version(&api);
    }
    VkApplicationInfo app = {.sType = VK_APPLICATION_INFO, .app = "kiban", .engine = "kiban"};
    app.apiVersion = api >= API(1, 3) ? API(1, 3) : api;
    info.app = &app;

    // MoltenVK is listed by the loader only to those who ask for portability.
    if (has_extension(get, NULL, "VK_KHR_portability_enumeration")) {
        extensions[info.extensionCount++] = "VK_KHR_portability_enumeration";
        info.flags |= VK_INSTANCE_CREATE_ENUMERATE_PORTABILITY;
    }
    shim_instance *in = calloc(1, sizeof *in);
    pthread_mutex_init(&in->lock, NULL);
    in->get = get;

    VkDebugUtilsMessengerCreateInfo messenger = {
        .sType = VK_DEBUG_UTILS_MESSENGER_CREATE_INFO,
        .severity = VK_SEVERITY_WARNING | VK_SEVERITY_ERROR,
        .types = 7,
        .callback = on_message,
        .user = in,
    };
    int32_t enabled[] = {VK_VALIDATION_FEATURE_SYNCHRONIZATION};
    VkValidationFeatures features = {.sType = VK_VALIDATION_FEATURES, .enabledCount = 1, .enabled = enabled};
    // Later layers are told otherwise.
    VkBool32 yes = 1;
    VkLayerSetting synchronization = {.layer = validation, .name = "validate_sync", .count = 1, .values = &yes};
    VkLayerSettingsCreateInfo settings = {.sType = VK_LAYER_SETTINGS_CREATE_INFO, .count = 1, .settings = &synchronization};
    if (validate) {
        in->layer = has_layer(get, validation);
        if (!in->layer) {
            free(in);
            return VK_ERROR_LAYER_NOT_PRESENT;
        }
        layers[info.layerCount++] = validation;
        extensions[info.extensionCount++] = "VK_EXT_debug_utils";
        info.pNext = &messenger; // sees creation and destruction of the instance itself
        if (has_extension(get, validation, "VK_EXT_layer_settings")) {
            extensions[info.extensionCount++] = "VK_EXT_layer_settings";
            messenger.pNext = &settings;
        } else if (has_extension(get, validation, "VK_EXT_validation_features")) {
            extensions[info.extensionCount++] = "VK_EXT_validation_features";
            messenger.pNext = &features;
        }
    }
    VkResult(VKAPI * create)(const VkInstanceCreateInfo *, const void *, VkInstance *) = (void *)get(NULL, "vkCreateInstance");
    VkResult r = create(&info, NULL, &in->instance);
    if (r) {
        free(in);
        return r;
    }
    messenger.pNext = NULL;
    if (validate) {
        VkResult(VKAPI * new_messenger)(VkInstance, const VkDebugUtilsMessengerCreateInfo *, const void *,
                                        VkDebugUtilsMessenger *) =
            (void *)get(in->instance, "vkCreateDebugUtilsMessengerEXT");
        r = new_messenger ? new_messenger(in->instance, &messenger, NULL, &in->messenger) : VK_ERROR_EXTENSION_NOT_PRESENT;
        if (r) {
            shim_instance_free(in);
            return r;
        }
    }
    *out = in;
    return VK_SUCCESS;
}

void *shim_instance_handle(shim_instance *in) { return in->instance; }

void shim_instance_destroy(shim_instance *in) {
    if (!in->instance) {
        return;
    }
    if (in->messenger) {
        void(VKAPI * free_messenger)(VkInstance, VkDebugUtilsMessenger, const void *) =
            (void *)in->get(in->instance, "vkDestroyDebugUtilsMessengerEXT");
        free_messenger(in->instance, in->messenger, NULL);
    }
    void(VKAPI * destroy)(VkInstance, const void *) = (void *)in->get(in->instance, "vkDestroyInstance");
    destroy(in->instance, NULL);
    in->instance = NULL;
}

void shim_instance_free(shim_instance *in) {
    shim_instance_destroy(in);
    for (uint32_t i = 0; i < in->message_count && i < MAX_MESSAGES; i++) {
        free(in->messages[i]);
    }
    pthread_mutex_destroy(&in->lock);
    free(in);
}

uint32_t shim_message_count(shim_instance *in) {
    pthread_mutex_lock(&in->lock);
    uint32_t n = in->message_count;
    pthread_mutex_unlock(&in->lock);
    return n;
}

char *shim_message(shim_instance *in, uint32_t i) {
    char *s = NULL;
    pthread_mutex_lock(&in->lock);
    if (i < in->message_count && i < MAX_MESSAGES) {
        s = strdup(in->messages[i]);
    }
    pthread_mutex_unlock(&in->lock);
    return s;
}
