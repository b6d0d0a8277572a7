// A few threads that do one job together, meet at barriers within it, and sleep between jobs.
#ifndef INGLE_POOL_H
#define INGLE_POOL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

typedef void pool_job(void *context, int thread);

typedef struct pool pool;

typedef struct {
    pool *owner;
    int index;
    pthread_t thread;
} pool_thread;

struct pool {
    int n_threads;             // the caller of pool_run is thread 0
    int n_spins;               // looks at a word before a thread lies down to sleep
    bool stopping;
    pool_job *job;
    void *context;
    pthread_mutex_t mutex;     // held only to sleep and to wake
    pthread_cond_t woken;
    _Alignas(64) atomic_uint n_sleeping;
    _Alignas(64) atomic_uint jobs;          // counts the jobs given out: what idle threads watch
    _Alignas(64) atomic_uint arrived;       // at the barrier
    _Alignas(64) atomic_uint meetings;      // counts the barriers passed
    _Alignas(64) atomic_size_t next;        // the next unit of work that nobody took
    pool_thread threads[];     // [n_threads]
};

size_t pool_bytes(int n_threads);

// Start the threads in memory of pool_bytes. Returns whether the system gave them.
bool pool_start(pool *p, int n_threads);
void pool_stop(pool *p);

// Have every thread run the job; returns when all are through.
void pool_run(pool *p, pool_job *job, void *context);

// Within a job: wait until all are here. What was written before is seen by all after; the units start anew.
void pool_barrier(pool *p);

// Within a job: take the next units of n, *begin up to *end. Returns false when all are taken.
bool pool_take(pool *p, size_t n, size_t at_once, size_t *begin, size_t *end);

#endif
