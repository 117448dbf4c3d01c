// conv2d: y = x * kernel + bias, images with their channels last.
//   x (B, H, W, C), kernel (KH, KW, C / groups, O), bias (O), may be absent -> y (B, P, Q, O)
//   or x (B, W, C), kernel (KW, C / groups, O) -> y (B, Q, O): series, images of one row
//   P = (H + padding - (KH - 1) dilation - 1) / stride + 1, rounded down; Q likewise.
//   dx: the adjoint of dy;  dkernel = sums of x dy over images and pixels;  dbias = sums of dy.   Saves: x, kernel.
// Implicit matrix products: patches are never stored. Three kinds of kernels, each for GPUs (shared memory) and for CPU
// drivers: shaders/conv2d*.comp for y and dx, conv2d_kernel*.comp for dkernel and dbias, whose sums over all pixels are
// split into parts where there would be too few workgroups.
#include "op/attr.h"
#include "plan/convolution.h"
#include "plan/graph.h"
#include "plan/place.h"
#include "plan/product.h"
#include "shaders.h"
#include "tensor/shape.h"

static uint32_t divide_up(uint32_t a, uint32_t b) {
    return a / b + (a % b != 0);
}
static uint64_t round_up4(uint64_t a) {
    return (a + 3) / 4 * 4;
}
static uint32_t min_u32(uint32_t a, uint32_t b) {
    return a < b ? a : b;
}

_Static_assert(sizeof(struct gs_push_conv2d) == sizeof(struct gs_push_conv2d_cpu) &&
                   sizeof(struct gs_push_conv2d) == sizeof(struct gs_push_conv2d_shuffle) &&
                   sizeof(struct gs_push_conv2d_kernel) == sizeof(struct gs_push_conv2d_kernel_cpu) &&
                   sizeof(struct gs_push_conv2d_kernel) == sizeof(struct gs_push_conv2d_kernel_shuffle),
               "push constants");

enum { CPU_COLUMNS = 32, CPU_MAX_ROWS = 16, CPU_LANES = 8 };

static bool fits_texels(gs__recorder *recorder, gs__value value) {
    const gs__gpu_caps *caps = gs__recorder_caps(recorder);
    // The recorder's window begins up to offset_align bytes before the tensor.
    const uint64_t bytes = (uint64_t)gs__value_count(recorder, value) * sizeof(float) + caps->offset_align + 16;
    return bytes <= (uint64_t)caps->max_texel_elements * 16;
}

static bool is_cpu(gs__recorder *recorder) {
    return gs__recorder_caps(recorder)->kernel_class == GS__KERNELS_CPU;
}

// The least power of two that is not below `n`, from `least` to `most`.
static uint32_t fit_size(uint32_t n, uint32_t least, uint32_t most) {
    uint32_t size = least;
    while (size < n && size < most) size *= 2;
    return size;
}

// A tile of a GPU's kernel: 256 threads, or 128 where a workgroup may not have more.
struct tile {
    uint32_t m, n, k, thread_m, thread_n;
};

// As wide as the result is, since its columns are channels, often few; as high as leaves enough workgroups.
static struct tile gpu_tile(gs__recorder *recorder, uint64_t rows, uint32_t columns, uint64_t times) {
    enum { ENOUGH = 96 };
    const bool narrow = gs__recorder_caps(recorder)->max_invocations < 256;
    struct tile tiles[] = {{128, 64, 8, 8, 4}, {64, 64, 16, 4, 4}, {64, 32, 16, 4, 2},
                           {32, 32, 16, 2, 2}, {64, 16, 16, 4, 1}, {16, 16, 32, 1, 1}};
    enum { COUNT = sizeof tiles / sizeof tiles[0] };
    struct tile best = tiles[COUNT - 1];
    for (uint32_t i = COUNT; i-- > 0;) {
        if (tiles[i].n > fit_size(columns, 16, 64)) continue;
        if ((rows + tiles[i].m - 1) / tiles[i].m * divide_up(columns, tiles[i].n) * times >= ENOUGH) best = tiles[i];
    }
    if (narrow) best.m /= 2;
    return best;
}

static void set_tile(uint32_t *spec, const struct tile *t) {
    spec[GS_SPEC_CONV2D_LOCAL_SIZE_X] = t->m / t->thread_m * (t->n / t->thread_n);
    spec[GS_SPEC_CONV2D_TILE_M] = t->m;
    spec[GS_SPEC_CONV2D_TILE_N] = t->n;
    spec[GS_SPEC_CONV2D_TILE_K] = t->k;
    spec[GS_SPEC_CONV2D_THREAD_M] = t->thread_m;
    spec[GS_SPEC_CONV2D_THREAD_N] = t->thread_n;
}
_Static_assert((int)GS_SPEC_CONV2D_LOCAL_SIZE_X == (int)GS_SPEC_CONV2D_KERNEL_LOCAL_SIZE_X &&
                   (int)GS_SPEC_CONV2D_TILE_M == (int)GS_SPEC_CONV2D_KERNEL_TILE_M &&
                   (int)GS_SPEC_CONV2D_THREAD_N == (int)GS_SPEC_CONV2D_KERNEL_THREAD_N,
               "set_tile serves both");

// --- map and adjoint --------------------------------------------------------------------------------------------------
// Whether no tap meets zeros to the left or right.
static bool is_inside(const gs__convolution *v) {
    return v->pad[1] == 0 && (uint64_t)(v->q - 1) * v->stride[1] + (v->kw - 1) * v->dilation[1] < v->w;
}

static gs_status record_gather(gs__recorder *recorder, const gs__convolution *v, bool adjoint, gs__value source,
                               gs__value kernel, gs__value result, const gs__convolution_end *end) {
    const uint32_t down = adjoint ? divide_up(v->h, v->stride[0]) : v->p;
    const uint32_t across = adjoint ? divide_up(v->w, v->stride[1]) : v->q;
    const uint32_t phases = adjoint ? v->stride[0] * v->stride[1] : 1;
    struct gs_push_conv2d push = {
        .rows = v->batch * down * across,
        .rh = adjoint ? v->h : v->p,
        .rw = adjoint ? v->w : v->q,
        .rc = adjoint ? v->c : v->o,
        .sh = adjoint ? v->p : v->h,
        .sw = adjoint ? v->q : v->w,
        .sc = adjoint ? v->o : v->c,
        .kh = v->kh,
        .kw = v->kw,
        .stride_h = v->stride[0],
        .stride_w = v->stride[1],
        .dilation_h = v->dilation[0],
        .dilation_w = v->dilation[1],
        .pad_h = v->pad[0],
        .pad_w = v->pad[1],
    };
    push.n = push.rc / v->groups;
    push.kc = push.sc / v->groups;
    // A row of taps that lies in the image as in the kernel: as one tap with the channels of all.
    if (!adjoint && v->groups == 1 && v->dilation[1] == 1 && is_inside(v)) {
        push.kc *= v->kw;
        push.kw = 1;
    }
    GS__EPILOGUE_PUSH(push, &end->epilogue);
    const bool cpu = is_cpu(recorder) && fits_texels(recorder, source) && fits_texels(recorder, kernel) &&
                     fits_texels(recorder, end->bias) && fits_texels(recorder, end->epilogue_y);
    const bool shuffle = gs__recorder_shuffles(recorder, GS_PRECISION_FLOAT32);
    uint32_t tile_rows, tile_columns = CPU_COLUMNS;
    gs__dispatch d;
    if (cpu) {
        d = gs__dispatch_init(shuffle ? &gs__shader_conv2d_shuffle : &gs__shader_conv2d_cpu, GS_SPEC_CONV2D_CPU_COUNT,
                              &push, sizeof push);
        tile_rows = fit_size(push.rows, shuffle ? CPU_LANES : 1, shuffle ? CPU_MAX_ROWS : 8);
        d.spec[GS_SPEC_CONV2D_CPU_ROWS] = tile_rows;
        d.spec[GS_SPEC_CONV2D_CPU_TAIL] = push.kc % 4;
        d.spec[GS_SPEC_CONV2D_CPU_ALIGNED_A] = push.kc % 4 == 0 && push.sc % 4 == 0;
        d.spec[GS_SPEC_CONV2D_CPU_ALIGNED_C] = push.n % 4 == 0 && push.rc % 4 == 0;
    } else {
        const struct tile t = gpu_tile(recorder, push.rows, push.n, (uint64_t)phases * v->groups);
        d = gs__dispatch_init(&gs__shader_conv2d, GS_SPEC_CONV2D_COUNT, &push, sizeof push);
        set_tile(d.spec, &t);
        tile_rows = t.m;
        tile_columns = t.n;
        d.spec[GS_SPEC_CONV2D_CHANNELS] = push.kc;
    }
    d.spec[GS_SPEC_CONV2D_TRANSPOSED] = adjoint;
    d.spec[GS_SPEC_CONV2D_BIAS] = end->bias != 0;
    gs__epilogue_spec(&end->epilogue, end->backward, d.spec + GS__EPILOGUE_SPEC);
    push.row_tiles = divide_up(push.rows, tile_rows);
    push.column_tiles = divide_up(push.n, tile_columns);
    gs__bind(recorder, &d, 0, GS__READ, source, &push.a);
    gs__bind(recorder, &d, 1, GS__READ, kernel, &push.b);
    gs__bind(recorder, &d, 2, GS__WRITE, result, &push.c);
    gs__bind(recorder, &d, 3, GS__READ, end->bias ? end->bias : end->epilogue_y, &push.extra);
    const uint64_t tiles = (uint64_t)push.row_tiles * push.column_tiles * phases * v->groups;
    return gs__dispatch_record_1d(recorder, &d, tiles, 1);
}

gs_status gs__convolution_record(gs__recorder *recorder, const gs__convolution *v, gs__value image, gs__value kernel,
                                 gs__value map, const gs__convolution_end *end) {
    return record_gather(recorder, v, false, image, kernel, map, end);
}

gs_status gs__convolution_record_adjoint(gs__recorder *recorder, const gs__convolution *v, gs__value map,
                                         gs__value kernel, gs__value image, const gs__convolution_end *end) {
    return record_gather(recorder, v, true, map, kernel, image, end);
}

// --- gradient of the kernel -------------------------------------------------------------------------------------------
static uint32_t kernel_rows(const gs__convolution *v) {
    return v->kh * v->kw * (v->c / v->groups);
}

// A part of the sum: the kernel's elements, then those of the sums, each from a multiple of 4 on.
static uint64_t part_stride(const gs__convolution *v) {
    return round_up4((uint64_t)kernel_rows(v) * v->o) + round_up4(v->o);
}

// Parts, so that there are `wanted` workgroups, of `least` pixels at the least.
static uint32_t count_parts(const gs__convolution *v, uint64_t tiles, uint64_t wanted, uint32_t least) {
    const uint32_t pixels = v->batch * v->p * v->q;
    const uint64_t parts = (wanted + tiles - 1) / tiles, most = divide_up(pixels, least);
    return (uint32_t)(parts < most ? parts : most);
}

enum { CPU_WANTED = 8, CPU_LEAST = 256, GPU_WANTED = 256, GPU_LEAST = 256 };

static struct tile kernel_tile(const gs__convolution *v) {
    const uint32_t n = v->o / v->groups;
    if (n <= 16) return (struct tile){64, 16, 16, 4, 1};
    if (n <= 32) return (struct tile){64, 32, 16, 4, 2};
    return (struct tile){64, 64, 16, 4, 4};
}

static uint32_t cpu_kernel_rows(const gs__convolution *v) {
    const uint32_t m = kernel_rows(v);
    if (v->c / v->groups % 4 == 0 && v->c % 4 == 0) return min_u32((uint32_t)round_up4(m), CPU_MAX_ROWS);
    return divide_up(m, divide_up(m, CPU_MAX_ROWS)); // equal tiles
}

static uint64_t tiles_of(const gs__convolution *v, uint32_t rows, uint32_t columns) {
    return (uint64_t)divide_up(kernel_rows(v), rows) * divide_up(v->o / v->groups, columns) * v->groups;
}

static uint32_t cpu_parts(const gs__convolution *v) {
    return count_parts(v, tiles_of(v, cpu_kernel_rows(v), CPU_COLUMNS), CPU_WANTED, CPU_LEAST);
}
static uint32_t gpu_parts(const gs__convolution *v) {
    const struct tile t = kernel_tile(v);
    return count_parts(v, tiles_of(v, t.m, t.n), GPU_WANTED, GPU_LEAST);
}

uint64_t gs__convolution_scratch(const gs__convolution *v) {
    const uint32_t cpu = cpu_parts(v), gpu = gpu_parts(v), parts = cpu > gpu ? cpu : gpu;
    return parts > 1 ? parts * part_stride(v) : 0;
}

// Whether both gradients can stand behind one binding, as those of a layer's parameters do: its window must cover
// nothing else, or validation takes it for a write to what lies between.
static bool share_binding(gs__recorder *recorder, gs__value a, gs__value b) {
    const gs__value_info *x = gs__recorder_value(recorder, a), *y = gs__recorder_value(recorder, b);
    if (!x || !y || x->storage != y->storage) return false;
    const uint64_t x_end = x->offset + (uint64_t)gs__value_count(recorder, a) * sizeof(float);
    const uint64_t y_end = y->offset + (uint64_t)gs__value_count(recorder, b) * sizeof(float);
    const uint64_t gap = x->offset < y->offset ? y->offset - x_end : x->offset - y_end;
    return gap < (x->storage == GS__STORAGE_ACTIVATION ? GS__ACTIVATION_ALIGN : GS__PARAMETER_ALIGN);
}

static gs_status record_sum(gs__recorder *recorder, const gs__convolution *v, uint32_t parts, gs__value scratch,
                            gs__value dkernel, gs__value sums) {
    struct gs_push_sum_parts push = {
        .parts = parts,
        .stride = (uint32_t)part_stride(v),
        .count = kernel_rows(v) * v->o,
        .second = (uint32_t)round_up4((uint64_t)kernel_rows(v) * v->o),
        .second_count = sums ? v->o : 0,
    };
    gs__dispatch d = gs__dispatch_init(&gs__shader_sum_parts, GS_SPEC_SUM_PARTS_COUNT, &push, sizeof push);
    gs__bind(recorder, &d, 0, GS__READ, scratch, &push.part);
    gs__bind(recorder, &d, 1, GS__WRITE, dkernel, &push.y);
    gs__bind(recorder, &d, 2, GS__WRITE, sums, &push.z);
    return gs__dispatch_record_1d(recorder, &d, push.second + push.second_count, 4 * 64);
}

static gs_status record_products(gs__recorder *recorder, const gs__convolution *v, bool cpu, uint32_t parts,
                                 gs__value image, gs__value map, gs__value dkernel, gs__value sums, gs__value scratch) {
    struct gs_push_conv2d_kernel push = {
        .m = kernel_rows(v),
        .n = v->o / v->groups,
        .pixels = v->batch * v->p * v->q,
        .h = v->h,
        .w = v->w,
        .channels = v->c,
        .kc = v->c / v->groups,
        .kw = v->kw,
        .ph = v->p,
        .pw = v->q,
        .pc = v->o,
        .stride_h = v->stride[0],
        .stride_w = v->stride[1],
        .dilation_h = v->dilation[0],
        .dilation_w = v->dilation[1],
        .pad_h = v->pad[0],
        .pad_w = v->pad[1],
        .groups = v->groups,
        .part_stride = (uint32_t)part_stride(v),
    };
    const bool shuffle = gs__recorder_shuffles(recorder, GS_PRECISION_FLOAT32);
    struct tile t = {.m = cpu_kernel_rows(v), .n = CPU_COLUMNS};
    gs__dispatch d;
    push.part_pixels = (uint32_t)round_up4(divide_up(push.pixels, parts));
    if (cpu) {
        d = gs__dispatch_init(shuffle ? &gs__shader_conv2d_kernel_shuffle : &gs__shader_conv2d_kernel_cpu,
                              GS_SPEC_CONV2D_KERNEL_CPU_COUNT, &push, sizeof push);
        d.spec[GS_SPEC_CONV2D_KERNEL_CPU_ROWS] = t.m;
        d.spec[GS_SPEC_CONV2D_KERNEL_CPU_TAIL] = push.pixels % 4 != 0;
        d.spec[GS_SPEC_CONV2D_KERNEL_CPU_ALIGNED_A] = push.kc % 4 == 0 && push.channels % 4 == 0;
        d.spec[GS_SPEC_CONV2D_KERNEL_CPU_ALIGNED_C] = push.n % 4 == 0 && push.pc % 4 == 0;
    } else {
        t = kernel_tile(v);
        if (gs__recorder_caps(recorder)->max_invocations < 256) t.m /= 2;
        d = gs__dispatch_init(&gs__shader_conv2d_kernel, GS_SPEC_CONV2D_KERNEL_COUNT, &push, sizeof push);
        set_tile(d.spec, &t);
    }
    d.spec[GS_SPEC_CONV2D_KERNEL_SUMS] = sums != 0;
    push.row_tiles = divide_up(push.m, t.m);
    push.column_tiles = divide_up(push.n, t.n);
    gs__bind(recorder, &d, 0, GS__READ, image, &push.a);
    gs__bind(recorder, &d, 1, GS__READ, map, &push.b);
    gs__bind(recorder, &d, 2, GS__WRITE, scratch ? scratch : dkernel, &push.c);
    if (!scratch) gs__bind(recorder, &d, 2, GS__WRITE, sums, &push.sums);
    const uint64_t tiles = tiles_of(v, t.m, t.n) * divide_up(push.pixels, push.part_pixels);
    if (!scratch) return gs__dispatch_record_1d(recorder, &d, tiles, 1);
    // Behind the kernel's elements. The offset of scratch is known when the dispatch is recorded, that of the sums
    // follows it: bound twice.
    gs__bind_part(recorder, &d, 2, GS__WRITE, scratch, (uint32_t)round_up4((uint64_t)push.m * push.pc),
                  (uint32_t)round_up4(v->o), &push.sums);
    gs_status status = gs__dispatch_record_1d(recorder, &d, tiles, 1);
    if (status != GS_OK) return status;
    return record_sum(recorder, v, divide_up(push.pixels, push.part_pixels), scratch, dkernel, sums);
}

gs_status gs__convolution_record_kernel(gs__recorder *recorder, const gs__convolution *v, gs__value image,
                                        gs__value map, gs__value dkernel, gs__value sums, gs__value scratch) {
    gs_status status = GS_OK;
    const bool cpu = is_cpu(recorder) && fits_texels(recorder, image) && fits_texels(recorder, map);
    const uint32_t parts = cpu ? cpu_parts(v) : gpu_parts(v);
    const bool split = dkernel && parts > 1, fused = split || share_binding(recorder, dkernel, sums);
    if (dkernel)
        GS_TRY(record_products(recorder, v, cpu, parts, image, map, dkernel, fused ? sums : 0, split ? scratch : 0));
    if (sums && (!dkernel || !fused))
        GS_TRY(gs__product_record_gradients(recorder, 0, map, v->batch * v->p * v->q, 1, v->o, 0, sums,
                                            GS_PRECISION_FLOAT32));
fail:
    return status;
}

// --- references -------------------------------------------------------------------------------------------------------
// Element of the image that tap (i, j) of map's pixel (p, q) meets, without its channel; false: the padding.
static bool ref_place(const gs__convolution *v, uint64_t b, uint64_t p, uint64_t q, uint64_t i, uint64_t j,
                      uint64_t *place) {
    const int64_t h = (int64_t)(p * v->stride[0] + i * v->dilation[0]) - (int64_t)v->pad[0];
    const int64_t w = (int64_t)(q * v->stride[1] + j * v->dilation[1]) - (int64_t)v->pad[1];
    if (h < 0 || w < 0 || h >= (int64_t)v->h || w >= (int64_t)v->w) return false;
    *place = ((b * v->h + (uint64_t)h) * v->w + (uint64_t)w) * v->c;
    return true;
}

// Calls visit for each product of an element of the image, of the kernel and of the map.
typedef void ref_visit(void *user, uint64_t image, uint64_t kernel, uint64_t map);
static void ref_each(const gs__convolution *v, ref_visit *visit, void *user) {
    const uint64_t kc = v->c / v->groups, n = v->o / v->groups;
    for (uint64_t pixel = 0; pixel < (uint64_t)v->batch * v->p * v->q; pixel++)
        for (uint64_t tap = 0; tap < (uint64_t)v->kh * v->kw; tap++) {
            uint64_t place = 0;
            const uint64_t b = pixel / ((uint64_t)v->p * v->q), p = pixel / v->q % v->p, q = pixel % v->q;
            if (!ref_place(v, b, p, q, tap / v->kw, tap % v->kw, &place)) continue;
            for (uint64_t o = 0; o < v->o; o++)
                for (uint64_t c = 0; c < kc; c++)
                    visit(user, place + o / n * kc + c, (tap * kc + c) * v->o + o, pixel * v->o + o);
        }
}

struct ref_products {
    const double *image, *kernel, *map;
    double *out;
};
static void add_map(void *user, uint64_t image, uint64_t kernel, uint64_t map) {
    const struct ref_products *r = user;
    r->out[map] += r->image[image] * r->kernel[kernel];
}
static void add_image(void *user, uint64_t image, uint64_t kernel, uint64_t map) {
    const struct ref_products *r = user;
    r->out[image] += r->map[map] * r->kernel[kernel];
}
static void add_kernel(void *user, uint64_t image, uint64_t kernel, uint64_t map) {
    const struct ref_products *r = user;
    r->out[kernel] += r->image[image] * r->map[map];
}

static void fill(double *out, uint64_t pixels, uint64_t channels, const double *bias) {
    for (uint64_t i = 0; i < pixels * channels; i++) out[i] = bias ? bias[i % channels] : 0;
}

void gs__convolution_ref(const gs__convolution *v, const double *image, const double *kernel, const double *bias,
                         double *map) {
    fill(map, (uint64_t)v->batch * v->p * v->q, v->o, bias);
    ref_each(v, add_map, &(struct ref_products){.image = image, .kernel = kernel, .out = map});
}

void gs__convolution_ref_adjoint(const gs__convolution *v, const double *map, const double *kernel, const double *bias,
                                 double *image) {
    fill(image, (uint64_t)v->batch * v->h * v->w, v->c, bias);
    ref_each(v, add_image, &(struct ref_products){.map = map, .kernel = kernel, .out = image});
}

void gs__convolution_ref_kernel(const gs__convolution *v, const double *image, const double *map, double *dkernel,
                                double *sums) {
    if (dkernel) {
        fill(dkernel, kernel_rows(v), v->o, NULL);
        ref_each(v, add_kernel, &(struct ref_products){.image = image, .map = map, .out = dkernel});
    }
    if (!sums) return;
    fill(sums, 1, v->o, NULL);
    for (uint64_t i = 0; i < (uint64_t)v->batch * v->p * v->q * v->o; i++) sums[i % v->o] += map[i];
}

// --- the op -----------------------------------------------------------------------------------------------------------
static gs_status check_types(gs__error *error, const gs__value_info *const *x) {
    static const char *const names[] = {"input", "kernel", "bias"};
    for (int i = 0; i < 3; i++)
        if (x[i] && x[i]->dtype != GS_F32)
            return gs__fail(error, GS_ERR_ARGUMENT, "%s is %s but must be float32", names[i],
                            gs__dtype_name(x[i]->dtype));
    return GS_OK;
}

// Size of the map along one axis; 0: the kernel is larger than the image.
static int64_t map_size(int64_t size, int64_t kernel, const gs__conv2d_attr *a, int axis) {
    const int64_t reach = (kernel - 1) * a->dilation[axis] + 1, padded = size + a->pad[axis] + a->pad_end[axis];
    return padded < reach ? 0 : (padded - reach) / a->stride[axis] + 1;
}

// Rows, columns and the two dimensions behind them; a series has one row.
struct plane {
    int64_t rows, columns, third, fourth;
};
static struct plane plane_of(const gs_shape *s, bool image) {
    const int64_t *d = s->dim + (image ? 1 : 0);
    const uint32_t rank = s->rank - (image ? 1 : 0);
    if (rank == (image ? 3 : 4)) return (struct plane){d[0], d[1], d[2], image ? 0 : d[3]};
    return (struct plane){1, d[0], d[1], image ? 0 : d[2]};
}

static gs__convolution convolution(const gs__conv2d_attr *a, const gs_shape *x, const gs_shape *kernel) {
    const struct plane in = plane_of(x, true), k = plane_of(kernel, false);
    return (gs__convolution){
        .batch = (uint32_t)x->dim[0],
        .h = (uint32_t)in.rows,
        .w = (uint32_t)in.columns,
        .c = (uint32_t)in.third,
        .p = (uint32_t)map_size(in.rows, k.rows, a, 0),
        .q = (uint32_t)map_size(in.columns, k.columns, a, 1),
        .o = (uint32_t)k.fourth,
        .kh = (uint32_t)k.rows,
        .kw = (uint32_t)k.columns,
        .stride = {a->stride[0], a->stride[1]},
        .dilation = {a->dilation[0], a->dilation[1]},
        .pad = {a->pad[0], a->pad[1]},
        .groups = a->groups,
    };
}

static gs_status check_shapes(gs__error *error, const gs__conv2d_attr *a, const gs__value_info *const *x) {
    const gs_shape *in = &x[0]->shape, *kernel = &x[1]->shape;
    char text[96], kernel_text[96];
    gs__shape_text(in, false, text, sizeof text);
    gs__shape_text(kernel, false, kernel_text, sizeof kernel_text);
    if (in->rank != 3 && in->rank != 4)
        return gs__fail(error, GS_ERR_ARGUMENT,
                        "input has shape %s but must be (batch, rows, columns, channels) or (batch, steps, channels)",
                        text);
    if (kernel->rank != in->rank)
        return gs__fail(error, GS_ERR_ARGUMENT, "kernel has shape %s but must be (%s, channels, filters)", kernel_text,
                        in->rank == 4 ? "rows, columns" : "steps");
    if (!a->stride[0] || !a->stride[1] || !a->dilation[0] || !a->dilation[1] || !a->groups)
        return gs__fail(error, GS_ERR_ARGUMENT, "strides, dilation and groups must be at least 1");
    const int64_t channels = in->dim[in->rank - 1], expected = kernel->dim[in->rank - 2],
                  filters = kernel->dim[in->rank - 1];
    if (channels % a->groups || filters % a->groups)
        return gs__fail(error, GS_ERR_ARGUMENT, "%u groups do not divide %lld channels and %lld filters", a->groups,
                        (long long)channels, (long long)filters);
    if (channels / a->groups != expected)
        return gs__fail(error, GS_ERR_ARGUMENT,
                        "input has %lld channels in each of %u groups but the kernel expects %lld",
                        (long long)channels / a->groups, a->groups, (long long)expected);
    const gs__convolution v = convolution(a, in, kernel);
    if (!v.p || !v.q)
        return gs__fail(error, GS_ERR_ARGUMENT, "kernel %s with its dilation is larger than the input %s", kernel_text,
                        text);
    if (x[2] && (x[2]->shape.rank != 1 || x[2]->shape.dim[0] != filters))
        return gs__fail(error, GS_ERR_ARGUMENT, "bias has shape %s but the kernel has %lld filters",
                        gs__shape_text(&x[2]->shape, false, text, sizeof text), (long long)filters);
    return GS_OK;
}

static gs_status shape(gs__error *error, const gs__node *node, const gs__value_info *const *x, gs__value_info *y) {
    const gs__conv2d_attr *a = gs__node_attr(node, gs__conv2d_attr);
    gs_status status = GS_OK;
    GS_TRY(check_types(error, x));
    GS_TRY(check_shapes(error, a, x));
    const gs__convolution v = convolution(a, &x[0]->shape, &x[1]->shape);
    if (x[0]->shape.rank == 4) y[0].shape = (gs_shape){4, {v.batch, v.p, v.q, v.o}};
    else y[0].shape = (gs_shape){3, {v.batch, v.q, v.o}};
    y[0].dtype = GS_F32;
fail:
    return status;
}

static gs__convolution recorded(const gs__recorder *recorder, const gs__node *node) {
    return convolution(gs__node_attr(node, gs__conv2d_attr), &gs__recorder_value(recorder, node->x[0])->shape,
                       &gs__recorder_value(recorder, node->x[1])->shape);
}

static gs_status forward(gs__recorder *recorder, const gs__node *node) {
    const gs__convolution v = recorded(recorder, node);
    return gs__convolution_record(recorder, &v, node->x[0], node->x[1], node->y[0],
                                  &(gs__convolution_end){.bias = node->x[2], .epilogue = node->epilogue});
}

static gs_status backward(gs__recorder *recorder, const gs__node *node) {
    gs_status status = GS_OK;
    const gs__convolution v = recorded(recorder, node);
    const gs__convolution_end end = {.epilogue = node->epilogue, .backward = true, .epilogue_y = node->epilogue_y};
    if (node->dx[0]) GS_TRY(gs__convolution_record_adjoint(recorder, &v, node->dy[0], node->x[1], node->dx[0], &end));
    GS_TRY(gs__convolution_record_kernel(recorder, &v, node->x[0], node->dy[0], node->dx[1], node->dx[2],
                                         node->scratch[0]));
fail:
    return status;
}

static void scratch(const gs__graph *graph, const gs__gpu_caps *caps, const gs__node *node,
                    gs_shape shapes[GS__MAX_SCRATCH]) {
    (void)caps;
    if (node->pass != GS__BACKWARD || !node->dx[1]) return;
    const gs__convolution v = convolution(gs__node_attr(node, gs__conv2d_attr), &graph->values[node->x[0]].shape,
                                          &graph->values[node->x[1]].shape);
    const uint64_t count = gs__convolution_scratch(&v);
    if (count) shapes[0] = (gs_shape){1, {(int64_t)count}};
}

static void ref_forward(const gs__reference *r) {
    const gs__convolution v = convolution(gs__node_attr(r->node, gs__conv2d_attr), &r->x_shape[0], &r->x_shape[1]);
    gs__convolution_ref(&v, r->x[0], r->x[1], r->x[2], r->y[0]);
}

static void ref_backward(const gs__reference *r) {
    const gs__convolution v = convolution(gs__node_attr(r->node, gs__conv2d_attr), &r->x_shape[0], &r->x_shape[1]);
    if (r->dx[0]) gs__convolution_ref_adjoint(&v, r->dy[0], r->x[1], NULL, r->dx[0]);
    gs__convolution_ref_kernel(&v, r->x[0], r->dy[0], r->dx[1], r->dx[2]);
}

const gs_op gs__op_conv2d = {
    .name = "conv2d",
    .inputs = 3,
    .outputs = 1,
    .optional = 1u << 2,
    .attr_bytes = sizeof(gs__conv2d_attr),
    .needs_x = 3,
    .differentiable = 7,
    .takes_epilogue = true,
    .shape = shape,
    .forward = forward,
    .backward = backward,
    .scratch = scratch,
    .ref_forward = ref_forward,
    .ref_backward = ref_backward,
};
