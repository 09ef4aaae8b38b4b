/* session.c - the life of a session, its options, documents and warnings.
 *
 * Opening costs nothing: no model, no thread and no library is set up before
 * something needs it. What is asked of a session is in ask.c. */
#include "run/session.h"

#include "base/mem.h"
#include "base/utf8.h"
#include "models/models.h"
#include "run/prepare.h"
#include "run/resolve.h"
#include "text/load.h"

#include <string.h>
#include <unistd.h>

const char *lw_version(void)
{
    return LW_VERSION;
}

int lw_open(lw_session **out, struct lw_error *err)
{
    (void)err;
    lw_session *s = mem_alloc(sizeof *s);
    options_init(&s->options);
    doc_set_init(&s->docs);
    events_init(&s->events);
    cancel_init(&s->cancel, 0);
    *out = s;
    return 0;
}

/* What went wrong while models were closed: there will be no result to say it. */
static void say_late_warnings(lw_session *s)
{
    char *sentence;
    while ((sentence = events_take_warning(&s->events)) != NULL) {
        event_notice(&s->events, sentence);
        mem_free(sentence);
    }
}

void lw_close(lw_session *s)
{
    if (!s) return;
    slot_close(&s->supervisor);
    slot_close(&s->worker);
    slot_close(&s->embedder);
    residents_free(s->residents);
    events_drain(&s->events);
    say_late_warnings(s);
    if (s->http) http_close(s->http);
    matter_release(&s->matter);
    for (size_t i = 0; i < s->warnings.n; i++) mem_free(s->warnings.items[i].sentence);
    mem_free(s->warnings.items);
    events_release(&s->events);
    doc_set_release(&s->docs);
    options_release(&s->options);
    mem_free(s->kept_folder);
    mem_free(s);
}

/* --- Options ------------------------------------------------------------- */

int lw_set(lw_session *s, const char *name, const char *value, struct lw_error *err)
{
    const struct option_spec *spec = name ? option_find(name) : NULL;
    if (spec && spec->scope != SCOPE_LIBRARY) {
        return err_set(err, LW_ERR_USAGE, "\"%s\" is an option of the command line only",
                       name);
    }
    if (!name) return err_set(err, LW_ERR_USAGE, "the name of the option is NULL");
    if (!value) return options_unset(&s->options, name, err);
    return options_set(&s->options, name, value, SOURCE_SET, err);
}

int lw_configure(lw_session *s, const char *path, struct lw_error *err)
{
    int code = options_from_environment(&s->options, err);
    options_odd_variables(session_warn, s);
    return code ? code : options_from_file(&s->options, path, err);
}

/* --- Warnings ------------------------------------------------------------ */

static void add_warning(lw_session *s, const char *sentence, bool of_documents)
{
    struct warnings *w = &s->warnings;
    if (w->n && strcmp(w->items[w->n - 1].sentence, sentence) == 0) return;
    mem_grow((void **)&w->items, &w->cap, w->n + 1, sizeof *w->items);
    w->items[w->n++] = (struct warning){ mem_strdup(sentence), of_documents };
}

void session_warn(void *user, const char *sentence)
{
    add_warning(user, sentence, false);
}

void session_take_warnings(lw_session *s)
{
    char *sentence;
    while ((sentence = events_take_warning(&s->events)) != NULL) {
        session_warn(s, sentence);
        mem_free(sentence);
    }
}

static void on_file(void *user, const char *what)
{
    lw_session *s = user;
    event_stage(&s->events, what);
}

static void warn_of_document(void *user, const char *sentence)
{
    add_warning(user, sentence, true);
}

const char *lw_warning_at(const lw_session *s, size_t i)
{
    return i < s->warnings.n ? s->warnings.items[i].sentence : NULL;
}

/* --- Documents ----------------------------------------------------------- */

int lw_add_file(lw_session *s, const char *path, struct lw_error *err)
{
    struct load_options opt = { .warn = warn_of_document,
                                .begin = on_file,
                                .user = s,
                                .cancel = &s->cancel,
                                .stdin_fd = STDIN_FILENO };
    struct lw_error why = { .code = 0 };
    if (!path) return err_set(err, LW_ERR_USAGE, "the name of the file is NULL");
    int code = load_path(&s->docs, path, &opt, &why);
    bool cancelled = cancel_level(&s->cancel) != CANCEL_NONE;
    session_rearm(s);
    if (cancelled)
        return err_set(err, LW_CANCELLED, "interrupted while reading %s", path);
    if (!code) return 0;
    warn_of_document(s, why.message);
    return err_set(err, code, "%s", why.message);
}

int lw_add_text(lw_session *s, const char *name, const char *text, size_t len,
                struct lw_error *err)
{
    if (!name || !text) {
        return err_set(err, LW_ERR_USAGE, "the %s is NULL", name ? "text" : "name");
    }
    if (memchr(text, '\0', len)) {
        return err_set(err, LW_ERR_INPUT, "%s holds a NUL byte: it is not text", name);
    }
    if (utf8_is_blank(text, len)) return err_set(err, LW_ERR_INPUT, "%s is empty", name);
    return load_text(&s->docs, name, text, len, err);
}

size_t lw_document_count(const lw_session *s)
{
    return s->docs.n_docs;
}

struct lw_document lw_document_at(const lw_session *s, size_t i)
{
    const struct doc *doc = s->docs.docs[i];
    return (struct lw_document){ .name = doc->name,
                                 .text = doc->text,
                                 .len = doc->len,
                                 .pages = doc->n_pages,
                                 .pages_without_text = doc->n_pages_without_text };
}

/* --- The rest ------------------------------------------------------------ */

void lw_on_event(lw_session *s, lw_event_fn fn, void *user)
{
    s->events.fn = fn;
    s->events.user = user;
}

void lw_cancel(lw_session *s)
{
    cancel_raise(&s->cancel);
}

/* A store, not cancel_init(): another thread may be raising it. */
void session_rearm(lw_session *s)
{
    atomic_store(&s->cancel.level, CANCEL_NONE);
    s->cancel.deadline_ms = 0;
}

struct listing {
    void (*fn)(void *user, const struct lw_model *model);
    void *user;
    char *folder; /* of measurements */
};

static void add_speed(void *user, const struct lw_model *model)
{
    const struct listing *l = user;
    struct lw_model m = *model;
    struct tuned_key key;
    struct tuned t;
    if (tuned_key_of(&key, m.path) && tuned_find(l->folder, &key, &t)) {
        m.reads = t.reads;
        m.writes = t.writes;
    }
    l->fn(l->user, &m);
}

int lw_models(lw_session *s, void (*fn)(void *user, const struct lw_model *model),
              void *user, struct lw_error *err)
{
    struct listing l = { .fn = fn, .user = user, .folder = tuned_folder() };
    char *dir = options_models_dir(&s->options);
    int code = models_list(dir, add_speed, &l, err);
    mem_free(dir);
    mem_free(l.folder);
    return code;
}
