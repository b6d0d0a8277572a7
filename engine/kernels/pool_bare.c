// pool.h without threads: the caller does every unit.
#include "pool.h"

size_t pool_bytes(int n_threads) {
    (void)n_threads;
    return sizeof(pool);
}

bool pool_start(pool *p, int n_threads, phase *phases, size_t n_phases) {
    *p = (pool){1, phases, n_phases};
    return n_threads == 1;
}

void pool_stop(pool *p) { (void)p; }

void pool_run(pool *p, pool_job *job, void *context) {
    for (size_t i = 0; i < p->n_phases; i++) p->phases[i].next = 0;
    job(context, 0);
}

place pool_first_phase(pool *p) { return (place){p, p->phases, 0}; }

bool pool_take(place *at, size_t n, size_t at_once, size_t *begin, size_t *end) {
    phase *now = at->phase;
    *begin = now->next;
    *end = *begin + at_once < n ? *begin + at_once : n;
    now->next = *end;
    if (*begin < n) return true;
    at->phase++;
    return false;
}
