// Vectors of AVX-512 with VNNI. What each does is said in simd_c.h.
#include <immintrin.h>

#include "blocks.h"

#define LANES 16
#define Q8_PLUS_128 1          // vpdpbusd multiplies unsigned by signed

typedef __m512 vf;
typedef __m512i vi;
typedef __m512i vs;

static inline vf vf_load(const float *p) { return _mm512_loadu_ps(p); }
static inline void vf_store(float *p, vf a) { _mm512_storeu_ps(p, a); }
static inline vf vf_set1(float x) { return _mm512_set1_ps(x); }
static inline vf vf_add(vf a, vf b) { return _mm512_add_ps(a, b); }
static inline vf vf_sub(vf a, vf b) { return _mm512_sub_ps(a, b); }
static inline vf vf_mul(vf a, vf b) { return _mm512_mul_ps(a, b); }
static inline vf vf_div(vf a, vf b) { return _mm512_div_ps(a, b); }
static inline vf vf_max(vf a, vf b) { return _mm512_max_ps(a, b); }
static inline vf vf_min(vf a, vf b) { return _mm512_min_ps(a, b); }
static inline vf vf_abs(vf a) { return _mm512_abs_ps(a); }
static inline vf vf_fma(vf a, vf b, vf c) { return _mm512_fmadd_ps(a, b, c); }
static inline vf vf_round(vf a) { return _mm512_roundscale_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
static inline vf vf_scale2(vf a, vf n) { return _mm512_scalef_ps(a, n); }
static inline float vf_hsum(vf a) { return _mm512_reduce_add_ps(a); }
static inline float vf_hmax(vf a) { return _mm512_reduce_max_ps(a); }
static inline vf vf_load_f16(const uint16_t *p) { return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)p)); }
static inline vf vf_load_bf16(const uint16_t *p) {
    const __m512i wide = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)p));
    return _mm512_castsi512_ps(_mm512_slli_epi32(wide, 16));
}
static inline vf vf_load_i8(const int8_t *p) {
    return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)p)));
}
static inline void vf_store_i8(int8_t *p, vf a) {
    _mm_storeu_si128((__m128i *)p, _mm512_cvtsepi32_epi8(_mm512_cvtps_epi32(a)));
}

static inline vi vi_load(const void *p) { return _mm512_loadu_si512(p); }
static inline void vi_store(void *p, vi a) { _mm512_storeu_si512(p, a); }
static inline vi vi_low_nibbles(vi a) { return _mm512_and_si512(a, _mm512_set1_epi8(15)); }
static inline vi vi_high_nibbles(vi a) { return vi_low_nibbles(_mm512_srli_epi16(a, 4)); }
static inline vi vi_q8(vi a) { return _mm512_xor_si512(a, _mm512_set1_epi8(-128)); }

static inline vi vi_rows4(const uint8_t *p, size_t stride) {
    const __m512i row = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    return _mm512_i32gather_epi32(_mm512_mullo_epi32(row, _mm512_set1_epi32((int)stride)), p, 1);
}
// Rows r, r + 4, r + 8, r + 12 side by side; the four such vectors are then transposed within each quarter.
static inline __m512i four_rows(const uint8_t *p, size_t stride) {
    __m512i r = _mm512_castsi128_si512(_mm_loadu_si128((const __m128i *)p));
    r = _mm512_inserti32x4(r, _mm_loadu_si128((const __m128i *)(p + 4 * stride)), 1);
    r = _mm512_inserti32x4(r, _mm_loadu_si128((const __m128i *)(p + 8 * stride)), 2);
    return _mm512_inserti32x4(r, _mm_loadu_si128((const __m128i *)(p + 12 * stride)), 3);
}
static inline void vi_rows16(const uint8_t *p, size_t stride, vi out[4]) {
    const __m512i a = four_rows(p, stride), b = four_rows(p + stride, stride);
    const __m512i c = four_rows(p + 2 * stride, stride), d = four_rows(p + 3 * stride, stride);
    const __m512i ab01 = _mm512_unpacklo_epi32(a, b), ab23 = _mm512_unpackhi_epi32(a, b);
    const __m512i cd01 = _mm512_unpacklo_epi32(c, d), cd23 = _mm512_unpackhi_epi32(c, d);
    out[0] = _mm512_unpacklo_epi64(ab01, cd01);
    out[1] = _mm512_unpackhi_epi64(ab01, cd01);
    out[2] = _mm512_unpacklo_epi64(ab23, cd23);
    out[3] = _mm512_unpackhi_epi64(ab23, cd23);
}
static inline vf vf_low_f16(vi a) { return _mm512_cvtph_ps(_mm512_cvtepi32_epi16(a)); }
static inline vf vf_high_f16(vi a) { return vf_low_f16(_mm512_srli_epi32(a, 16)); }

static inline vs vs_set1(int32_t x) { return _mm512_set1_epi32(x); }
static inline vf vf_of_vs(vs a) { return _mm512_cvtepi32_ps(a); }
static inline vs vi_dot_u4(vs sum, vi w, const int8_t *x) {
    int32_t four;
    memcpy(&four, x, 4);
    return _mm512_dpbusd_epi32(sum, w, _mm512_set1_epi32(four));
}
static inline vs vi_dot_q8(vs sum, vi w, const int8_t *x) { return vi_dot_u4(sum, w, x); }
