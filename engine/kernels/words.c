// engine/text.py in C. A character is folded by itself; the two rules of Unicode that look at its neighbours (a Greek
// sigma at a word's end, marks and parts of syllables that join the letter before) are not here.
#include <string.h>

#include "interpret.h"

static bool follows(const char *text, size_t n, size_t i) { return i < n && ((uint8_t)text[i] & 0xc0) == 0x80; }

size_t ingle_character(const char *text, size_t n, uint32_t *code) {
    const uint8_t first = (uint8_t)text[0];
    *code = first;
    if (first < 0x80) return 1;
    const size_t more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : 1;
    static const uint32_t least[4] = {0, 0x80, 0x800, 0x10000};
    uint32_t found = first & (0x3fu >> more);
    bool wrong = first < 0xc2 || first > 0xf4;
    for (size_t i = 1; i <= more && !wrong; i++) {
        wrong = !follows(text, n, i);
        if (!wrong) found = found << 6 | ((uint8_t)text[i] & 0x3f);
    }
    wrong = wrong || found < least[more] || found > 0x10ffff || found >> 11 == 0x1b;    // 0x1b: half of a surrogate pair
    *code = wrong ? 0xfffd : found;
    return wrong ? 1 : more + 1;
}

static uint8_t kind_of(const pack *p, uint32_t code) {
    const uint32_t *kinds = PACKED(uint32_t, p, p->kinds.at);
    size_t low = 0, high = p->kinds.n;      // kinds[0] is of code 0
    while (high - low > 1) {
        const size_t middle = (low + high) / 2;
        if (kinds[middle] >> 8 <= code) low = middle;
        else high = middle;
    }
    return (uint8_t)kinds[low];
}

size_t ingle_characters(const pack *p, const char *text, size_t n, character *out) {
    size_t found = 0;
    for (size_t at = 0; at < n; found++) {
        uint32_t code;
        const size_t n_bytes = ingle_character(text + at, n - at, &code);
        out[found] = (character){code, (uint16_t)at, kind_of(p, code)};
        at += n_bytes;
    }
    out[found] = (character){0, (uint16_t)n, 0};
    return found;
}

// ---- the pattern of a word; a place past the end is no kind of character ----

typedef struct { const character *c; size_t n; } text;

static bool is(text t, size_t i, int kinds) { return i < t.n && t.c[i].kind & kinds; }
static uint32_t code_at(text t, size_t i) { return i < t.n ? t.c[i].code : 0; }
static bool in_word(text t, size_t i) { return is(t, i, LETTER | DIGIT) || code_at(t, i) == '_'; }

static bool any_of(uint32_t code, const uint32_t *set) {
    for (; *set; set++)
        if (*set == code) return true;
    return false;
}

static size_t digits(text t, size_t i) {
    while (is(t, i, DIGIT)) i++;
    return i;
}

static bool ordinal(text t, size_t i) {
    static const char endings[4][2] = {{'s', 't'}, {'n', 'd'}, {'r', 'd'}, {'t', 'h'}};
    for (int e = 0; e < 4; e++)
        if (code_at(t, i) == (uint32_t)endings[e][0] && code_at(t, i + 1) == (uint32_t)endings[e][1]) return !in_word(t, i + 2);
    return false;
}

static size_t number(text t, size_t i) {            // 12  7:30  20.5  1,000  2nd
    static const uint32_t joints[] = {'.', ',', ':', 0};
    i = digits(t, i);
    while (any_of(code_at(t, i), joints) && is(t, i + 1, DIGIT)) i = digits(t, i + 1);
    return ordinal(t, i) ? i + 2 : i;
}

static size_t letters(text t, size_t i) {           // lamp  don't  hdmi1
    static const uint32_t apostrophes[] = {'\'', 0x2019, 0x2bc, '`', 0};
    for (i++;; i++) {
        const bool inside = any_of(code_at(t, i), apostrophes) && is(t, i + 1, LETTER);
        if (!inside && !is(t, i, LETTER | DIGIT)) return i;
    }
}

static size_t word_end(text t, size_t i) {
    static const uint32_t signs[] = {',', '.', '!', '?', ';', ':', '%', 0xb0, '+', '*', '/', '=', '&', 0x20ac, '$', 0xa3, 0xd7, 0xf7, '^', 0};
    const uint32_t code = code_at(t, i);
    if (is(t, i, DIGIT)) return number(t, i);
    if (is(t, i, LETTER)) return letters(t, i);
    const bool after_space = i > 0 && is(t, i - 1, SPACE);
    if (after_space && (code == '\'' || code == 0x2019) && code_at(t, i + 1) == 's' && !in_word(t, i + 2)) return i + 2;
    if (any_of(code, signs)) return i + 1;
    const bool minus = (code == '-' || code == 0x2212) && (i == 0 || after_space || code_at(t, i - 1) == '(');
    if (minus && (is(t, i + 1, DIGIT) || (is(t, i + 1, SPACE) && is(t, i + 2, DIGIT)))) return i + 1;
    return i;
}

bool ingle_next_word(const character *c, size_t n, size_t *next, size_t *start) {
    const text t = {c, n};
    for (*start = *next; *start < n; (*start)++) {
        *next = word_end(t, *start);
        if (*next > *start) return true;
    }
    return false;
}

// ---- folding ----

static const pack_fold *fold_of(const pack *p, uint32_t code) {
    const pack_fold *folds = PACKED(pack_fold, p, p->folds.at);
    size_t low = 0, high = p->folds.n;
    while (low < high) {
        const size_t middle = (low + high) / 2;
        if (folds[middle].code == code) return &folds[middle];
        if (folds[middle].code < code) low = middle + 1;
        else high = middle;
    }
    return NULL;
}

static size_t write(uint32_t code, char *out) {
    const size_t more = code < 0x80 ? 0 : code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    static const uint8_t marks[4] = {0, 0xc0, 0xe0, 0xf0};
    out[0] = (char)(marks[more] | code >> (6 * more));
    for (size_t i = 1; i <= more; i++) out[i] = (char)(0x80 | (code >> (6 * (more - i)) & 0x3f));
    return more + 1;
}

size_t ingle_fold(const pack *p, const character *c, size_t n, char *out, size_t *n_characters, bool *solid) {
    size_t n_bytes = 0;
    for (size_t i = 0; i < n; i++) {
        const pack_fold *fold = fold_of(p, c[i].code);
        if (n_bytes + (fold ? fold->n_bytes : 4) > MAX_FOLDED) break;
        if (fold) memcpy(out + n_bytes, PACKED(char, p, fold->text), fold->n_bytes);
        n_bytes += fold ? fold->n_bytes : write(c[i].code, out + n_bytes);
    }
    *n_characters = 0;
    *solid = false;
    for (size_t at = 0; at < n_bytes; (*n_characters)++) {
        uint32_t code;
        at += ingle_character(out + at, n_bytes - at, &code);
        if (!(kind_of(p, code) & PUNCTUATION)) *solid = true;
    }
    return n_bytes;
}
