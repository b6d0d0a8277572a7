// Which variants were built, and which of them this processor and its system can run.
#include <stdbool.h>
#include <string.h>

#include "blocks.h"
#include "kernels_table.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <stdatomic.h>

typedef struct {
    bool avx2, avx_vnni, avx512_vnni;
} features;

static bool all(unsigned bits, unsigned wanted) { return (bits & wanted) == wanted; }

// Which registers the system saves for us: bit 1 SSE, 2 AVX, 5..7 AVX-512.
static unsigned saved_registers(void) {
    unsigned low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low;
}

static features look(void) {
    features found = {false, false, false};
    unsigned a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d)) return found;
    const unsigned fma = 1u << 12, osxsave = 1u << 27, avx = 1u << 28, f16c = 1u << 29;
    if (!all(c, fma | osxsave | avx | f16c)) return found;
    const unsigned saved = saved_registers();
    if (!all(saved, 0x6) || !__get_cpuid_count(7, 0, &a, &b, &c, &d)) return found;
    found.avx2 = all(b, 1u << 5);
    const unsigned f = 1u << 16, dq = 1u << 17, bw = 1u << 30, vl = 1u << 31, vnni = 1u << 11;
    found.avx512_vnni = found.avx2 && all(saved, 0xe6) && all(b, f | dq | bw | vl) && all(c, vnni);
    if (a >= 1 && __get_cpuid_count(7, 1, &a, &b, &c, &d)) found.avx_vnni = found.avx2 && all(a, 1u << 4);
    return found;
}

// What `look` found, looked up once: a virtual machine takes some 20 microseconds to answer.
static features known(void) {
    static atomic_int found;                // 0: not looked yet; threads that look at once find the same
    int bits = atomic_load(&found);
    if (bits == 0) {
        const features has = look();
        bits = 1 | has.avx2 << 1 | has.avx_vnni << 2 | has.avx512_vnni << 3;
        atomic_store(&found, bits);
    }
    return (features){bits >> 1 & 1, bits >> 2 & 1, bits >> 3 & 1};
}

extern const kernels ingle_kernels_avx512_vnni, ingle_kernels_avx_vnni, ingle_kernels_avx2;

#elif defined(__aarch64__)
#if defined(__linux__)
#include <sys/auxv.h>
static bool has_dotprod(void) { return (getauxval(AT_HWCAP) & 1ul << 20) != 0; }
#else
static bool has_dotprod(void) { return true; }   // every Apple processor of 64 bits that is still supported
#endif
extern const kernels ingle_kernels_neon_dotprod, ingle_kernels_neon;
#endif

#ifdef HAVE_DSP
extern const kernels ingle_kernels_dsp;
#endif
extern const kernels ingle_kernels_c;

// The variants that run here, best first. Returns how many.
static int runnable(const kernels *found[4]) {
    int n = 0;
#if defined(__x86_64__)
    const features has = known();
    (void)has;
#endif
    // HAVE_...: CMakeLists.txt found that the compiler knows the instruction set.
#ifdef HAVE_AVX512_VNNI
    if (has.avx512_vnni) found[n++] = &ingle_kernels_avx512_vnni;
#endif
#ifdef HAVE_AVX_VNNI
    if (has.avx_vnni) found[n++] = &ingle_kernels_avx_vnni;
#endif
#ifdef HAVE_AVX2
    if (has.avx2) found[n++] = &ingle_kernels_avx2;
#endif
#ifdef HAVE_NEON_DOTPROD
    if (has_dotprod()) found[n++] = &ingle_kernels_neon_dotprod;
#endif
#ifdef HAVE_NEON
    found[n++] = &ingle_kernels_neon;
#endif
#ifdef HAVE_DSP
    found[n++] = &ingle_kernels_dsp;
#endif
    found[n++] = &ingle_kernels_c;
    return n;
}

const kernels *ingle_kernels(const char *variant) {
    const kernels *found[4];
    const int n = runnable(found);
    if (variant == NULL) return found[0];
    for (int i = 0; i < n; i++)
        if (strcmp(found[i]->name, variant) == 0) return found[i];
    return NULL;
}

const char *ingle_variant(int index) {
    const kernels *found[4];
    const int n = runnable(found);
    return index >= 0 && index < n ? found[index]->name : NULL;
}

size_t ingle_row_bytes(int dtype, int64_t n_cols) {
    if (n_cols < 1 || n_cols > 1 << 24) return 0;
    const size_t n = (size_t)n_cols, n_blocks = n % BLOCK == 0 ? n / BLOCK : 0;
    switch (dtype) {
    case INGLE_F32: return n * sizeof(float);
    case INGLE_F16:
    case INGLE_BF16: return n * sizeof(uint16_t);
    case INGLE_Q4_0: return n_blocks * sizeof(q4_0_block);
    case INGLE_Q4_1: return n_blocks * sizeof(q4_1_block);
    case INGLE_Q8_0: return n_blocks * sizeof(q8_0_block);
    default: return 0;
    }
}
