// Status codes of every function that can fail.
//
// A function returns GS_OK (0) or a negative code; results come back through out-parameters. The full
// message, which names what was found, what was expected and what to do, is kept by the context:
// gs_context_message(). The library never prints, exits or aborts.
#ifndef GRADSMITH_STATUS_H
#define GRADSMITH_STATUS_H

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define GS_API __attribute__((visibility("default")))
#else
#define GS_API
#endif

// clang-format off
#define GS_STATUS_MAP(X)                                                       \
    X(GS_OK,                0, "ok")                                           \
    X(GS_ERR_ARGUMENT,     -1, "bad argument")                                 \
    X(GS_ERR_MEMORY,       -2, "out of host memory")                           \
    X(GS_ERR_DEVICE_MEMORY,-3, "out of device memory")                         \
    X(GS_ERR_NO_DEVICE,    -4, "no Vulkan device")                             \
    X(GS_ERR_DEVICE,       -5, "Vulkan call failed")                           \
    X(GS_ERR_DEVICE_LOST,  -6, "device lost")                                  \
    X(GS_ERR_FILE,         -7, "file cannot be read or written")               \
    X(GS_ERR_FORMAT,       -8, "file or text is malformed")                    \
    X(GS_ERR_UNSUPPORTED,  -9, "not supported")                                \
    X(GS_ERR_NAN,         -10, "loss is not finite")                           \
    X(GS_ERR_INTERNAL,    -11, "internal error: please report it")             \
    X(GS_STOPPED,         -12, "stopped at the caller's request")
// clang-format on

typedef enum gs_status {
#define GS_STATUS_ENUM(name, value, text) name = (value),
    GS_STATUS_MAP(GS_STATUS_ENUM)
#undef GS_STATUS_ENUM
} gs_status;

// Short English text of a status, e.g. "out of device memory". Never NULL. Thread-safe.
GS_API const char *gs_status_text(gs_status status);

// Name of a status as written in this header, e.g. "GS_ERR_DEVICE_MEMORY". Never NULL. Thread-safe.
GS_API const char *gs_status_name(gs_status status);

#ifdef __cplusplus
}
#endif
#endif
