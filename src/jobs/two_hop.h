/* two_hop.h - questions about somebody whom they only describe.
 *
 * "In which town does the owner of the blue lantern live?" Who owns it stands in one part
 * and where that person lives in another, so no part holds the answer. Asked in two it is
 * found: "Who is the owner of the blue lantern?", and then, with the name, "In which town
 * does Kaspar Voss live?".
 *
 * Known by "the ROLE of ...", with a word for what one person can be to something. How
 * far the description reaches is told by the documents: as many of the words behind "of"
 * as stand together in them ("the blue lantern" does, "the blue lantern live" does not).
 * Only English wordings are known. */
#ifndef LW_JOBS_TWO_HOP_H
#define LW_JOBS_TWO_HOP_H

#include "base/mem.h"
#include "flow/doc.h"

#include <stdbool.h>
#include <stddef.h>

struct two_hop {
    const char *question;
    const char *first; /* the question for the name */
    size_t at, len; /* the description in the question: "the owner of the blue lantern" */
    bool as_described; /* the documents use the description themselves */
};

/* False: the question is not of this kind, or is itself the one for the name. */
bool two_hop_find(struct arena *a, const char *question, const struct doc_set *set,
                  struct two_hop *out);

/* Can this answer to the first question stand for the description? */
bool two_hop_is_name(const char *answer);

/* The question with the name in place of the description. */
const char *two_hop_second(struct arena *a, const struct two_hop *h, const char *name);

#endif
