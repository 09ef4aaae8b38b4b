/* fake.c - a model that follows a script, so that tests of everything above a
 * model need none.
 *
 * The script is read once into a list of rules; a request takes the first one
 * whose conditions hold. Replies come at once, in order, on the calling
 * thread. What a real model enforces is enforced here too: stop strings, token
 * limits, the context and the cancel token. */
#include "llm/fake.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/utf8.h"

#include <math.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { BYTES_PER_TOKEN = 4, SLEEP_STEP_MS = 10, VIEW_BYTES_MAX = 64 * 1024 * 1024 };

/* Log-probabilities of a first token that is, and is not, what the rule says. */
static const double LOGPROB_SAID = -0.05, LOGPROB_NOT_SAID = -6.0;

enum scope { SCOPE_SYSTEM, SCOPE_USER, SCOPE_ANY };

struct condition {
    enum scope scope;
    bool lacks;
    char *needle;
};

struct rule {
    struct condition *conditions;
    size_t n_conditions, cap_conditions;
    char *say;
    double alt, alt2; /* NAN: from the reply */
    enum llm_finish finish;
    char *failure; /* LLM_FAILED: the sentence */
    int sleep_ms;
    int times; /* matches left; -1: any number */
};

struct logged {
    char *text;
    bool had_schema;
};

struct fake {
    struct llm llm; /* first: an llm pointer is a fake pointer */
    struct llm_info info;
    struct rule *rules;
    size_t n_rules, cap_rules;
    struct logged *log;
    size_t n_log, cap_log;
    pthread_mutex_t lock; /* over the log and the rules' times */
};

/* --- Reading the script -------------------------------------------------- */

struct script {
    struct fake *fake;
    int line;
    bool open;    /* the last rule takes more lines */
    bool in_when; /* the line before was a `when` */
};

static int script_error(const struct script *s, const char *what, const char *word,
                        struct lw_error *err)
{
    return err_set(err, LW_ERR_USAGE, "line %d of the fake model's script: %s \"%s\"",
                   s->line, what, word);
}

static struct rule *current_rule(struct script *s)
{
    struct fake *f = s->fake;
    if (!s->open) {
        mem_grow((void **)&f->rules, &f->cap_rules, f->n_rules + 1, sizeof *f->rules);
        f->rules[f->n_rules++] = (struct rule){
            .alt = NAN,
            .alt2 = NAN,
            .finish = LLM_STOP,
            .times = -1,
        };
        s->open = true;
    }
    return &f->rules[f->n_rules - 1];
}

/* \n, \" and \\ undone, in place. */
static void unescape(char *text)
{
    char *out = text;
    for (const char *in = text; *in; in++) {
        if (*in == '\\' && in[1] && strchr("n\"\\", in[1])) {
            in++;
            *out++ = *in == 'n' ? '\n' : *in;
        } else {
            *out++ = *in;
        }
    }
    *out = '\0';
}

static bool take_word(const char **at, const char *word)
{
    size_t len = strlen(word);
    if (strncmp(*at, word, len) != 0 || (*at)[len] != ' ') return false;
    *at += len + 1;
    return true;
}

static int read_when(struct script *s, const char *text, struct lw_error *err)
{
    struct condition c = { .scope = SCOPE_ANY };
    const char *at = text;
    if (take_word(&at, "system"))
        c.scope = SCOPE_SYSTEM;
    else if (take_word(&at, "user"))
        c.scope = SCOPE_USER;
    else if (!take_word(&at, "any"))
        return script_error(s, "unknown scope in", text, err);
    if (take_word(&at, "lacks"))
        c.lacks = true;
    else if (!take_word(&at, "contains"))
        return script_error(s, "unknown test in", text, err);
    size_t len = strlen(at);
    if (len < 2 || at[0] != '"' || at[len - 1] != '"') {
        return script_error(s, "no quoted text in", text, err);
    }
    c.needle = mem_strndup(at + 1, len - 2);
    unescape(c.needle);
    if (!s->in_when) s->open = false;
    struct rule *r = current_rule(s);
    mem_grow((void **)&r->conditions, &r->cap_conditions, r->n_conditions + 1,
             sizeof *r->conditions);
    r->conditions[r->n_conditions++] = c;
    return 0;
}

static int read_finish(struct script *s, const char *text, struct lw_error *err)
{
    struct rule *r = current_rule(s);
    const char *sentence = text;
    if (strcmp(text, "stop") == 0) {
        r->finish = LLM_STOP;
    } else if (strcmp(text, "length") == 0) {
        r->finish = LLM_LENGTH;
    } else if (strcmp(text, "repeat") == 0) {
        r->finish = LLM_REPEAT;
    } else if (take_word(&sentence, "failed")) {
        r->finish = LLM_FAILED;
        mem_free(r->failure);
        r->failure = mem_strdup(sentence);
    } else {
        return script_error(s, "unknown finish", text, err);
    }
    return 0;
}

static int read_number(struct script *s, const char *text, int *out, struct lw_error *err)
{
    char *end;
    long n = strtol(text, &end, 10);
    if (end == text || *end || n < 0 || n > INT32_MAX) {
        return script_error(s, "no number in", text, err);
    }
    *out = (int)n;
    return 0;
}

static int read_absent(struct script *s, const char *text, struct lw_error *err)
{
    struct rule *r = current_rule(s);
    char *end;
    r->alt = strtod(text, &end);
    if (end == text) return script_error(s, "no number in", text, err);
    if (*end == ' ') r->alt2 = strtod(end, &end);
    return *end ? script_error(s, "no number in", text, err) : 0;
}

static void read_say(struct script *s, const char *text)
{
    struct rule *r = current_rule(s);
    mem_free(r->say);
    r->say = mem_strdup(text);
    unescape(r->say);
}

static int read_line(struct script *s, const char *line, struct lw_error *err)
{
    const char *at = line;
    if (take_word(&at, "when")) {
        int code = read_when(s, at, err);
        s->in_when = true;
        return code;
    }
    s->in_when = false;
    if (*line == '\0') {
        s->open = false;
        return 0;
    }
    if (*line == '#') return 0;
    if (strcmp(line, "say") == 0) return read_say(s, ""), 0;
    if (take_word(&at, "say")) return read_say(s, at), 0;
    if (take_word(&at, "absent")) return read_absent(s, at, err);
    if (take_word(&at, "finish")) return read_finish(s, at, err);
    if (take_word(&at, "sleep"))
        return read_number(s, at, &current_rule(s)->sleep_ms, err);
    if (take_word(&at, "times")) return read_number(s, at, &current_rule(s)->times, err);
    return script_error(s, "unknown line", line, err);
}

static int read_script(struct fake *f, const char *text, struct lw_error *err)
{
    struct script s = { .fake = f };
    int code = 0;
    while (*text && code == 0) {
        size_t indent = strspn(text, " \t");
        size_t len = strcspn(text + indent, "\n");
        char *line = mem_strndup(text + indent, len);
        s.line++;
        code = read_line(&s, line, err);
        mem_free(line);
        text += indent + len;
        text += *text == '\n';
    }
    return code;
}

/* --- Answering ----------------------------------------------------------- */

/* A request as text, whole and by role. A message is one text, so that words
 * looked for may lie over the seams of its parts. */
struct view {
    struct buf system, user, any;
};

static void view_init(struct view *v)
{
    buf_init(&v->system, VIEW_BYTES_MAX);
    buf_init(&v->user, VIEW_BYTES_MAX);
    buf_init(&v->any, VIEW_BYTES_MAX);
}

static void view_release(struct view *v)
{
    buf_release(&v->system);
    buf_release(&v->user);
    buf_release(&v->any);
}

static void view_add_message(struct view *v, const struct llm_message *m)
{
    static const char *const heads[] = {
        [LLM_SYSTEM] = "[system]\n",
        [LLM_USER] = "[user]\n",
        [LLM_ASSISTANT] = "[assistant]\n",
    };
    struct buf *own = m->role == LLM_SYSTEM ? &v->system
                      : m->role == LLM_USER ? &v->user
                                            : NULL;
    buf_add_str(&v->any, heads[m->role]);
    for (size_t i = 0; i < m->n_parts; i++) {
        buf_add(&v->any, m->parts[i].text, m->parts[i].len);
        if (own) buf_add(own, m->parts[i].text, m->parts[i].len);
    }
    buf_add_char(&v->any, '\n');
    if (own) buf_add_char(own, '\n');
}

static void view_fill(struct view *v, const struct llm_request *req)
{
    for (size_t i = 0; i < req->n_messages; i++) view_add_message(v, &req->messages[i]);
    if (req->prefill) buf_addf(&v->any, "[prefill]\n%s", req->prefill);
}

static bool rule_matches(const struct rule *r, const struct view *v)
{
    if (r->times == 0) return false;
    for (size_t i = 0; i < r->n_conditions; i++) {
        const struct condition *c = &r->conditions[i];
        const struct buf *where = c->scope == SCOPE_SYSTEM ? &v->system
                                  : c->scope == SCOPE_USER ? &v->user
                                                           : &v->any;
        bool found = strstr(where->data, c->needle) != NULL;
        if (found == c->lacks) return false;
    }
    return true;
}

/* Writes the request down and finds its rule; NULL: none matches. Rules do not
 * move once the script is read. */
static const struct rule *choose_rule(struct fake *f, const struct llm_request *req)
{
    struct view v;
    view_init(&v);
    view_fill(&v, req);
    pthread_mutex_lock(&f->lock);
    struct rule *found = NULL;
    for (size_t i = 0; i < f->n_rules && !found; i++) {
        if (rule_matches(&f->rules[i], &v)) found = &f->rules[i];
    }
    if (found && found->times > 0) found->times--;
    mem_grow((void **)&f->log, &f->cap_log, f->n_log + 1, sizeof *f->log);
    f->log[f->n_log++] = (struct logged){
        .text = buf_take(&v.any, NULL),
        .had_schema = req->schema != NULL,
    };
    pthread_mutex_unlock(&f->lock);
    view_release(&v);
    return found;
}

static const char *skip_spaces(const char *s)
{
    return s + strspn(s, " ");
}

/* ln P of a list of alternatives, judged by the reply. */
static double logprob_of(const char *say, const char *const *alt, size_t n)
{
    if (n == 0) return NAN;
    for (size_t i = 0; i < n; i++) {
        const char *wanted = skip_spaces(alt[i]);
        if (strncmp(skip_spaces(say), wanted, strlen(wanted)) == 0) return LOGPROB_SAID;
    }
    return LOGPROB_NOT_SAID;
}

/* How much of the rule's text the request lets through. */
static void cut_reply(const struct llm_request *req, struct llm_reply *reply)
{
    const char *stop = req->stop ? strstr(reply->text, req->stop) : NULL;
    if (stop) reply->len = (size_t)(stop - reply->text);
    size_t most = (size_t)req->max_tokens * BYTES_PER_TOKEN;
    if (reply->len > most) {
        reply->len = utf8_floor(reply->text, reply->len, most);
        if (reply->finish == LLM_STOP && req->max_tokens > 0) reply->finish = LLM_LENGTH;
    }
}

static void fail_reply(struct llm_reply *reply, int code, const char *sentence)
{
    reply->finish = LLM_FAILED;
    reply->len = 0;
    err_set(&reply->error, code, "%s", sentence);
}

static void answer_by_rule(const struct rule *r, const struct llm_request *req,
                           struct llm_reply *reply)
{
    const char *say = r->say ? r->say : "";
    if (r->finish == LLM_FAILED) {
        fail_reply(reply, LW_ERR, r->failure);
        return;
    }
    reply->finish = r->finish;
    reply->text = say;
    reply->len = strlen(say);
    reply->logprob_alt = isnan(r->alt) ? logprob_of(say, req->alt, req->n_alt) : r->alt;
    reply->logprob_alt2 =
        isnan(r->alt2) ? logprob_of(say, req->alt2, req->n_alt2) : r->alt2;
    cut_reply(req, reply);
    reply->usage.completion_tokens = (int64_t)(reply->len / BYTES_PER_TOKEN);
}

static void answer(struct fake *f, const struct llm_request *req, const struct rule *r,
                   struct llm_reply *reply)
{
    size_t tokens = llm_request_bytes(req) / BYTES_PER_TOKEN;
    reply->usage.requests = 1;
    reply->usage.prompt_tokens = (int64_t)tokens;
    if (f->info.context > 0 &&
        tokens + (size_t)req->max_tokens > (size_t)f->info.context) {
        fail_reply(reply, LW_ERR_INPUT,
                   "the request is longer than the fake model's context");
    } else if (!r) {
        fail_reply(reply, LW_ERR,
                   "no rule of the fake model's script matches the request");
    } else {
        answer_by_rule(r, req, reply);
    }
}

/* False: cancelled on the way. */
static bool sleep_unless_cancelled(int ms, const struct cancel *cancel)
{
    int64_t until = clock_ms() + ms;
    while (clock_ms() < until) {
        if (cancel_level(cancel) != CANCEL_NONE) return false;
        clock_sleep_ms(SLEEP_STEP_MS);
    }
    return true;
}

static void serve(struct fake *f, const struct llm_request *req, struct llm_reply *reply,
                  const struct cancel *cancel)
{
    *reply = llm_no_reply(LLM_CANCELLED);
    if (cancel_level(cancel) != CANCEL_NONE) return;
    const struct rule *r = choose_rule(f, req);
    if (r && r->sleep_ms > 0 && !sleep_unless_cancelled(r->sleep_ms, cancel)) return;
    answer(f, req, r, reply);
    if (req->on_text && reply->len > 0) req->on_text(req->user, reply->text, reply->len);
}

static int fake_chat_many(struct llm *llm, const struct llm_request *reqs, size_t n,
                          llm_reply_fn on_reply, void *user, const struct cancel *cancel,
                          struct lw_error *err)
{
    for (size_t i = 0; i < n; i++) {
        struct llm_reply reply;
        serve((struct fake *)llm, &reqs[i], &reply, cancel);
        on_reply(user, i, &reply);
    }
    if (cancel_level(cancel) != CANCEL_ABORT) return 0;
    return err_set(err, LW_CANCELLED, "cancelled");
}

static const struct llm_info *fake_info(struct llm *llm)
{
    return &((struct fake *)llm)->info;
}

static int fake_count_tokens(struct llm *llm, const char *text, size_t len)
{
    (void)llm;
    (void)text;
    return (int)((len + BYTES_PER_TOKEN - 1) / BYTES_PER_TOKEN);
}

/* --- Life ---------------------------------------------------------------- */

static void rule_release(struct rule *r)
{
    for (size_t i = 0; i < r->n_conditions; i++) mem_free(r->conditions[i].needle);
    mem_free(r->conditions);
    mem_free(r->say);
    mem_free(r->failure);
}

static void fake_close(struct llm *llm)
{
    struct fake *f = (struct fake *)llm;
    for (size_t i = 0; i < f->n_rules; i++) rule_release(&f->rules[i]);
    for (size_t i = 0; i < f->n_log; i++) mem_free(f->log[i].text);
    mem_free(f->rules);
    mem_free(f->log);
    pthread_mutex_destroy(&f->lock);
    mem_free(f);
}

int fake_open(struct llm **out, const char *script, const struct fake_options *opt,
              struct lw_error *err)
{
    static const struct llm_ops ops = {
        .close = fake_close,
        .info = fake_info,
        .count_tokens = fake_count_tokens,
        .chat_many = fake_chat_many,
    };
    struct fake *f = mem_alloc(sizeof *f);
    f->llm.ops = &ops;
    f->info = (struct llm_info){
        .name = "fake",
        .where = "this process",
        .on_device = true,
        .in_process = opt->in_process,
        .cheap_scoring = opt->in_process,
        .prefill = opt->in_process,
        .context = opt->context,
        .parallel = opt->parallel,
    };
    pthread_mutex_init(&f->lock, NULL);
    int code = read_script(f, script, err);
    if (code) {
        fake_close(&f->llm);
        return code;
    }
    *out = &f->llm;
    return 0;
}

/* --- What it was asked ---------------------------------------------------- */

size_t fake_request_count(const struct llm *fake)
{
    return ((const struct fake *)fake)->n_log;
}

const char *fake_request_at(const struct llm *fake, size_t i)
{
    const struct fake *f = (const struct fake *)fake;
    return i < f->n_log ? f->log[i].text : NULL;
}

bool fake_request_had_schema(const struct llm *fake, size_t i)
{
    const struct fake *f = (const struct fake *)fake;
    return i < f->n_log && f->log[i].had_schema;
}
