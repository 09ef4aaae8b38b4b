/* prompts.h - every word that a supervisor is told, and every sentence of our
 * own in an answer, in one place.
 *
 * Order: instructions, documents (described, never shown, but in
 * prompt_remote), question, what was found, what to do now: what repeats from
 * round to round comes first. File names appear nowhere. A model that has no answer says
 * PROMPT_ABSENT (jobs/prompts.h), whichever side it is on.
 *
 * Each call fills messages[0..1] (system, user), whose text lives in the run's
 * arena. */
#ifndef LW_PROTO_PROMPTS_H
#define LW_PROTO_PROMPTS_H

#include "proto/proto.h"
#include "proto/record.h"

enum { SUPERVISOR_MESSAGES = 2 };

enum prompt_round { ROUND_MIDDLE, ROUND_LAST };

/* Is the supervisor a small model, to be told and asked less? One in this
 * process is. It plans once and then answers from what was found: whether more
 * should be read, and whether an answer is there at all, it cannot judge. */
bool prompt_is_small(const struct proto_run *run);

/* minions: ask for a plan; ask for the answer or the next plan. `found` is
 * what findings_text() made. */
void prompt_plan(const struct proto_run *run, struct llm_message *messages);
void prompt_conclude(const struct proto_run *run, const char *found, const char *note,
                     enum prompt_round round, struct llm_message *messages);

/* minion: the first message to the worker; the answer or the next message. */
void prompt_first_message(const struct proto_run *run, struct llm_message *messages);
void prompt_next_message(const struct proto_run *run, const char *found,
                         enum prompt_round round, struct llm_message *messages);

/* minion: the worker's turn over whole documents. The text is a verbatim part. */
void prompt_whole(const struct proto_run *run, const char *text, size_t len,
                  const char *message, struct llm_message *messages);

/* remote: the documents themselves, a verbatim part. */
void prompt_remote(const struct proto_run *run, const char *text, size_t len,
                   struct llm_message *messages);

/* Put an answer into the caller's schema. `found` may be "". */
void prompt_shape(const struct proto_run *run, const char *answer, const char *found,
                  struct llm_message *messages);

/* A summary: what neighbouring parts say (a line each), for a worker to join. */
void prompt_join(const struct proto_run *run, const char *notes,
                 struct llm_message *messages);

/* --- Sentences for the user ------------------------------------------------ */

/* "The documents do not state this. All 12 parts were read." */
const char *words_not_found(struct arena *a, const struct coverage *coverage);
/* Of one question, in a line of an answer: "not found", in how many parts, "not read". */
const char *words_none(struct arena *a, size_t read, size_t parts);
/* The reading was stopped and nothing was found until then. */
const char *words_nothing_yet(struct arena *a, const struct coverage *coverage);
extern const char words_too_long[]; /* the answer was too long */
extern const char words_no_quote[]; /* no verified quote supports the answer */

#endif
