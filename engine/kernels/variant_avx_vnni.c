#define VARIANT avx_vnni
#include "simd_avx2.h"
#include "kernels.h"
