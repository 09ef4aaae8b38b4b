/* threads.h - how many threads compute, by what other programs leave of the cores.
 *
 * All threads compute an operation together and each spins until the last one is done.
 * One that has to share its core with another program holds up all, and two that come to
 * share one wait for the end of each other's time slice, operation after operation. So
 * as many compute as there are cores left, and what others take is looked at
 * several times a second, within a step too. On two cores, a 0.5B: beside one busy
 * program a question took 21.4 s instead of 24.4 and two thirds of the CPU time, beside
 * two 31 s instead of 44; programs that give way (nice) or come and go cost as much as
 * before.
 *
 * Belongs to whoever computes with the context: the engine thread, or who holds the
 * lock of an embedding model. */
#ifndef LW_ENGINE_THREADS_H
#define LW_ENGINE_THREADS_H

#include "engine/cpu.h"

#include <stdbool.h>

struct threads {
    int most; /* that the user, a measurement or the number of cores allows */
    int now;  /* compute the step */
    int fit;  /* would be right, by what was seen last */
    struct cpu_times last;
    int short_of;       /* looks in a row that saw fewer cores than threads */
    double fewer_since; /* as last.wall */
    /* Of the step under way: looks, operations since the last one, the most a second. */
    int looks;
    long operations;
    double fastest;
};

void threads_init(struct threads *t, int most);

/* How many threads compute the next step: 1..most. Now and then most are tried again:
 * programs that give way to others take a core that stands idle, too. */
int threads_begin(struct threads *t);

/* To be called before each operation of a step. True: computing the step anew with what
 * threads_begin() says then takes less time than going on, since others came between.
 * Never true for one thread, so that not more than most - 1 steps in a row end so. */
bool threads_held_up(struct threads *t);

/* What both do several times a second, with the times as they are now: see held_up. */
bool threads_look(struct threads *t, const struct cpu_times *now);

/* The number of threads, 1..most, for which `others` cores' worth of other programs leave
 * room on `cores`. Fewer than now from half a core on; more when they take a quarter
 * of one at most, so that a program in between does not make it go up and down. Never
 * fewer than the share of the cores that `most` threads would get among those others,
 * which counts on a large machine of which we may use a part. Where the cores are not
 * known (0), most. */
int threads_fit(double others, int cores, int most, int now);

#endif
