/* legwork.h - ask long, private documents a question on your own machine.
 *
 * The model in a paragraph. A *session* holds options, documents and opened
 * models. You set options by name, add documents, ask a question, and get a
 * *result*: an answer with citations whose quotes stand in the documents at
 * the byte offsets given, the coverage of the reading, and an account of what
 * left the machine. A small model (the worker) reads; a large one (the
 * supervisor), if you name one, plans and concludes and never sees the
 * documents themselves.
 *
 *     struct lw_error err;
 *     lw_session *s = NULL;
 *     lw_result *r = NULL;
 *     if (lw_open(&s, &err) || lw_set(s, "local", "qwen2.5-1.5b", &err) ||
 *         lw_add_file(s, "report.pdf", &err) ||
 *         lw_ask(s, "What was the capex in 2022?", &r, &err)) {
 *         fprintf(stderr, "%s\n", err.message);
 *     }
 *
 * Ownership. A session owns its documents and models, a result owns every
 * string that it hands out; both live until closed. Strings passed in are
 * copied. Nothing here writes to stdout or stderr, and nothing calls exit(); the
 * one exception is a machine without memory, which ends the process with a
 * sentence on stderr.
 *
 * Threads. A session belongs to one thread at a time. One call may come from
 * elsewhere while another runs: lw_cancel(), also from a signal handler. The event
 * callback runs on the thread that called into the session.
 *
 * Pointers may be NULL where that is said. A question, a name or a text that is NULL is
 * LW_ERR_USAGE.
 *
 * Errors. Every call that can fail returns 0 or one of enum lw_code, and fills
 * *err with a sentence fit to print; on success *err is untouched. err may be
 * NULL. */
#ifndef LEGWORK_H
#define LEGWORK_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define LW_VERSION "0.1.0"

#if defined(__GNUC__)
#define LW_API __attribute__((visibility("default")))
#else
#define LW_API
#endif

/* Result codes. The command line exits with the same numbers. */
enum lw_code {
    LW_OK = 0,
    LW_ERR = 1,        /* anything without a number of its own */
    LW_ERR_USAGE = 2,  /* a wrong option, value or call */
    LW_NOT_FOUND = 3,  /* the documents do not hold an answer */
    LW_ERR_LOCAL = 4,  /* the worker model cannot be loaded or reached */
    LW_ERR_REMOTE = 5, /* the supervisor cannot be reached or refuses */
    LW_ERR_AUTH = 6,   /* a key is missing or refused */
    LW_ERR_BUDGET = 7, /* a budget or the provider's quota is spent */
    LW_ERR_POLICY = 8, /* the user's policy forbids it */
    LW_ERR_INPUT = 9,  /* no document could be read */
    LW_PARTIAL = 10,   /* an answer, but something was cut short; a warning says what */
    LW_TIMEOUT = 124,  /* the time limit ended the run */
    LW_CANCELLED = 130 /* lw_cancel(): twice, or once before anything was found */
};

struct lw_error {
    int code;           /* enum lw_code */
    char message[1024]; /* one sentence, NUL-terminated, no newline */
};

typedef struct lw_session lw_session;
typedef struct lw_result lw_result;

/* --- Sessions ----------------------------------------------------------- */

LW_API const char *lw_version(void);

/* New session with every option at its default: no LEGWORK_* variable and no file is
 * read. (Keys and addresses of providers always come from the environment, when a model
 * of theirs is opened: legwork(1), ENVIRONMENT.)
 * What a question needed stays open for the next one. A model in this process is taken
 * out of memory by a thread of ours when nothing used it for as long as the option
 * "unload-after" says (5 minutes), and loaded again when it is needed. */
LW_API int lw_open(lw_session **out, struct lw_error *err);

/* Frees the session, its documents and its models. NULL is allowed. */
LW_API void lw_close(lw_session *s);

/* Set an option by its long name ("local", "remote", "protocol", "rounds",
 * "read", ...: `legwork ask --help` lists them all, legwork.1 describes
 * them). NULL is its default again. Values of an option that may be given several times
 * ("allow-worker") add up until then. LW_ERR_USAGE for an unknown name (the nearest one
 * is named) or a value out of range; the option is then unchanged. */
LW_API int lw_set(lw_session *s, const char *name, const char *value,
                  struct lw_error *err);

/* Take options from LEGWORK_* variables and from the user's configuration
 * file (path, or NULL for $XDG_CONFIG_HOME/legwork/config.ini; a missing
 * default file is no error). Options set by lw_set() before or after win;
 * variables win over the file. */
LW_API int lw_configure(lw_session *s, const char *path, struct lw_error *err);

/* --- Documents ---------------------------------------------------------- */

/* Add a file, a folder (recursive, .gitignore respected) or "-" (standard
 * input). LW_ERR_INPUT if nothing in it could be read; documents added before
 * stay. What was passed over is reported as warnings of the session, but for hidden
 * entries and what .gitignore names that has no document's name; so is a file whose text
 * is that of a document before it.
 * May take minutes (PDF): each file is a stage. The option "timeout" does not count
 * here. */
LW_API int lw_add_file(lw_session *s, const char *path, struct lw_error *err);

/* Add text under a name. It must be UTF-8 without NUL bytes: LW_ERR_INPUT, as for a text
 * of nothing but white space. */
LW_API int lw_add_text(lw_session *s, const char *name, const char *text, size_t len,
                       struct lw_error *err);

struct lw_document {
    const char *name; /* as the user gave it, or the path found in a folder */
    const char *text; /* UTF-8; the offsets of citations count its bytes */
    size_t len;       /* bytes */
    int pages;        /* 0: the format has none */
    int pages_without_text;
};

LW_API size_t lw_document_count(const lw_session *s);
/* Borrowed from the session; 0 <= i < count. */
LW_API struct lw_document lw_document_at(const lw_session *s, size_t i);

/* Warnings since the session was opened, oldest first, NULL past the end. */
LW_API const char *lw_warning_at(const lw_session *s, size_t i);

/* --- Asking ------------------------------------------------------------- */

enum lw_event_kind {
    LW_EVENT_STAGE,    /* text: what begins ("loading model", "planning") */
    LW_EVENT_PROGRESS, /* the numbers below */
    LW_EVENT_NOTICE,   /* text: something the user should know now */
    LW_EVENT_TRACE     /* text: details, for --verbose */
};

struct lw_event {
    enum lw_event_kind kind;
    const char *text; /* valid during the call; NULL for PROGRESS */
    int jobs_done, jobs_total;
    int jobs_found;           /* < 0: nothing is being looked for */
    double tokens_per_second; /* of the worker, 0 if not yet known */
    double seconds_left;      /* < 0 if not yet known */
};

typedef void (*lw_event_fn)(void *user, const struct lw_event *event);

/* One callback a session; NULL for none. It must not call back into s. It may be called
 * until lw_close() has returned. */
LW_API void lw_on_event(lw_session *s, lw_event_fn fn, void *user);

/* Answer a question from the documents. Blocks.
 * Returns LW_OK, LW_NOT_FOUND or LW_PARTIAL with *out set (the caller closes
 * it), or an error with *out NULL. LW_TIMEOUT sets *out when anything was found;
 * check it. A supervisor that fails half-way makes the result LW_PARTIAL if
 * anything was found, else its error. */
LW_API int lw_ask(lw_session *s, const char *question, lw_result **out,
                  struct lw_error *err);

/* What the last lw_ask() sent to servers, with or without a result; all 0 for models in
 * this process. */
struct lw_sent {
    int64_t calls;          /* requests that began to leave; every try counts */
    int64_t bytes;          /* of their bodies */
    int64_t document_chars; /* in them that stand in a document, in runs of 20 or more */
    int hosts;              /* other machines that they went to */
    const char *to; /* these, as "host:port, host:port"; valid until the next call */
};

LW_API struct lw_sent lw_sent(const lw_session *s);

/* End the running lw_ask(), lw_index() or lw_add_file(): the first call asks for the best
 * partial answer, the second aborts. lw_quantize(), lw_tune() and lw_grade() end at
 * the first. When none runs, the next one ends. Async-signal-safe, any thread. */
LW_API void lw_cancel(lw_session *s);

/* --- Results ------------------------------------------------------------ */

enum lw_match { LW_MATCH_NONE, LW_MATCH_FOLDED, LW_MATCH_EXACT };

struct lw_citation {
    int n;             /* the number in the answer's [n] marks, from 1 */
    const char *doc;   /* the document's name */
    int page;          /* from 1; 0: no pages */
    size_t start, end; /* bytes of the document's text */
    const char *quote; /* EXACT: equals text[start, end) */
    enum lw_match match;
};

LW_API const char *lw_result_answer(const lw_result *r);
LW_API size_t lw_result_citation_count(const lw_result *r);
LW_API struct lw_citation lw_result_citation(const lw_result *r, size_t i);

/* The whole result as one JSON object, schema "legwork.answer/1" (legwork(1)
 * describes its fields), UTF-8, without a final newline. */
LW_API const char *lw_result_json(const lw_result *r);

LW_API void lw_result_close(lw_result *r);

/* --- What was read is kept ----------------------------------------------- */

/* A worker in this process keeps the states of the parts that it has read on disk, in the
 * user's cache folder, up to what the option "kv-cache" allows ("0": none): the next
 * question over the same text costs only its own tokens. What the parts of a document
 * mean to the model of the option "embed" is kept as well, as one part more. All is as
 * private as the documents and never leaves the machine. */

struct lw_indexed {
    size_t parts;   /* of all documents */
    size_t there;   /* of these, kept before this call */
    size_t kept;    /* and kept by it */
    int64_t tokens; /* read for that */
    uint64_t bytes; /* that take room now */
    double seconds;
};

/* Read the session's documents before anybody asks, and keep the state of each part.
 * Blocks; events as in lw_ask(), the option "timeout" does not count. What is kept
 * already is not read again, so a call that was cancelled goes on where it stopped.
 * Documents come in the order in which they were added; where the room does not suffice
 * for all parts, the first ones are kept.
 * *out is filled in any case. LW_PARTIAL: there was no room for all. LW_CANCELLED: what
 * was read by then is kept. LW_ERR_USAGE: the worker is not in this process, or nothing
 * is to be kept. LW_ERR: the disk did not take the states. Else as lw_ask(). */
LW_API int lw_index(lw_session *s, struct lw_indexed *out, struct lw_error *err);

struct lw_kept_document {
    const char *name; /* when its states were made; "" if that is not known */
    const char *id;   /* of its text */
    size_t parts;     /* 0: only what a process that was killed left of its first one */
    int64_t tokens;
    uint64_t bytes;
    int64_t used; /* seconds since 1970 */
};

struct lw_kept_sum {
    const char *folder; /* NULL: the user has none. The session's */
    size_t documents, parts;
    uint64_t bytes;
    uint64_t room; /* the most that may be taken now; 0: nothing is kept */
};

/* Call fn (NULL: none) for every document of which anything is kept, the latest used
 * first; strings are valid during the call. *all, which may be NULL, gets the sums. */
LW_API int lw_kept(lw_session *s,
                   void (*fn)(void *user, const struct lw_kept_document *document),
                   void *user, struct lw_kept_sum *all, struct lw_error *err);

/* Remove the least valuable states until at most bytes_max are left. *freed, which may be
 * NULL: the bytes that this gave back. */
LW_API int lw_kept_prune(lw_session *s, uint64_t bytes_max, uint64_t *freed,
                         struct lw_error *err);

/* Remove the states of the documents of this name or id, or in the folder of this name,
 * or of all (NULL): also of texts that have changed or are gone since. Or those of
 * document i of the session, whatever it was called. *freed, which may be NULL, gets what
 * is gone: documents, parts, bytes. Returns 0 also if there was nothing. */
LW_API int lw_forget(lw_session *s, const char *name, struct lw_kept_sum *freed,
                     struct lw_error *err);
LW_API int lw_forget_document(lw_session *s, size_t i, struct lw_kept_sum *freed,
                              struct lw_error *err);

/* --- Models ------------------------------------------------------------- */

struct lw_model {
    const char *name; /* what --local takes */
    const char *path;
    const char *architecture; /* "qwen2" */
    const char *quantisation; /* "Q4_K - Medium" */
    uint64_t bytes;
    int context;          /* tokens the model was trained for */
    const char *problem;  /* NULL, or why it cannot be used */
    double reads, writes; /* tokens a second as lw_tune() measured; 0: not known */
};

/* Call fn for every GGUF file in legwork's model folder. Returns 0 also when
 * there is none. */
LW_API int lw_models(lw_session *s, void (*fn)(void *user, const struct lw_model *model),
                     void *user, struct lw_error *err);

/* --- Formats and measurements ---------------------------------------------- */

/* What lw_quantize() makes. */
struct lw_format {
    const char *in; /* a GGUF file, or a model's name as "local" takes it */
    /* The new file. Without a slash it is one in the model folder; ".gguf" is added where
     * it is missing. */
    const char *out;
    const char *type; /* "Q4_0": one of lw_type_at() */
    int force;        /* 1: replace `out`, and quantise what is quantised already */
};

struct lw_quantised {
    char path[1024]; /* of the new file */
    char was[64];    /* the quantisation of the old one */
    uint64_t bytes_in, bytes_out;
};

/* Names of the types that a model can be quantised to, NULL past the end. */
LW_API const char *lw_type_at(size_t i);

/* Write a model's weights in another format. Blocks; lw_cancel() ends it. Events:
 * progress counts tensors. The name of the new file is given to it when it is whole, and
 * nothing is left behind else. libllama works in a child process, so call it while no
 * other thread of yours uses legwork. LW_ERR_USAGE: no such type; `out` is there, or `in`
 * is quantised already, without force. LW_ERR_LOCAL: no such model, it is damaged, or
 * libllama cannot do it. LW_ERR: the new file does not fit on the disk or cannot be
 * written there. */
LW_API int lw_quantize(lw_session *s, const struct lw_format *format,
                       struct lw_quantised *out, struct lw_error *err);

/* With so many threads: tokens a second of prompts, and of one reply. */
struct lw_speed {
    int threads;
    double reads, writes;
};

struct lw_point {
    int n;
    double value;
};

/* How fast this machine is with a model. Valid during the call of lw_tuned_fn. */
struct lw_tuned {
    const char *name, *path, *quantisation;
    uint64_t bytes;
    const char *problem;  /* NULL, or why it was not measured; the rest is 0 then */
    int threads;          /* the best number: the default from now on, if kept */
    double reads, writes; /* tokens a second with these */
    const struct lw_speed *speeds; /* all numbers of threads that were tried */
    size_t n_speeds;
    const struct lw_point *batches; /* n replies at a time: tokens a second together */
    size_t n_batches;
    const struct lw_point *checks; /* n tokens of one reply in a step: time, one is 1 */
    size_t n_checks;
    double seconds;   /* that the measuring took */
    double others;    /* cores that other programs kept busy meanwhile */
    int disturbed;    /* by these, so that the numbers are not to be trusted */
    int kept;         /* written to legwork's data folder */
    const char *json; /* one object, schema "legwork.tune/2": as it is kept */
};

typedef void (*lw_tuned_fn)(void *user, const struct lw_tuned *tuned);

struct lw_tuning {
    const char *const *models; /* names as "local" takes them */
    size_t n_models;           /* 0: all of the model folder */
    int seconds;               /* for one model, about; 0: 60 */
    int force;                 /* 1: keep what was disturbed too */
};

/* Measure models on this machine: fn is called for each. What was measured is kept in
 * legwork's data folder and used from then on: for the number of threads where "threads"
 * is not set, for the time left before a run has measured its own, by lw_models().
 * Option "threads" is the most that is tried. Blocks; lw_cancel() ends it. LW_ERR_LOCAL
 * if no model could be measured. */
LW_API int lw_tune(lw_session *s, const struct lw_tuning *tuning, lw_tuned_fn fn,
                   void *user, struct lw_error *err);

/* How a model did on the lines of a file. */
struct lw_graded {
    const char *name;
    const char *problem; /* NULL, or why it could not go through them */
    int lines, failed;   /* failed: neither found nor absent; counts as wrong */
    int present, found;  /* lines that have an answer, and of these: found */
    int missing, absent; /* lines that have none, and of these: said so */
    int right;           /* of the found ones: the answer is the expected one */
    double seconds;      /* of reading, without loading */
};

/* Let models read the excerpts of a file and compare: each line is a JSON object,
 * {"excerpt": "...", "question": "...", "answer": "..." or null}. Reading is that of
 * lw_ask() with protocol local. fn is called for each model (n_models 0: all of the
 * folder). LW_ERR_INPUT: the file or a line of it cannot be read; LW_ERR_LOCAL: no model
 * could be opened. */
LW_API int lw_grade(lw_session *s, const char *path, const char *const *models,
                    size_t n_models,
                    void (*fn)(void *user, const struct lw_graded *graded), void *user,
                    struct lw_error *err);

#ifdef __cplusplus
}
#endif
#endif
