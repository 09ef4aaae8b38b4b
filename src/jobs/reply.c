/* reply.c - reading what a worker wrote.
 *
 * Workers that are not constrained repeat the prefill, add quotes and stars, and
 * say "not stated" in a dozen ways. Everything is folded to lower-case letters and
 * digits with single spaces before it is compared; what is kept is the text as
 * written, one line, without its wrapping. */
#include "jobs/reply.h"

#include "base/buf.h"
#include "base/utf8.h"
#include "jobs/prompts.h"
#include "llm/structured.h"

#include <ctype.h>
#include <string.h>

enum {
    ANSWER_BYTES_MAX = 400,
    ANSWER_LIST_BYTES_MAX = 4096,
    LIST_ITEMS_MAX = 256,
    FOLDED_BYTES = 64
};

/* --- Absent ---------------------------------------------------------------- */

/* Lower-case ASCII letters and digits, anything else one space; the beginning
 * of a text, as much as fits. */
static void fold(const char *text, size_t len, char out[FOLDED_BYTES])
{
    size_t n = 0;
    for (size_t i = 0; i < len && n < FOLDED_BYTES - 1; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c >= 0x80 || isalnum(c))
            out[n++] = (char)tolower(c);
        else if (n > 0 && out[n - 1] != ' ')
            out[n++] = ' ';
    }
    while (n > 0 && out[n - 1] == ' ') n--;
    out[n] = '\0';
}

static bool begins(const char *text, const char *with)
{
    size_t len = strlen(with);
    return strncmp(text, with, len) == 0 && (text[len] == ' ' || text[len] == '\0');
}

bool reply_says_absent(const char *text, size_t len)
{
    static const char *const beginnings[] = {
        "not stated",           "not mentioned",     "not specified",
        "not provided",         "not given",         "not found",
        "not available",        "not applicable",    "not in the excerpt",
        "the excerpt does not", "the text does not", "the excerpt doesn t",
    };
    static const char *const whole[] = {
        "", "none", "n a", "na", "null", "unknown", "not"
    };
    char folded[FOLDED_BYTES];
    fold(text, len, folded);
    for (size_t i = 0; i < sizeof beginnings / sizeof *beginnings; i++) {
        if (begins(folded, beginnings[i])) return true;
    }
    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++) {
        if (strcmp(folded, whole[i]) == 0) return true;
    }
    return false;
}

/* --- One line --------------------------------------------------------------- */

struct slice {
    const char *text;
    size_t len;
};

static struct slice trim(struct slice s, const char *set)
{
    while (s.len > 0 && s.text[s.len - 1] && strchr(set, s.text[s.len - 1])) s.len--;
    while (s.len > 0 && *s.text && strchr(set, *s.text)) {
        s.text++;
        s.len--;
    }
    return s;
}

static struct slice skip_prefix(struct slice s, const char *prefix)
{
    size_t len = strlen(prefix);
    if (s.len < len || strncmp(s.text, prefix, len) != 0) return s;
    return (struct slice){ .text = s.text + len, .len = s.len - len };
}

/* A pair of quotes around the whole is wrapping, quotes inside are not. */
static struct slice unwrap(struct slice s)
{
    s = trim(s, " \t\r*`");
    if (s.len >= 2 && s.text[0] == '"' && s.text[s.len - 1] == '"' &&
        !memchr(s.text + 1, '"', s.len - 2)) {
        s.text++;
        s.len -= 2;
    }
    return s;
}

/* The first line; *whole: it ended, by a line end or with the reply. */
static struct slice first_line(const struct llm_reply *reply, bool *whole)
{
    struct slice s = trim((struct slice){ reply->text, reply->len }, " \t\r\n");
    s = trim(skip_prefix(s, "Answer:"), " \t\r\n");
    const char *end = s.len > 0 ? memchr(s.text, '\n', s.len) : NULL;
    *whole = end || reply->finish != LLM_LENGTH;
    if (end) s.len = (size_t)(end - s.text);
    return unwrap(s);
}

static const char *yes_or_no(struct slice s)
{
    char folded[FOLDED_BYTES];
    fold(s.text, s.len, folded);
    return begins(folded, "yes") ? "Yes" : begins(folded, "no") ? "No" : NULL;
}

static void fail(struct reply_value *out, const char *why)
{
    *out = (struct reply_value){ .state = JOB_FAILED, .why = why };
}

/* Where every reply ends like this, the sentence is all that the user gets: it says
 * which limit it was, and what can be done. */
static void fail_cut(struct arena *a, const struct llm_reply *reply, int limit,
                     struct reply_value *out)
{
    int64_t tokens = reply->usage.completion_tokens;
    if (tokens > 0 && tokens < limit) {
        fail(out,
             arena_printf(a,
                          "the worker's own limit cut the reply off after %lld of %d "
                          "tokens; raise the limit or the context at its server "
                          "(Ollama: num_predict, num_ctx)",
                          (long long)tokens, limit));
    } else if (limit == PROMPT_JSON_TOKENS) {
        fail(out, arena_printf(a,
                               "the JSON reply was cut off after %d tokens; ask for less "
                               "at once, or choose another worker",
                               limit));
    } else {
        fail(out, arena_printf(a,
                               "the reply was cut off after %d tokens without its one "
                               "line of answer; choose a worker that follows "
                               "instructions, or switch its reasoning off",
                               limit));
    }
}

static void keep_line(struct arena *a, const struct task *task, struct slice line,
                      struct reply_value *out)
{
    out->state = JOB_ANSWERED;
    out->answer = task->answer == ANSWER_YES_NO ? yes_or_no(line) : NULL;
    if (out->answer) return;
    bool cut = line.len > ANSWER_BYTES_MAX;
    if (cut) line.len = utf8_floor(line.text, line.len, ANSWER_BYTES_MAX);
    out->answer = arena_printf(a, "%.*s%s", (int)line.len, line.text, cut ? "..." : "");
}

/* A text that was cut, without the sentence that has no end; it stays if it is alone. */
static struct slice whole_sentences(struct slice s)
{
    for (size_t n = s.len; n > 1; n--) {
        if (s.text[n - 1] == ' ' && strchr(".!?", s.text[n - 2])) {
            return (struct slice){ s.text, n - 1 };
        }
    }
    return s;
}

static void read_line(struct arena *a, const struct task *task,
                      const struct llm_reply *reply, enum reply_cut cut,
                      struct reply_value *out)
{
    bool whole;
    struct slice line = first_line(reply, &whole);
    if (!whole && (cut == REPLY_CUT_FAILS || line.len == 0)) {
        fail_cut(a, reply,
                 cut == REPLY_CUT_FAILS ? PROMPT_SERVER_TOKENS : PROMPT_ANSWER_TOKENS,
                 out);
    } else if (reply_says_absent(line.text, line.len)) {
        out->state = JOB_ABSENT;
    } else {
        if (!whole && task->answer == ANSWER_GIST) line = whole_sentences(line);
        keep_line(a, task, line, out);
    }
}

/* --- JSON ------------------------------------------------------------------- */

/* The items that say something, as a JSON array and as one line; what is over
 * the limits, which no honest reply meets, is left out. */
static void keep_items(struct arena *a, const json_t *items, struct reply_value *out)
{
    json_auto_t *kept = json_array();
    struct buf line, json;
    buf_init(&line, ANSWER_LIST_BYTES_MAX);
    buf_init(&json, LIST_ITEMS_MAX * ANSWER_LIST_BYTES_MAX);
    for (size_t i = 0; i < json_array_size(items) && i < LIST_ITEMS_MAX; i++) {
        const char *item = json_string_value(json_array_get(items, i));
        if (reply_says_absent(item, strlen(item))) continue;
        buf_addf(&line, "%s%s", line.len > 0 ? "; " : "", item);
        json_array_append(kept, json_array_get(items, i));
    }
    if (json_array_size(kept) == 0) {
        out->state = JOB_ABSENT;
    } else if (json_write(kept, &json)) {
        fail(out, "the list is too long");
    } else {
        *out = (struct reply_value){
            .state = JOB_ANSWERED,
            .answer = arena_strndup(a, line.data, line.len),
            .items = arena_strndup(a, json.data, json.len),
        };
    }
    buf_release(&line);
    buf_release(&json);
}

static void keep_choice(struct arena *a, const char *choice, struct reply_value *out)
{
    if (strcmp(choice, PROMPT_ABSENT) == 0) {
        out->state = JOB_ABSENT;
        return;
    }
    *out =
        (struct reply_value){ .state = JOB_ANSWERED, .answer = arena_strdup(a, choice) };
}

/* A worker that answers a choice in words all the same. Folded, "<5" and ">5" are one:
 * then only as it is written. */
static const char *choice_in_words(const struct task *task, const struct llm_reply *reply)
{
    bool whole;
    struct slice line = first_line(reply, &whole);
    char said[FOLDED_BYTES], folded[FOLDED_BYTES];
    const char *found = NULL;
    size_t n = 0;
    fold(line.text, line.len, said);
    for (size_t i = 0; i < task->n_choices; i++) {
        const char *choice = task->choices[i];
        size_t len = strlen(choice);
        if (len == line.len && memcmp(line.text, choice, len) == 0) return choice;
        fold(choice, len, folded);
        if (strcmp(said, folded) != 0) continue;
        found = choice;
        n++;
    }
    return n == 1 ? found : NULL;
}

static void read_json(struct arena *a, const struct task *task, const json_t *schema,
                      const struct llm_reply *reply, struct reply_value *out)
{
    struct lw_error err;
    json_t *value = NULL;
    const char *words =
        task->answer == ANSWER_CHOICE ? choice_in_words(task, reply) : NULL;
    if (words) {
        keep_choice(a, words, out);
    } else if (structured_parse(schema, reply->text, reply->len, &value, &err) == 0) {
        if (task->answer == ANSWER_LIST)
            keep_items(a, json_object_get(value, "items"), out);
        else
            keep_choice(a, json_str(value, "choice", ""), out);
    } else if (reply->finish == LLM_LENGTH) {
        fail_cut(a, reply, PROMPT_JSON_TOKENS, out);
    } else if (reply_says_absent(reply->text, reply->len)) {
        out->state = JOB_ABSENT;
    } else {
        fail(out, arena_strdup(a, err.message));
    }
    json_decref(value);
}

void reply_read(struct arena *a, const struct task *task, const json_t *schema,
                const struct llm_reply *reply, enum reply_cut cut,
                struct reply_value *out)
{
    *out = (struct reply_value){ .state = JOB_PENDING };
    switch (reply->finish) {
    case LLM_FAILED: fail(out, arena_strdup(a, reply->error.message)); break;
    case LLM_REPEAT: fail(out, "the model repeated itself without end"); break;
    case LLM_CANCELLED:
        *out = (struct reply_value){ .state = JOB_SKIPPED, .why = "the run was stopped" };
        break;
    case LLM_STOP:
    case LLM_LENGTH:
        if (schema)
            read_json(a, task, schema, reply, out);
        else
            read_line(a, task, reply, cut, out);
    }
}
