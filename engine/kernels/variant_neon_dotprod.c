#define VARIANT neon_dotprod
#include "simd_neon.h"
#include "kernels.h"
