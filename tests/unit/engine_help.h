/* engine_help.h - what the tests of the engine share: a real model, short requests. */
#ifndef LW_TESTS_ENGINE_HELP_H
#define LW_TESTS_ENGINE_HELP_H

#include "engine/engine.h"

#include <stdbool.h>
#include <stdint.h>

enum { HELP_TEXT_MAX = 4096, HELP_PATH_MAX = 4096, HELP_CONTEXT = 512 };

/* Path of the model for tests; false and "skip: why" on stdout if it is not there. */
bool help_model_path(char path[HELP_PATH_MAX]);
/* The engine on it, with a context of HELP_CONTEXT; NULL if the model is not there. */
struct llm *help_open(const struct engine_options *extra);

/* Path of a tiny random model (tests/models/make_tiny.py); false and "skip: why" on
 * stdout if it was not made. */
bool help_tiny_path(const char *kind, char path[HELP_PATH_MAX]);
/* A copy of it below /tmp with other bytes as the value of a key of its header, for the
 * caller to remove; the test is skipped if it is not there. */
void help_tiny_changed(const char *kind, const char *key, const void *value, size_t bytes,
                       char path[HELP_PATH_MAX]);
/* The engine on it; the test is skipped if it is not there. */
struct llm *help_open_tiny(const char *kind, const struct engine_options *extra);

/* What engines said of their drafts, all in all. An engine_options.trace. */
struct drafts {
    long guessed, right;
};
void help_hear_drafts(void *user, const char *sentence);

/* One request: system, user as up to three parts of which the second is verbatim. */
struct ask {
    struct llm_message messages[2];
    struct llm_request req;
};
void ask_init(struct ask *ask, const char *head, const char *excerpt,
              const char *question);

/* A reply that outlives its callback. */
struct kept {
    struct llm_reply reply;
    char text[HELP_TEXT_MAX];
    int times; /* how often it came */
};
/* An llm_reply_fn; user is an array of struct kept. */
void keep_reply(void *user, size_t index, const struct llm_reply *reply);

/* cmocka's set-up and tear-down of a group: *state is the engine, or NULL. */
int help_open_group(void **state);
int help_close_group(void **state);
/* The engine, or the test is skipped. */
struct llm *help_engine(void **state);

/* Ask and keep all replies; each must come once. Free with mem_free(). */
struct kept *help_run(struct llm *llm, const struct llm_request *reqs, size_t n);
/* Count tokens of a string. */
int64_t help_tokens(struct llm *llm, const char *text);

extern const char help_lease[], help_garden[];

#endif
