/* fake.h - a scripted model for tests, and for nothing else.
 *
 * A script is text (see tests/cases/README.md): rules, first match wins.
 *
 *     when user contains "birth"   (or: system, any; contains, lacks; several: all)
 *     say 12 March 1956            (\n, \" and \\ understood; without it: "")
 *     absent -0.1 -4               (logprob_alt, logprob_alt2; default from the reply:
 *                                   -0.05 if it begins with an alternative, else -6)
 *     finish length                (stop, length, repeat, failed SENTENCE)
 *     sleep 50                     (milliseconds)
 *     times 2                      (the rule is used up after two matches)
 *
 * A rule ends at a blank line, or where `when` follows another word; one
 * without `when` matches everything. Lines that begin with # are comments.
 * `any` looks at all messages and the prefill. Replies obey stop, max_tokens
 * (4 bytes a token) and the context.
 *
 * A request no rule matches fails with a sentence that says so. The log keeps
 * every request as it came, for tests to look at. */
#ifndef LW_LLM_FAKE_H
#define LW_LLM_FAKE_H

#include "llm/llm.h"

struct fake_options {
    bool in_process; /* report cheap_scoring, prefill, exact counts (bytes / 4) */
    int context;
    int parallel;
};

int fake_open(struct llm **out, const char *script, const struct fake_options *opt,
              struct lw_error *err);
size_t fake_request_count(const struct llm *fake);
/* All parts of all messages of request i, each message headed by its role in
 * brackets and a line end; last the prefill, headed [prefill]. NULL past the end. */
const char *fake_request_at(const struct llm *fake, size_t i);
bool fake_request_had_schema(const struct llm *fake, size_t i);

#endif
