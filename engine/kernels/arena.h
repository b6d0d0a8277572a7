// Hands out parts of the arena one after the other; with no arena, only counts.
#ifndef INGLE_ARENA_H
#define INGLE_ARENA_H

#include "kernels_table.h"

typedef struct {
    uint8_t *base;
    size_t used;
} arena;

static inline void *part(arena *a, size_t n_bytes) {
    const size_t at = a->used;
    a->used = round_up(at + n_bytes, CACHE_LINE);
    return a->base ? a->base + at : NULL;
}

#endif
