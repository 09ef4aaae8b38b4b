/* caps.c - reading refusals.
 *
 * Servers name the parameter they do not take in `param`, or in their message
 * among words like "unsupported". A message that only mentions a parameter is
 * not enough: "max_tokens is too large for this prompt" must not make legwork
 * stop limiting replies. It is for formats and log-probabilities, which come up in a
 * refusal only where they are the trouble ("top_logprobs=20 but engine was configured
 * with max_topk_logprobs=None"). */
#include "providers/caps.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { NAMES_MAX = 6, LEVELS_MAX = 3 };

struct row {
    const char *names[NAMES_MAX]; /* as refusals call it */
    const char *gone;             /* a name that leaves no fallback but the last */
    bool mention_is_enough;
    int last;
    const char *notice[LEVELS_MAX]; /* when the level is reached */
};

/* ORDER CAPS */
/* clang-format off */
static const struct row rows[CAPS_FEATURES] = {
    [CAPS_STREAM] = {
        .names = { "stream", "streaming" }, .last = 1,
        .notice = { NULL, "replies come whole, not as they are written" } },
    [CAPS_FORMAT] = {
        .names = { "response_format", "json_schema", "json_object", "JSON schema",
                   "grammar", "structured" },
        .mention_is_enough = true, .last = FORMAT_PROMPT,
        .notice = { NULL, "asked for any JSON object, as the schema is refused",
                    "asked for JSON in words only" } },
    [CAPS_MAX_TOKENS] = {
        .names = { "max_tokens", "max_completion_tokens" }, .last = 2,
        .notice = { NULL, "max_tokens is sent as max_completion_tokens",
                    "replies are not limited in length" } },
    [CAPS_LOGPROBS] = {
        .names = { "top_logprobs", "logprobs" }, .gone = "logprobs",
        .mention_is_enough = true, .last = 2,
        .notice = { NULL, "fewer log-probabilities are asked for",
                    "log-probabilities are not asked for" } },
    [CAPS_TEMPERATURE] = {
        .names = { "temperature" }, .last = 1,
        .notice = { NULL, "temperature is not sent, replies may vary" } },
    [CAPS_SEED] = {
        .names = { "seed" }, .last = 1,
        .notice = { NULL, "seed is not sent, replies may vary" } },
    [CAPS_STOP] = {
        .names = { "stop" }, .last = 1,
        .notice = { NULL, "stop is not sent, replies are cut here" } },
    [CAPS_STREAM_USAGE] = {
        .names = { "stream_options", "include_usage" }, .last = 1,
        .notice = { NULL, "tokens of streamed replies are not counted" } },
    [CAPS_SYSTEM] = {
        .names = { "system role", "system message", "system messages" }, .last = 1,
        .notice = { NULL, "instructions go into the user's message" } },
};
/* clang-format on */

static bool is_name_byte(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

static bool has_name(const char *text, const char *name)
{
    size_t len = strlen(name);
    for (const char *at = text; *at != '\0'; at++) {
        if (strncasecmp(at, name, len) == 0 && !is_name_byte(at[len]) &&
            (at == text || !is_name_byte(at[-1]))) {
            return true;
        }
    }
    return false;
}

static bool sounds_unsupported(const struct api_error *e)
{
    static const char *const parts[] = {
        "support",    "unknown",         "unrecogni",
        "unexpected", "not permitted",   "not allowed",
        "extra",      "not available",   "unavailable",
        "deprecated", "not implemented", "only the default",
        "instead",    "cannot be used",  "must be alternate",
    };
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (api_error_mentions(e->message, parts[i]) ||
            api_error_mentions(e->code, parts[i])) {
            return true;
        }
    }
    return false;
}

/* "max_tokens is too large: this model supports at most 4096" is no refusal of the
 * name. */
static bool is_about_size(const struct api_error *e)
{
    return api_error_mentions(e->message, "too large") ||
           api_error_mentions(e->message, "at most") ||
           api_error_mentions(e->message, "exceed") ||
           api_error_mentions(e->message, "maximum context");
}

static bool blames(const struct api_error *e, enum caps_feature f)
{
    bool words = sounds_unsupported(e);
    if (f == CAPS_MAX_TOKENS && is_about_size(e)) {
        return false;
    }
    for (size_t i = 0; i < NAMES_MAX && rows[f].names[i] != NULL; i++) {
        const char *name = rows[f].names[i];
        bool mentioned = has_name(e->message, name);
        if ((mentioned && (words || rows[f].mention_is_enough)) ||
            (has_name(e->param, name) && (words || f != CAPS_MAX_TOKENS))) {
            return true;
        }
    }
    return false;
}

static int next_level(const struct api_error *e, enum caps_feature f, int level)
{
    const struct row *row = &rows[f];
    bool gone = row->gone != NULL &&
                (has_name(e->message, row->gone) || has_name(e->param, row->gone));
    return gone ? row->last : level + 1;
}

/* Whether a status is one that refusals of parameters come with. OpenRouter says 404 when
 * no server behind it takes them. */
static bool may_blame(int status)
{
    return status == 400 || status == 404 || status == 422 || status == 501;
}

bool caps_learn(struct caps *shared, const struct caps *used, caps_set sent,
                const struct api_error *e, char *notice, size_t cap)
{
    notice[0] = '\0';
    if (!may_blame(e->status)) {
        return false;
    }
    for (enum caps_feature f = 0; f < CAPS_FEATURES; f++) {
        if (!(sent & (1u << f)) || used->level[f] == rows[f].last || !blames(e, f)) {
            continue;
        }
        int level = next_level(e, f, used->level[f]);
        if (shared->level[f] < level) {
            shared->level[f] = level;
            snprintf(notice, cap, "%s", rows[f].notice[level]);
        }
        return true;
    }
    return false;
}
