// The C core checked without Python: for sanitizers, and under an emulator for processors that are not at hand.
//   ingle_check [VARIANT]      that variant, or every one that this processor runs
// Each kernel is compared with plain loops in double precision; then a small model is run whole, token by token, in
// parts and with several threads, which must all agree. Exits with 1 at the first difference.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../engine/kernels/blocks.h"
#include "../../engine/kernels/ingle.h"

// As a part of the largest value there is, or, for sums that may cancel, of the size that such sums have.
#define MATMUL_REL_TOL 3e-6
#define NORM_REL_TOL 2e-6
#define SWIGLU_REL_TOL 1e-6
#define ATTEND_REL_TOL 5e-6
// A small random model's scores. Attention takes a query alone or by four, and sums differ in their last bits; where that
// tips a number to the next int8, it tips others after it.
#define BATCH_REL_TOL 0.05      // read in parts of another size
#define INT8_CACHE_REL_TOL 0.3  // with keys and values as int8, against float16: random layers magnify what rounding does

static uint32_t seed = 1;

static float uniform(void) {                            // -1..1
    seed = seed * 1664525u + 1013904223u;
    return (float)(seed >> 8) / 8388608.0f - 1;
}

static void *zeros(size_t n_bytes) {
    void *room = aligned_alloc(64, (n_bytes + 63) / 64 * 64 + 64);
    if (!room) exit(2);
    memset(room, 0, (n_bytes + 63) / 64 * 64 + 64);
    return room;
}

static float *floats(size_t n) {
    float *x = zeros(n * sizeof(float));
    for (size_t i = 0; i < n; i++) x[i] = uniform();
    return x;
}

static void fail(const char *variant, const char *what, int a, int b, int c) {
    printf("%s: %s (%d, %d, %d) differs\n", variant, what, a, b, c);
    exit(1);
}

static int close_to(const float *found, const double *wanted, size_t n, double usual_size, double rel_tol) {
    double largest = usual_size;
    for (size_t i = 0; i < n; i++) largest = fmax(largest, fabs(wanted[i]));
    for (size_t i = 0; i < n; i++)
        if (!(fabs(found[i] - wanted[i]) <= rel_tol * largest)) return 0;
    return 1;
}

// ---- matrices ----

static size_t row_bytes(int dtype, int n_cols) {
    const size_t n = (size_t)n_cols;
    switch (dtype) {
    case INGLE_F32: return n * 4;
    case INGLE_F16:
    case INGLE_BF16: return n * 2;
    case INGLE_Q4_0: return n / 32 * sizeof(q4_0_block);
    case INGLE_Q4_1: return n / 32 * sizeof(q4_1_block);
    default: return n / 32 * sizeof(q8_0_block);
    }
}

// Random weights. Some blocks have a zero scale.
static ingle_matrix random_matrix(int dtype, int n_rows, int n_cols) {
    const size_t n_bytes = row_bytes(dtype, n_cols) * (size_t)n_rows;
    // No byte beyond the last weight: the sanitizer sees a kernel that reads too far.
    uint8_t *data = malloc(n_bytes);
    if (!data) exit(2);
    const size_t step = dtype == INGLE_F32 ? 4 : dtype == INGLE_F16 || dtype == INGLE_BF16 ? 2 : row_bytes(dtype, 32);
    for (uint8_t *p = data; p < data + n_bytes; p += step) {
        const float value = uniform() / 8, low = uniform() / 8;
        const uint16_t scale = seed >> 8 & 15 ? f16_of_f32(value) : 0, min = f16_of_f32(low);
        for (size_t i = 0; i < step; i++) p[i] = (uint8_t)(128 * uniform());
        if (dtype == INGLE_F32) memcpy(p, &value, 4);
        else if (dtype == INGLE_BF16) p[0] = (uint8_t)(bits_of_f32(value) >> 16), p[1] = (uint8_t)(bits_of_f32(value) >> 24);
        else memcpy(p, &scale, 2);
        if (dtype == INGLE_Q4_1) memcpy(p + 2, &min, 2);
    }
    return (ingle_matrix){data, n_rows, n_cols, dtype};
}

static double weight(const ingle_matrix *w, size_t row, size_t col) {
    const uint8_t *p = (const uint8_t *)w->data + row * row_bytes(w->dtype, (int)w->n_cols);
    const size_t j = col % 32;
    uint16_t half, min;
    float value;
    switch (w->dtype) {
    case INGLE_F32: memcpy(&value, p + 4 * col, 4); return value;
    case INGLE_F16: memcpy(&half, p + 2 * col, 2); return f32_of_f16(half);
    case INGLE_BF16: memcpy(&half, p + 2 * col, 2); return f32_of_bf16(half);
    default: break;
    }
    p += col / 32 * row_bytes(w->dtype, 32);
    memcpy(&half, p, 2);
    if (w->dtype == INGLE_Q8_0) return (double)(int8_t)p[2 + j] * f32_of_f16(half);
    const uint8_t *nibbles = p + (w->dtype == INGLE_Q4_1 ? 4 : 2);
    const int nibble = nibbles[j % 16] >> (j < 16 ? 0 : 4) & 15;
    if (w->dtype == INGLE_Q4_0) return (nibble - 8) * (double)f32_of_f16(half);
    memcpy(&min, p + 2, 2);
    return nibble * (double)f32_of_f16(half) + f32_of_f16(min);
}

static void round_to_int8(const float *x, size_t n, double *y) {
    for (size_t at = 0; at < n; at += 32) {
        float largest = 0;
        for (size_t i = at; i < at + 32; i++) largest = fmaxf(largest, fabsf(x[i]));
        const float scale = largest / 127, inverse = scale > 0 ? 1 / scale : 0;
        for (size_t i = at; i < at + 32; i++) y[i] = (double)scale * rint((double)(x[i] * inverse));
    }
}

static void check_matmul(const char *variant, int dtype, int n_rows, int n_cols, int n_tokens) {
    const ingle_matrix w = random_matrix(dtype, n_rows, n_cols);
    const size_t rows = (size_t)n_rows, cols = (size_t)n_cols, tokens = (size_t)n_tokens;
    float *x = floats(tokens * cols), *y = zeros(tokens * rows * sizeof(float));
    memset(x, 0, (cols < 32 ? cols : 32) / 2 * 2 * sizeof(float));      // a block of zeros
    double *seen = zeros(cols * sizeof(double)), *wanted = zeros(tokens * rows * sizeof(double));
    void *scratch = zeros(ingle_matmul_scratch(&w, n_tokens));
    if (ingle_matmul(variant, &w, x, n_tokens, y, scratch)) fail(variant, "matmul refused", dtype, n_rows, n_cols);
    const int blocked = dtype == INGLE_Q4_0 || dtype == INGLE_Q4_1 || dtype == INGLE_Q8_0;
    double squares = 0;
    for (size_t t = 0; t < tokens; t++) {
        if (blocked) round_to_int8(x + t * cols, cols, seen);
        for (size_t c = 0; c < cols && !blocked; c++) seen[c] = x[t * cols + c];
        for (size_t r = 0; r < rows; r++)
            for (size_t c = 0; c < cols; c++) {
                const double product = weight(&w, r, c) * seen[c];
                wanted[t * rows + r] += product;
                squares += product * product / (double)(tokens * rows);
            }
    }
    if (!close_to(y, wanted, tokens * rows, sqrt(squares), MATMUL_REL_TOL)) fail(variant, "matmul", dtype, n_rows, n_cols);
    free((void *)w.data), free(x), free(y), free(seen), free(wanted), free(scratch);
}

static void check_matmuls(const char *variant) {
    static const int blocked[] = {INGLE_Q4_0, INGLE_Q4_1, INGLE_Q8_0}, plain[] = {INGLE_F32, INGLE_F16, INGLE_BF16};
    static const int rows[] = {1, 7, 16, 33}, lengths[] = {1, 7, 33, 1023}, tokens[] = {1, 2, 3, 13};
    for (int i = 0; i < 3; i++)
        for (int r = 0; r < 4; r++)
            for (int t = 0; t < 4; t++) {
                check_matmul(variant, blocked[i], rows[r], 32, tokens[t]);
                check_matmul(variant, blocked[i], rows[r], 160, tokens[t]);
                for (int c = 0; c < 4; c++) check_matmul(variant, plain[i], rows[r], lengths[c], tokens[t]);
            }
}

// ---- vectors ----

static void check_vectors(const char *variant, int length) {
    const size_t n = (size_t)length;
    float *x = floats(n), *w = floats(n), *y = zeros(n * sizeof(float));
    double *wanted = zeros(n * sizeof(double)), squares = 0;
    for (size_t i = 0; i < n; i++) squares += (double)x[i] * x[i];
    for (size_t i = 0; i < n; i++) wanted[i] = x[i] / sqrt(squares / length + 1e-5) * w[i];
    ingle_rms_norm(variant, x, w, 1e-5, y, length);
    if (!close_to(y, wanted, n, 0, NORM_REL_TOL)) fail(variant, "rms_norm", length, 0, 0);
    for (size_t i = 0; i < n; i++) x[i] *= 90;
    for (size_t i = 0; i < n; i++) wanted[i] = x[i] / (1 + exp(-(double)x[i])) * w[i];
    ingle_swiglu(variant, x, w, length);
    if (!close_to(x, wanted, n, 0, SWIGLU_REL_TOL)) fail(variant, "swiglu", length, 0, 0);
    free(x), free(w), free(y), free(wanted);
}

static ingle_cache make_cache(size_t elements, size_t scales, int n_ctx, int int8) {
    const size_t size = int8 ? 1 : 2;
    float *k_scale = int8 ? zeros(scales * sizeof(float)) : NULL, *v_scale = int8 ? zeros(scales * sizeof(float)) : NULL;
    return (ingle_cache){zeros(elements * size), zeros(elements * size), k_scale, v_scale, n_ctx};
}

static void free_cache(ingle_cache c) { free(c.k), free(c.v), free(c.k_scale), free(c.v_scale); }

// What a cache keeps of a row: float16, or steps of its largest / 127.
static void as_kept(float *x, size_t n, int int8) {
    float largest = 0;
    for (size_t i = 0; i < n; i++) largest = fmaxf(largest, fabsf(x[i]));
    for (size_t i = 0; i < n; i++)
        x[i] = int8 ? rintf(x[i] * (1 / (largest / 127))) * (largest / 127) : f32_of_f16(f16_of_f32(x[i]));
}

static void check_attention(const char *variant, int head_dim, int n_past, int n_new, int int8) {
    const size_t dim = (size_t)head_dim, n = (size_t)(n_past + n_new), room = (n + 15) / 16 * 16;
    ingle_cache cache = make_cache(room * ((dim + 15) / 16 * 16), room, (int)n, int8);
    float *q = floats((size_t)n_new * dim), *k = floats(n * dim), *v = floats(n * dim), *out = zeros(n * dim * 4);
    for (size_t i = 0; i < n * dim; i++) k[i] *= 4;
    ingle_remember(&cache, head_dim, 0, (int64_t)n, k, v);
    for (size_t p = 0; p < n; p++) as_kept(k + p * dim, dim, int8), as_kept(v + p * dim, dim, int8);
    double *wanted = zeros((size_t)n_new * dim * sizeof(double));
    ingle_attend(variant, q, &cache, head_dim, n_past, n_new, out);
    for (size_t t = 0; t < (size_t)n_new; t++) {
        double sum = 0;
        for (size_t p = 0; p <= (size_t)n_past + t; p++) {
            double score = 0;
            for (size_t d = 0; d < dim; d++) score += (double)q[t * dim + d] * k[p * dim + d];
            sum += exp(score / sqrt(head_dim));
            for (size_t d = 0; d < dim; d++) wanted[t * dim + d] += exp(score / sqrt(head_dim)) * v[p * dim + d];
        }
        for (size_t d = 0; d < dim; d++) wanted[t * dim + d] /= sum;
    }
    if (!close_to(out, wanted, (size_t)n_new * dim, 0, ATTEND_REL_TOL)) fail(variant, "attend", head_dim, n_past, n_new);
    free_cache(cache), free(q), free(k), free(v), free(out), free(wanted);
}

// ---- a whole model ----

enum { N_EMBD = 96, N_FF = 160, N_HEAD = 6, N_HEAD_KV = 2, HEAD_DIM = 16, N_ROT = 12, N_VOCAB = 77, N_LAYER = 3, N_CTX = 50 };

typedef struct {
    ingle_model sizes;
    ingle_layer layers[N_LAYER];
    double freqs[N_ROT / 2];
    float *norm;
} small_model;

static void make_model(small_model *m) {
    static const int dtypes[] = {INGLE_Q4_0, INGLE_Q4_1, INGLE_Q8_0};
    m->norm = floats(N_EMBD);
    for (int i = 0; i < N_ROT / 2; i++) m->freqs[i] = pow(100, -2.0 * i / N_ROT);
    for (int i = 0; i < N_LAYER; i++) {
        const int a = dtypes[i], b = dtypes[(i + 1) % 3], kv = N_HEAD_KV * HEAD_DIM, q = N_HEAD * HEAD_DIM;
        m->layers[i] = (ingle_layer){
            m->norm, m->norm, random_matrix(a, q, N_EMBD), random_matrix(b, kv, N_EMBD),
            random_matrix(INGLE_F16, kv, N_EMBD), random_matrix(b, N_EMBD, q), random_matrix(a, N_FF, N_EMBD),
            random_matrix(INGLE_BF16, N_FF, N_EMBD), random_matrix(a, N_EMBD, N_FF)};
    }
    const ingle_matrix embd = random_matrix(INGLE_Q8_0, N_VOCAB, N_EMBD);
    m->sizes = (ingle_model){N_EMBD, N_LAYER, N_FF, N_HEAD, N_HEAD_KV, HEAD_DIM, N_ROT, N_VOCAB, 1e-5,
                             m->freqs, m->norm, m->layers, embd, embd};
}

static void free_model(small_model *m) {
    for (int i = 0; i < N_LAYER; i++) {
        const ingle_layer *l = &m->layers[i];
        const ingle_matrix all[] = {l->attn_q, l->attn_k, l->attn_v, l->attn_output, l->ffn_gate, l->ffn_up, l->ffn_down};
        for (int j = 0; j < 7; j++) free((void *)all[j].data);
    }
    free((void *)m->sizes.output.data), free(m->norm);
}

// Feed a text in batches of `at_once`, drop some of it, feed on. Writes the scores of all tokens.
static void run_model(const small_model *m, const char *variant, int n_threads, int at_once, int int8, float *scores) {
    ingle_engine *engine;
    const size_t n_bytes = ingle_arena_bytes(&m->sizes, variant, n_threads, 8);
    void *arena = zeros(n_bytes);
    if (!n_bytes || ingle_open(&m->sizes, variant, n_threads, 8, arena, n_bytes, &engine)) fail(variant, "open", n_threads, 0, 0);
    const ingle_cache cache = make_cache(ingle_cache_elements(&m->sizes, N_CTX), ingle_cache_scales(&m->sizes, N_CTX), N_CTX, int8);
    int32_t tokens[N_CTX], ids[] = {76, 0, 33};
    for (int i = 0; i < N_CTX; i++) tokens[i] = i * 31 % N_VOCAB;
    float output[N_EMBD], some[3];
    for (int at = 0; at < 40; at += at_once)
        if (ingle_prefill(engine, tokens + at, at + at_once < 40 ? at_once : 40 - at, &cache, at, output))
            fail(variant, "prefill", n_threads, at_once, at);
    if (ingle_prefill(engine, tokens, 11, &cache, 40, output) != INGLE_BAD_TOKENS) fail(variant, "a full cache", 40, 11, 0);
    if (ingle_slide(engine, &cache, 40, 2, 19)) fail(variant, "slide", 40, 2, 19);
    if (ingle_prefill(engine, tokens, 3, &cache, 21, output)) fail(variant, "prefill", n_threads, 3, 21);
    ingle_logits(engine, output, NULL, N_VOCAB, scores);
    ingle_logits(engine, output, ids, 3, some);
    for (int i = 0; i < 3; i++)
        if (some[i] != scores[ids[i]]) fail(variant, "logits of some", i, 0, 0);
    ingle_close(engine);
    free(arena), free_cache(cache);
}

static void check_model(const char *variant) {
    small_model m;
    make_model(&m);
    float halves[N_VOCAB], wanted[N_VOCAB], found[N_VOCAB];
    double exact[N_VOCAB];
    run_model(&m, variant, 1, 40, 0, halves);
    for (int int8 = 0; int8 <= 1; int8++) {
        run_model(&m, variant, 1, 40, int8, wanted);
        for (int i = 0; i < N_VOCAB; i++) exact[i] = halves[i];
        if (!close_to(wanted, exact, N_VOCAB, 0, INT8_CACHE_REL_TOL)) fail(variant, "int8 cache", int8, 0, 0);
        for (int n_threads = 1; n_threads <= 3; n_threads++)
            for (int at_once = 1; at_once < 40; at_once += 6) {
                run_model(&m, variant, n_threads, at_once, int8, found);
                for (int i = 0; i < N_VOCAB; i++) exact[i] = wanted[i];
                if (!close_to(found, exact, N_VOCAB, 0, BATCH_REL_TOL)) fail(variant, "model", n_threads, at_once, int8);
            }
    }
    free_model(&m);
}

static void check_variant(const char *variant) {
    check_matmuls(variant);
    static const int lengths[] = {1, 7, 16, 33, 1023}, dims[] = {2, 16, 40, 64, 256};
    for (int i = 0; i < 5; i++) {
        check_vectors(variant, lengths[i]);
        for (int int8 = 0; int8 <= 1; int8++) {
            check_attention(variant, dims[i], 0, 5, int8);
            check_attention(variant, dims[i], 15, 1, int8);
            check_attention(variant, dims[i], 30, 9, int8);
        }
    }
    check_model(variant);
    if (ingle_integer_peak(variant, 1000) <= 0) fail(variant, "integer peak", 1000, 0, 0);
    printf("%s: passed\n", variant);
}

int main(int argc, char **argv) {
    int n = 0;
    for (const char *variant; (variant = ingle_variant(n)); n++)
        if (argc < 2 || strcmp(argv[1], variant) == 0) check_variant(variant), argc < 2 ? 0 : exit(0);
    if (argc >= 2) printf("%s does not run here\n", argv[1]);
    return argc >= 2;
}
