// y[t][row] = W[row] . x[t] for every type of weights a GGUF file holds; engine/opencl.py builds it once for each, with
// DTYPE set. A work-item takes one row and up to TOKENS tokens, so that a row is decoded once for all of them. Types with
// blocks have 32 columns a step, the others 16 and a rest.
//   w  [n_rows] rows of row_bytes as they lie in the file    x  [n_tokens][n_cols]    y  [n_tokens][n_rows]
enum { F32 = 0, F16 = 1, Q4_0 = 2, Q4_1 = 3, Q8_0 = 8, BF16 = 30 };

#define TOKENS 4
#define STEP (DTYPE == Q4_0 || DTYPE == Q4_1 || DTYPE == Q8_0 ? 32 : 16)

float sum16(float16 v) {
    const float8 a = v.lo + v.hi;
    const float4 b = a.lo + a.hi;
    return b.x + b.y + b.z + b.w;
}

// Sixteen weights of a row: the first (part 0) or second (part 1) half of a block, or sixteen from column `at`.
float16 weights(__global const uchar *row, int at, int part) {
#if DTYPE == 2 || DTYPE == 3 || DTYPE == 8
    __global const uchar *b = row + at / 32 * (DTYPE == Q4_0 ? 18 : DTYPE == Q4_1 ? 20 : 34);
    const float scale = vload_half(0, (__global const half *)b);
#if DTYPE == 8
    return convert_float16(vload16(part, (__global const char *)(b + 2))) * scale;
#elif DTYPE == 2
    const uchar16 both = vload16(0, b + 2);
    return (convert_float16(part ? both >> (uchar16)4 : both & (uchar16)15) - 8.0f) * scale;
#else
    const uchar16 both = vload16(0, b + 4);
    return convert_float16(part ? both >> (uchar16)4 : both & (uchar16)15) * scale + vload_half(1, (__global const half *)b);
#endif
#elif DTYPE == 1
    return vload_half16(0, (__global const half *)row + at);
#elif DTYPE == 30
    return as_float16(convert_uint16(vload16(0, (__global const ushort *)row + at)) << (uint16)16);
#else
    return vload16(0, (__global const float *)row + at);
#endif
}

float weight(__global const uchar *row, int at) {           // of a type without blocks
#if DTYPE == 1
    return vload_half(at, (__global const half *)row);
#elif DTYPE == 30
    return as_float((uint)((__global const ushort *)row)[at] << 16);
#else
    return ((__global const float *)row)[at];
#endif
}

// n tokens, a constant, times a row: their sums stay in registers.
inline __attribute__((always_inline)) void multiply(__global const uchar *row, int n_cols, __global const float *x, int n,
                                                    __global float *y, int n_rows) {
    const int whole = n_cols / STEP * STEP;
    float16 sums[TOKENS];
    for (int t = 0; t < n; t++) sums[t] = 0;
    for (int at = 0; at < whole; at += STEP)
        for (int part = 0; part < STEP / 16; part++) {
            const float16 these = weights(row, at, part);
            for (int t = 0; t < n; t++) sums[t] = fma(these, vload16(0, x + (size_t)t * n_cols + at + 16 * part), sums[t]);
        }
    for (int t = 0; t < n; t++) {
        float sum = sum16(sums[t]);
        for (int at = whole; at < n_cols && STEP == 16; at++) sum += weight(row, at) * x[(size_t)t * n_cols + at];
        y[(size_t)t * n_rows] = sum;
    }
}

__kernel void matmul(__global const uchar *w, ulong row_bytes, int n_rows, int n_cols, __global const float *x, int n_tokens,
                     __global float *y) {
    const int row = get_global_id(0), first = get_global_id(1) * TOKENS, n = min(TOKENS, n_tokens - first);
    w += row * row_bytes;
    x += (size_t)first * n_cols;
    y += (size_t)first * n_rows + row;
    if (n == TOKENS) multiply(w, n_cols, x, TOKENS, y, n_rows);
    else for (int t = 0; t < n; t++) multiply(w, n_cols, x + (size_t)t * n_cols, 1, y + (size_t)t * n_rows, n_rows);
}
