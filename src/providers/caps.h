/* caps.h - what a server does not take, learnt from its refusals.
 *
 * Each feature of a request has a level: 0 is what legwork would like, each
 * higher one a fallback, the last one to do without. A refusal that blames a
 * feature of the request raises its level; the request goes again with the new
 * levels. Levels only rise, so this ends.
 *
 * Threads: a struct caps is plain data; its owner locks. */
#ifndef LW_PROVIDERS_CAPS_H
#define LW_PROVIDERS_CAPS_H

#include "providers/errors.h"

/* ORDER CAPS: caps.c has a row for each. */
enum caps_feature {
    CAPS_STREAM,     /* before the format, which some serve only without it */
    CAPS_FORMAT,     /* json_schema, json_object, the prompt alone */
    CAPS_MAX_TOKENS, /* max_tokens, max_completion_tokens, none */
    CAPS_LOGPROBS,   /* 20 alternatives, 5, none */
    CAPS_TEMPERATURE,
    CAPS_SEED,
    CAPS_STOP,
    CAPS_STREAM_USAGE,
    CAPS_SYSTEM, /* a system message, its text before the user's */
    CAPS_FEATURES
};

struct caps {
    int level[CAPS_FEATURES];
};

enum { FORMAT_SCHEMA, FORMAT_OBJECT, FORMAT_PROMPT };

/* Bits 1 << feature. */
typedef unsigned caps_set;

/* The refusal e came for a request made with `used`, which had the features `sent`.
 * True: it blames one of them, *shared knows now, and the request should go again.
 * If this is news, notice gets a few words ("temperature is not sent any more"),
 * else "". */
bool caps_learn(struct caps *shared, const struct caps *used, caps_set sent,
                const struct api_error *e, char *notice, size_t cap);

#endif
