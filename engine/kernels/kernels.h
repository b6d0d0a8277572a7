// Every kernel, written once. A variant_*.c includes its vectors (simd_*.h), then this, and has them all compiled for
// its instruction set: `VARIANT` is its name, LANES the floats in one of its vectors.
//
// The matmul's shape. A panel is LANES rows of W, one a lane. A block of 32 columns of a panel is eight vectors; lane r
// of vector k holds the four weights 4k..4k+3 of row r, so that one dot-product instruction multiplies them with four
// activations that all rows share, and no sum across lanes is ever needed. For one token the blocks go from the file
// straight through registers; for several, the panel is unpacked once, into a scratch that stays in the first cache.
#include <float.h>
#include <math.h>
#include <stdbool.h>

#include "kernels_table.h"

#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 16")

enum { TOKEN_TILE = LANES == 8 ? 4 : 8 };   // as many sums as there are registers for

typedef struct {
    vi weights[8];
    vf scale, min;
} block;

// ---- matmul over blocks ----
#ifndef OWN_MATMUL_BLOCKS      // a variant may bring its own

INLINE void nibbles(const uint8_t *p, size_t stride, vi out[8]) {
    vi packed[4];
    vi_rows16(p, stride, packed);
    UNROLL for (int k = 0; k < 4; k++) {
        out[k] = vi_low_nibbles(packed[k]);
        out[k + 4] = vi_high_nibbles(packed[k]);
    }
}

INLINE void unpack(int dtype, const uint8_t *p, size_t stride, block *b) {
    const vi head = vi_rows4(p, stride);    // scale, and for Q4_1 min
    b->scale = vf_low_f16(head);
    b->min = dtype == INGLE_Q4_1 ? vf_high_f16(head) : vf_set1(0);
    if (dtype == INGLE_Q8_0) {
        vi_rows16(p + 2, stride, b->weights);
        vi_rows16(p + 18, stride, b->weights + 4);
        UNROLL for (int k = 0; k < 8; k++) b->weights[k] = vi_q8(b->weights[k]);
    } else {
        nibbles(p + (dtype == INGLE_Q4_1 ? 4 : 2), stride, b->weights);
    }
}

// sum += block * activations of one token's block i. What the weights are too large by is where the sum starts.
INLINE vf add_block(int dtype, const block *b, const activations *a, size_t token, size_t i, vf sum) {
    const size_t at = token * (a->n_cols / BLOCK) + i;
    const int8_t *q = a->q + token * a->n_cols + i * BLOCK;
    int32_t start = 0;
    if (dtype == INGLE_Q4_0) start = a->minus_8_sums[at];
    if (dtype == INGLE_Q8_0 && Q8_PLUS_128) start = a->minus_8_sums[at] * 16;
    vs dot = vs_set1(start);
    UNROLL for (int k = 0; k < 8; k++)
        dot = dtype == INGLE_Q8_0 ? vi_dot_q8(dot, b->weights[k], q + 4 * k) : vi_dot_u4(dot, b->weights[k], q + 4 * k);
    sum = vf_fma(vf_of_vs(dot), vf_mul(b->scale, vf_set1(a->scale[at])), sum);
    return dtype == INGLE_Q4_1 ? vf_fma(b->min, vf_set1(a->scaled_sum[at]), sum) : sum;
}

INLINE size_t block_bytes(int dtype) {
    return dtype == INGLE_Q4_0 ? sizeof(q4_0_block) : dtype == INGLE_Q4_1 ? sizeof(q4_1_block) : sizeof(q8_0_block);
}

// Ask for the part of the next panel that is as far into it as block i is into this one. (Sixteen rows at a time are too
// many streams for the processor to foresee.)
INLINE void fetch_next_panel(int dtype, const uint8_t *rows, size_t row_bytes, size_t i) {
    const uint8_t *next = rows + LANES * (row_bytes + i * block_bytes(dtype));
    UNROLL for (size_t at = 0; at < LANES * block_bytes(dtype); at += CACHE_LINE) __builtin_prefetch(next + at);
}

// One token: read, unpack, multiply, forget.
INLINE void stream_blocks(int dtype, const uint8_t *rows, size_t row_bytes, const activations *a, float *out) {
    const size_t n_blocks = a->n_cols / BLOCK;
    vf sum = vf_set1(0);
    for (size_t i = 0; i < n_blocks; i++) {
        block b;
        fetch_next_panel(dtype, rows, row_bytes, i);
        unpack(dtype, rows + i * block_bytes(dtype), row_bytes, &b);
        sum = add_block(dtype, &b, a, 0, i, sum);
    }
    vf_store(out, sum);
}

INLINE void store_panel(int dtype, const uint8_t *rows, size_t row_bytes, size_t n_blocks, uint8_t *panel) {
    for (size_t i = 0; i < n_blocks; i++) {
        block b;
        fetch_next_panel(dtype, rows, row_bytes, i);
        unpack(dtype, rows + i * block_bytes(dtype), row_bytes, &b);
        UNROLL for (int k = 0; k < 8; k++, panel += sizeof(vi)) vi_store(panel, b.weights[k]);
        vf_store((float *)panel, b.scale);
        vf_store((float *)panel + LANES, b.min);
        panel += 2 * LANES * sizeof(float);
    }
}

// n tokens, a constant, times an unpacked panel: their sums stay in registers.
INLINE void multiply_panel(int dtype, const uint8_t *panel, const activations *a, size_t token, size_t n, float *out) {
    const size_t n_blocks = a->n_cols / BLOCK;
    vf sums[TOKEN_TILE];
    UNROLL for (size_t t = 0; t < n; t++) sums[t] = vf_set1(0);
    for (size_t i = 0; i < n_blocks; i++) {
        block b;
        UNROLL for (int k = 0; k < 8; k++, panel += sizeof(vi)) b.weights[k] = vi_load(panel);
        b.scale = vf_load((const float *)panel);
        b.min = vf_load((const float *)panel + LANES);
        panel += 2 * LANES * sizeof(float);
        UNROLL for (size_t t = 0; t < n; t++) sums[t] = add_block(dtype, &b, a, token + t, i, sums[t]);
    }
    UNROLL for (size_t t = 0; t < n; t++) vf_store(out + (token + t) * LANES, sums[t]);
}

INLINE void matmul_blocks(int dtype, const uint8_t *rows, size_t row_bytes, const activations *a, size_t n_tokens,
                          float *out, void *scratch) {
    if (n_tokens == 1) {
        stream_blocks(dtype, rows, row_bytes, a, out);
        return;
    }
    store_panel(dtype, rows, row_bytes, a->n_cols / BLOCK, scratch);
    size_t t = 0;
    for (; t + TOKEN_TILE <= n_tokens; t += TOKEN_TILE) multiply_panel(dtype, scratch, a, t, TOKEN_TILE, out);
    if (TOKEN_TILE > 4 && t + 4 <= n_tokens) multiply_panel(dtype, scratch, a, t, 4, out), t += 4;
    if (t + 2 <= n_tokens) multiply_panel(dtype, scratch, a, t, 2, out), t += 2;
    if (t < n_tokens) multiply_panel(dtype, scratch, a, t, 1, out);
}

#endif

// ---- matmul over floats ----

enum { FLOAT_ROWS = 4 };

INLINE size_t float_bytes(int dtype) { return dtype == INGLE_F32 ? 4 : 2; }

INLINE vf load_floats(int dtype, const uint8_t *p) {
    if (dtype == INGLE_F32) return vf_load((const float *)(const void *)p);
    const uint16_t *halves = (const uint16_t *)(const void *)p;
    return dtype == INGLE_F16 ? vf_load_f16(halves) : vf_load_bf16(halves);
}

// The last n < LANES floats of a row, and zeros.
INLINE vf load_last(int dtype, const uint8_t *p, size_t n) {
    uint8_t padded[LANES * sizeof(float)] = {0};
    memcpy(padded, p, n * float_bytes(dtype));
    return load_floats(dtype, padded);
}

// Four rows times n tokens, a constant.
INLINE void multiply_floats(int dtype, const uint8_t *rows, size_t row_bytes, const activations *a, size_t token,
                            size_t n, float *out) {
    const size_t n_cols = a->n_cols, whole = n_cols / LANES * LANES;
    vf sums[FLOAT_ROWS][FLOAT_ROWS];
    UNROLL for (size_t t = 0; t < n; t++)
        UNROLL for (int r = 0; r < FLOAT_ROWS; r++) sums[t][r] = vf_set1(0);
    for (size_t c = 0; c < n_cols; c += LANES) {
        vf w[FLOAT_ROWS];
        UNROLL for (size_t r = 0; r < FLOAT_ROWS; r++) {
            const uint8_t *p = rows + r * row_bytes + c * float_bytes(dtype);
            w[r] = c < whole ? load_floats(dtype, p) : load_last(dtype, p, n_cols - whole);
        }
        UNROLL for (size_t t = 0; t < n; t++) {
            const float *p = a->x + (token + t) * n_cols + c;
            const vf x = c < whole ? vf_load(p) : load_last(INGLE_F32, (const uint8_t *)p, n_cols - whole);
            UNROLL for (int r = 0; r < FLOAT_ROWS; r++) sums[t][r] = vf_fma(w[r], x, sums[t][r]);
        }
    }
    UNROLL for (size_t t = 0; t < n; t++)
        UNROLL for (int r = 0; r < FLOAT_ROWS; r++) out[(token + t) * LANES + (size_t)r] = vf_hsum(sums[t][r]);
}

INLINE void matmul_floats(int dtype, const uint8_t *rows, size_t row_bytes, const activations *a, size_t n_tokens,
                          float *out) {
    for (size_t r = 0; r < LANES; r += FLOAT_ROWS) {
        size_t t = 0;
        for (; t + 4 <= n_tokens; t += 4) multiply_floats(dtype, rows + r * row_bytes, row_bytes, a, t, 4, out + r);
        for (; t < n_tokens; t++) multiply_floats(dtype, rows + r * row_bytes, row_bytes, a, t, 1, out + r);
    }
}

static void matmul(int dtype, const uint8_t *rows, size_t row_bytes, const activations *a, size_t n_tokens, float *out,
                   void *scratch) {
    switch (dtype) {                        // each call is inlined with its type as a constant
    case INGLE_Q4_0: matmul_blocks(INGLE_Q4_0, rows, row_bytes, a, n_tokens, out, scratch); break;
    case INGLE_Q4_1: matmul_blocks(INGLE_Q4_1, rows, row_bytes, a, n_tokens, out, scratch); break;
    case INGLE_Q8_0: matmul_blocks(INGLE_Q8_0, rows, row_bytes, a, n_tokens, out, scratch); break;
    case INGLE_F16: matmul_floats(INGLE_F16, rows, row_bytes, a, n_tokens, out); break;
    case INGLE_BF16: matmul_floats(INGLE_BF16, rows, row_bytes, a, n_tokens, out); break;
    default: matmul_floats(INGLE_F32, rows, row_bytes, a, n_tokens, out); break;
    }
}

// ---- vectors ----

static void quantize(const activations *a, size_t token) {
    const size_t n_blocks = a->n_cols / BLOCK;
    const float *x = a->x + token * a->n_cols;
    int8_t *q = a->q + token * a->n_cols;
    for (size_t i = 0, at = token * n_blocks; i < n_blocks; i++, at++, x += BLOCK, q += BLOCK) {
        vf largest = vf_set1(0);
        for (int j = 0; j < BLOCK; j += LANES) largest = vf_max(largest, vf_abs(vf_load(x + j)));
        const float scale = vf_hmax(largest) / 127;
        const float inverse = scale > FLT_MIN ? 1 / scale : 0;      // a block of (next to) zeros stays zeros
        for (int j = 0; j < BLOCK; j += LANES) vf_store_i8(q + j, vf_mul(vf_load(x + j), vf_set1(inverse)));
        int32_t sum = 0;
        for (int j = 0; j < BLOCK; j++) sum += q[j];
        a->scale[at] = scale;
        a->scaled_sum[at] = scale * (float)sum;
        a->minus_8_sums[at] = -8 * sum;
    }
}

static void rms_norm(const float *x, const float *weight, double eps, float *y, size_t n) {
    const size_t whole = n / LANES * LANES;
    vf squares = vf_set1(0);
    for (size_t i = 0; i < whole; i += LANES) squares = vf_fma(vf_load(x + i), vf_load(x + i), squares);
    double sum = vf_hsum(squares);
    for (size_t i = whole; i < n; i++) sum += (double)x[i] * x[i];
    const float factor = (float)(1 / sqrt(sum / (double)n + eps));
    for (size_t i = 0; i < whole; i += LANES)
        vf_store(y + i, vf_mul(vf_mul(vf_load(x + i), vf_set1(factor)), vf_load(weight + i)));
    for (size_t i = whole; i < n; i++) y[i] = x[i] * factor * weight[i];
}

static void add(float *x, const float *y, size_t n) {
    for (size_t i = 0; i < n; i++) x[i] += y[i];
}

// e^x within 2 units in the last place; x below -87 counts as -87.
INLINE vf vf_exp(vf x) {
    x = vf_max(vf_min(x, vf_set1(88)), vf_set1(-87));
    const vf n = vf_round(vf_mul(x, vf_set1(0x1.715476p+0f)));              // x / ln 2
    vf r = vf_fma(n, vf_set1(-0x1.62e400p-1f), x);                          // x - n ln 2, ln 2 in two parts
    r = vf_fma(n, vf_set1(-0x1.7f7d1cp-20f), r);
    vf p = vf_set1(1.0f / 720);                                             // Taylor, |r| <= ln 2 / 2
    p = vf_fma(p, r, vf_set1(1.0f / 120));
    p = vf_fma(p, r, vf_set1(1.0f / 24));
    p = vf_fma(p, r, vf_set1(1.0f / 6));
    p = vf_fma(p, r, vf_set1(0.5f));
    p = vf_fma(p, r, vf_set1(1));
    p = vf_fma(p, r, vf_set1(1));
    return vf_scale2(p, n);
}

INLINE vf vf_swiglu(vf gate, vf up) {
    const vf e = vf_exp(vf_sub(vf_set1(0), gate));
    return vf_mul(vf_div(gate, vf_add(vf_set1(1), e)), up);
}

static void swiglu(float *gate, const float *up, size_t n) {
    const size_t whole = n / LANES * LANES;
    for (size_t i = 0; i < whole; i += LANES) vf_store(gate + i, vf_swiglu(vf_load(gate + i), vf_load(up + i)));
    if (whole == n) return;
    float g[LANES] = {0}, u[LANES] = {0};
    memcpy(g, gate + whole, (n - whole) * sizeof(float));
    memcpy(u, up + whole, (n - whole) * sizeof(float));
    vf_store(g, vf_swiglu(vf_load(g), vf_load(u)));
    memcpy(gate + whole, g, (n - whole) * sizeof(float));
}

static void decode_row(int dtype, const uint8_t *row, float *y, size_t n) {
    for (size_t i = 0; i < n; i++) {
        const size_t j = i % BLOCK, shift = j < 16 ? 0 : 4;
        switch (dtype) {
        case INGLE_Q4_0: {
            const q4_0_block *b = (const q4_0_block *)(const void *)row + i / BLOCK;
            y[i] = (float)((b->nibbles[j % 16] >> shift & 15) - 8) * f32_of_f16(b->scale_f16);
            break;
        }
        case INGLE_Q4_1: {
            const q4_1_block *b = (const q4_1_block *)(const void *)row + i / BLOCK;
            y[i] = (float)(b->nibbles[j % 16] >> shift & 15) * f32_of_f16(b->scale_f16) + f32_of_f16(b->min_f16);
            break;
        }
        case INGLE_Q8_0: {
            const q8_0_block *b = (const q8_0_block *)(const void *)row + i / BLOCK;
            y[i] = (float)b->weights[j] * f32_of_f16(b->scale_f16);
            break;
        }
        case INGLE_F16: y[i] = f32_of_f16(((const uint16_t *)(const void *)row)[i]); break;
        case INGLE_BF16: y[i] = f32_of_bf16(((const uint16_t *)(const void *)row)[i]); break;
        default: y[i] = ((const float *)(const void *)row)[i];
        }
    }
}

// ---- attention ----

#define HIDDEN (-1e30f)        // the score of a position that a query must not see

// What one query has seen so far; `mixed` is divided by `sum` at the end.
typedef struct {
    float largest, sum;        // of the scores; of e^(score - largest)
    float mixed[INGLE_MAX_HEAD_DIM];
} seen;

INLINE vf load_cached(bool int8, const void *p, size_t at) {
    return int8 ? vf_load_i8((const int8_t *)p + at) : vf_load_f16((const uint16_t *)p + at);
}

// scores[t][p] = q[t] · k[p] / sqrt(head_dim), for n queries and the sixteen positions from `at`. A single query is
// summed in four parts, which do not wait for one another.
INLINE void tile_scores(bool int8, const float *q, size_t stride, size_t n, const head_cache *c, size_t at, size_t head_dim,
                        float scores[][POSITIONS]) {
    enum { VECTORS = POSITIONS / LANES };
    const size_t ways = n == 1 ? 4 : 1, whole = head_dim / ways * ways;
    vf sums[QUERY_TILE][VECTORS];           // of query t * ways + way
    UNROLL for (size_t t = 0; t < n * ways; t++)
        UNROLL for (int j = 0; j < VECTORS; j++) sums[t][j] = vf_set1(0);
    for (size_t d = 0; d < head_dim; d += ways)
        UNROLL for (size_t way = 0; way < ways; way++) {
            if (d >= whole && d + way >= head_dim) break;
            UNROLL for (int j = 0; j < VECTORS; j++) {
                const vf keys = load_cached(int8, c->k, at * head_dim + (d + way) * POSITIONS + (size_t)j * LANES);
                UNROLL for (size_t t = 0; t < n; t++)
                    sums[t * ways + way][j] = vf_fma(keys, vf_set1(q[t * stride + d + way]), sums[t * ways + way][j]);
            }
        }
    const vf scale = vf_set1(1 / sqrtf((float)head_dim));
    UNROLL for (size_t t = 0; t < n; t++)
        UNROLL for (int j = 0; j < VECTORS; j++) {
            vf sum = sums[t * ways][j];
            UNROLL for (size_t way = 1; way < ways; way++) sum = vf_add(sum, sums[t * ways + way][j]);
            if (int8) sum = vf_mul(sum, vf_load(c->k_scale + at + j * LANES));
            vf_store(scores[t] + j * LANES, vf_mul(sum, scale));
        }
}

// Scores become weights e^(score - largest); what was mixed under a smaller largest shrinks to match.
INLINE void tile_weights(seen *s, float scores[POSITIONS], size_t head_dim) {
    vf most = vf_load(scores);
    for (int j = LANES; j < POSITIONS; j += LANES) most = vf_max(most, vf_load(scores + j));
    const float tile_largest = vf_hmax(most);
    if (tile_largest > s->largest) {
        const float shrink = s->largest == HIDDEN ? 0 : expf(s->largest - tile_largest);
        s->largest = tile_largest;
        s->sum *= shrink;
        for (size_t d = 0; d < head_dim; d++) s->mixed[d] *= shrink;
    }
    vf sum = vf_set1(0);
    for (int j = 0; j < POSITIONS; j += LANES) {
        const vf weights = vf_exp(vf_sub(vf_load(scores + j), vf_set1(s->largest)));
        vf_store(scores + j, weights);
        sum = vf_add(sum, weights);
    }
    s->sum += vf_hsum(sum);
}

// Add the weighted values of a tile, `vectors` (a constant) of a head's dimensions at once.
INLINE void mix_vectors(bool int8, seen *s, size_t n, size_t vectors, float weights[][POSITIONS], const head_cache *c,
                        size_t at, size_t v_stride, size_t d, size_t n_seen) {
    vf mixed[QUERY_TILE][QUERY_TILE];
    UNROLL for (size_t t = 0; t < n; t++)
        UNROLL for (size_t i = 0; i < vectors; i++) mixed[t][i] = vf_load(s[t].mixed + d + i * LANES);
    for (size_t p = 0; p < n_seen; p++)
        UNROLL for (size_t i = 0; i < vectors; i++) {
            const vf values = load_cached(int8, c->v, (at + p) * v_stride + d + i * LANES);
            UNROLL for (size_t t = 0; t < n; t++) mixed[t][i] = vf_fma(values, vf_set1(weights[t][p]), mixed[t][i]);
        }
    UNROLL for (size_t t = 0; t < n; t++)
        UNROLL for (size_t i = 0; i < vectors; i++) vf_store(s[t].mixed + d + i * LANES, mixed[t][i]);
}

INLINE void tile_mix(bool int8, seen *s, size_t n, float weights[][POSITIONS], const head_cache *c, size_t at,
                     size_t v_stride, size_t n_seen) {
    const size_t vectors = n == 1 ? 4 : 2;
    size_t d = 0;
    for (size_t t = 0; t < n && int8; t++)
        for (int j = 0; j < POSITIONS; j += LANES)
            vf_store(weights[t] + j, vf_mul(vf_load(weights[t] + j), vf_load(c->v_scale + at + j)));
    for (; d + vectors * LANES <= v_stride; d += vectors * LANES)
        mix_vectors(int8, s, n, vectors, weights, c, at, v_stride, d, n_seen);
    for (; d < v_stride; d += LANES) mix_vectors(int8, s, n, 1, weights, c, at, v_stride, d, n_seen);
}

// n queries, a constant: one pass over the tiles, the softmax streaming along (arXiv:1805.02867).
INLINE void attend_n(bool int8, const float *q, size_t stride, size_t n, const head_cache *c, size_t head_dim, size_t first,
                     float *out) {
    const size_t v_stride = round_up(head_dim, POSITIONS), end = first + n;
    seen s[QUERY_TILE];
    for (size_t t = 0; t < n; t++) {
        s[t].largest = HIDDEN;
        s[t].sum = 0;
        memset(s[t].mixed, 0, v_stride * sizeof(float));
    }
    for (size_t at = 0; at < end; at += POSITIONS) {
        float scores[QUERY_TILE][POSITIONS];
        tile_scores(int8, q, stride, n, c, at, head_dim, scores);
        for (size_t t = 0; t < n; t++)
            for (size_t p = at + POSITIONS > first + t + 1 ? (first + t + 1 > at ? first + t + 1 - at : 0) : POSITIONS;
                 p < POSITIONS; p++)
                scores[t][p] = HIDDEN;
        for (size_t t = 0; t < n; t++) tile_weights(&s[t], scores[t], v_stride);
        tile_mix(int8, s, n, scores, c, at, v_stride, end - at < POSITIONS ? end - at : POSITIONS);
    }
    for (size_t t = 0; t < n; t++)
        for (size_t d = 0; d < head_dim; d++) out[t * stride + d] = s[t].mixed[d] / s[t].sum;
}

INLINE void attend_all(bool int8, const float *q, size_t stride, size_t n, const head_cache *c, size_t head_dim,
                       size_t first, float *out) {
    if (n == QUERY_TILE) {
        attend_n(int8, q, stride, QUERY_TILE, c, head_dim, first, out);
        return;
    }
    for (size_t t = 0; t < n; t++) attend_n(int8, q + t * stride, stride, 1, c, head_dim, first + t, out + t * stride);
}

static void attend(const float *q, size_t stride, size_t n, const head_cache *c, size_t head_dim, size_t first,
                   float *out) {
    if (c->k_scale) attend_all(true, q, stride, n, c, head_dim, first, out);
    else attend_all(false, q, stride, n, c, head_dim, first, out);
}

static int32_t dots(size_t n) {
    static const int8_t x[32] = {1};
    uint8_t ones[sizeof(vi)];
    memset(ones, 1, sizeof ones);
    const vi w = vi_load(ones);
    vs sums[8];
    UNROLL for (int k = 0; k < 8; k++) sums[k] = vs_set1(k);
    for (size_t i = 0; i < n; i++) {
        __asm__ volatile("" ::: "memory");          // each round reads x anew, as a matmul does
        UNROLL for (int k = 0; k < 8; k++) sums[k] = vi_dot_u4(sums[k], w, x + 4 * k);
    }
    float sum = 0;
    for (int k = 0; k < 8; k++) sum += vf_hsum(vf_of_vs(sums[k]));
    return (int32_t)sum;
}

#define JOINED(a, b) a##b
#define KERNELS_OF(variant) JOINED(ingle_kernels_, variant)
#define QUOTED(name) #name
#define NAME_OF(variant) QUOTED(variant)

const kernels KERNELS_OF(VARIANT) = {
    .name = NAME_OF(VARIANT), .lanes = LANES, .matmul = matmul, .quantize = quantize, .rms_norm = rms_norm,
    .swiglu = swiglu, .add = add, .decode_row = decode_row, .attend = attend, .dots = dots,
};
