// The engine's C core: a Llama-architecture model run in place on its GGUF file's bytes, and, for boards without Python,
// the whole way from a sentence to intents. engine/firmware/example.c shows it at work.
//
//   ingle.h        this: all there is to call
//   blocks.h       the blocks of quantized weights, as GGUF lays them out
//   simd_*.h       a vector of floats and a vector of bytes for each instruction set: the only code that differs
//   kernels.h      every kernel, written once over those vectors; variant_*.c compiles it once for each of them
//   forward.c      the forward pass, in the order of engine/reference.py; its threads share out each step's rows
//   pool.c         the threads, which sleep when there is nothing to do; pool_bare.c where there are none
//   dispatch.c     which variants this processor runs
//   interpret.c    from a sentence to intents, over words.c, spell.c and cursor.c (interpret.h), on a pack (pack.h)
//
// Memory: nothing here allocates, and no weight is ever copied. Whoever calls hands in one arena, aligned to 64 bytes and
// as large as the ..._bytes function says for the same arguments; it belongs to the engine or interpreter until the
// ..._close, after which it may be used for anything. Model, weights, pack and arena must stay where they are until then.
// What is passed to any other call (tokens, text, cache, results) is used during the call only.
//
// Threads: calls on one engine or interpreter must not overlap; different ones are independent of each other and may share
// a model or a pack. Calls may come from any thread, never from an interrupt. After a fork the child opens its own.
//
// Versions: semantic (https://semver.org). A program built against MAJOR.MINOR runs with every library of the same MAJOR
// and the same or a larger MINOR.
#ifndef INGLE_H
#define INGLE_H

#include <stddef.h>
#include <stdint.h>

#define INGLE_VERSION_MAJOR 3
#define INGLE_VERSION_MINOR 0
#define INGLE_VERSION_PATCH 0
#define INGLE_VERSION (INGLE_VERSION_MAJOR << 16 | INGLE_VERSION_MINOR << 8 | INGLE_VERSION_PATCH)

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define INGLE_API __attribute__((visibility("default")))
#else
#define INGLE_API
#endif

enum { INGLE_MAX_HEAD_DIM = 256, INGLE_MAX_THREADS = 64, INGLE_MAX_BATCH = 512 };

// What a call returns. Each is refused before anything is touched.
enum {
    INGLE_OK = 0,
    INGLE_BAD_MODEL = 1,       // a size or a type that the kernels do not take
    INGLE_BAD_VARIANT = 2,     // not built, or not runnable on this processor
    INGLE_BAD_ARENA = 3,       // too small
    INGLE_NO_THREADS = 4,      // the system gave none
    INGLE_BAD_TOKENS = 5,      // none, outside of the vocabulary, or more than the cache has room for
    INGLE_BAD_PACK = 6,        // damaged, or not of this version
    INGLE_NO_ROOM = 7,         // the answer is longer than the room for it
};

// ggml's numbers of the data types, as in engine/quant.py.
enum { INGLE_F32 = 0, INGLE_F16 = 1, INGLE_Q4_0 = 2, INGLE_Q4_1 = 3, INGLE_Q8_0 = 8, INGLE_BF16 = 30 };

// One matrix in the file's mapping: y = W x, rows one after the other.
typedef struct {
    const void *data;
    int64_t n_rows, n_cols;    // n_cols % 32 == 0 where the type has blocks
    int32_t dtype;
} ingle_matrix;

typedef struct {
    const float *attn_norm;    // [n_embd]
    const float *ffn_norm;     // [n_embd]
    ingle_matrix attn_q, attn_k, attn_v, attn_output, ffn_gate, ffn_up, ffn_down;
} ingle_layer;

// Everything pointed to outlives the engine.
typedef struct {
    int64_t n_embd, n_layer, n_ff, n_head, n_head_kv, head_dim, n_rot, n_vocab;
    double rms_eps;
    const double *rope_freqs;  // [n_rot / 2], radians a position
    const float *output_norm;  // [n_embd]
    const ingle_layer *layers; // [n_layer]
    ingle_matrix token_embd, output;
} ingle_model;

// Keys and values of one running text, zeroed by the caller, `ingle_cache_elements` each: float16, or int8 with a scale
// for each head and position, which makes the room half as large.
//   k  [n_layer][n_head_kv][n_ctx / 16][head_dim][16]     sixteen positions side by side: scores need no sum across lanes
//   v  [n_layer][n_head_kv][n_ctx][head_dim up to a multiple of 16]
//   k_scale, v_scale  [n_layer][n_head_kv][n_ctx]         largest / 127 of a position; NULL: k and v are float16
// n_ctx here is rounded up to a multiple of 16.
typedef struct {
    void *k, *v;
    float *k_scale, *v_scale;
    int64_t n_ctx;             // tokens there is room for
} ingle_cache;

typedef struct ingle_engine ingle_engine;

// The library's INGLE_VERSION, which may be another than the header's.
INGLE_API int ingle_version(void);

// Variants that were built and that this processor runs, best first; NULL past the last.
INGLE_API const char *ingle_variant(int index);

// Bytes of arena that `ingle_open` needs with the same arguments; 0 where the model or the variant is refused.
INGLE_API size_t ingle_arena_bytes(const ingle_model *model, const char *variant, int n_threads, int max_batch);

// Start an engine in `arena` (64-byte aligned), which it uses until `ingle_close`.
//   variant    a name from `ingle_variant`, NULL for the best        n_threads  1..64, the caller's own among them
//   max_batch  tokens computed side by side in a prefill, 1..512
INGLE_API int ingle_open(const ingle_model *model, const char *variant, int n_threads, int max_batch, void *arena,
                         size_t n_bytes, ingle_engine **engine);
INGLE_API void ingle_close(ingle_engine *engine);

// Elements that k and v have for `n_ctx` tokens each, and those that their scales have.
INGLE_API size_t ingle_cache_elements(const ingle_model *model, int64_t n_ctx);
INGLE_API size_t ingle_cache_scales(const ingle_model *model, int64_t n_ctx);

// Feed `n_tokens` after the `n_past` that the cache holds. output: [n_embd], the last token's normed output.
INGLE_API int ingle_prefill(ingle_engine *engine, const int32_t *tokens, int64_t n_tokens, const ingle_cache *cache,
                            int64_t n_past, float *output);

// Scores of the tokens `ids` [n] (of the first n of the vocabulary where ids is NULL) for an output of `ingle_prefill`.
INGLE_API int ingle_logits(ingle_engine *engine, const float *output, const int32_t *ids, int64_t n, float *scores);

// Forget the positions [first, first + n_dropped): what comes after moves down, its keys turned back by n_dropped
// positions, so that a text of any length goes on in the same room.
INGLE_API int ingle_slide(ingle_engine *engine, const ingle_cache *cache, int64_t n_past, int64_t first,
                          int64_t n_dropped);

// ---- from a sentence to intents ----

enum { INGLE_MIN_CONTEXT = 64, INGLE_MAX_CONTEXT = 1024, INGLE_MAX_SENTENCE = INGLE_MAX_CONTEXT / 2 };
enum { INGLE_MAX_TEXT = 1024 };            // bytes of an utterance; what is beyond is not looked at

// A pack holds model, vocabulary and grammar (engine/firmware/pack.py writes it).
typedef struct {
    const void *pack;          // 64-byte aligned
    size_t n_bytes;
    const char *variant;       // as of `ingle_open`
    int n_ctx;                 // tokens for sentence and parse, 64..1024 and never more than the model's
    int max_batch;             // as of `ingle_open`; a multiple of 4 gives the same numbers as any other multiple of 4
    int int8_cache;            // 1: keys and values in half the room, a little less exact
} ingle_settings;

typedef struct ingle_interpreter ingle_interpreter;

// Bytes of arena for the same settings; 0 where pack or settings are refused.
INGLE_API size_t ingle_interpreter_bytes(const ingle_settings *settings);
INGLE_API int ingle_interpreter_open(const ingle_settings *settings, void *arena, size_t n_bytes,
                                     ingle_interpreter **interpreter);
INGLE_API void ingle_interpreter_close(ingle_interpreter *interpreter);

// Understand one utterance: UTF-8, `n_bytes` of it, in which anything may stand. asked: 1 where a question was put that
// this may answer. json: one line, ended by a NUL and no newline:
//   {"text": "Kitchen off", "intents": [{"intent": "HassTurnOff", "slots": {"area": "Kitchen"}, "confidence": 0.970000}],
//    "confidence": 0.970000}
// with "notes" where the sentence was cut. Slots are as said; one that may be repeated is a list. No intents where nothing
// was said. Returns INGLE_OK, INGLE_NO_ROOM, or INGLE_BAD_MODEL where the weights give no numbers.
INGLE_API int ingle_interpret(ingle_interpreter *interpreter, const char *text, size_t n_bytes, int asked, char *json,
                              size_t n_room);

// ---- single kernels ----

// Single kernels, for tests and measurements; engine/reference.py and engine/quant.py are their specification. Return
// INGLE_BAD_VARIANT for a variant this processor does not run.

// y[t] = W x[t].   x  [n_tokens][n_cols]   y  [n_tokens][n_rows]   scratch  ingle_matmul_scratch(w, n_tokens) bytes
INGLE_API int ingle_matmul(const char *variant, const ingle_matrix *w, const float *x, int64_t n_tokens, float *y,
                           void *scratch);
INGLE_API size_t ingle_matmul_scratch(const ingle_matrix *w, int64_t n_tokens);
// y = x / sqrt(mean(x²) + eps) * weight, all [n]
INGLE_API int ingle_rms_norm(const char *variant, const float *x, const float *weight, double eps, float *y, int64_t n);
// gate = silu(gate) * up, both [n]
INGLE_API int ingle_swiglu(const char *variant, float *gate, const float *up, int64_t n);
// One head: n_new queries [n_new][head_dim], turned, at the positions first.. of a one-layer, one-head cache.
INGLE_API int ingle_attend(const char *variant, const float *q, const ingle_cache *cache, int64_t head_dim,
                           int64_t first, int64_t n_new, float *out);
// Write keys and values of `n` positions, [n][head_dim], to a one-layer, one-head cache.
INGLE_API int ingle_remember(const ingle_cache *cache, int64_t head_dim, int64_t first, int64_t n, const float *k,
                             const float *v);
// What a variant's dot products reach without any memory: n rounds of eight. Returns its multiplications and additions.
INGLE_API int64_t ingle_integer_peak(const char *variant, int64_t n);

#ifdef __cplusplus
}
#endif

#endif
