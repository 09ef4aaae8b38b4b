/* usage.h - what a run cost, by side, and what it sent away. */
#ifndef LW_FLOW_USAGE_H
#define LW_FLOW_USAGE_H

#include <stdbool.h>
#include <stdint.h>

struct usage {
    int64_t requests;
    int64_t prompt_tokens; /* all tokens of the prompts */
    int64_t cached_tokens; /* of these, not computed again */
    int64_t completion_tokens;
    double seconds; /* busy wall time of this side */
};

void usage_add(struct usage *sum, const struct usage *part);

struct egress {
    int64_t calls;          /* requests that left, every try */
    int64_t bytes;          /* of their bodies, as they left */
    int64_t document_chars; /* of them, verbatim from a document, in runs of 20 or
                             * more; guard/guard.h has the exact terms */
};

void egress_add(struct egress *sum, const struct egress *part);

#endif
