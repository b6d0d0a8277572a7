#define VARIANT avx512_vnni
#include "simd_avx512.h"
#include "kernels.h"
