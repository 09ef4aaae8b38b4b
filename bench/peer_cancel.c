/* peer_cancel.c - how long a session takes to become idle after lw_cancel().
 *
 * A stranger's program over the public header, for bench/peer.py. Asks the
 * same question again and again; each time another thread cancels it while
 * the worker reads, later by a few tenths of a second each time so that steps are
 * hit at all their places.
 *
 *     peer_cancel TRIALS CANCELS [option=value ...] -- FILE
 *
 * CANCELS: 1 asks for what was found, 2 aborts. Give a large chunk-tokens, so
 * that no part is ever read to its end and kept. One line a trial:
 * {"after_s": when it was cancelled, "idle_s": until lw_ask() returned, "code": ...}. */
#include "legwork.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { FIRST_MS = 700, LATER_MS = 137, LATER_TRIALS = 10 };

struct trial {
    lw_session *s;
    int cancels, after_ms;
    pthread_t thread;
    bool begun;
    double cancelled_at; /* read only after the thread was joined */
};

static void die(const char *message)
{
    fprintf(stderr, "peer_cancel: %s\n", message);
    exit(1);
}

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void *cancel_later(void *arg)
{
    struct trial *t = arg;
    struct timespec wait = { .tv_sec = t->after_ms / 1000,
                             .tv_nsec = t->after_ms % 1000 * 1000000L };

    nanosleep(&wait, NULL);
    t->cancelled_at = now();
    for (int i = 0; i < t->cancels; i++) lw_cancel(t->s);
    return NULL;
}

/* The clock starts when reading does: loading and cutting are over then. */
static void on_event(void *user, const struct lw_event *event)
{
    struct trial *t = user;

    if (event->kind != LW_EVENT_STAGE || strcmp(event->text, "reading") != 0) return;
    if (pthread_create(&t->thread, NULL, cancel_later, t)) die("no thread");
    t->begun = true;
}

static void try_once(struct trial *t)
{
    struct lw_error err;
    lw_result *r = NULL;

    lw_on_event(t->s, on_event, t);
    int code = lw_ask(t->s, "What is the most important date?", &r, &err);
    double end = now();
    if (!t->begun) die(err.message);
    pthread_join(t->thread, NULL);
    lw_result_close(r);
    if (end < t->cancelled_at) die("the answer was there before it was cancelled");
    printf("{\"after_s\": %.3f, \"idle_s\": %.4f, \"code\": %d}\n",
           (double)t->after_ms / 1000, end - t->cancelled_at, code);
    fflush(stdout);
}

static void set_option(lw_session *s, char *text)
{
    struct lw_error err;
    char *equals = strchr(text, '=');

    if (!equals) die("options are name=value");
    *equals = '\0';
    if (lw_set(s, text, equals + 1, &err)) die(err.message);
}

int main(int argc, char **argv)
{
    struct lw_error err;
    lw_session *s;

    if (argc < 5) die("usage: peer_cancel TRIALS CANCELS [option=value ...] -- FILE");
    if (lw_open(&s, &err)) die(err.message);
    int i = 3;
    for (; i < argc && strcmp(argv[i], "--") != 0; i++) set_option(s, argv[i]);
    for (i++; i < argc; i++) {
        if (lw_add_file(s, argv[i], &err)) die(err.message);
    }
    int trials = (int)strtol(argv[1], NULL, 10), cancels = (int)strtol(argv[2], NULL, 10);
    for (int n = 0; n < trials; n++) {
        struct trial t = { .s = s,
                           .cancels = cancels,
                           .after_ms = FIRST_MS + n % LATER_TRIALS * LATER_MS };
        try_once(&t);
    }
    lw_close(s);
    return 0;
}
