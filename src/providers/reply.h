/* reply.h - one reply of a server, gathered from a whole JSON body or from stream events.
 *
 * Screening. A server reports text, not tokens of ours, so an alternative is
 * found by what it looks like: a reported token counts as the alternative if,
 * both without leading white space, it begins with it and the word
 * does not go on behind it (" not" is found in "not", " not" and "not,", never
 * in "nothing"). Case counts. The first token that is not white space is looked at.
 * If no alternative is among the reported ones, the result is an upper bound: the
 * smallest reported probability, or what the reported ones leave over, if that is less.
 * NAN if there are no log-probabilities, or if reasoning came before the text.
 *
 * A reply that the server broke off, whatever there is of it, is none: it is read as the
 * refusal that it names, or as 503, and so tried again.
 *
 * Counts of tokens are at most INT32_MAX, whatever the server says. */
#ifndef LW_PROVIDERS_REPLY_H
#define LW_PROVIDERS_REPLY_H

#include "llm/llm.h"
#include "providers/errors.h"
#include "llm/reasoning.h"

struct chat_reply {
    const struct llm_request *req;
    struct buf text; /* without reasoning */
    struct reasoning reasoning;
    bool reasoned, has_choice;
    bool thought; /* reasoning was counted, whether or not it was shown */
    bool done;    /* a finish_reason or [DONE] came */
    char finish[32];
    char refusal[200];
    double logprob_alt, logprob_alt2, logprob_sum;
    long n_logprobs;
    bool scored; /* the first token was seen */
    struct usage usage;
};

void chat_reply_init(struct chat_reply *c);
void chat_reply_clear(struct chat_reply *c, const struct llm_request *req);
void chat_reply_release(struct chat_reply *c);

/* A whole body. Not 0: it is no reply; e says why, with its own status if it names
 * one. */
int chat_reply_read(struct chat_reply *c, const char *body, size_t len,
                    struct api_error *e);
/* The data of one event of a stream. New text is appended to c->text. */
int chat_reply_event(struct chat_reply *c, const char *data, size_t len,
                     struct api_error *e);

/* Everything came: fill reply, whose text stays c's. A reply that is none after all
 * becomes LLM_FAILED; name begins its sentence. */
void chat_reply_finish(struct chat_reply *c, const char *name, struct llm_reply *reply);

#endif
