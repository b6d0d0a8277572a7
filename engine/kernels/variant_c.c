#define VARIANT c
#include "simd_c.h"
#include "kernels.h"
