/* reply.c - reading what a model server sends.
 *
 * Whole replies and stream events differ in one word ("message" or "delta"), so
 * both go through the same readers. Servers leave out almost any field; what
 * is missing gets its harmless value, and only a reply in which nothing can be
 * meant is refused. */
#include "providers/reply.h"

#include "base/limits.h"
#include "base/utf8.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

void chat_reply_init(struct chat_reply *c)
{
    *c = (struct chat_reply){ .req = NULL };
    buf_init(&c->text, LIMIT_HTTP_REPLY_BYTES);
    reasoning_init(&c->reasoning);
}

void chat_reply_clear(struct chat_reply *c, const struct llm_request *req)
{
    struct buf text = c->text;
    struct reasoning reasoning = c->reasoning;
    buf_clear(&text);
    reasoning_clear(&reasoning);
    *c = (struct chat_reply){
        .req = req,
        .text = text,
        .reasoning = reasoning,
        .logprob_alt = NAN,
        .logprob_alt2 = NAN,
    };
}

void chat_reply_release(struct chat_reply *c)
{
    buf_release(&c->text);
    reasoning_release(&c->reasoning);
}

/* --- Log-probabilities ------------------------------------------------------ */

static const char *skip_space(const char *s)
{
    return s + strspn(s, " \t\r\n");
}

static bool goes_on(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '_' || (unsigned char)c >= 0x80;
}

static bool is_alternative(const char *token, const char *const *alt, size_t n_alt)
{
    token = skip_space(token);
    for (size_t i = 0; i < n_alt; i++) {
        const char *wanted = skip_space(alt[i]);
        size_t len = strlen(wanted);
        if (len > 0 && strncmp(token, wanted, len) == 0 && !goes_on(token[len])) {
            return true;
        }
    }
    return false;
}

/* top: the reported tokens of one place. */
static double score(const json_t *top, const char *const *alt, size_t n_alt)
{
    static const double tiny = 1e-9;
    double found = 0, sum = 0, least = 1;
    size_t i;
    json_t *entry;
    json_array_foreach(top, i, entry) {
        double p = exp(json_num(entry, "logprob", -DBL_MAX));
        sum += p;
        least = fmin(least, p);
        found += is_alternative(json_str(entry, "token", ""), alt, n_alt) ? p : 0;
    }
    if (found > 0) {
        return log(fmin(found, 1));
    }
    double bound = fmin(least, fmax(1 - sum, tiny));
    return json_array_size(top) >= 2 ? log(fmax(bound, tiny)) : NAN;
}

static void score_first(struct chat_reply *c, const json_t *entry)
{
    if (*skip_space(json_str(entry, "token", "")) == '\0') {
        return;
    }
    const json_t *top = json_object_get(entry, "top_logprobs");
    c->scored = true;
    if (c->req->n_alt > 0) {
        c->logprob_alt = score(top, c->req->alt, c->req->n_alt);
    }
    if (c->req->n_alt2 > 0) {
        c->logprob_alt2 = score(top, c->req->alt2, c->req->n_alt2);
    }
}

static void read_logprobs(struct chat_reply *c, const json_t *choice)
{
    const json_t *content =
        json_object_get(json_object_get(choice, "logprobs"), "content");
    size_t i;
    json_t *entry;
    json_array_foreach(content, i, entry) {
        c->logprob_sum += json_num(entry, "logprob", 0);
        c->n_logprobs++;
        if (!c->scored) {
            score_first(c, entry);
        }
    }
}

/* --- The parts of a reply --------------------------------------------------- */

/* Bounded, so that any number of them can be added up. */
static long count_of(const json_t *object, const char *key, long fallback)
{
    return json_int(object, key, fallback, 0, INT32_MAX);
}

static void read_usage(struct chat_reply *c, const json_t *root)
{
    const json_t *usage = json_object_get(root, "usage");
    if (!json_is_object(usage)) {
        return;
    }
    const json_t *details = json_object_get(usage, "prompt_tokens_details");
    const json_t *written = json_object_get(usage, "completion_tokens_details");
    long hits = count_of(usage, "prompt_cache_hit_tokens", 0);
    c->usage.prompt_tokens = count_of(usage, "prompt_tokens", 0);
    c->usage.completion_tokens = count_of(usage, "completion_tokens", 0);
    c->usage.cached_tokens = count_of(details, "cached_tokens", hits);
    c->thought = count_of(written, "reasoning_tokens", 0) > 0;
}

static void keep(char *out, size_t cap, const char *s)
{
    size_t len = strlen(s);
    if (len == 0) {
        return;
    }
    if (len >= cap) {
        len = utf8_floor(s, len, cap - 1);
    }
    memcpy(out, s, len);
    out[len] = '\0';
}

/* content is a string, or a list of parts with texts. */
static int read_content(struct chat_reply *c, const json_t *content)
{
    size_t i;
    json_t *part;
    int code = 0;
    if (json_is_string(content)) {
        return reasoning_feed(&c->reasoning, json_string_value(content),
                              json_string_length(content), &c->text);
    }
    json_array_foreach(content, i, part) {
        const char *text = json_str(part, "text", "");
        code = code ? code : reasoning_feed(&c->reasoning, text, strlen(text), &c->text);
    }
    return code;
}

/* message: of a whole reply, or the delta of an event. */
static int read_message(struct chat_reply *c, const json_t *message)
{
    c->reasoned = c->reasoned || json_str(message, "reasoning_content", "")[0] != '\0' ||
                  json_str(message, "reasoning", "")[0] != '\0';
    keep(c->refusal, sizeof c->refusal, json_str(message, "refusal", ""));
    return read_content(c, json_object_get(message, "content"));
}

static int read_choice(struct chat_reply *c, const json_t *choice, const char *key)
{
    const char *finish = json_str(choice, "finish_reason", "");
    c->has_choice = true;
    c->done = c->done || finish[0] != '\0';
    keep(c->finish, sizeof c->finish, finish);
    read_logprobs(c, choice);
    return read_message(c, json_object_get(choice, key));
}

static int say(struct api_error *e, const char *message)
{
    keep(e->message, sizeof e->message, message);
    return LW_ERR_REMOTE;
}

/* Who has begun to reply cannot take the status back: OpenRouter and Mistral say "error"
 * at the end, the former with an object beside it or at the top; DeepSeek has a word of
 * its own. */
static bool is_broken_off(const json_t *choice)
{
    const char *finish = json_str(choice, "finish_reason", "");
    return json_object_size(json_object_get(choice, "error")) > 0 ||
           strcmp(finish, "error") == 0 ||
           strcmp(finish, "insufficient_system_resource") == 0;
}

static int broken_off(struct api_error *e, const json_t *root, const json_t *choice)
{
    bool own = json_is_object(json_object_get(choice, "error"));
    api_error_from_json(e, own ? choice : root);
    if (e->status < 400) {
        e->status = 503;
    }
    return say(e, e->message[0] != '\0' ? "" : "the reply was broken off");
}

/* e->status is 200 until the body names another one. */
static int read_root(struct chat_reply *c, const json_t *root, const char *key,
                     struct api_error *e)
{
    *e = (struct api_error){ .status = 200 };
    const json_t *choices = json_object_get(root, "choices");
    const json_t *choice = json_array_get(choices, 0);
    if (choice == NULL && api_error_from_json(e, root)) {
        return say(e, e->message[0] != '\0' ? "" : "an error without a message");
    }
    if (is_broken_off(choice)) {
        return broken_off(e, root, choice);
    }
    read_usage(c, root);
    if (!json_is_array(choices)) {
        /* Between the pieces of a stream servers put all kinds of notes. */
        bool is_note = strcmp(key, "delta") == 0;
        return is_note ? 0 : say(e, "the JSON is no reply of a model");
    }
    if (choice != NULL && read_choice(c, choice, key)) {
        return say(e, "the text is too long");
    }
    return 0;
}

static int read_json(struct chat_reply *c, const char *text, size_t len, const char *key,
                     struct api_error *e)
{
    struct lw_error why;
    json_t *root = json_parse(text, len, &why);
    if (root == NULL) {
        *e = (struct api_error){ .status = 200 };
        return say(e, why.message);
    }
    int code = read_root(c, root, key, e);
    json_decref(root);
    return code;
}

/* --- Whole and in events ---------------------------------------------------- */

int chat_reply_read(struct chat_reply *c, const char *body, size_t len,
                    struct api_error *e)
{
    c->done = true;
    return read_json(c, body, len, "message", e);
}

int chat_reply_event(struct chat_reply *c, const char *data, size_t len,
                     struct api_error *e)
{
    if (len == 6 && memcmp(data, "[DONE]", 6) == 0) {
        c->done = true;
        return 0;
    }
    return read_json(c, data, len, "delta", e);
}

/* --- What it amounts to ----------------------------------------------------- */

/* Where the chat template itself opens the block, only its end shows. */
static void cut_unopened(struct chat_reply *c)
{
    static const char mark[] = "</think>";
    const char *at = c->reasoning.seen ? NULL : strstr(c->text.data, mark);
    if (at == NULL) {
        return;
    }
    at = skip_space(at + sizeof mark - 1);
    size_t left = c->text.len - (size_t)(at - c->text.data);
    memmove(c->text.data, at, left);
    buf_cut(&c->text, left);
    c->reasoned = true;
}

/* Servers that do not take `stop` write on behind it. */
static void cut_at_stop(struct chat_reply *c)
{
    const char *stop = c->req->stop;
    const char *at = stop != NULL && stop[0] != '\0' ? strstr(c->text.data, stop) : NULL;
    if (at != NULL) {
        buf_cut(&c->text, (size_t)(at - c->text.data));
        keep(c->finish, sizeof c->finish, "stop");
    }
}

/* At max_tokens, or at the end of the context (Mistral: model_length). */
static bool is_cut(const struct chat_reply *c)
{
    return strcmp(c->finish, "length") == 0 || strcmp(c->finish, "model_length") == 0 ||
           strcmp(c->finish, "max_tokens") == 0;
}

static int check(const struct chat_reply *c, const char *name, struct lw_error *err)
{
    bool empty = c->text.len == 0 && c->req->max_tokens > 0;
    if (!c->has_choice) {
        return err_set(err, LW_ERR_REMOTE, "%s sent a reply without choices", name);
    }
    if (strcmp(c->finish, "content_filter") == 0) {
        return err_set(err, LW_ERR_REMOTE, "%s: its content filter stopped the reply",
                       name);
    }
    if (empty && c->refusal[0] != '\0') {
        return err_set(err, LW_ERR_REMOTE, "%s declines: %s", name, c->refusal);
    }
    if (empty && (c->reasoned || c->thought)) {
        return err_set(err, LW_ERR_REMOTE,
                       "%s spent its reply on reasoning and wrote no answer%s; switch "
                       "its reasoning off, or choose a model without",
                       name, is_cut(c) ? " (it was cut at the limit of tokens)" : "");
    }
    return 0;
}

void chat_reply_finish(struct chat_reply *c, const char *name, struct llm_reply *reply)
{
    reasoning_end(&c->reasoning, &c->text);
    cut_unopened(c);
    c->reasoned = c->reasoned || c->reasoning.seen;
    cut_at_stop(c);
    bool scores = !c->reasoned && c->n_logprobs > 0;
    *reply = (struct llm_reply){
        .finish = is_cut(c) ? LLM_LENGTH : LLM_STOP,
        .text = c->text.data,
        .len = c->text.len,
        .logprob_alt = scores ? c->logprob_alt : NAN,
        .logprob_alt2 = scores ? c->logprob_alt2 : NAN,
        .logprob_mean = scores ? c->logprob_sum / (double)c->n_logprobs : NAN,
        .usage = c->usage,
    };
    if (c->req->max_tokens == 0) {
        /* The token that servers insist on was none of ours. */
        reply->finish = LLM_STOP;
        reply->text = "";
        reply->len = 0;
    }
    if (check(c, name, &reply->error)) {
        reply->finish = LLM_FAILED;
    }
}
