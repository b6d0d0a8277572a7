// The parts of the C interpreter (interpret.c): each is the twin of a Python file, which is its specification.
//   words.c      engine/text.py       a sentence's words
//   spell.c      engine/tokenizer.py  a word's tokens
//   cursor.c     engine/grammar.py    what may be written next
// None of them allocates; what they need they are given.
#ifndef INGLE_INTERPRET_H
#define INGLE_INTERPRET_H

#include "ingle.h"
#include "pack.h"

enum {
    MAX_WORDS = 120,           // of a sentence, as in engine/interpreter.py
    MAX_WRITTEN = 160,
    MAX_INTENTS = 8,           // of a parse, as in engine/grammar.py
    MAX_SPAN_WORDS = 24,
    MAX_DIGITS = 5,
    MAX_VALUES = MAX_WRITTEN / 2,
    MAX_FOLDED = 1024,         // bytes of one word, folded; what is beyond is left out
};

// ---- words.c ----

typedef struct { uint32_t code; uint16_t at; uint8_t kind; } character;

// The UTF-8 character at `text`; U+FFFD where there is none. Returns its bytes, at least 1.
size_t ingle_character(const char *text, size_t n, uint32_t *code);
// One entry for each character and one for the end. Returns how many characters.
size_t ingle_characters(const pack *p, const char *text, size_t n, character *out);
// The next word at or after character *next: characters *start up to the one at *next afterwards. False: there is none.
bool ingle_next_word(const character *c, size_t n, size_t *next, size_t *start);
// A word as the model reads it. Returns its bytes; *n_characters is how many characters they are, *solid whether they
// are more than punctuation.
size_t ingle_fold(const pack *p, const character *c, size_t n, char *out, size_t *n_characters, bool *solid);

// ---- spell.c ----

typedef struct { uint16_t start, end; int32_t joined; } symbol;     // a piece in the making; what it and the next would be

// Tokens of one word (no spaces in it), at most `room`. symbols: [n + 1]. Returns how many there are, also beyond `room`.
size_t ingle_spell(const pack *p, char *word, size_t n, symbol *symbols, int32_t *tokens, size_t room);
enum { SPELL_MARGIN = 3 };     // bytes that must be free in front of `word`, for the mark of a word's beginning

// ---- cursor.c ----

typedef struct {
    uint16_t word_of[INGLE_MAX_SENTENCE];   // a token's word
    int32_t tokens[INGLE_MAX_SENTENCE];
    bool solid[MAX_WORDS];
    size_t n_tokens, n_words;
} sentence;

enum { NO_VALUE, SPAN_VALUE, DIGITS_VALUE, CHOICE_VALUE };
typedef struct {
    uint8_t kind;
    uint16_t first, last;                   // words of a span
    char digits[MAX_DIGITS + 3];            // "-2.5"
    int32_t choice, direction;              // tokens; direction is -1 but for a step, whose `kind` may be NO_VALUE
} value;

typedef struct { uint16_t intent, slot; value value; } slot_value;  // intent: its place in the parse; slot: in the pack

typedef struct {
    const pack *pack;
    const sentence *sentence;
    size_t max_tokens, n_tokens;
    bool done;
    uint16_t intents[MAX_INTENTS];          // places in the pack
    size_t n_intents, n_values;
    slot_value values[MAX_VALUES];
    int slot;                               // place of the last slot among the intent's, -1: none yet
    bool expects_value, bare_step;
    int32_t direction;
    bool reads_span, reads_digits;
    struct { uint16_t first, at; } places[INGLE_MAX_SENTENCE];
    size_t n_places;
    struct { bool alive; int32_t taken[MAX_PREFIX + 1]; size_t n_taken; char body[MAX_DIGITS + 2]; size_t n_body; } digits;
    uint32_t *allowed;                      // [n_vocab / 32 + 1]: a bit for each token that may come next
} cursor;

void ingle_cursor_start(cursor *c, const pack *p, const sentence *s, size_t max_tokens, uint32_t *allowed);
// The tokens that may come next, ascending. Returns how many; none when done.
size_t ingle_cursor_allowed(const cursor *c, int32_t *ids);
// Take one of them.
void ingle_cursor_advance(cursor *c, int32_t token);

#endif
