// Cortex-M4 and its like: plain C's vectors, and products of blocks with the DSP instructions, which multiply two pairs of
// 16-bit numbers and add both. Sums are the same as plain C's, in the same order.
#include <arm_acle.h>

#include "kernels_table.h"
#include "simd_c.h"

#define OWN_MATMUL_BLOCKS

enum { DSP_ROWS = 2 };         // with more, registers run out

// Bytes 0 and 2 of four, each with its sign, in 16 bits; bytes 1 and 3.
static inline int32_t even_bytes(uint32_t four) { return (int32_t)__sxtb16(four); }
static inline int32_t odd_bytes(uint32_t four) {
    int32_t pair;
    __asm__("sxtb16 %0, %1, ror #8" : "=r"(pair) : "r"(four));
    return pair;
}

static inline uint32_t load4(const void *p) { uint32_t four; memcpy(&four, p, 4); return four; }
static inline float load_f16(const void *p) { uint16_t half; memcpy(&half, p, 2); return f32_of_f16(half); }

// sums[r] += nibbles of a row times 32 activations; a row's bytes 4k..4k+3 are weights 4k.. (low) and 16+4k.. (high).
static inline void dot_nibbles(const uint8_t *rows, size_t stride, const int8_t *x, int32_t sums[DSP_ROWS]) {
    uint32_t mask = 0x000f000f;
    __asm__("" : "+r"(mask));               // in a register, where one instruction shifts and masks
#pragma GCC unroll 4
    for (int k = 0; k < 4; k++) {
        const uint32_t low = load4(x + 4 * k), high = load4(x + 16 + 4 * k);
        const int32_t low_even = even_bytes(low), low_odd = odd_bytes(low), high_even = even_bytes(high), high_odd = odd_bytes(high);
#pragma GCC unroll 2
        for (int r = 0; r < DSP_ROWS; r++) {
            const uint32_t w = load4(rows + (size_t)r * stride + 4 * k);
            int32_t sum = __smlad((int32_t)(w & mask), low_even, sums[r]);
            sum = __smlad((int32_t)(w >> 8 & mask), low_odd, sum);
            sum = __smlad((int32_t)(w >> 4 & mask), high_even, sum);
            sums[r] = __smlad((int32_t)(w >> 12 & mask), high_odd, sum);
        }
    }
}

static inline void dot_bytes(const uint8_t *rows, size_t stride, const int8_t *x, int32_t sums[DSP_ROWS]) {
#pragma GCC unroll 8
    for (int k = 0; k < 8; k++) {
        const uint32_t four = load4(x + 4 * k);
        const int32_t even = even_bytes(four), odd = odd_bytes(four);
#pragma GCC unroll 2
        for (int r = 0; r < DSP_ROWS; r++) {
            const uint32_t w = load4(rows + (size_t)r * stride + 4 * k);
            sums[r] = __smlad(odd_bytes(w), odd, __smlad(even_bytes(w), even, sums[r]));
        }
    }
}

// Two rows times one token.
static inline __attribute__((always_inline)) void multiply_rows(int dtype, const uint8_t *rows, size_t stride, const activations *a,
                                                                size_t token, float out[DSP_ROWS]) {
    const size_t n_blocks = a->n_cols / BLOCK;
    const size_t size = dtype == INGLE_Q4_0 ? sizeof(q4_0_block) : dtype == INGLE_Q4_1 ? sizeof(q4_1_block) : sizeof(q8_0_block);
    const int8_t *x = a->q + token * a->n_cols;
    float totals[DSP_ROWS] = {0, 0};
    for (size_t i = 0, at = token * n_blocks; i < n_blocks; i++, at++, rows += size, x += BLOCK) {
        const int32_t start = dtype == INGLE_Q4_0 ? a->minus_8_sums[at] : 0;
        int32_t sums[DSP_ROWS] = {start, start};
        if (dtype == INGLE_Q8_0) dot_bytes(rows + 2, stride, x, sums);
        else dot_nibbles(rows + (dtype == INGLE_Q4_1 ? 4 : 2), stride, x, sums);
#pragma GCC unroll 2
        for (int r = 0; r < DSP_ROWS; r++) {
            const uint8_t *row = rows + (size_t)r * stride;
            totals[r] += (float)sums[r] * (load_f16(row) * a->scale[at]);
            if (dtype == INGLE_Q4_1) totals[r] += load_f16(row + 2) * a->scaled_sum[at];
        }
    }
    memcpy(out, totals, sizeof totals);
}

static inline __attribute__((always_inline)) void matmul_blocks(int dtype, const uint8_t *rows, size_t row_bytes, const activations *a,
                                                                size_t n_tokens, float *out, void *scratch) {
    (void)scratch;
    for (size_t r = 0; r < LANES; r += DSP_ROWS)
        for (size_t t = 0; t < n_tokens; t++)
            multiply_rows(dtype, rows + r * row_bytes, row_bytes, a, t, out + t * LANES + r);
}
