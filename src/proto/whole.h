/* whole.h - all documents as one text, for a model that can hold them.
 *
 *     d1:
 *     the text of d1
 *
 *     d2:
 *     ...
 */
#ifndef LW_PROTO_WHOLE_H
#define LW_PROTO_WHOLE_H

#include "jobs/reading.h"

/* Tokens of that text as the model counts them; an estimate where it is far too long to
 * count. */
int64_t whole_tokens(const struct reading *r, struct llm *model);
/* The text, in the run's arena. */
const char *whole_text(const struct reading *r, size_t *len);

#endif
