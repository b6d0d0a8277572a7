#include "pool.h"

#include <stdint.h>
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
    SPINS = 2000,              // 20..100 microseconds, the time between two tokens; then sleep
    STACK_BYTES = 512 * 1024,
};

size_t pool_bytes(int n_threads) { return sizeof(pool) + (size_t)n_threads * sizeof(pool_thread); }

// Wait until *word is no longer `old`.
static void wait_for_change(pool *p, atomic_uint *word, unsigned old) {
    for (int i = 0; i < p->n_spins; i++) {
        if (atomic_load_explicit(word, memory_order_acquire) != old) return;
        RELAX();
    }
    pthread_mutex_lock(&p->mutex);
    atomic_fetch_add(&p->n_sleeping, 1);
    while (atomic_load(word) == old) pthread_cond_wait(&p->woken, &p->mutex);
    atomic_fetch_sub(&p->n_sleeping, 1);
    pthread_mutex_unlock(&p->mutex);
}

// Change *word and wake who sleeps. Either the sleeper counted itself before we look, or it sees the new word: both are
// sequentially consistent.
static void change(pool *p, atomic_uint *word) {
    atomic_fetch_add(word, 1);
    if (atomic_load(&p->n_sleeping) == 0) return;
    pthread_mutex_lock(&p->mutex);
    pthread_cond_broadcast(&p->woken);
    pthread_mutex_unlock(&p->mutex);
}

void pool_barrier(pool *p) {
    if (p->n_threads == 1) {
        atomic_store_explicit(&p->next, 0, memory_order_relaxed);
        return;
    }
    const unsigned meeting = atomic_load_explicit(&p->meetings, memory_order_relaxed);
    if (atomic_fetch_add(&p->arrived, 1) + 1 < (unsigned)p->n_threads) {
        wait_for_change(p, &p->meetings, meeting);
        return;
    }
    atomic_store(&p->arrived, 0);
    atomic_store(&p->next, 0);
    change(p, &p->meetings);
}

bool pool_take(pool *p, size_t n, size_t at_once, size_t *begin, size_t *end) {
    *begin = atomic_fetch_add_explicit(&p->next, at_once, memory_order_relaxed);
    *end = *begin + at_once < n ? *begin + at_once : n;
    return *begin < n;
}

static void *live(void *argument) {
    const pool_thread *self = argument;
    pool *p = self->owner;
    for (unsigned done = 0;; done++) {
        wait_for_change(p, &p->jobs, done);
        if (p->stopping) return NULL;
        p->job(p->context, self->index);
        pool_barrier(p);
    }
}

void pool_run(pool *p, pool_job *job, void *context) {
    p->job = job;
    p->context = context;
    atomic_store(&p->next, 0);
    if (p->n_threads > 1) change(p, &p->jobs);
    job(context, 0);
    pool_barrier(p);
}

static bool start_thread(pool *p, int index, const pthread_attr_t *attributes) {
    p->threads[index] = (pool_thread){.owner = p, .index = index};
    return pthread_create(&p->threads[index].thread, attributes, live, &p->threads[index]) == 0;
}

bool pool_start(pool *p, int n_threads) {
    *p = (pool){.n_threads = 1, .n_spins = sysconf(_SC_NPROCESSORS_ONLN) >= n_threads ? SPINS : 0};
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
    if (p->n_threads > 1) change(p, &p->jobs);
    for (int i = 1; i < p->n_threads; i++) pthread_join(p->threads[i].thread, NULL);
    pthread_cond_destroy(&p->woken);
    pthread_mutex_destroy(&p->mutex);
}
