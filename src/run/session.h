/* session.h - what a session holds, for the files of run/ only.
 *
 * Everything expensive is made when it is first needed and kept for the next
 * question: models, the HTTP thread, the chunks and their search index. Each
 * remembers what it was made for and is made anew when that has changed.
 *
 * Threads: one at a time, but for cancel. */
#ifndef LW_RUN_SESSION_H
#define LW_RUN_SESSION_H

#include "base/cancel.h"
#include "engine/identity.h"
#include "flow/chunk.h"
#include "flow/doc.h"
#include "flow/usage.h"
#include "jobs/meaning.h"
#include "llm/llm.h"
#include "models/resident.h"
#include "net/http.h"
#include "run/event.h"
#include "run/options.h"
#include "run/tuned.h"
#include "text/search.h"

/* A model that stays open between questions. */
struct model_slot {
    struct llm *llm;            /* NULL: not open */
    struct llm *server;         /* behind HTTP: what llm is, or wraps; NULL: in process */
    char *made_for;             /* the options that it was opened with */
    char *path;                 /* in this process: its file */
    struct identity_stamp file; /* that was there before it was opened last */
    struct llm *resident;       /* and what llm is, or wraps; NULL: behind HTTP */
    size_t n_docs;              /* a guard knows the documents of its time */
    bool guarded;
    struct egress egress; /* of the run under way; the guard counts into it */
    struct tuned tuned;   /* a model in this process that was measured; else 0 */
};

/* The documents cut for one worker, their index, and what they mean. */
struct reading_matter {
    struct chunk_list chunks;
    struct search *search;      /* NULL: not made */
    struct llm_source *sources; /* one a document; NULL: the worker keeps no states */
    char *made_for;             /* worker, sizes and number of documents */
    struct meaning meaning;     /* of the chunks; all 0 where meaning_for is NULL */
    char *meaning_for;          /* the model's made_for */
};

/* Sentences, oldest first. Those of a run are told apart from those of the
 * documents, since a result repeats the latter but not other runs'. */
struct warning {
    char *sentence;
    bool of_documents;
};

struct warnings {
    struct warning *items;
    size_t n, cap;
};

struct lw_session {
    struct options options;
    struct doc_set docs;
    struct warnings warnings;
    struct events events;
    /* Raised by lw_cancel() at any time; whoever blocked clears it at the end, so
     * that a cancel shortly before a run is not lost. */
    struct cancel cancel;
    struct http *http; /* NULL: nothing needed it yet */
    struct model_slot worker, supervisor, embedder;
    struct residents *residents; /* those in this process; NULL: none was opened */
    bool numa_told;              /* with the first model */
    struct reading_matter matter;
    struct egress egress; /* of the last run, through all guards */
    int hosts;            /* other machines that it went to */
    char sent_to[640];    /* these, for people */
    char *kept_folder;    /* NULL: not asked for yet, or there is none */
    uint64_t kept_room;   /* that the worker was opened with */
};

/* user is the session. The same sentence twice is kept once. */
void session_warn(void *user, const char *sentence);
/* Make warnings of what other threads posted as such. */
void session_take_warnings(lw_session *s);
/* The call that could be cancelled is over. */
void session_rearm(lw_session *s);

#endif
