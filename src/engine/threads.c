/* threads.c - looks at the cores, and a rule with a gap in the middle.
 *
 * What to expect of the gap: with one busy program on two cores, the two threads of
 * ours and that one share them, so it is seen to take 0.67 of a core; once one thread
 * computes alone it takes 1. */
#include "engine/threads.h"

#include "base/clock.h"

static const double LOOK_SECONDS = 0.2;
/* A longer time between two looks says little of now: nothing was computed. */
static const double STALE_SECONDS = 2;
static const int SHORT_LOOKS = 2; /* one may be a moment's work of the system's */
static const double RETRY_SECONDS = 20;
static const double FEWER_FROM = 0.5, MORE_UNTIL = 0.25;
/* A step that goes on at this part of its speed is better computed anew. */
static const double SLOWED = 0.25;

static int larger(int a, int b)
{
    return a > b ? a : b;
}

int threads_fit(double others, int cores, int most, int now)
{
    if (cores == 0) {
        return most;
    }
    /* Of many programs each gets a share, however little is left. */
    int share = (int)(cores * most / (most + others));
    int fewer = larger((int)(cores - others + 1 - FEWER_FROM), share);
    int more = larger((int)(cores - others + MORE_UNTIL), share);
    int n = fewer < now ? fewer : more > now ? more : now;

    n = n < most ? n : most;
    return n > 1 ? n : 1;
}

void threads_init(struct threads *t, int most)
{
    *t = (struct threads){ .most = most, .now = most, .fit = most, .last = cpu_look() };
}

/* How many would be right, by what others took since the last look? */
static void count_others(struct threads *t, const struct cpu_times *now)
{
    int fit = threads_fit(cpu_others(&t->last, now), now->cores, t->most, t->now);

    t->short_of = fit < t->now ? t->short_of + 1 : 0;
    t->fit = fit < t->now && t->short_of < SHORT_LOOKS ? t->now : fit;
}

bool threads_look(struct threads *t, const struct cpu_times *now)
{
    double seconds = now->wall - t->last.wall;
    double speed = (double)t->operations / seconds;
    bool slow = speed < SLOWED * t->fastest;

    if (seconds < STALE_SECONDS) {
        count_others(t, now);
    }
    t->last = *now;
    t->operations = 0;
    t->fastest = speed > t->fastest ? speed : t->fastest;
    bool from_the_start = t->short_of >= ++t->looks;
    return t->fit < t->now && (slow || from_the_start);
}

static bool look_if_time(struct threads *t)
{
    if (clock_seconds() - t->last.wall < LOOK_SECONDS) {
        return false;
    }
    struct cpu_times now = cpu_look();
    return threads_look(t, &now);
}

/* From here on the number is `n`. */
static void change(struct threads *t, int n)
{
    if (n < t->now) {
        t->fewer_since = t->last.wall;
    }
    t->now = t->fit = n;
    t->short_of = 0;
}

int threads_begin(struct threads *t)
{
    if (t->most > 1) {
        look_if_time(t);
    }
    if (t->fit != t->now) {
        change(t, t->fit);
    } else if (t->now < t->most && t->last.wall - t->fewer_since > RETRY_SECONDS) {
        change(t, t->most);
    }
    t->looks = 0;
    t->operations = 0;
    t->fastest = 0;
    return t->now;
}

bool threads_held_up(struct threads *t)
{
    t->operations++;
    return t->now > 1 && look_if_time(t);
}
