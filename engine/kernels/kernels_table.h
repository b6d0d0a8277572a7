// What a variant offers to the forward pass: the same few kernels, compiled for one instruction set each.
#ifndef INGLE_KERNELS_TABLE_H
#define INGLE_KERNELS_TABLE_H

#include "ingle.h"

enum {
    POSITIONS = 16,            // of a tile of keys in the cache
    QUERY_TILE = 4,            // queries that `attend` takes at once
    CACHE_LINE = 64,           // bytes; every buffer begins on one
};

// Activations of a few tokens, as float32 and, where some weight has blocks, as int8 blocks of 32 with a scale each.
typedef struct {
    size_t n_cols;
    const float *x;            // [n_tokens][n_cols]
    int8_t *q;                 // [n_tokens][n_cols]          round(x / scale), -127..127
    float *scale;              // [n_tokens][n_cols / 32]     largest |x| of the block / 127
    float *scaled_sum;         // [n_tokens][n_cols / 32]     scale * sum of the block's q: what Q4_1's min multiplies
    int32_t *minus_8_sums;     // [n_tokens][n_cols / 32]     -8 * that sum: what Q4_0's nibbles are too large by
} activations;

// One head's part of a cache.
typedef struct {
    const void *k, *v;
    const float *k_scale, *v_scale;         // NULL: float16
} head_cache;

typedef struct {
    const char *name;
    size_t lanes;              // rows that `matmul` computes at once: a panel

    // out[t][lanes] = rows of W times x[t].  `rows` points at a panel's first row; rows follow at row_bytes.
    // scratch holds `panel_bytes` of the matrix.
    void (*matmul)(int dtype, const uint8_t *rows, size_t row_bytes, const activations *a, size_t n_tokens, float *out,
                   void *scratch);
    // Fill q, scale, scaled_sum and minus_8_sums of one token from its x. n_cols % 32 == 0.
    void (*quantize)(const activations *a, size_t token);
    void (*rms_norm)(const float *x, const float *weight, double eps, float *y, size_t n);
    void (*swiglu)(float *gate, const float *up, size_t n);
    void (*add)(float *x, const float *y, size_t n);
    // One row of a matrix as float32.
    void (*decode_row)(int dtype, const uint8_t *row, float *y, size_t n);
    // One head for n <= QUERY_TILE queries q[i * stride ..] at the positions first, first + 1, ..; out[i * stride ..] is
    // written. The queries' scores are divided by sqrt(head_dim).
    void (*attend)(const float *q, size_t stride, size_t n, const head_cache *seen, size_t head_dim, size_t first,
                   float *out);
    // n rounds of eight dot products of vectors in registers. Returns their sum, so that none can be left out.
    int32_t (*dots)(size_t n);
} kernels;

static inline size_t round_up(size_t n, size_t multiple) { return (n + multiple - 1) / multiple * multiple; }

// Bytes of an unpacked panel: weights as a byte each, a scale and a min a block.
static inline size_t panel_bytes(size_t lanes, size_t n_cols) {
    return round_up(n_cols, 32) / 32 * lanes * (32 + 2 * sizeof(float));
}

// Bytes of a row as it lies in the file; 0 for a type that is not read here or a row that is no whole blocks.
size_t ingle_row_bytes(int dtype, int64_t n_cols);

// The kernels by name (NULL: the best); NULL where they were not built or do not run here.
const kernels *ingle_kernels(const char *variant);

#endif
