// Measures a device: what it can do at the most, how fast the library's matmul is beside that, and how fast it trains.
//
//     gs_bench_run(context, &(gs_bench_params){.parts = GS_BENCH_PEAK, .callback = show}, NULL);
//
// docs/benchmarks.md says how each figure is taken.
#ifndef GRADSMITH_BENCH_H
#define GRADSMITH_BENCH_H

#include <gradsmith/device.h>
#include <gradsmith/precision.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum gs_bench_part {
    GS_BENCH_PEAK = 1,   // multiply-adds, copies, cost of a dispatch and of a submission
    GS_BENCH_MATMUL = 2, // square products and those of the workloads; measures the multiply-add peak first
    GS_BENCH_TRAIN = 4,  // the workloads W1, W1b, W2 and W3
    GS_BENCH_ALL = 7,
} gs_bench_part;

// X(constant, value, name, unit, whether more is better)
// clang-format off
#define GS_BENCH_KIND_MAP(X)                                                                              \
    X(GS_BENCH_FMA,          0, "fma",          "GFLOP/s",   true)  /* float32; a multiply-add counts as 2 */ \
    X(GS_BENCH_COPY_KERNEL,  1, "copy_kernel",  "GB/s",      true)  /* 10^9 bytes read plus bytes written */  \
    X(GS_BENCH_COPY_COMMAND, 2, "copy_command", "GB/s",      true)  /* the same by vkCmdCopyBuffer */         \
    X(GS_BENCH_DISPATCH,     3, "dispatch",     "us",        false) /* of a chain of dependent dispatches */  \
    X(GS_BENCH_SUBMIT,       4, "submit",       "us",        false) /* submit one dispatch, wait for it */    \
    X(GS_BENCH_PRODUCT,      5, "matmul",       "GFLOP/s",   true)  /* 2 m n k of them */                     \
    X(GS_BENCH_TRAINING,     6, "train",        "samples/s", true)
// clang-format on
typedef enum gs_bench_kind {
#define GS_BENCH_KIND_ENUM(constant, value, name, unit, more) constant = (value),
    GS_BENCH_KIND_MAP(GS_BENCH_KIND_ENUM)
#undef GS_BENCH_KIND_ENUM
} gs_bench_kind;

// "matmul"; in words, "float32 multiply-adds"; "GFLOP/s". Never NULL.
GS_API const char *gs_bench_kind_name(gs_bench_kind kind);
GS_API const char *gs_bench_kind_text(gs_bench_kind kind);
GS_API const char *gs_bench_unit(gs_bench_kind kind);

// C (m, n) = A (m, k) B (k, n), with A stored as (k, m) or B stored as (n, k): forward pass, dX and dW of a layer.
typedef enum gs_bench_form { GS_BENCH_A_B, GS_BENCH_A_BT, GS_BENCH_AT_B } gs_bench_form;
// "A B", "A Bt", "At B". Never NULL.
GS_API const char *gs_bench_form_name(gs_bench_form form);

// Of repeated measurements, in the unit of the kind.
typedef struct gs_bench_spread {
    double median, low, high;
    uint32_t count; // of repeats
} gs_bench_spread;

typedef struct gs_bench_result {
    gs_bench_kind kind;
    bool skipped;          // then only kind, name, detail (why) and the sizes say something
    char name[64];         // "square", "W2 layer 1", "W1"; "" where the kind says it all
    char detail[256];      // how it was measured: "groups of 8, 3 chains of vec4"
    gs_bench_spread value; // in gs_bench_unit(kind)
    bool device_clock;     // by timestamps of the device, else by the host's clock
    uint32_t per_repeat;   // operations in each repeat; TRAINING: steps in the first
    // Where results are checked: elements compared with their values in double precision, and how many were wrong.
    uint64_t checked, wrong;
    gs_bench_form form; // PRODUCT
    uint32_t m, n, k;   // PRODUCT
    double peak_share;  // PRODUCT: of the multiply-add rate, measured in turn with it
    uint32_t batch;     // TRAINING
    double loss;        // TRAINING: mean over the last epoch that was begun
} gs_bench_result;

// Called after each measurement; `result` is borrowed. Returns false to stop.
typedef bool gs_bench_callback(void *user, const gs_bench_result *result);

#define GS_BENCH_MAX_SIZE 16384

typedef struct gs_bench_params {
    uint32_t parts;              // of gs_bench_part; 0: all
    bool quick;                  // fewer sizes and repeats, for a first look
    const uint32_t *sizes;       // MATMUL: these square products, each 1 to GS_BENCH_MAX_SIZE, and no others
    uint32_t size_count;         // 0: sizes from 256 to 4096, and those of the workloads
    gs_precision precision;      // MATMUL, TRAIN; DEFAULT: float32
    const char *data_dir;        // as for gs_data_load; without the files of Fashion-MNIST, training uses random data
    const char *json;            // file for the report, replaced only when all is measured; NULL: none
    gs_bench_callback *callback; // may be NULL
    void *user;
    const volatile int *stop; // polled between measurements; nonzero stops. May be NULL
} gs_bench_params;

// Measures. `params` may be NULL. `wrong` (may be NULL) receives how many values were wrong, over all results. What a
// device cannot do, or would take too long, is a result with `skipped`.
// Errors: GS_ERR_ARGUMENT, GS_ERR_NO_DEVICE, GS_ERR_DEVICE, GS_ERR_DEVICE_LOST, GS_ERR_FILE (the report), GS_STOPPED.
GS_API gs_status gs_bench_run(gs_context *context, const gs_bench_params *params, uint64_t *wrong);

#ifdef __cplusplus
}
#endif
#endif
