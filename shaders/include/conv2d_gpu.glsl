// The tile of a matrix product that the convolution kernels for GPUs share, as shaders/matmul.comp has it: tiles of A and B
// in shared memory, THREAD_M x THREAD_N elements of the result in the registers of a thread. The kernel fills a_next and
// b_next, element i being that of place_a(i) and place_b(i).
#ifndef GS_CONV2D_GPU_GLSL
#define GS_CONV2D_GPU_GLSL

layout(local_size_x_id = 2) in;
layout(constant_id = 3) const uint TILE_M = 64;
layout(constant_id = 4) const uint TILE_N = 64;
layout(constant_id = 5) const uint TILE_K = 16;
layout(constant_id = 6) const uint THREAD_M = 4;
layout(constant_id = 7) const uint THREAD_N = 4;

layout(set = 0, binding = 0) readonly buffer A { float a[]; };
layout(set = 0, binding = 1) readonly buffer B { float b[]; };

const uint STRIDE_A = TILE_M + 4u, STRIDE_B = TILE_N + 4u;
shared float a_tile[TILE_K * STRIDE_A]; // (k, m)
shared float b_tile[TILE_K * STRIDE_B]; // (k, n)

const uint LOADS_A = TILE_M * TILE_K / gl_WorkGroupSize.x, LOADS_B = TILE_N * TILE_K / gl_WorkGroupSize.x;
float a_next[LOADS_A], b_next[LOADS_B];

// x = place along the tile's width, y = step. Neighbours read along the contiguous axis.
uvec2 place(uint i, uint width, bool k_contiguous) {
    uint e = gl_LocalInvocationID.x + i * gl_WorkGroupSize.x;
    return k_contiguous ? uvec2(e / TILE_K, e % TILE_K) : uvec2(e % width, e / width);
}

void share(bool a_contiguous, bool b_contiguous) {
    for (uint i = 0; i < LOADS_A; i++) {
        uvec2 p = place(i, TILE_M, a_contiguous);
        a_tile[p.y * STRIDE_A + p.x] = a_next[i];
    }
    for (uint i = 0; i < LOADS_B; i++) {
        uvec2 p = place(i, TILE_N, b_contiguous);
        b_tile[p.y * STRIDE_B + p.x] = b_next[i];
    }
}

// A thread's rows and columns are groups of up to 4 neighbours, spread over the tile.
const uint VECTOR_M = THREAD_M < 4u ? THREAD_M : 4u, VECTOR_N = THREAD_N < 4u ? THREAD_N : 4u;
const uint THREADS_N = TILE_N / THREAD_N, THREADS_M = TILE_M / THREAD_M;
uint row_of(uint i) {
    return i / VECTOR_M * (THREADS_M * VECTOR_M) + gl_LocalInvocationID.x / THREADS_N * VECTOR_M + i % VECTOR_M;
}
uint column_of(uint j) {
    return j / VECTOR_N * (THREADS_N * VECTOR_N) + gl_LocalInvocationID.x % THREADS_N * VECTOR_N + j % VECTOR_N;
}

float acc[THREAD_M * THREAD_N];

void multiply() {
    for (uint k = 0; k < TILE_K; k++) {
        float av[THREAD_M], bv[THREAD_N];
        for (uint i = 0; i < THREAD_M; i++) av[i] = a_tile[k * STRIDE_A + row_of(i)];
        for (uint j = 0; j < THREAD_N; j++) bv[j] = b_tile[k * STRIDE_B + column_of(j)];
        for (uint i = 0; i < THREAD_M; i++)
            for (uint j = 0; j < THREAD_N; j++) acc[i * THREAD_N + j] = fma(av[i], bv[j], acc[i * THREAD_N + j]);
    }
}

#endif
