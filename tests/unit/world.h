/* world.h - documents, two scripted models and a run, for tests of protocols.
 *
 * The documents are given as texts and cut at blank lines, so that a test can
 * say which paragraph is which chunk. Their file names all hold WORLD_SECRET_NAME.
 * The supervisor stands behind a guard. What the run warns of and traces is
 * kept as text.
 *
 * Life: world_init, change what the test is about, world_run, look, world_release. */
#ifndef LW_TESTS_WORLD_H
#define LW_TESTS_WORLD_H

#include "base/buf.h"
#include "flow/final.h"
#include "llm/fake.h"
#include "proto/proto.h"

#define WORLD_SECRET_NAME "secret-file-name"

struct world {
    struct doc_set set;
    struct chunk_list chunks;
    struct search *search;
    struct arena *arena;
    struct cancel cancel;
    struct usage local, remote;
    struct egress egress;
    struct llm *worker;     /* a fake */
    struct llm *supervisor; /* a fake; the guard around it is in run.supervisor */
    struct proto_run run;
    struct buf warnings, traces, stages;
    struct final out;
    struct lw_error err;
};

struct world_options {
    const char *question;
    const char *const *docs; /* NULL-ended texts; NULL: world_docs */
    const char *worker;      /* scripts; "" for a model that fits nothing */
    const char *supervisor;  /* NULL: none */
    struct fake_options worker_is, supervisor_is;
};

/* Two short documents of seven paragraphs about a company. */
extern const char *const world_docs[];
extern const size_t world_docs_chunks;

void world_init(struct world *w, const struct world_options *opt);
/* Runs the protocol; the code. Checks what holds for every final: coverage sums to the
 * chunks, marks and citations agree, quotes stand where they are said to. */
int world_run(struct world *w, const char *protocol);
void world_release(struct world *w);

/* All that the supervisor, or the worker, was sent, in one text. mem_free(). */
char *world_sent(const struct llm *fake);
size_t world_count(const char *text, const char *needle);

#endif
