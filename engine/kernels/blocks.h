// Blocks of quantized weights as they lie in a GGUF file, and half-precision numbers.
#ifndef INGLE_BLOCKS_H
#define INGLE_BLOCKS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { BLOCK = 32 };           // weights in a block

// 4.5 bits per weight; weight j = (nibble j - 8) * scale. Low halves of the bytes are weights 0..15, high 16..31.
typedef struct { uint16_t scale_f16; uint8_t nibbles[16]; } q4_0_block;
_Static_assert(sizeof(q4_0_block) == 18, "Q4_0 is read in place from the file");

// 5 bits per weight; weight j = nibble j * scale + min.
typedef struct { uint16_t scale_f16, min_f16; uint8_t nibbles[16]; } q4_1_block;
_Static_assert(sizeof(q4_1_block) == 20, "Q4_1 is read in place from the file");

// 8.5 bits per weight; weight j = weights[j] * scale.
typedef struct { uint16_t scale_f16; int8_t weights[32]; } q8_0_block;
_Static_assert(sizeof(q8_0_block) == 34, "Q8_0 is read in place from the file");

static inline float f32_of_bits(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline uint32_t bits_of_f32(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static inline float f32_of_bf16(uint16_t half) { return f32_of_bits((uint32_t)half << 16); }

// Exact. A float16 moved to a float32's place is too small by 2^112; a multiplication mends normal and subnormal alike.
static inline float f32_of_f16(uint16_t half) {
#if defined(__arm__) && defined(__ARM_FP16_FORMAT_IEEE)
    __fp16 same;                            // one instruction
    memcpy(&same, &half, sizeof same);
    return same;
#else
    const uint32_t sign = (uint32_t)(half & 0x8000) << 16;
    const uint32_t rest = (uint32_t)(half & 0x7fff) << 13;
    if (rest >= 0x7c00u << 13) return f32_of_bits(sign | rest | 0x7f800000u);  // infinite, or no number
    return f32_of_bits(sign | bits_of_f32(f32_of_bits(rest) * 0x1p112f));
#endif
}

// To the nearest, ties to even; infinite beyond 65504.
static inline uint16_t f16_of_f32(float value) {
    const uint32_t bits = bits_of_f32(value);
    const uint16_t sign = (uint16_t)(bits >> 16 & 0x8000);
    const uint32_t size = bits & 0x7fffffffu;
    if (size > 0x7f800000u) return (uint16_t)(sign | 0x7e00);
    if (size >= 0x477ff000u) return (uint16_t)(sign | 0x7c00);                  // 65520 and above
    if (size < 0x38800000u) {                                                   // subnormal: let the adder round
        const float shifted = f32_of_bits(size) + 0.5f;                         // 0.5's last bit is worth 2^-24
        return (uint16_t)(sign | (bits_of_f32(shifted) - bits_of_f32(0.5f)));
    }
    return (uint16_t)(sign | ((size + 0xfffu + (size >> 13 & 1) - 0x38000000u) >> 13));
}

#endif
