/* final.h - what a protocol returns: always a best answer. */
#ifndef LW_FLOW_FINAL_H
#define LW_FLOW_FINAL_H

#include "flow/finding.h"
#include "flow/job.h"

enum final_status { FINAL_ANSWERED, FINAL_PARTIAL, FINAL_NOT_FOUND };
/* "answered", "partial", "not_found". */
const char *final_status_name(enum final_status status);

struct citation {
    struct quote quote;
    const char *text; /* in the arena; EXACT: the document's own bytes */
};

struct final {
    enum final_status status;
    const char *answer;         /* with [n] marks; in the run's arena; never NULL */
    bool shaped;                /* the answer is JSON of the caller's schema */
    struct citation *citations; /* number n is citations[n - 1] */
    size_t n_citations;
    struct coverage coverage;
    int rounds;
    /* Why the answer is partial, or why nothing was found before the run ended
     * (the supervisor failed, time ran out, ...): a code of enum lw_code and a
     * sentence; 0 and NULL if neither is so. */
    int cause;
    const char *cause_message;
};

#endif
