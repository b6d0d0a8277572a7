// engine/grammar.py's Cursor in C.
#include <string.h>

#include "interpret.h"

static const pack_intent *intent_at(const pack *p, size_t i) { return PACKED(pack_intent, p, p->intents.at) + i; }
static const pack_slot *slot_at(const pack *p, size_t i) { return PACKED(pack_slot, p, p->slots.at) + i; }

static const pack_intent *current_intent(const cursor *c) {
    return c->n_intents ? intent_at(c->pack, c->intents[c->n_intents - 1]) : NULL;
}
static size_t slot_place(const cursor *c, size_t i) { return PACKED(uint32_t, c->pack, current_intent(c)->slots.at)[i]; }
static const pack_slot *current_slot(const cursor *c) { return slot_at(c->pack, slot_place(c, (size_t)c->slot)); }

static bool chooses(const cursor *c, const pack_slot *s, int32_t token) {
    const int32_t *choices = PACKED(int32_t, c->pack, s->choices.at);
    for (size_t i = 0; i < s->choices.n; i++)
        if (choices[i] == token) return true;
    return false;
}

// ---- a set of tokens ----

static void put(uint32_t *set, int32_t token) {
    if (token >= 0) set[token / 32] |= 1u << token % 32;
}

// ---- words of the sentence ----

static bool begins_word(const sentence *s, size_t at) {
    return at == 0 || at == s->n_tokens || s->word_of[at] != s->word_of[at - 1];
}

static bool any_solid(const sentence *s, size_t first, size_t end) {
    for (size_t i = first; i < end && i < s->n_words; i++)
        if (s->solid[i]) return true;
    return false;
}

static bool starts_span(const sentence *s, size_t at) {
    return begins_word(s, at) && any_solid(s, s->word_of[at], s->word_of[at] + MAX_SPAN_WORDS);
}

static bool has_words(const sentence *s) {
    for (size_t at = 0; at < s->n_tokens; at++)
        if (starts_span(s, at)) return true;
    return false;
}

// The token that continues a span from `first` at `at`, -1 where it must stop.
static int32_t after_span(const sentence *s, size_t first, size_t at) {
    if (at == s->n_tokens || s->word_of[at] - s->word_of[first] + 1 > MAX_SPAN_WORDS) return -1;
    return s->tokens[at];
}

static void take_in_span(cursor *c, int32_t token) {
    size_t kept = 0;
    for (size_t i = 0; i < c->n_places; i++)
        if (after_span(c->sentence, c->places[i].first, c->places[i].at) == token) {
            c->places[kept].first = c->places[i].first;
            c->places[kept++].at = (uint16_t)(c->places[i].at + 1);
        }
    c->n_places = kept;
}

static bool span_value(const cursor *c, value *v) {
    const sentence *s = c->sentence;
    for (size_t i = 0; i < c->n_places; i++) {
        const size_t first = c->places[i].first, at = c->places[i].at;
        if (at == first || !begins_word(s, at) || !any_solid(s, s->word_of[first], s->word_of[at - 1] + 1u)) continue;
        v->kind = SPAN_VALUE;
        v->first = s->word_of[first];
        v->last = s->word_of[at - 1];
        return true;
    }
    return false;
}

// ---- digits ----

static int digit_of(const pack *p, int32_t token) {
    for (int d = 0; d < 10; d++)
        if (p->digits[d] == token) return d;
    return -1;
}

static bool began_as(const cursor *c, const pack_prefix *prefix) {
    return c->digits.n_taken <= prefix->n && memcmp(c->digits.taken, prefix->tokens, c->digits.n_taken * sizeof(int32_t)) == 0;
}

static bool whole(const cursor *c, const pack_prefix *prefix) { return c->digits.n_taken == prefix->n && began_as(c, prefix); }

static void put_digits(const pack *p, uint32_t *set) {
    for (int d = 0; d < 10; d++) put(set, p->digits[d]);
}

static void put_next_digits(const cursor *c, uint32_t *set) {
    const pack *p = c->pack;
    const bool has_point = memchr(c->digits.body, '.', c->digits.n_body) != NULL;
    if (!c->digits.alive) return;
    if (c->digits.n_body) {
        if (c->digits.n_body - has_point == MAX_DIGITS) return;
        put_digits(p, set);
        if (!has_point) put(set, p->point);
        return;
    }
    const pack_prefix *prefixes[2] = {&p->plain, &p->minus};
    for (int i = 0; i < 2; i++) {
        if (whole(c, prefixes[i])) put_digits(p, set);
        else if (began_as(c, prefixes[i])) put(set, prefixes[i]->tokens[c->digits.n_taken]);
    }
}

static bool next_digit_is(const cursor *c, int32_t token) {
    const pack *p = c->pack;
    const bool has_point = memchr(c->digits.body, '.', c->digits.n_body) != NULL, is_digit = digit_of(p, token) >= 0;
    if (!c->digits.alive) return false;
    if (c->digits.n_body)
        return c->digits.n_body - has_point < MAX_DIGITS && (is_digit || (!has_point && token == p->point));
    const pack_prefix *prefixes[2] = {&p->plain, &p->minus};
    for (int i = 0; i < 2; i++) {
        if (whole(c, prefixes[i]) ? is_digit : began_as(c, prefixes[i]) && prefixes[i]->tokens[c->digits.n_taken] == token)
            return true;
    }
    return false;
}

static void take_digit(cursor *c, int32_t token) {
    const pack *p = c->pack;
    c->digits.alive = next_digit_is(c, token);
    if (!c->digits.alive) return;
    const int digit = digit_of(p, token);
    if (c->digits.n_body || (digit >= 0 && (whole(c, &p->plain) || whole(c, &p->minus))))
        c->digits.body[c->digits.n_body++] = digit >= 0 ? (char)('0' + digit) : '.';
    else
        c->digits.taken[c->digits.n_taken++] = token;
}

static bool digits_value(const cursor *c, value *v) {
    const size_t n = c->digits.n_body, minus = whole(c, &c->pack->minus);
    if (!c->digits.alive || n == 0 || c->digits.body[n - 1] == '.') return false;
    v->kind = DIGITS_VALUE;
    v->digits[0] = '-';
    memcpy(v->digits + minus, c->digits.body, n);
    v->digits[minus + n] = 0;
    return true;
}

// ---- a value ----

static void begin_readings(cursor *c, uint32_t kind) {
    c->reads_span = kind != ENUM;
    c->reads_digits = (kind == NUMBER || kind == STEP) && c->pack->has_digits;
    c->n_places = 0;
    for (size_t at = 0; at < c->sentence->n_tokens && c->reads_span; at++) {
        if (!starts_span(c->sentence, at)) continue;
        c->places[c->n_places].first = c->places[c->n_places].at = (uint16_t)at;
        c->n_places++;
    }
    memset(&c->digits, 0, sizeof c->digits);
    c->digits.alive = true;
}

static void put_continuing(const cursor *c, uint32_t *set) {
    for (size_t i = 0; i < c->n_places && c->reads_span; i++)
        put(set, after_span(c->sentence, c->places[i].first, c->places[i].at));
    if (c->reads_digits) put_next_digits(c, set);
}

static bool continues(const cursor *c, int32_t token) {
    for (size_t i = 0; i < c->n_places && c->reads_span; i++)
        if (after_span(c->sentence, c->places[i].first, c->places[i].at) == token) return true;
    return c->reads_digits && next_digit_is(c, token);
}

static void take(cursor *c, int32_t token) {
    c->bare_step = false;
    if (c->reads_span) take_in_span(c, token);
    if (c->reads_digits) take_digit(c, token);
}

// What the words or digits so far mean; as said, where both are possible.
static bool written(const cursor *c, value *v) {
    return (c->reads_span && span_value(c, v)) || (c->reads_digits && digits_value(c, v));
}

static bool value_pending(const cursor *c) {
    value v;
    return (c->reads_span || c->reads_digits) && !c->bare_step && !written(c, &v);
}

static void put_value(cursor *c, value v) {
    const slot_value found = {(uint16_t)(c->n_intents - 1), (uint16_t)slot_place(c, (size_t)c->slot), v};
    c->values[c->n_values++] = found;
}

static void begin_value(cursor *c, int32_t token) {
    const pack_slot *slot = current_slot(c);
    c->expects_value = false;
    if (chooses(c, slot, token)) {
        put_value(c, (value){.kind = CHOICE_VALUE, .choice = token, .direction = -1});
        return;
    }
    begin_readings(c, slot->kind);
    if (slot->kind == STEP) {
        c->direction = token;
        c->bare_step = true;
    } else {
        take(c, token);
    }
}

// A value ends because something else begins.
static void close_value(cursor *c) {
    value v = {.kind = NO_VALUE, .direction = c->direction};
    if (c->direction >= 0 || c->reads_span || c->reads_digits) {
        written(c, &v);
        put_value(c, v);
    }
    c->reads_span = c->reads_digits = c->bare_step = false;
    c->direction = -1;
    c->n_places = 0;
}

static void begin(cursor *c, int32_t token) {
    const pack *p = c->pack;
    c->done = token == p->end;
    for (size_t i = 0; i < p->intents.n && !c->done; i++) {
        if (intent_at(p, i)->token != token) continue;
        c->intents[c->n_intents++] = (uint16_t)i;
        c->slot = -1;
        return;
    }
    for (size_t i = 0; !c->done && i < current_intent(c)->slots.n; i++) {
        if (slot_at(p, slot_place(c, i))->token != token) continue;
        c->slot = (int)i;
        c->expects_value = true;
        return;
    }
}

// ---- what may come next ----

static bool offers(const cursor *c, const pack_slot *s, bool words) {
    if (s->kind == STEP) return c->pack->up >= 0 || c->pack->down >= 0;
    return (words && s->kind != ENUM) || (c->pack->has_digits && s->kind == NUMBER) || s->choices.n > 0;
}

static void put_intents(const pack *p, bool acts_only, uint32_t *set) {
    for (size_t i = 0; i < p->intents.n; i++)
        if (!acts_only || intent_at(p, i)->act) put(set, intent_at(p, i)->token);
}

static void put_after_value(const cursor *c, uint32_t *set) {
    const pack *p = c->pack;
    const pack_intent *intent = current_intent(c);
    if (!intent) {
        put_intents(p, false, set);
        return;
    }
    put(set, p->end);
    if (c->n_tokens >= c->max_tokens) return;
    const bool words = has_words(c->sentence);
    for (size_t i = 0; i < intent->slots.n; i++) {
        const pack_slot *slot = slot_at(p, slot_place(c, i));
        if (((int)i > c->slot || ((int)i == c->slot && slot->many)) && offers(c, slot, words)) put(set, slot->token);
    }
    if (c->n_intents < MAX_INTENTS && intent->act) put_intents(p, true, set);
}

static void put_first_of_value(cursor *c, uint32_t *set) {
    const pack_slot *slot = current_slot(c);
    if (slot->kind == STEP) {
        put(set, c->pack->up);
        put(set, c->pack->down);
        return;
    }
    const int32_t *choices = PACKED(int32_t, c->pack, slot->choices.at);
    for (size_t i = 0; i < slot->choices.n; i++) put(set, choices[i]);
    begin_readings(c, slot->kind);
    put_continuing(c, set);
    c->reads_span = c->reads_digits = false;
}

static void find_allowed(cursor *c) {
    const size_t n_words = c->pack->n_vocab / 32 + 1;
    memset(c->allowed, 0, n_words * sizeof(uint32_t));
    if (c->done) return;
    if (c->expects_value) {
        put_first_of_value(c, c->allowed);
        return;
    }
    put_continuing(c, c->allowed);
    if (value_pending(c)) return;
    if (c->n_tokens >= c->max_tokens) memset(c->allowed, 0, n_words * sizeof(uint32_t));
    put_after_value(c, c->allowed);
}

size_t ingle_cursor_allowed(const cursor *c, int32_t *ids) {
    size_t n = 0;
    for (size_t i = 0; i <= c->pack->n_vocab / 32; i++)
        for (uint32_t left = c->allowed[i]; left; left &= left - 1) ids[n++] = (int32_t)(i * 32) + __builtin_ctz(left);
    return n;
}

void ingle_cursor_start(cursor *c, const pack *p, const sentence *s, size_t max_tokens, uint32_t *allowed) {
    memset(c, 0, sizeof *c);
    c->pack = p;
    c->sentence = s;
    c->max_tokens = max_tokens;
    c->direction = c->slot = -1;
    c->allowed = allowed;
    find_allowed(c);
}

void ingle_cursor_advance(cursor *c, int32_t token) {
    c->n_tokens++;
    if (c->expects_value) {
        begin_value(c, token);
    } else if (continues(c, token)) {
        take(c, token);
    } else {
        close_value(c);
        begin(c, token);
    }
    find_allowed(c);
}
