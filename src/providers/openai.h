/* openai.h - the inside of a provider's llm, shared by openai.c and batch.c. */
#ifndef LW_PROVIDERS_OPENAI_H
#define LW_PROVIDERS_OPENAI_H

#include "providers/caps.h"
#include "providers/cut.h"
#include "providers/endpoint.h"

#include <pthread.h>

struct openai {
    struct llm llm; /* first */
    struct endpoint at;
    struct http *http; /* borrowed */
    int parallel, timeout_ms, attempts_max;
    struct llm_meter meter; /* sent NULL: nobody wants to know */
    void (*notice)(void *user, const char *sentence);
    void *user;

    pthread_mutex_t ask_lock; /* held while the server is asked about itself */
    bool asked, served_asked;
    struct lw_error unasked; /* code not 0: asked, and this came of it */
    struct llm_info info;    /* changes only while the server is asked */

    pthread_mutex_t lock; /* over the rest, never held while waiting */
    char *model;          /* NULL: not known yet */
    struct caps caps;
    bool streams; /* a gateway ended a silent reply: all are streamed */
    struct cut_meter cut;
    struct lw_error final; /* code 0: none; ends requests not yet sent */
};

/* chat_many of struct llm_ops. */
int batch_run(struct openai *o, const struct llm_request *reqs, size_t n,
              llm_reply_fn on_reply, void *user, const struct cancel *cancel,
              struct lw_error *err);

/* Ask the server for what was not given (its model; Ollama: the context), once: the
 * outcome is remembered, a failure too, until provider_ask(). LW_CANCELLED and LW_TIMEOUT
 * are not. */
int openai_ask_server(struct openai *o, const struct cancel *cancel,
                      struct lw_error *err);

/* A reply counted so many tokens of its prompt (0: does not say). LW_ERR_REMOTE with a
 * sentence if it cannot have read all of it. */
int openai_check_prompt(struct openai *o, const struct llm_request *req, int64_t tokens,
                        const struct cancel *cancel, struct lw_error *err);

/* A metered call has ended. */
void openai_tell_meter(const struct openai *o, const struct http_event *end);

/* Room for the header lines of a call to the server. */
struct openai_headers {
    const char *lines[3];
    size_t n;
    char *authorization;
};
void openai_headers_init(struct openai_headers *h, const struct openai *o);
void openai_headers_release(struct openai_headers *h);

#endif
