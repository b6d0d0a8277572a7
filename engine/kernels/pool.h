// A few threads that do one job together and sleep between jobs.
//
// A job is a row of phases; a phase is a number of units of work, which threads take until none is left. A phase ends
// when its units are done, not when its threads have arrived: one that is late, because the system runs something else
// in its place, is not waited for. It finds the phases it missed empty, runs through them, and helps with what is left.
#ifndef INGLE_POOL_H
#define INGLE_POOL_H

#include <stdbool.h>
#include <stddef.h>

typedef void pool_job(void *context, int thread);
typedef struct pool pool;

#ifdef INGLE_BARE               // no operating system, no threads: pool_bare.c

typedef struct { size_t next; } phase;      // the next unit

struct pool {
    int n_threads;
    phase *phases;
    size_t n_phases;
};

#else

#include <pthread.h>
#include <stdatomic.h>

// Cleared when a job begins.
typedef struct {
    _Alignas(64) atomic_size_t next;        // the next unit that nobody took
    _Alignas(64) atomic_size_t done;        // units done
} phase;

typedef struct {
    pool *owner;
    int index;
    pthread_t thread;
} pool_thread;

struct pool {
    int n_threads;             // the caller of pool_run is thread 0
    int n_spins;               // looks at a number before a thread lies down to sleep
    bool stopping;
    pool_job *job;
    void *context;
    phase *phases;             // [n_phases]
    size_t n_phases;
    pthread_mutex_t mutex;     // held only to sleep and to wake
    pthread_cond_t woken;
    _Alignas(64) atomic_size_t n_sleeping;
    _Alignas(64) atomic_size_t n_jobs;      // given out so far: what idle threads watch
    _Alignas(64) atomic_size_t n_closed;    // of them: no thread may begin one any more
    _Alignas(64) atomic_size_t n_inside;    // threads in a job, or looking whether it is still open
    pool_thread threads[];     // [n_threads]
};

#endif

size_t pool_bytes(int n_threads);

// Start the threads in memory of pool_bytes. Returns whether the system gave them.
bool pool_start(pool *p, int n_threads, phase *phases, size_t n_phases);
void pool_stop(pool *p);

// Have the threads run the job, the caller among them; returns when all its phases are done.
void pool_run(pool *p, pool_job *job, void *context);

// A thread's place in a job.
typedef struct {
    pool *pool;
    phase *phase;
    size_t taken;              // units it has taken and not yet done
} place;

place pool_first_phase(pool *p);

// Say that the units taken before are done, and take the next of the phase's n: *begin up to *end, `at_once` of them.
// Where none is left, wait until the others have done theirs, step to the next phase, and return false.
bool pool_take(place *at, size_t n, size_t at_once, size_t *begin, size_t *end);

#endif
