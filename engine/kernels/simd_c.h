// Vectors in plain C11, for any processor: LANES numbers at a time, in loops a compiler can turn into what it has.
#include <math.h>

#include "blocks.h"

#define LANES 8
#define Q8_PLUS_128 0          // how vi_dot_q8 wants its weights: signed

typedef struct { float at[LANES]; } vf;                 // one float a lane
typedef struct { int8_t at[LANES][4]; } vi;             // four bytes a lane
typedef struct { int32_t at[LANES]; } vs;               // one sum a lane

#define EACH for (int i = 0; i < LANES; i++)

static inline vf vf_load(const float *p) { vf r; memcpy(r.at, p, sizeof r.at); return r; }
static inline void vf_store(float *p, vf a) { memcpy(p, a.at, sizeof a.at); }
static inline vf vf_set1(float x) { vf r; EACH r.at[i] = x; return r; }
static inline vf vf_add(vf a, vf b) { EACH a.at[i] += b.at[i]; return a; }
static inline vf vf_sub(vf a, vf b) { EACH a.at[i] -= b.at[i]; return a; }
static inline vf vf_mul(vf a, vf b) { EACH a.at[i] *= b.at[i]; return a; }
static inline vf vf_div(vf a, vf b) { EACH a.at[i] /= b.at[i]; return a; }
static inline vf vf_max(vf a, vf b) { EACH a.at[i] = a.at[i] > b.at[i] ? a.at[i] : b.at[i]; return a; }
static inline vf vf_min(vf a, vf b) { EACH a.at[i] = a.at[i] < b.at[i] ? a.at[i] : b.at[i]; return a; }
static inline vf vf_abs(vf a) { EACH a.at[i] = fabsf(a.at[i]); return a; }
static inline vf vf_fma(vf a, vf b, vf c) { EACH c.at[i] += a.at[i] * b.at[i]; return c; }
static inline vf vf_round(vf a) { EACH a.at[i] = (a.at[i] + 0x1.8p23f) - 0x1.8p23f; return a; }    // |a| < 2^22
static inline vf vf_scale2(vf a, vf n) {                // a * 2^n, n a whole number from -126 to 127
    EACH a.at[i] *= f32_of_bits((uint32_t)((int32_t)n.at[i] + 127) << 23);
    return a;
}
static inline float vf_hsum(vf a) { float s = 0; EACH s += a.at[i]; return s; }
static inline float vf_hmax(vf a) { float m = a.at[0]; EACH m = a.at[i] > m ? a.at[i] : m; return m; }
static inline vf vf_load_f16(const uint16_t *p) { vf r; EACH r.at[i] = f32_of_f16(p[i]); return r; }
static inline vf vf_load_bf16(const uint16_t *p) { vf r; EACH r.at[i] = f32_of_bf16(p[i]); return r; }
static inline vf vf_load_i8(const int8_t *p) { vf r; EACH r.at[i] = p[i]; return r; }
static inline void vf_store_i8(int8_t *p, vf a) {       // rounded; a from -127 to 127, or no number
    a = vf_round(vf_max(vf_min(a, vf_set1(127)), vf_set1(-127)));   // a comparison is false where a is no number
    EACH p[i] = (int8_t)a.at[i];
}

static inline vi vi_load(const void *p) { vi r; memcpy(r.at, p, sizeof r.at); return r; }
static inline void vi_store(void *p, vi a) { memcpy(p, a.at, sizeof a.at); }
static inline vi vi_low_nibbles(vi a) { EACH for (int j = 0; j < 4; j++) a.at[i][j] &= 15; return a; }
static inline vi vi_high_nibbles(vi a) {
    EACH for (int j = 0; j < 4; j++) a.at[i][j] = (int8_t)((uint8_t)a.at[i][j] >> 4);
    return a;
}
static inline vi vi_q8(vi a) { return a; }

// The four bytes at p of each of LANES rows.
static inline vi vi_rows4(const uint8_t *p, size_t stride) {
    vi r;
    EACH memcpy(r.at[i], p + (size_t)i * stride, 4);
    return r;
}
// The sixteen bytes at p of each of LANES rows: four vectors of four bytes a row.
static inline void vi_rows16(const uint8_t *p, size_t stride, vi out[4]) {
    for (int k = 0; k < 4; k++) out[k] = vi_rows4(p + 4 * k, stride);
}
static inline uint16_t half_of(const int8_t *bytes) { uint16_t half; memcpy(&half, bytes, 2); return half; }
static inline vf vf_low_f16(vi a) { vf r; EACH r.at[i] = f32_of_f16(half_of(a.at[i])); return r; }
static inline vf vf_high_f16(vi a) { vf r; EACH r.at[i] = f32_of_f16(half_of(a.at[i] + 2)); return r; }

static inline vs vs_set1(int32_t x) { vs r; EACH r.at[i] = x; return r; }
static inline vf vf_of_vs(vs a) { vf r; EACH r.at[i] = (float)a.at[i]; return r; }
// Add to each lane the product of its four weights with the four activations at x.
static inline vs vi_dot_u4(vs sum, vi w, const int8_t *x) {
    EACH sum.at[i] += w.at[i][0] * x[0] + w.at[i][1] * x[1] + w.at[i][2] * x[2] + w.at[i][3] * x[3];
    return sum;
}
static inline vs vi_dot_q8(vs sum, vi w, const int8_t *x) { return vi_dot_u4(sum, w, x); }
