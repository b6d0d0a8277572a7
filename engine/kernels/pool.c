#include "pool.h"

#include <unistd.h>

#if defined(__x86_64__) || defined(__i386__)
#include <immintrin.h>
#define RELAX() _mm_pause()
#elif defined(__aarch64__)
#define RELAX() __asm__ volatile("yield")
#else
#define RELAX() ((void)0)
#endif

enum {
    SPINS = 2000,              // 20..100 microseconds, about the time between two tokens; then sleep
    STACK_BYTES = 512 * 1024,
};

size_t pool_bytes(int n_threads) { return sizeof(pool) + (size_t)n_threads * sizeof(pool_thread); }

// Wait until *number is no longer `old` (while_equal), or until it is (otherwise).
static void wait_while(pool *p, atomic_size_t *number, size_t value, bool while_equal) {
    for (int i = 0; i < p->n_spins; i++) {
        if ((atomic_load_explicit(number, memory_order_acquire) == value) != while_equal) return;
        RELAX();
    }
    pthread_mutex_lock(&p->mutex);
    atomic_fetch_add(&p->n_sleeping, 1);
    while ((atomic_load(number) == value) == while_equal) pthread_cond_wait(&p->woken, &p->mutex);
    atomic_fetch_sub(&p->n_sleeping, 1);
    pthread_mutex_unlock(&p->mutex);
}

// Wake who sleeps, after a number was changed. Either a sleeper counted itself before we look, or it sees the new
// number: all of it is sequentially consistent.
static void wake(pool *p) {
    if (atomic_load(&p->n_sleeping) == 0) return;
    pthread_mutex_lock(&p->mutex);
    pthread_cond_broadcast(&p->woken);
    pthread_mutex_unlock(&p->mutex);
}

place pool_first_phase(pool *p) { return (place){p, p->phases, 0}; }

bool pool_take(place *at, size_t n, size_t at_once, size_t *begin, size_t *end) {
    phase *now = at->phase;
    if (at->taken && atomic_fetch_add(&now->done, at->taken) + at->taken == n) wake(at->pool);
    at->taken = 0;
    *begin = atomic_load_explicit(&now->next, memory_order_relaxed);
    if (*begin < n) *begin = atomic_fetch_add_explicit(&now->next, at_once, memory_order_relaxed);
    if (*begin < n) {
        *end = *begin + at_once < n ? *begin + at_once : n;
        at->taken = *end - *begin;
        return true;
    }
    wait_while(at->pool, &now->done, n, false);
    at->phase++;
    return false;
}

// Go into a job that is still open, do what is left of it, and leave.
static void help(pool *p, int index, size_t n_jobs) {
    atomic_fetch_add(&p->n_inside, 1);
    if (atomic_load(&p->n_closed) < n_jobs) p->job(p->context, index);
    if (atomic_fetch_sub(&p->n_inside, 1) == 1) wake(p);
}

static void *live(void *argument) {
    const pool_thread *self = argument;
    pool *p = self->owner;
    for (size_t seen = 0;;) {
        wait_while(p, &p->n_jobs, seen, true);
        seen = atomic_load(&p->n_jobs);
        if (p->stopping) return NULL;
        help(p, self->index, seen);
    }
}

void pool_run(pool *p, pool_job *job, void *context) {
    for (size_t i = 0; i < p->n_phases; i++) {
        atomic_store_explicit(&p->phases[i].next, 0, memory_order_relaxed);
        atomic_store_explicit(&p->phases[i].done, 0, memory_order_relaxed);
    }
    p->job = job;
    p->context = context;
    if (p->n_threads == 1) {
        job(context, 0);
        return;
    }
    const size_t n_jobs = atomic_fetch_add(&p->n_jobs, 1) + 1;
    wake(p);
    job(context, 0);
    atomic_store(&p->n_closed, n_jobs);
    wait_while(p, &p->n_inside, 0, false);  // who is inside only runs through to the end
}

static bool start_thread(pool *p, int index, const pthread_attr_t *attributes) {
    p->threads[index] = (pool_thread){.owner = p, .index = index};
    return pthread_create(&p->threads[index].thread, attributes, live, &p->threads[index]) == 0;
}

bool pool_start(pool *p, int n_threads, phase *phases, size_t n_phases) {
    const int n_spins = sysconf(_SC_NPROCESSORS_ONLN) >= n_threads ? SPINS : 0;
    *p = (pool){.n_threads = 1, .n_spins = n_spins, .phases = phases, .n_phases = n_phases};
    pthread_mutex_init(&p->mutex, NULL);
    pthread_cond_init(&p->woken, NULL);
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    while (p->n_threads < n_threads && start_thread(p, p->n_threads, &attributes)) p->n_threads++;
    pthread_attr_destroy(&attributes);
    if (p->n_threads == n_threads) return true;
    pool_stop(p);
    return false;
}

void pool_stop(pool *p) {
    p->stopping = true;
    atomic_fetch_add(&p->n_jobs, 1);
    wake(p);
    for (int i = 1; i < p->n_threads; i++) pthread_join(p->threads[i].thread, NULL);
    pthread_cond_destroy(&p->woken);
    pthread_mutex_destroy(&p->mutex);
}
