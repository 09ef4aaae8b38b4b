/* proto.c - the table of protocols, and how they speak to the front end.
 *
 * A new way of answering is one file and one line here; nothing else in
 * legwork knows their names. */
#include "proto/proto.h"

#include "proto/ways.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { SENTENCE_BYTES = 512 };

/* ORDER PROTOCOLS */
static const struct protocol protocols[] = {
    {
        .name = "local",
        .help =
            "the worker alone: search, read the best parts, answer from what was found",
        .run = local_run,
    },
    {
        .name = "remote",
        .help = "the whole documents in one call of the remote model",
        .needs_supervisor = true,
        .without_worker = true,
        .run = remote_run,
    },
    {
        .name = "minion",
        .help = "the remote model asks the worker, one thing at a time",
        .needs_supervisor = true,
        .run = minion_run,
    },
    {
        .name = "minions",
        .help = "the remote model plans many small jobs, the worker does them, round by "
                "round",
        .needs_supervisor = true,
        .run = minions_run,
    },
    { .name = NULL },
};

const struct protocol *protocol_table(void)
{
    return protocols;
}

const struct protocol *protocol_find(const char *name)
{
    for (const struct protocol *p = protocols; p->name; p++) {
        if (strcmp(p->name, name) == 0) return p;
    }
    return NULL;
}

/* --- To the front end ------------------------------------------------------ */

void proto_stage(const struct proto_run *run, const char *what)
{
    if (run->stage) run->stage(run->user, what);
}

void proto_warn(const struct proto_run *run, const char *fmt, ...)
{
    char sentence[SENTENCE_BYTES];
    va_list args;
    if (!run->warn) return;
    va_start(args, fmt);
    vsnprintf(sentence, sizeof sentence, fmt, args);
    va_end(args);
    run->warn(run->user, sentence);
}

void proto_trace(const struct proto_run *run, const char *fmt, ...)
{
    char sentence[SENTENCE_BYTES];
    va_list args;
    if (!run->reading.trace) return;
    va_start(args, fmt);
    vsnprintf(sentence, sizeof sentence, fmt, args);
    va_end(args);
    run->reading.trace(run->reading.user, sentence);
}

/* --- Plans ---------------------------------------------------------------- */

void proto_set_samples(const struct proto_run *run, struct plan *plan)
{
    for (size_t i = 0; i < plan->n_tasks; i++) {
        struct task *task = &plan->tasks[i];
        if (task->n_samples == 1 && run->samples > 1) task->n_samples = run->samples;
    }
}
