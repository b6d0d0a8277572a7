#define VARIANT dsp
#include "simd_dsp.h"
#include "kernels.h"
