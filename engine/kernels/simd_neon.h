// Vectors of 64-bit ARM, with or without the dot-product instructions. What each does is said in simd_c.h.
#include <arm_neon.h>

#include "blocks.h"

#define LANES 4
#define Q8_PLUS_128 0

typedef float32x4_t vf;
typedef int8x16_t vi;
typedef int32x4_t vs;

static inline vf vf_load(const float *p) { return vld1q_f32(p); }
static inline void vf_store(float *p, vf a) { vst1q_f32(p, a); }
static inline vf vf_set1(float x) { return vdupq_n_f32(x); }
static inline vf vf_add(vf a, vf b) { return vaddq_f32(a, b); }
static inline vf vf_sub(vf a, vf b) { return vsubq_f32(a, b); }
static inline vf vf_mul(vf a, vf b) { return vmulq_f32(a, b); }
static inline vf vf_div(vf a, vf b) { return vdivq_f32(a, b); }
static inline vf vf_max(vf a, vf b) { return vmaxq_f32(a, b); }
static inline vf vf_min(vf a, vf b) { return vminq_f32(a, b); }
static inline vf vf_abs(vf a) { return vabsq_f32(a); }
static inline vf vf_fma(vf a, vf b, vf c) { return vfmaq_f32(c, a, b); }
static inline vf vf_round(vf a) { return vrndnq_f32(a); }
static inline vf vf_scale2(vf a, vf n) {
    const int32x4_t exponent = vaddq_s32(vcvtq_s32_f32(n), vdupq_n_s32(127));
    return vmulq_f32(a, vreinterpretq_f32_s32(vshlq_n_s32(exponent, 23)));
}
static inline float vf_hsum(vf a) { return vaddvq_f32(a); }
static inline float vf_hmax(vf a) { return vmaxvq_f32(a); }
static inline vf vf_load_f16(const uint16_t *p) { return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p))); }
static inline vf vf_load_bf16(const uint16_t *p) { return vreinterpretq_f32_u32(vshll_n_u16(vld1_u16(p), 16)); }
static inline vf vf_load_i8(const int8_t *p) {
    int32_t four;
    memcpy(&four, p, 4);
    const int16x8_t wide = vmovl_s8(vreinterpret_s8_s32(vdup_n_s32(four)));
    return vcvtq_f32_s32(vmovl_s16(vget_low_s16(wide)));
}
static inline void vf_store_i8(int8_t *p, vf a) {
    const int16x4_t half = vqmovn_s32(vcvtnq_s32_f32(a));
    const int8x8_t bytes = vqmovn_s16(vcombine_s16(half, half));
    memcpy(p, &bytes, 4);
}

static inline vi vi_load(const void *p) { return vld1q_s8((const int8_t *)p); }
static inline void vi_store(void *p, vi a) { vst1q_s8((int8_t *)p, a); }
static inline vi vi_low_nibbles(vi a) { return vandq_s8(a, vdupq_n_s8(15)); }
static inline vi vi_high_nibbles(vi a) { return vreinterpretq_s8_u8(vshrq_n_u8(vreinterpretq_u8_s8(a), 4)); }
static inline vi vi_q8(vi a) { return a; }

static inline vi vi_rows4(const uint8_t *p, size_t stride) {
    int32_t rows[4];
    for (size_t i = 0; i < 4; i++) memcpy(&rows[i], p + i * stride, 4);
    return vreinterpretq_s8_s32(vld1q_s32(rows));
}
static inline void vi_rows16(const uint8_t *p, size_t stride, vi out[4]) {
    const int32x4_t a = vreinterpretq_s32_u8(vld1q_u8(p)), b = vreinterpretq_s32_u8(vld1q_u8(p + stride));
    const int32x4_t c = vreinterpretq_s32_u8(vld1q_u8(p + 2 * stride));
    const int32x4_t d = vreinterpretq_s32_u8(vld1q_u8(p + 3 * stride));
    const int64x2_t ab01 = vreinterpretq_s64_s32(vzip1q_s32(a, b)), ab23 = vreinterpretq_s64_s32(vzip2q_s32(a, b));
    const int64x2_t cd01 = vreinterpretq_s64_s32(vzip1q_s32(c, d)), cd23 = vreinterpretq_s64_s32(vzip2q_s32(c, d));
    out[0] = vreinterpretq_s8_s64(vzip1q_s64(ab01, cd01));
    out[1] = vreinterpretq_s8_s64(vzip2q_s64(ab01, cd01));
    out[2] = vreinterpretq_s8_s64(vzip1q_s64(ab23, cd23));
    out[3] = vreinterpretq_s8_s64(vzip2q_s64(ab23, cd23));
}
static inline vf vf_low_f16(vi a) {
    return vcvt_f32_f16(vreinterpret_f16_u16(vmovn_u32(vreinterpretq_u32_s8(a))));
}
static inline vf vf_high_f16(vi a) {
    return vcvt_f32_f16(vreinterpret_f16_u16(vshrn_n_u32(vreinterpretq_u32_s8(a), 16)));
}

static inline vs vs_set1(int32_t x) { return vdupq_n_s32(x); }
static inline vf vf_of_vs(vs a) { return vcvtq_f32_s32(a); }
static inline vs vi_dot_u4(vs sum, vi w, const int8_t *x) {
    int32_t four;
    memcpy(&four, x, 4);
    const int8x16_t x4 = vreinterpretq_s8_s32(vdupq_n_s32(four));
#ifdef __ARM_FEATURE_DOTPROD
    return vdotq_s32(sum, w, x4);
#else
    const int32x4_t rows01 = vpaddlq_s16(vmull_s8(vget_low_s8(w), vget_low_s8(x4)));
    const int32x4_t rows23 = vpaddlq_s16(vmull_high_s8(w, x4));
    return vaddq_s32(sum, vpaddq_s32(rows01, rows23));
#endif
}
static inline vs vi_dot_q8(vs sum, vi w, const int8_t *x) { return vi_dot_u4(sum, w, x); }
