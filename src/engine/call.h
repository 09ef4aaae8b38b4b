/* call.h - one llm_chat_many() on its way through the engine.
 *
 * The calling thread builds a call (prompts tokenised, requests grouped by
 * what they share), hands it to the engine thread and then only waits for
 * events; after EVENT_END the call is the caller's again.
 *
 *     caller:  call_new --> inbox --> engine thread: turns go on, step by step
 *              call_next_event  <------ call_send ------'
 *
 * Ownership: the call owns its turns and groups; an event belongs to whoever
 * takes it out of the queue. Requests are borrowed from the caller of
 * llm_chat_many(), who is waiting. */
#ifndef LW_ENGINE_CALL_H
#define LW_ENGINE_CALL_H

#include "base/queue.h"
#include "engine/load.h"
#include "engine/turn.h"

/* States of a call that were found on disk, or are going there. */
struct disk_account {
    int n_found, n_kept;
    int64_t tokens_found, tokens_kept;
    uint64_t bytes_found, bytes_kept;
};

struct call {
    struct sched_call sched; /* first */
    const struct cancel *cancel;
    struct turn *turns;
    size_t n_turns, n_left;
    struct turn_group **groups;
    size_t n_groups;
    struct queue *events;
    struct disk_account disk;   /* the engine thread's */
    int64_t n_drafted, n_right; /* tokens; the engine thread's */
    int n_rested;               /* excerpts; the engine thread's */
    struct call *next;          /* of the engine's list */
};

/* Never fails: a request that cannot begin has its error in its turn. From when the
 * caller cancels on turns are left without a group: all that is due is a reply. */
struct call *call_new(const struct loaded *m, const struct llm_request *reqs, size_t n,
                      const struct cancel *cancel);
void call_free(struct call *call);

enum event_kind { EVENT_TEXT, EVENT_REPLY, EVENT_END };

struct event {
    enum event_kind kind;
    size_t index;
    struct llm_reply reply; /* EVENT_REPLY: its text is the one below */
    size_t len;
    char text[];
};

/* The event is freed with mem_free(). */
void call_send(struct call *call, enum event_kind kind, size_t index,
               const struct llm_reply *reply, const char *text, size_t len);

#endif
