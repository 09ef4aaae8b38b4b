/* errors.c - refusals of servers, in whatever form, become one sentence.
 *
 * Proxies answer in HTML, frameworks with "detail", Ollama with a bare string,
 * and some servers repeat the key that they refuse. What a person gets is who
 * refused, why in a word, the status, and the server's own words cut short. */
#include "providers/errors.h"

#include "base/mem.h"
#include "base/utf8.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* --- Any text, cut and cleaned ---------------------------------------------- */

static void copy_cut(char *out, size_t cap, const char *s, size_t len)
{
    if (len >= cap) {
        len = utf8_floor(s, len, cap - 1);
    }
    memcpy(out, s, len);
    out[len] = '\0';
}

static bool begins(const char *s, const char *end, const char *word)
{
    size_t n = strlen(word);
    return (size_t)(end - s) >= n && strncasecmp(s, word, n) == 0;
}

/* The byte behind the next occurrence of word, or end. */
static const char *behind(const char *s, const char *end, const char *word)
{
    while (s < end && !begins(s, end, word)) {
        s++;
    }
    return s < end ? s + strlen(word) : end;
}

/* s stands at '<'. Scripts and styles go with their content. */
static const char *skip_tag(const char *s, const char *end)
{
    if (begins(s, end, "<script")) {
        return behind(s, end, "</script>");
    }
    if (begins(s, end, "<style")) {
        return behind(s, end, "</style>");
    }
    return behind(s, end, ">");
}

static bool is_html(const char *s, const char *end)
{
    while (s < end && strchr(" \t\r\n", *s) != NULL) {
        s++;
    }
    return begins(s, end, "<!doctype") || begins(s, end, "<html") ||
           begins(s, end, "<head") || begins(s, end, "<body");
}

void api_error_excerpt(char *out, size_t cap, const char *body, size_t len)
{
    const char *s = body, *end = body + len;
    bool html = is_html(s, end), space = false;
    size_t n = 0;
    while (s < end && n + 2 < cap) {
        if (html && *s == '<') {
            s = skip_tag(s, end);
            space = n > 0;
        } else if ((unsigned char)*s <= ' ') {
            space = n > 0;
            s++;
        } else {
            if (space) {
                out[n++] = ' ';
            }
            space = false;
            out[n++] = *s++;
        }
    }
    if (s < end && n > 0) {
        n = utf8_floor(out, n, n - 1); /* the last character may be half */
    }
    out[n] = '\0';
}

/* --- JSON of all makes ------------------------------------------------------ */

static void copy_member(char *out, size_t cap, const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    if (json_is_string(value)) {
        copy_cut(out, cap, json_string_value(value), json_string_length(value));
    } else if (json_is_integer(value)) {
        snprintf(out, cap, "%lld", (long long)json_integer_value(value));
    }
}

static void copy_compact(char *out, size_t cap, const json_t *value)
{
    struct buf text;
    buf_init(&text, 64 * 1024);
    if (json_write(value, &text) == 0) {
        copy_cut(out, cap, text.data, text.len);
    }
    buf_release(&text);
}

static void copy_message(struct api_error *e, const json_t *value)
{
    if (json_is_string(value)) {
        api_error_excerpt(e->message, sizeof e->message, json_string_value(value),
                          json_string_length(value));
    } else if (value != NULL && !json_is_null(value)) {
        copy_compact(e->message, sizeof e->message, value);
    }
}

/* Some servers answer 200 and put the status inside. */
static void copy_status(struct api_error *e, const json_t *object)
{
    long code = json_int(object, "code", 0, 0, 999);
    if (e->status >= 200 && e->status < 300 && code >= 400 && code < 600) {
        e->status = (int)code;
    }
}

static void read_object(struct api_error *e, const json_t *object)
{
    copy_member(e->type, sizeof e->type, object, "type");
    copy_member(e->code, sizeof e->code, object, "code");
    copy_member(e->param, sizeof e->param, object, "param");
    copy_status(e, object);
    const json_t *metadata = json_object_get(object, "metadata");
    e->flagged = json_object_get(metadata, "reasons") != NULL ||
                 json_object_get(metadata, "flagged_input") != NULL;
    const json_t *message = json_object_get(object, "message");
    copy_message(e, message != NULL ? message : json_object_get(object, "detail"));
}

bool api_error_from_json(struct api_error *e, const json_t *root)
{
    const json_t *object = json_is_array(root) ? json_array_get(root, 0) : root;
    const json_t *inner = json_object_get(object, "error");
    if (json_is_object(inner)) {
        read_object(e, inner);
    } else if (json_is_string(inner)) {
        copy_message(e, inner);
    } else if (json_object_get(object, "message") != NULL ||
               json_object_get(object, "detail") != NULL) {
        read_object(e, object);
    } else {
        return false;
    }
    return true;
}

void api_error_read(struct api_error *e, int status, const char *body, size_t len)
{
    *e = (struct api_error){ .status = status };
    json_t *root = json_parse(body, len, NULL);
    if (root == NULL || !api_error_from_json(e, root)) {
        api_error_excerpt(e->message, 200, body, len);
    }
    json_decref(root);
}

/* --- What it means ---------------------------------------------------------- */

bool api_error_mentions(const char *text, const char *part)
{
    for (size_t len = strlen(part); *text != '\0'; text++) {
        if (strncasecmp(text, part, len) == 0) {
            return true;
        }
    }
    return false;
}

/* "quota" alone says nothing: Cerebras has quotas of a minute. */
static bool is_spent(const char *word)
{
    static const char *const family[] = {
        "insufficient_quota",
        "exceeded_current_quota",
        "billing",
        "spend_limit",
        "balance",
        "credit",
        "budget",
    };
    for (size_t i = 0; i < sizeof family / sizeof family[0]; i++) {
        if (strstr(word, family[i]) != NULL) {
            return true;
        }
    }
    return false;
}

bool api_error_is_quota(const struct api_error *e)
{
    bool refused = e->status == 429 || e->status == 400 || e->status == 403;
    return e->status == 402 || (refused && (is_spent(e->type) || is_spent(e->code)));
}

/* OpenRouter has one status for a key without permission and for a text that did not pass
 * moderation. */
static bool is_about_the_text(const struct api_error *e)
{
    return e->status == 403 && (e->flagged || api_error_mentions(e->message, "flagged") ||
                                api_error_mentions(e->message, "moderation"));
}

struct verdict {
    int code;
    const char *phrase;
};

static struct verdict verdict_of(const struct api_error *e)
{
    int status = e->status;
    if (api_error_is_quota(e)) {
        return (struct verdict){ LW_ERR_BUDGET, "has no quota left" };
    }
    if (is_about_the_text(e)) {
        return (struct verdict){ LW_ERR_REMOTE, "declines this text" };
    }
    if (status == 401 || status == 403) {
        return (struct verdict){ LW_ERR_AUTH, "refuses the key, or asks for one" };
    }
    if (status == 404) {
        return (struct verdict){ LW_ERR_REMOTE, "does not know this model or address" };
    }
    if (status == 429) {
        return (struct verdict){ LW_ERR_REMOTE, "takes no more requests for now" };
    }
    if (status >= 300 && status < 400) {
        return (struct verdict){ LW_ERR_REMOTE,
                                 "answers with a redirection, which is not "
                                 "followed; check the URL" };
    }
    if (status >= 500) {
        return (struct verdict){ LW_ERR_REMOTE, "is in trouble" };
    }
    return (struct verdict){ LW_ERR_REMOTE, "refuses the request" };
}

enum { BLOT_BYTES_MIN = 6 };

void api_error_blot_whole(char *text, const char *secret)
{
    size_t len = secret != NULL ? strlen(secret) : 0;
    for (char *at = text; len > 0 && (at = strstr(at, secret)) != NULL; at += len) {
        memset(at, '*', len);
    }
}

/* The text may have been cut in the middle of the secret: its beginning counts there. */
void api_error_blot(char *text, const char *secret)
{
    size_t len = secret != NULL ? strlen(secret) : 0, text_len = strlen(text);
    api_error_blot_whole(text, secret);
    for (size_t n = len < text_len ? len : text_len; n >= BLOT_BYTES_MIN; n--) {
        if (memcmp(text + text_len - n, secret, n) == 0) {
            memset(text + text_len - n, '*', n);
        }
    }
}

void api_error_piece(char *out, size_t cap, const char *piece, const char *secret)
{
    copy_cut(out, cap, piece, strlen(piece));
    api_error_blot(out, secret);
}

int api_error_say(const struct api_error *e, const char *name, const char *secret,
                  struct lw_error *err)
{
    struct verdict v = verdict_of(e);
    char message[sizeof e->message], status[32] = "";
    api_error_piece(message, sizeof message, e->message, secret);
    if (e->status > 0) {
        snprintf(status, sizeof status, " (HTTP %d)", e->status);
    }
    return err_set(err, v.code, "%s %s%s%s%s", name, v.phrase, status,
                   message[0] != '\0' ? ": " : "", message);
}
