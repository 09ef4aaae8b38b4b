/* usage.c - adding up what model calls cost. Sums only; prices are in
 * providers/, and whose side a call was on is the caller's to know. */
#include "flow/usage.h"

void usage_add(struct usage *sum, const struct usage *part)
{
    sum->requests += part->requests;
    sum->prompt_tokens += part->prompt_tokens;
    sum->cached_tokens += part->cached_tokens;
    sum->completion_tokens += part->completion_tokens;
    sum->seconds += part->seconds;
}

void egress_add(struct egress *sum, const struct egress *part)
{
    sum->calls += part->calls;
    sum->bytes += part->bytes;
    sum->document_chars += part->document_chars;
}
