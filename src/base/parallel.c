#include "base/parallel.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <unistd.h>

struct job {
    void (*work)(void *user, uint32_t index);
    void *user;
    uint32_t count;
    atomic_uint next;
};

static void *run(void *argument) {
    struct job *job = argument;
    for (;;) {
        const uint32_t index = atomic_fetch_add(&job->next, 1);
        if (index >= job->count) return NULL;
        job->work(job->user, index);
    }
}

void gs__parallel(uint32_t count, void (*work)(void *user, uint32_t index), void *user) {
    struct job job = {.work = work, .user = user, .count = count};
    atomic_init(&job.next, 0);
    const long processors = sysconf(_SC_NPROCESSORS_ONLN);
    uint32_t wanted = processors < 1 ? 1 : processors > GS__MAX_THREADS ? GS__MAX_THREADS : (uint32_t)processors;
    if (wanted > count) wanted = count;
    pthread_t threads[GS__MAX_THREADS];
    uint32_t started = 0;
    while (started + 1 < wanted && pthread_create(&threads[started], NULL, run, &job) == 0) started++;
    run(&job);
    for (uint32_t i = 0; i < started; i++) pthread_join(threads[i], NULL);
}
