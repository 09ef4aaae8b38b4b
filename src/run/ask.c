/* ask.c - one question, end to end: what lw_ask() does.
 *
 * Checks come first and cheap ones before dear ones, so that a wrong option
 * never costs a minute of loading. Then models, documents, protocol, result.
 *
 * How a run that was cut short ends (ORDER ENDS: legwork.h, EXIT STATUS of
 * the man page): with an answer it is LW_TIMEOUT when the time limit did it,
 * else LW_PARTIAL, whatever the cause, which stands in the warnings; without
 * one it is the cause itself. */
#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "llm/schema.h"
#include "proto/proto.h"
#include "run/expect.h"
#include "run/prepare.h"
#include "run/resolve.h"
#include "run/result.h"
#include "run/vectors.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct ask {
    lw_session *s;
    const char *question;
    const struct protocol *protocol;
    json_t *schema;                /* NULL: none */
    struct llm *worker;            /* the supervisor where the protocol has no worker */
    struct llm *supervisor;        /* NULL: none */
    const struct meaning *meaning; /* NULL: no embedding model */
    struct usage local, remote;
    struct arena *arena;
    struct final final;
    const char *left_to[3]; /* hosts off this device; NULL ends them */
    size_t first_warning;   /* of this run */
    double began;
};

/* --- Checks -------------------------------------------------------------- */

static int check_question(const char *question, struct lw_error *err)
{
    if (!question) return err_set(err, LW_ERR_USAGE, "the question is NULL");
    size_t len = strlen(question);
    if (len > LIMIT_QUESTION_BYTES) {
        return err_set(
            err, LW_ERR_USAGE,
            "the question has %zu bytes and may have %d; put long material into a "
            "document and ask about it",
            len, LIMIT_QUESTION_BYTES);
    }
    if (utf8_valid(question, len) < len) {
        return err_set(err, LW_ERR_USAGE, "the question is not valid UTF-8");
    }
    if (utf8_is_blank(question, len)) {
        return err_set(err, LW_ERR_USAGE,
                       "the question is empty; say what you want to know");
    }
    return 0;
}

static void say_no_use(struct ask *a, const char *flag)
{
    char sentence[128];
    snprintf(sentence, sizeof sentence, "Protocol %s has no use for %s.",
             a->protocol->name, flag);
    event_notice(&a->s->events, sentence);
}

static int choose_protocol(struct ask *a, struct lw_error *err)
{
    const char *said = options_string(&a->s->options, OPT_PROTOCOL);
    const char *remote = options_string(&a->s->options, OPT_REMOTE);
    const char *name = said ? said : remote ? "minions" : "local";
    a->protocol = protocol_find(name);
    if (!a->protocol) {
        return err_set(err, LW_ERR_USAGE, "there is no protocol \"%s\"", name);
    }
    if (a->protocol->needs_supervisor && !remote) {
        return err_set(
            err, LW_ERR_USAGE,
            "protocol %s needs a supervisor: name one with --remote, for example "
            "openai/gpt-5, or self for the worker's own model",
            name);
    }
    if (!a->protocol->needs_supervisor && remote) say_no_use(a, "--remote");
    if (a->protocol->without_worker && options_string(&a->s->options, OPT_EMBED)) {
        say_no_use(a, "--embed");
    }
    return 0;
}

/* --- The schema ---------------------------------------------------------- */

static int load_schema(struct ask *a, struct lw_error *err)
{
    const char *path = options_string(&a->s->options, OPT_SCHEMA);
    if (!path) return 0;
    struct buf text;
    buf_init(&text, LIMIT_SCHEMA_BYTES);
    struct lw_error why;
    int code = file_read(path, &text, &why);
    if (!code) {
        a->schema = json_parse(text.data, text.len, &why);
        code = a->schema ? schema_check(a->schema, &why) : LW_ERR_USAGE;
        if (code) err_prefix(&why, "%s", path);
    }
    buf_release(&text);
    return code ? err_set(err, LW_ERR_USAGE, "the schema: %s", why.message) : 0;
}

/* --- Models -------------------------------------------------------------- */

static int open_models(struct ask *a, struct lw_error *err)
{
    const char *remote = options_string(&a->s->options, OPT_REMOTE);
    bool self = remote && strcmp(remote, "self") == 0;
    struct llm *embedder; /* the smallest comes first: its name may be wrong */
    int code = 0;
    if (!a->protocol->without_worker) code = embedder_get(a->s, &embedder, err);
    if (code) return code;
    if (!a->protocol->without_worker || self) code = worker_get(a->s, &a->worker, err);
    if (code) return code;
    if (self) {
        a->supervisor = a->worker;
    } else if (a->protocol->needs_supervisor) {
        code = supervisor_get(a->s, &a->supervisor, err);
    }
    if (!code && !a->worker) a->worker = a->supervisor;
    return code;
}

/* Nothing has been read for a server that cannot say which model it has. */
static int ask_servers(const struct ask *a, struct lw_error *err)
{
    int code = server_ask(a->s, a->worker, err);
    return code || a->supervisor == a->worker ? code
                                              : server_ask(a->s, a->supervisor, err);
}

/* --- The run ------------------------------------------------------------- */

static void on_progress(void *user, const struct reading_progress *p)
{
    lw_session *s = user;
    event_progress(&s->events, p);
}

static void on_trace(void *user, const char *sentence)
{
    lw_session *s = user;
    event_trace(&s->events, sentence);
}

static void on_stage(void *user, const char *what)
{
    lw_session *s = user;
    event_stage(&s->events, what);
}

static int read_max(const lw_session *s)
{
    long n = options_int(&s->options, OPT_READ);
    return n == OPTIONS_AUTO ? READING_LOOK_UP_PARTS : (int)n;
}

static int run_protocol(struct ask *a, struct lw_error *err)
{
    lw_session *s = a->s;
    struct proto_run run = {
        .reading = { .worker = a->worker,
                     .set = &s->docs,
                     .chunks = &s->matter.chunks,
                     .sources = s->matter.sources,
                     .search = s->matter.search,
                     .meaning = a->meaning,
                     .arena = a->arena,
                     .cancel = &s->cancel,
                     .question = a->question,
                     .read_max = read_max(s),
                     .top_decides = options_int(&s->options, OPT_READ) == OPTIONS_AUTO,
                     .usage = &a->local,
                     .progress = on_progress,
                     .trace = on_trace,
                     .user = s },
        .supervisor = a->supervisor,
        .remote_usage = &a->remote,
        .about = options_string(&s->options, OPT_ABOUT),
        .schema = a->schema,
        .rounds_max = (int)options_int(&s->options, OPT_ROUNDS),
        .tasks_max = (int)options_int(&s->options, OPT_TASKS),
        .samples = (int)options_int(&s->options, OPT_SAMPLES),
        .stage = on_stage,
        .warn = session_warn,
        .user = s,
    };
    return a->protocol->run(&run, &a->final, err);
}

static int prepare_and_run(struct ask *a, struct lw_error *err)
{
    int code = check_question(a->question, err);
    if (!code) code = choose_protocol(a, err);
    if (!code) code = load_schema(a, err);
    if (!code) code = matter_check(a->s, err);
    if (!code) code = open_models(a, err);
    if (!code) code = ask_servers(a, err);
    if (!code) code = matter_get(a->s, a->worker, a->question, err);
    if (!code && !a->protocol->without_worker) {
        code = vectors_get(a->s, &a->meaning, err);
    }
    if (code) return code;
    a->s->events.part_seconds = expect_part_seconds(a->s, a->worker, a->question);
    return run_protocol(a, err);
}

/* --- The end ------------------------------------------------------------- */

/* What left through the slot, and where to: a host is named once, and only if something
 * went there. */
static void add_slot(struct ask *a, const struct model_slot *slot)
{
    lw_session *s = a->s;
    const struct llm_info *place = server_place(s, slot->llm);
    egress_add(&s->egress, &slot->egress);
    if (slot->egress.calls == 0 || !place || place->on_device) return;
    if (s->hosts > 0 && strcmp(a->left_to[0], place->where) == 0) return;
    a->left_to[s->hosts++] = place->where;
}

static void note_hosts(struct ask *a)
{
    const char *first = a->left_to[0], *second = first ? a->left_to[1] : NULL;
    snprintf(a->s->sent_to, sizeof a->s->sent_to, "%s%s%s", first ? first : "",
             second ? ", " : "", second ? second : "");
}

static void find_hosts(struct ask *a)
{
    add_slot(a, &a->s->worker);
    add_slot(a, &a->s->supervisor);
    note_hosts(a);
}

static void forget_sent(lw_session *s)
{
    s->worker.egress = s->supervisor.egress = s->egress = (struct egress){ 0 };
    s->hosts = 0;
    s->sent_to[0] = '\0';
}

static lw_result *make_result(struct ask *a)
{
    struct result_source from = {
        .protocol = a->protocol->name,
        .final = &a->final,
        .arena = a->arena,
        .docs = &a->s->docs,
        .local = &a->local,
        .remote = &a->remote,
        .egress = &a->s->egress,
        .left_to = a->left_to,
        .warnings = &a->s->warnings,
        .first_of_run = a->first_warning,
        .seconds = clock_seconds() - a->began,
    };
    a->arena = NULL;
    return result_new(&from);
}

/* The run returned an error or a final without an answer: was it the clock or the user?
 */
static int end_without_answer(struct ask *a, int cause, const char *message,
                              struct lw_error *err)
{
    const struct cancel *c = &a->s->cancel;
    if (cause && cause != LW_CANCELLED && cause != LW_TIMEOUT && cause != LW_PARTIAL) {
        return err_set(err, cause, "%s", message);
    }
    if (atomic_load(&c->level) != CANCEL_NONE) {
        return err_set(err, LW_CANCELLED, "interrupted before anything was found");
    }
    if (cancel_timed_out(c)) {
        long limit = options_int(&a->s->options, OPT_TIMEOUT);
        return err_set(err, LW_TIMEOUT,
                       "nothing was found within the time limit of %ld second%s", limit,
                       limit == 1 ? "" : "s");
    }
    return err_set(err, cause ? cause : LW_NOT_FOUND, "%s", message);
}

static int end_partial(struct ask *a, lw_result **out, struct lw_error *err)
{
    const struct final *f = &a->final;
    const struct cancel *c = &a->s->cancel;
    bool late = atomic_load(&c->level) == CANCEL_NONE &&
                (f->cause == LW_TIMEOUT || (!f->cause && cancel_timed_out(c)));
    const char *why = f->cause_message ? f->cause_message : "not everything was read";
    char sentence[1200];
    snprintf(sentence, sizeof sentence, "The answer is partial: %s", why);
    session_warn(a->s, sentence);
    *out = make_result(a);
    return err_set(err, late ? LW_TIMEOUT : LW_PARTIAL, "%s", sentence);
}

static int end_final(struct ask *a, lw_result **out, struct lw_error *err)
{
    const struct final *f = &a->final;
    if (cancel_level(&a->s->cancel) == CANCEL_ABORT) {
        return err_set(err, LW_CANCELLED, "interrupted");
    }
    if (f->status == FINAL_PARTIAL) return end_partial(a, out, err);
    if (f->status == FINAL_ANSWERED) {
        *out = make_result(a);
        return LW_OK;
    }
    bool cut = cancel_level(&a->s->cancel) != CANCEL_NONE && f->coverage.skipped > 0;
    if (f->cause || cut) {
        const char *why = f->cause_message ? f->cause_message : "nothing was found";
        return end_without_answer(a, f->cause, why, err);
    }
    *out = make_result(a);
    return err_set(err, LW_NOT_FOUND, "the documents do not hold an answer");
}

int lw_ask(lw_session *s, const char *question, lw_result **out, struct lw_error *err)
{
    struct ask a = { .s = s,
                     .question = question,
                     .began = clock_seconds(),
                     .first_warning = s->warnings.n,
                     .arena = arena_new() };
    struct lw_error why = { .code = 0 };
    long timeout = options_int(&s->options, OPT_TIMEOUT);
    *out = NULL;
    forget_sent(s);
    s->cancel.deadline_ms = timeout ? clock_ms() + timeout * 1000 : 0;
    int code = prepare_and_run(&a, &why);
    events_drain(&s->events);
    session_take_warnings(s);
    find_hosts(&a);
    code =
        code ? end_without_answer(&a, code, why.message, err) : end_final(&a, out, err);
    session_rearm(s);
    json_decref(a.schema);
    arena_free(a.arena);
    return code;
}

struct lw_sent lw_sent(const lw_session *s)
{
    return (struct lw_sent){ .calls = s->egress.calls,
                             .bytes = s->egress.bytes,
                             .document_chars = s->egress.document_chars,
                             .hosts = s->hosts,
                             .to = s->sent_to };
}
