/* provider.h - a model behind an OpenAI-compatible server as an llm.
 *
 * Names: openai/MODEL, together/MODEL, openrouter/MODEL, groq/MODEL,
 * deepseek/MODEL, mistral/MODEL, ollama/MODEL, tokasaurus/MODEL, and
 * http(s)://host:port/v1#MODEL (without a path /v1 is meant). The provider is what
 * stands before the first slash. Without #MODEL the server's only or first model is
 * asked for once; one that a server on this device would pass on to a cloud has to be
 * named. Ollama (by that name, or a URL with its port 11434) is asked whether it runs
 * the model itself, since a cloud model may have been given any name there: what it would
 * pass on without its name saying so is refused, as nothing of it was guarded. Of another
 * server on this device the name is all that is known.
 *
 * Structured replies: response_format json_schema where it is served, else
 * json_object, else the prompt alone; which one is learnt from the server's
 * refusals and remembered for the life of the llm. A parameter that the server
 * refuses by name (temperature, max_tokens, logprobs, seed, ...) is dropped
 * once (or renamed: max_completion_tokens) and remembered. Of a request,
 * prefill, forbid_alt and copy_from are not honoured: no server has them.
 * Screening is described in reply.h; max_tokens 0 costs a token.
 *
 * Streams: asked for where the request has on_text, and, once a gateway has ended a
 * silent reply (504, 524), for every request. legwork's own requests have no on_text,
 * since their replies are JSON or a line, used when they are whole; that is for callers
 * of this interface. A server that refuses to stream is asked for whole replies, which
 * on_text gets as one piece.
 *
 * Retries as in net/retry.h. Insufficient quota is LW_ERR_BUDGET and final, 401 and
 * 403 LW_ERR_AUTH and final (but not a 403 for a text that was flagged): after either,
 * requests not yet sent fail at once with the same sentence. So do those of the same
 * llm_chat_many() when the server does not know the model, or was never reached.
 * Everything else is one request's own LW_ERR_REMOTE, in either role: the caller knows
 * whether this is the worker.
 *
 * Keys come from the caller (options read the environment); they are put
 * nowhere but into the Authorization header, and never over plain http to a
 * host that is not loopback. Where a server repeats one, in an error or in a reply that
 * is not streamed, stars stand for it. */
#ifndef LW_PROVIDERS_PROVIDER_H
#define LW_PROVIDERS_PROVIDER_H

#include "llm/llm.h"
#include "net/http.h"

/* Is this the name of a model behind HTTP (known provider or URL)? */
bool provider_is_name(const char *model);

struct provider_spec {
    const char *id;           /* "openai" */
    const char *base_url;     /* "https://api.openai.com/v1" */
    const char *key_variable; /* "OPENAI_API_KEY"; NULL: none needed */
    const char *url_variable; /* "OPENAI_BASE_URL"; NULL */
    bool key_required;
    int parallel; /* requests in flight by default, 1 or more */
};
/* The table, ended by an entry with id NULL. */
const struct provider_spec *provider_table(void);
/* The provider of "OpenAI/gpt-5", or of that name alone, in any case; NULL: none, or a
 * URL. */
const struct provider_spec *provider_spec_of(const char *model);

struct provider_options {
    const char *model;    /* full name as above */
    const char *base_url; /* overrides the table's; "host:port" is enough; NULL */
    const char *key;      /* NULL: none */
    int parallel;         /* 0: the table's */
    int timeout_ms;       /* one request; 0: 600,000 */
    int attempts_max;     /* 0: 5 */
    struct http *http;    /* borrowed, outlives the llm */
    /* What the user should know (a refused parameter, a long wait), on the thread that
     * called llm_chat_many(). NULL: none. */
    void (*notice)(void *user, const char *sentence);
    void *user;
};

/* LW_ERR_USAGE: unknown provider (known ones are named) or a malformed name;
 * LW_ERR_AUTH: a key is required and missing (names the variable), or malformed;
 * LW_ERR_POLICY: the key would go over plain http to another machine. Nothing is sent
 * yet; llm_info() and the first request may ask the server about itself. */
int provider_open(struct llm **out, const struct provider_options *opt,
                  struct lw_error *err);

/* Where that would be, whether or not there is a key for it. */
struct provider_place {
    char where[300]; /* "host:port" */
    bool on_device;
};
int provider_find(struct provider_place *out, const struct provider_options *opt,
                  struct lw_error *err);

/* Ask the server for what is not known of it (its model, its context), if anything is,
 * and also where that failed before: to be called at the beginning of a run, since
 * llm_info() cannot be cancelled. Without it the first use asks, once for all; either
 * way what failed fails every request with the same sentence, at once. LW_ERR_REMOTE,
 * LW_ERR_AUTH or LW_ERR_BUDGET: no model is known; LW_ERR_POLICY: the server is on this
 * device, and passes on to a cloud what its first model, or the one named without a cloud
 * tag, is sent; LW_CANCELLED or LW_TIMEOUT. */
int provider_ask(struct llm *provider, const struct cancel *cancel, struct lw_error *err);

/* llm_info() of what provider_open() made, without asking the server anything: the
 * context is 0 until that was done. For whoever only wants to know where it is. */
const struct llm_info *provider_info(struct llm *provider);

#endif
