// A packed model: what a board without a file system keeps in flash, and reads where it lies. Written by
// engine/firmware/pack.py from a GGUF file and the catalogue of intents; all numbers little-endian, every reference an
// offset in bytes from the pack's beginning, every table aligned for its type, matrices as GGUF lays them out.
//
// A pack is part of the program, like its code: `ingle_pack_sound` finds a damaged one (CRC-32), but a forged one is not
// looked through.
#ifndef INGLE_PACK_H
#define INGLE_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PACK_MAGIC 0x31504749u // "IGP1"

typedef struct { uint32_t at, n; } pack_table;          // where it lies, how many entries it has

typedef struct { uint32_t data, n_rows, n_cols, dtype; } pack_matrix;

typedef struct {
    uint32_t attn_norm, ffn_norm;
    pack_matrix attn_q, attn_k, attn_v, attn_output, ffn_gate, ffn_up, ffn_down;
} pack_layer;

// What a character is to engine/text.py.
enum { LETTER = 1, DIGIT = 2, SPACE = 4, PUNCTUATION = 8 };

typedef struct { uint32_t code, text, n_bytes; } pack_fold;     // a character that is written otherwise when folded

enum { SPAN, NUMBER, STEP, ENUM };                              // kinds of slots

typedef struct { int32_t token; uint32_t kind, many; pack_table choices; } pack_slot;
typedef struct { int32_t token; uint32_t act; pack_table slots; } pack_intent;

enum { MAX_PREFIX = 4 };
typedef struct { int32_t tokens[MAX_PREFIX]; uint32_t n; } pack_prefix;

typedef struct {
    uint32_t magic, n_bytes, crc32;     // the CRC is of everything behind it
    // the network (engine/model.py)
    uint32_t n_ctx, n_embd, n_layer, n_ff, n_head, n_head_kv, head_dim, n_rot, n_vocab;
    double rms_eps;
    uint32_t rope_freqs, output_norm, layers;           // double [n_rot / 2], float [n_embd], pack_layer [n_layer]
    pack_matrix token_embd, output;
    // the vocabulary (engine/tokenizer.py)
    pack_table pieces;                  // uint32_t [n_vocab + 1]: where each piece's bytes begin
    uint32_t scores;                    // float [n_vocab]
    pack_table spelled;                 // int32_t: the pieces that text is made of, in the order of their bytes
    int32_t bytes[256];                 // the piece of each byte, -1 for none
    int32_t unknown, bos;               // bos is -1 where there is none
    // characters (engine/text.py)
    pack_table kinds;                   // uint32_t code << 8 | kind: of this character and those up to the next entry
    pack_table folds;                   // pack_fold, in the order of their codes
    // the grammar (engine/grammar.py); -1 for a piece that the vocabulary lacks
    int32_t parse, end, asked, up, down, point, digits[10];
    uint32_t has_digits;
    pack_prefix plain, minus;
    pack_table intents, slots;          // pack_intent, pack_slot; an intent's slots are uint32_t places in `slots`
} pack;

// Whether this is a whole pack of this version.
bool ingle_pack_sound(const void *bytes, size_t n_bytes);

#define PACKED(type, pack, at) ((const type *)(const void *)((const uint8_t *)(pack) + (at)))

#endif
