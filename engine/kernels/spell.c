// Byte-pair encoding as SentencePiece does it: of all neighbours that are a piece together, join those with the best
// score, the leftmost where two are as good; what is no piece at the end is spelled in bytes.
#include <string.h>

#include "interpret.h"

static int compare(const pack *p, int32_t piece, const char *bytes, size_t n) {
    const uint32_t *at = PACKED(uint32_t, p, p->pieces.at) + piece;
    const size_t n_piece = at[1] - at[0];
    const int order = memcmp(PACKED(char, p, at[0]), bytes, n_piece < n ? n_piece : n);
    return order ? order : n_piece < n ? -1 : n_piece > n;
}

static int32_t piece_of(const pack *p, const char *bytes, size_t n) {
    const int32_t *spelled = PACKED(int32_t, p, p->spelled.at);
    size_t low = 0, high = p->spelled.n;
    while (low < high) {
        const size_t middle = (low + high) / 2;
        const int order = compare(p, spelled[middle], bytes, n);
        if (order == 0) return spelled[middle];
        if (order < 0) low = middle + 1;
        else high = middle;
    }
    return -1;
}

static void look_ahead(const pack *p, const char *word, symbol *s, size_t i, size_t n) {
    s[i].joined = i + 1 < n ? piece_of(p, word + s[i].start, (size_t)(s[i + 1].end - s[i].start)) : -1;
}

static size_t split(const char *word, size_t n, symbol *symbols) {
    size_t n_symbols = 0;
    for (size_t at = 0; at < n; n_symbols++) {
        uint32_t code;
        const size_t end = at + ingle_character(word + at, n - at, &code);
        symbols[n_symbols] = (symbol){(uint16_t)at, (uint16_t)end, -1};
        at = end;
    }
    return n_symbols;
}

static size_t join(const pack *p, const char *word, symbol *s, size_t n) {
    const float *scores = PACKED(float, p, p->scores);
    for (size_t i = 0; i < n; i++) look_ahead(p, word, s, i, n);
    for (;;) {
        size_t best = n;
        for (size_t i = 0; i + 1 < n; i++)
            if (s[i].joined >= 0 && (best == n || scores[s[i].joined] > scores[s[best].joined])) best = i;
        if (best == n) return n;
        s[best].end = s[best + 1].end;
        n--;
        memmove(s + best + 1, s + best + 2, (n - best - 1) * sizeof *s);
        look_ahead(p, word, s, best, n);
        if (best > 0) look_ahead(p, word, s, best - 1, n);
    }
}

size_t ingle_spell(const pack *p, char *word, size_t n, symbol *symbols, int32_t *tokens, size_t room) {
    static const char space[SPELL_MARGIN] = {'\xe2', '\x96', '\x81'};
    word -= SPELL_MARGIN;
    memcpy(word, space, SPELL_MARGIN);
    const size_t n_symbols = join(p, word, symbols, split(word, n + SPELL_MARGIN, symbols));
    size_t found = 0;
    for (size_t i = 0; i < n_symbols; i++) {
        const symbol s = symbols[i];
        const int32_t piece = piece_of(p, word + s.start, (size_t)(s.end - s.start));
        for (size_t at = s.start; at < s.end; at = piece >= 0 ? s.end : at + 1, found++) {
            const int32_t byte = p->bytes[(uint8_t)word[at]];
            if (found < room) tokens[found] = piece >= 0 ? piece : byte >= 0 ? byte : p->unknown;
        }
    }
    return found;
}
