// engine/interpreter.py in C, without its prior: the model decoded greedily under the grammar.
#include "interpret.h"

#include <math.h>
#include <string.h>

#include "arena.h"

enum { MAX_LAYERS = 16 };

typedef struct { uint16_t start, end; } stretch;        // of the text, in bytes

struct ingle_interpreter {
    const pack *pack;
    ingle_model model;
    ingle_layer *layers;
    ingle_engine *engine;
    ingle_cache cache;
    size_t n_past, max_written, max_sentence;
    // the sentence
    character *characters;     // [INGLE_MAX_TEXT + 1]
    symbol *symbols;           // [MAX_FOLDED + SPELL_MARGIN]
    char *folded;              // [SPELL_MARGIN + MAX_FOLDED]
    sentence sentence;
    stretch words[MAX_WORDS];
    bool cut;                  // something was left out
    // the parse
    cursor cursor;
    int32_t *unread;           // [n_ctx]: the prompt; then what was written, but not yet fed to the model
    size_t n_unread;
    float *output;             // [n_embd]
    uint32_t *allowed;         // [n_vocab / 32 + 1]
    int32_t *ids;              // [most_allowed]
    float *scores;             // [most_allowed]
    double confidences[MAX_INTENTS];
};

// ---- opening ----

static uint32_t crc32(const uint8_t *bytes, size_t n) {
    uint32_t crc = 0xffffffffu;
    static const uint32_t table[16] = {         // of the polynomial 0xedb88320, four bits at a time
        0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
        0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c, 0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
    };
    for (size_t i = 0; i < n; i++) {
        crc = table[(crc ^ bytes[i]) & 15] ^ crc >> 4;
        crc = table[(crc ^ (uint32_t)(bytes[i] >> 4)) & 15] ^ crc >> 4;
    }
    return ~crc;
}

bool ingle_pack_sound(const void *bytes, size_t n_bytes) {
    const pack *p = bytes;
    const size_t head = offsetof(pack, crc32) + sizeof p->crc32;
    if (!bytes || (uintptr_t)bytes % CACHE_LINE || n_bytes < sizeof(pack)) return false;
    if (p->magic != PACK_MAGIC || p->n_bytes != n_bytes) return false;
    return crc32((const uint8_t *)bytes + head, n_bytes - head) == p->crc32;
}

static ingle_matrix matrix(const pack *p, pack_matrix m) {
    return (ingle_matrix){PACKED(uint8_t, p, m.data), m.n_rows, m.n_cols, (int32_t)m.dtype};
}

static ingle_layer layer(const pack *p, const pack_layer *l) {
    return (ingle_layer){
        .attn_norm = PACKED(float, p, l->attn_norm), .ffn_norm = PACKED(float, p, l->ffn_norm),
        .attn_q = matrix(p, l->attn_q), .attn_k = matrix(p, l->attn_k), .attn_v = matrix(p, l->attn_v),
        .attn_output = matrix(p, l->attn_output), .ffn_gate = matrix(p, l->ffn_gate), .ffn_up = matrix(p, l->ffn_up),
        .ffn_down = matrix(p, l->ffn_down),
    };
}

static ingle_model model_of(const pack *p, const ingle_layer *layers) {
    return (ingle_model){
        .n_embd = p->n_embd, .n_layer = p->n_layer, .n_ff = p->n_ff, .n_head = p->n_head, .n_head_kv = p->n_head_kv,
        .head_dim = p->head_dim, .n_rot = p->n_rot, .n_vocab = p->n_vocab, .rms_eps = p->rms_eps,
        .rope_freqs = PACKED(double, p, p->rope_freqs), .output_norm = PACKED(float, p, p->output_norm), .layers = layers,
        .token_embd = matrix(p, p->token_embd), .output = matrix(p, p->output),
    };
}

// More tokens than the grammar can ever allow at one point.
static size_t most_allowed(const pack *p, size_t max_sentence) {
    size_t choices = 0;
    for (size_t i = 0; i < p->slots.n; i++) {
        const size_t n = PACKED(pack_slot, p, p->slots.at)[i].choices.n;
        choices = n > choices ? n : choices;
    }
    return 1 + p->intents.n + p->slots.n + choices + max_sentence + 2 + 2 * 10 + 1;
}

// Lay out an interpreter, described in `here`; with no arena, only count. The engine's own arena follows behind it.
static size_t lay_out(const ingle_settings *s, uint8_t *base, size_t n_ctx, ingle_interpreter *here) {
    const pack *p = s->pack;
    arena a = {base, 0};
    const size_t max_written = n_ctx / 4 < MAX_WRITTEN ? n_ctx / 4 : MAX_WRITTEN, max_sentence = (n_ctx - max_written) / 2 - 4;
    const size_t most = most_allowed(p, max_sentence);
    part(&a, sizeof *here);
    memset(here, 0, sizeof *here);
    here->pack = p;
    here->max_written = max_written;
    here->max_sentence = max_sentence;
    here->layers = part(&a, p->n_layer * sizeof(ingle_layer));
    here->model = model_of(p, here->layers);
    here->characters = part(&a, (INGLE_MAX_TEXT + 1) * sizeof(character));
    here->symbols = part(&a, (MAX_FOLDED + SPELL_MARGIN) * sizeof(symbol));
    here->folded = part(&a, SPELL_MARGIN + MAX_FOLDED);
    here->unread = part(&a, n_ctx * sizeof(int32_t));
    here->output = part(&a, p->n_embd * sizeof(float));
    here->allowed = part(&a, (p->n_vocab / 32 + 1) * sizeof(uint32_t));
    here->ids = part(&a, most * sizeof(int32_t));
    here->scores = part(&a, most * sizeof(float));
    const size_t n = ingle_cache_elements(&here->model, (int64_t)n_ctx) * (s->int8_cache ? sizeof(int8_t) : sizeof(uint16_t));
    const size_t n_scales = s->int8_cache ? ingle_cache_scales(&here->model, (int64_t)n_ctx) * sizeof(float) : 0;
    here->cache = (ingle_cache){.k = part(&a, n), .v = part(&a, n), .n_ctx = (int64_t)n_ctx};
    float *k_scale = part(&a, n_scales), *v_scale = part(&a, n_scales);
    if (s->int8_cache) here->cache.k_scale = k_scale, here->cache.v_scale = v_scale;
    return a.used;
}

static size_t context_of(const ingle_settings *s) {
    const size_t n_ctx = ((const pack *)s->pack)->n_ctx;
    return s->n_ctx < 0 || (size_t)s->n_ctx > n_ctx ? n_ctx : (size_t)s->n_ctx;
}

static void describe(const pack *p, ingle_layer *layers) {
    for (size_t i = 0; i < p->n_layer; i++) layers[i] = layer(p, PACKED(pack_layer, p, p->layers) + i);
}

static bool sound_settings(const ingle_settings *s) {
    if (!ingle_pack_sound(s->pack, s->n_bytes)) return false;
    return ((const pack *)s->pack)->n_layer <= MAX_LAYERS && context_of(s) >= INGLE_MIN_CONTEXT && context_of(s) <= INGLE_MAX_CONTEXT;
}

static size_t engine_bytes(const ingle_settings *s) {
    ingle_layer layers[MAX_LAYERS];         // the arena, where they are later, is not there yet
    describe(s->pack, layers);
    const ingle_model m = model_of(s->pack, layers);
    return ingle_arena_bytes(&m, s->variant, 1, s->max_batch);
}

size_t ingle_interpreter_bytes(const ingle_settings *s) {
    ingle_interpreter none;
    const size_t engine = sound_settings(s) ? engine_bytes(s) : 0;
    return engine ? lay_out(s, NULL, context_of(s), &none) + engine : 0;
}

int ingle_interpreter_open(const ingle_settings *s, void *memory, size_t n_bytes, ingle_interpreter **interpreter) {
    if (!sound_settings(s)) return INGLE_BAD_PACK;
    if ((uintptr_t)memory % CACHE_LINE || n_bytes < sizeof(ingle_interpreter)) return INGLE_BAD_ARENA;
    ingle_interpreter *here = memory;
    const size_t engine = engine_bytes(s);
    if (engine == 0) return ingle_kernels(s->variant) ? INGLE_BAD_MODEL : INGLE_BAD_VARIANT;
    const size_t used = lay_out(s, memory, context_of(s), here);
    if (n_bytes < used + engine) return INGLE_BAD_ARENA;
    describe(s->pack, here->layers);
    memset(here->cache.k, 0, (size_t)((uint8_t *)memory + used - (uint8_t *)here->cache.k));    // all that is behind it
    *interpreter = here;
    return ingle_open(&here->model, s->variant, 1, s->max_batch, (uint8_t *)memory + used, engine, &here->engine);
}

void ingle_interpreter_close(ingle_interpreter *i) { ingle_close(i->engine); }

// ---- reading the sentence ----

// Take a word's tokens into the sentence. Returns whether there was room.
static bool add_word(ingle_interpreter *i, char *word, size_t n, bool solid, stretch place) {
    sentence *s = &i->sentence;
    if (s->n_words == MAX_WORDS) return false;
    const size_t room = i->max_sentence - s->n_tokens;
    const size_t found = ingle_spell(i->pack, word, n, i->symbols, s->tokens + s->n_tokens, room);
    if (found > room) return false;
    for (size_t t = 0; t < found; t++) s->word_of[s->n_tokens++] = (uint16_t)s->n_words;
    s->solid[s->n_words] = solid;
    i->words[s->n_words++] = place;
    return true;
}

// The characters from `start` up to `end` are a word; or two, where they end in a possessive.
static bool add_folded(ingle_interpreter *i, size_t start, size_t end) {
    const character *c = i->characters;
    char *word = i->folded + SPELL_MARGIN;
    size_t n_characters;
    bool solid;
    const size_t n = ingle_fold(i->pack, c + start, end - start, word, &n_characters, &solid);
    if (n == 0) return true;
    const bool possessive = n_characters > 2 && n_characters == end - start && word[n - 2] == '\'' && word[n - 1] == 's';
    if (!possessive) return add_word(i, word, n, solid, (stretch){c[start].at, c[end].at});
    return add_word(i, word, n - 2, true, (stretch){c[start].at, c[end - 2].at}) &&
           add_word(i, word + n - 2, 2, true, (stretch){c[end - 2].at, c[end].at});
}

static size_t cut_between_characters(const char *text, size_t n) {
    if (n <= INGLE_MAX_TEXT) return n;
    for (n = INGLE_MAX_TEXT; n > 0 && ((uint8_t)text[n] & 0xc0) == 0x80; n--) {}
    return n;
}

static void read_sentence(ingle_interpreter *i, const char *text, size_t n_bytes) {
    const size_t n_kept = cut_between_characters(text, n_bytes), n = ingle_characters(i->pack, text, n_kept, i->characters);
    i->sentence.n_tokens = i->sentence.n_words = 0;
    i->cut = n_kept < n_bytes;
    for (size_t next = 0, start; ingle_next_word(i->characters, n, &next, &start);)
        if (!add_folded(i, start, next)) {
            i->cut = true;
            break;
        }
}

static void prompt(ingle_interpreter *i, bool asked) {
    const pack *p = i->pack;
    const sentence *s = &i->sentence;
    i->n_past = i->n_unread = 0;
    if (p->bos >= 0) i->unread[i->n_unread++] = p->bos;
    if (asked && p->asked >= 0) i->unread[i->n_unread++] = p->asked;
    memcpy(i->unread + i->n_unread, s->tokens, s->n_tokens * sizeof(int32_t));
    i->n_unread += s->n_tokens;
    i->unread[i->n_unread++] = p->parse;
}

// ---- writing the parse ----

static void write_token(ingle_interpreter *i, int32_t token, double probability) {
    const size_t before = i->cursor.n_intents;
    ingle_cursor_advance(&i->cursor, token);
    const size_t n = i->cursor.n_intents;
    if (n > before) i->confidences[n - 1] = 1;
    i->confidences[n - 1] *= probability;
    i->unread[i->n_unread++] = token;
}

// Scores become probabilities. Returns the place of the largest.
static size_t softmax(float *scores, size_t n) {
    float largest = scores[0], sum = 0;
    for (size_t j = 1; j < n; j++) largest = scores[j] > largest ? scores[j] : largest;
    for (size_t j = 0; j < n; j++) sum += scores[j] = expf(scores[j] - largest);
    size_t best = 0;
    for (size_t j = 0; j < n; j++) {
        scores[j] /= sum;
        if (scores[j] > scores[best]) best = j;
    }
    return best;
}

static int write_parse(ingle_interpreter *i) {
    for (size_t n; (n = ingle_cursor_allowed(&i->cursor, i->ids)) > 0;) {
        if (n == 1) {                       // no choice: read in one go with the choice before
            write_token(i, i->ids[0], 1);
            continue;
        }
        const int wrong = ingle_prefill(i->engine, i->unread, (int64_t)i->n_unread, &i->cache, (int64_t)i->n_past, i->output);
        if (wrong) return wrong;
        i->n_past += i->n_unread;
        i->n_unread = 0;
        ingle_logits(i->engine, i->output, i->ids, (int64_t)n, i->scores);
        const size_t best = softmax(i->scores, n);
        if (!isfinite(i->scores[best])) return INGLE_BAD_MODEL;
        write_token(i, i->ids[best], (double)i->scores[best]);
    }
    return INGLE_OK;
}

// ---- telling it as JSON ----

typedef struct {
    char *out;
    size_t room, used;         // used > room: it did not fit
} writer;

static void put_bytes(writer *w, const char *bytes, size_t n) {
    if (w->used + n <= w->room) memcpy(w->out + w->used, bytes, n);
    w->used += n;
}

static void put_text(writer *w, const char *text) { put_bytes(w, text, strlen(text)); }

static void put_number(writer *w, uint32_t n, int digits) {
    char text[10];
    int at = 10;
    do text[--at] = (char)('0' + n % 10), n /= 10;
    while (n || at > 10 - digits);
    put_bytes(w, text + at, (size_t)(10 - at));
}

static void put_share(writer *w, double share) {        // 0..1
    const uint32_t millionths = (uint32_t)(share * 1e6 + 0.5);
    put_number(w, millionths / 1000000, 1);
    put_text(w, ".");
    put_number(w, millionths % 1000000, 6);
}

static void put_escaped(writer *w, const char *text, size_t n) {
    static const char hex[] = "0123456789abcdef";
    for (size_t at = 0; at < n;) {
        uint32_t code;
        const size_t n_bytes = ingle_character(text + at, n - at, &code);
        if (code == '"' || code == '\\') put_text(w, "\\");
        if (code < 0x20) {
            const char escaped[6] = {'\\', 'u', '0', '0', hex[code >> 4], hex[code & 15]};
            put_bytes(w, escaped, 6);
        } else if (code == 0xfffd) {
            put_text(w, "\xef\xbf\xbd");   // also what was no UTF-8
        } else {
            put_bytes(w, text + at, n_bytes);
        }
        at += n_bytes;
    }
}

// The name in a piece such as <I:name>, <V:name> or <up>.
static void put_name(writer *w, const pack *p, int32_t token, size_t n_before) {
    const uint32_t *at = PACKED(uint32_t, p, p->pieces.at) + token;
    put_escaped(w, PACKED(char, p, at[0]) + n_before, at[1] - at[0] - n_before - 1);
}

static void put_value(writer *w, const ingle_interpreter *i, const char *text, const value *v) {
    put_text(w, "\"");
    if (v->direction >= 0) put_name(w, i->pack, v->direction, 1);
    if (v->direction >= 0 && v->kind != NO_VALUE) put_text(w, " ");
    if (v->kind == SPAN_VALUE) {
        const stretch first = i->words[v->first], last = i->words[v->last];
        put_escaped(w, text + first.start, (size_t)(last.end - first.start));
    }
    if (v->kind == DIGITS_VALUE) put_text(w, v->digits);
    if (v->kind == CHOICE_VALUE) put_name(w, i->pack, v->choice, 3);
    put_text(w, "\"");
}

// The slots of an intent, from values[*next] on. Values of a slot that may be repeated follow one another.
static void put_slots(writer *w, const ingle_interpreter *i, const char *text, size_t intent, size_t *next) {
    const cursor *c = &i->cursor;
    for (bool first = true; *next < c->n_values && c->values[*next].intent == intent; first = false) {
        const uint16_t place = c->values[*next].slot;
        const pack_slot *slot = PACKED(pack_slot, i->pack, i->pack->slots.at) + place;
        put_text(w, first ? "\"" : ", \"");
        put_name(w, i->pack, slot->token, 3);
        put_text(w, slot->many ? "\": [" : "\": ");
        for (bool more = false; *next < c->n_values && c->values[*next].intent == intent && c->values[*next].slot == place; more = true) {
            if (more) put_text(w, ", ");
            put_value(w, i, text, &c->values[(*next)++].value);
        }
        if (slot->many) put_text(w, "]");
    }
}

static void put_answer(writer *w, const ingle_interpreter *i, const char *text, size_t n_bytes) {
    const cursor *c = &i->cursor;
    double confidence = c->n_intents > 0;
    put_text(w, "{\"text\": \"");
    put_escaped(w, text, n_bytes);
    put_text(w, "\", \"intents\": [");
    for (size_t k = 0, next = 0; k < c->n_intents; k++) {
        put_text(w, k ? ", {\"intent\": \"" : "{\"intent\": \"");
        put_name(w, i->pack, PACKED(pack_intent, i->pack, i->pack->intents.at)[c->intents[k]].token, 3);
        put_text(w, "\", \"slots\": {");
        put_slots(w, i, text, k, &next);
        put_text(w, "}, \"confidence\": ");
        put_share(w, i->confidences[k]);
        put_text(w, "}");
        confidence *= i->confidences[k];
    }
    put_text(w, "], \"confidence\": ");
    put_share(w, confidence);
    if (i->cut) {
        put_text(w, ", \"notes\": [\"cut after ");
        put_number(w, (uint32_t)i->sentence.n_words, 1);
        put_text(w, " words\"]");
    }
    put_bytes(w, "}", 2);
}

int ingle_interpret(ingle_interpreter *i, const char *text, size_t n_bytes, int asked, char *json, size_t n_room) {
    read_sentence(i, text, n_bytes);
    i->cursor.n_intents = i->cursor.n_values = 0;
    if (i->sentence.n_words) {
        prompt(i, asked != 0);
        ingle_cursor_start(&i->cursor, i->pack, &i->sentence, i->max_written, i->allowed);
        const int wrong = write_parse(i);
        if (wrong) return wrong;
    }
    writer w = {json, n_room, 0};
    put_answer(&w, i, text, n_bytes);
    return w.used <= n_room ? INGLE_OK : INGLE_NO_ROOM;
}
