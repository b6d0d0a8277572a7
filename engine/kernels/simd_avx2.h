// Vectors of AVX2 with FMA and F16C, with or without AVX-VNNI. What each does is said in simd_c.h.
#include <immintrin.h>

#include "blocks.h"

#define LANES 8
#ifdef __AVXVNNI__
#define Q8_PLUS_128 1          // vpdpbusd multiplies unsigned by signed
#else
#define Q8_PLUS_128 0
#endif

typedef __m256 vf;
typedef __m256i vi;
typedef __m256i vs;

static inline vf vf_load(const float *p) { return _mm256_loadu_ps(p); }
static inline void vf_store(float *p, vf a) { _mm256_storeu_ps(p, a); }
static inline vf vf_set1(float x) { return _mm256_set1_ps(x); }
static inline vf vf_add(vf a, vf b) { return _mm256_add_ps(a, b); }
static inline vf vf_sub(vf a, vf b) { return _mm256_sub_ps(a, b); }
static inline vf vf_mul(vf a, vf b) { return _mm256_mul_ps(a, b); }
static inline vf vf_div(vf a, vf b) { return _mm256_div_ps(a, b); }
static inline vf vf_max(vf a, vf b) { return _mm256_max_ps(a, b); }
static inline vf vf_min(vf a, vf b) { return _mm256_min_ps(a, b); }
static inline vf vf_abs(vf a) { return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), a); }
static inline vf vf_fma(vf a, vf b, vf c) { return _mm256_fmadd_ps(a, b, c); }
static inline vf vf_round(vf a) { return _mm256_round_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
static inline vf vf_scale2(vf a, vf n) {
    const __m256i exponent = _mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127));
    return _mm256_mul_ps(a, _mm256_castsi256_ps(_mm256_slli_epi32(exponent, 23)));
}
static inline float vf_hsum(vf a) {
    __m128 s = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}
static inline float vf_hmax(vf a) {
    __m128 m = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    m = _mm_max_ps(m, _mm_movehl_ps(m, m));
    return _mm_cvtss_f32(_mm_max_ss(m, _mm_movehdup_ps(m)));
}
static inline vf vf_load_f16(const uint16_t *p) { return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)p)); }
static inline vf vf_load_bf16(const uint16_t *p) {
    const __m256i wide = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)p));
    return _mm256_castsi256_ps(_mm256_slli_epi32(wide, 16));
}
static inline vf vf_load_i8(const int8_t *p) {
    return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)p)));
}
static inline void vf_store_i8(int8_t *p, vf a) {
    const __m256i wide = _mm256_cvtps_epi32(a);
    const __m128i half = _mm_packs_epi32(_mm256_castsi256_si128(wide), _mm256_extracti128_si256(wide, 1));
    _mm_storel_epi64((__m128i *)p, _mm_packs_epi16(half, half));
}

static inline vi vi_load(const void *p) { return _mm256_loadu_si256((const __m256i *)p); }
static inline void vi_store(void *p, vi a) { _mm256_storeu_si256((__m256i *)p, a); }
static inline vi vi_low_nibbles(vi a) { return _mm256_and_si256(a, _mm256_set1_epi8(15)); }
static inline vi vi_high_nibbles(vi a) { return vi_low_nibbles(_mm256_srli_epi16(a, 4)); }

static inline vi vi_rows4(const uint8_t *p, size_t stride) {
    const __m256i row = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    return _mm256_i32gather_epi32((const int *)p, _mm256_mullo_epi32(row, _mm256_set1_epi32((int)stride)), 1);
}
// Rows r and r + 4 side by side; the four such pairs are then transposed within each half.
static inline __m256i two_rows(const uint8_t *p, size_t stride) {
    return _mm256_inserti128_si256(_mm256_castsi128_si256(_mm_loadu_si128((const __m128i *)p)),
                                   _mm_loadu_si128((const __m128i *)(p + 4 * stride)), 1);
}
static inline void vi_rows16(const uint8_t *p, size_t stride, vi out[4]) {
    const __m256i a = two_rows(p, stride), b = two_rows(p + stride, stride);
    const __m256i c = two_rows(p + 2 * stride, stride), d = two_rows(p + 3 * stride, stride);
    const __m256i ab01 = _mm256_unpacklo_epi32(a, b), ab23 = _mm256_unpackhi_epi32(a, b);
    const __m256i cd01 = _mm256_unpacklo_epi32(c, d), cd23 = _mm256_unpackhi_epi32(c, d);
    out[0] = _mm256_unpacklo_epi64(ab01, cd01);
    out[1] = _mm256_unpackhi_epi64(ab01, cd01);
    out[2] = _mm256_unpacklo_epi64(ab23, cd23);
    out[3] = _mm256_unpackhi_epi64(ab23, cd23);
}
static inline vf vf_low_f16(vi a) {
    const __m256i low = _mm256_and_si256(a, _mm256_set1_epi32(0xffff));
    return _mm256_cvtph_ps(_mm_packus_epi32(_mm256_castsi256_si128(low), _mm256_extracti128_si256(low, 1)));
}
static inline vf vf_high_f16(vi a) { return vf_low_f16(_mm256_srli_epi32(a, 16)); }

static inline vs vs_set1(int32_t x) { return _mm256_set1_epi32(x); }
static inline vf vf_of_vs(vs a) { return _mm256_cvtepi32_ps(a); }
static inline __m256i four_everywhere(const int8_t *x) {
    int32_t four;
    memcpy(&four, x, 4);
    return _mm256_set1_epi32(four);
}
#ifdef __AVXVNNI__
static inline vi vi_q8(vi a) { return _mm256_xor_si256(a, _mm256_set1_epi8(-128)); }
static inline vs vi_dot_u4(vs sum, vi w, const int8_t *x) { return _mm256_dpbusd_avx_epi32(sum, w, four_everywhere(x)); }
static inline vs vi_dot_q8(vs sum, vi w, const int8_t *x) { return vi_dot_u4(sum, w, x); }
#else
static inline vi vi_q8(vi a) { return a; }
static inline vs vi_dot_u4(vs sum, vi w, const int8_t *x) {     // 2 * 15 * 127 fits 16 bits
    const __m256i pairs = _mm256_maddubs_epi16(w, four_everywhere(x));
    return _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}
static inline vs vi_dot_q8(vs sum, vi w, const int8_t *x) {     // |w| * (x with w's sign): 2 * 128 * 127 fits too
    const __m256i pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(w), _mm256_sign_epi8(four_everywhere(x), w));
    return _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}
#endif
