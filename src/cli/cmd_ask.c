/* cmd_ask.c - legwork ask: a question, documents, an answer.
 *
 * stdout gets the answer and nothing else that a script would have to skip: in
 * text form the citations follow it, with --json they are in the object, with
 * --schema, where the answer is itself data, they go to stderr. */
#include "cli/command.h"
#include "cli/output.h"
#include "cli/reading.h"

#include "base/json.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

struct asking {
    struct reading reading;
    const char *question;
    const char *const *files;
    size_t n_files;
    bool from_pipe; /* no file was named: standard input */
};

/* --- What is asked ------------------------------------------------------- */

/* A file's name where the question should be: who forgot it would be told that the
 * documents do not answer "contract.txt". A plain word with files behind it is a
 * question, even where a folder has its name. */
static int check_is_question(const char *word, size_t n_files, struct lw_error *err)
{
    bool plain = n_files > 0 && !strpbrk(word, "./");
    if (plain || access(word, F_OK) != 0) return 0;
    return err_set(err, LW_ERR_USAGE,
                   "%s is a file or folder; the question comes first, in quotes: legwork "
                   "ask \"...\" %s",
                   word, word);
}

static int find_words(struct asking *a, const struct args *args, struct lw_error *err)
{
    static const char *const standard_input[] = { "-" };
    if (args->n_words == 0) {
        return err_set(err, LW_ERR_USAGE, "a question is missing");
    }
    a->question = args->words[0];
    a->files = args->words + 1;
    a->n_files = args->n_words - 1;
    a->from_pipe = a->n_files == 0;
    int code = check_is_question(a->question, a->n_files, err);
    if (code || !a->from_pipe) return code;
    if (isatty(STDIN_FILENO)) {
        return err_set(err, LW_ERR_USAGE,
                       "name at least one file or folder behind the question");
    }
    a->files = standard_input;
    a->n_files = 1;
    return 0;
}

/* What to say where a word is no file: "ask How long is it a.txt". */
static void say_how_to_quote(const struct asking *a)
{
    if (a->reading.n_unread > 0 && a->n_files > 1 && !strpbrk(a->question, " \t\n")) {
        say("A question of several words stands in quotes, before the files.");
    }
}

static int add_documents(struct asking *a, struct lw_error *err)
{
    int code = reading_add(&a->reading, a->files, a->n_files, err);
    reading_say_warnings(&a->reading, err);
    say_how_to_quote(a);
    if (code == LW_ERR_INPUT && a->from_pipe) {
        err_prefix(err,
                   "no file is named behind the question, so standard input is read");
    }
    return code;
}

/* --- What is said -------------------------------------------------------- */

static void print_citations(struct output *o, const lw_result *r)
{
    static const char *const remarks[] = {
        [LW_MATCH_NONE] = " (not in the document)",
        [LW_MATCH_FOLDED] = " (not letter for letter)",
        [LW_MATCH_EXACT] = "",
    };
    for (size_t i = 0; i < lw_result_citation_count(r); i++) {
        struct lw_citation c = lw_result_citation(r, i);
        output_format(o, "[%d] ", c.n);
        output_one_line(o, c.doc);
        if (c.page > 0) output_format(o, " p. %d", c.page);
        output_format(o, "%s: \"", remarks[c.match]);
        output_one_line(o, c.quote);
        output_text(o, "\"\n");
    }
}

static int print_result(struct asking *a, const lw_result *r, struct lw_error *err)
{
    struct output out = output_to(stdout);
    struct output notes = output_to(stderr);
    if (options_flag(a->reading.options, OPT_JSON)) {
        output_text(&out, lw_result_json(r));
        output_text(&out, "\n");
        return output_end(&out, err);
    }
    bool is_data = options_string(a->reading.options, OPT_SCHEMA) != NULL;
    output_text(&out, lw_result_answer(r));
    output_text(&out, "\n");
    if (!is_data && lw_result_citation_count(r) > 0) {
        output_text(&out, "\n");
        print_citations(&out, r);
    }
    int code = output_end(&out, err);
    if (is_data && !a->reading.progress.quiet) print_citations(&notes, r);
    return code;
}

/* 5321 as "5,321". */
static const char *grouped(int64_t n, char out[32])
{
    char digits[24];
    size_t len = (size_t)snprintf(digits, sizeof digits, "%" PRId64, n), used = 0;
    for (size_t i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0) out[used++] = ',';
        out[used++] = digits[i];
    }
    out[used] = '\0';
    return out;
}

/* Also of a run that failed: what left has left. */
static void say_sent(struct asking *a)
{
    struct lw_sent sent = lw_sent(a->reading.session);
    char calls[32], bytes[32], chars[32], line[1024];
    if (a->reading.progress.quiet) return;
    if (sent.calls == 0) {
        if (a->reading.progress.verbose) say("Left this device: 0 bytes.");
        return;
    }
    snprintf(line, sizeof line,
             "%s%s: %s request%s, %s bytes, %s characters of the documents.",
             sent.hosts > 0 ? "Left this device for " : "Sent to a server on this device",
             sent.to, grouped(sent.calls, calls), sent.calls == 1 ? "" : "s",
             grouped(sent.bytes, bytes), grouped(sent.document_chars, chars));
    say(line);
}

static void say_coverage(struct asking *a, const lw_result *r, int code)
{
    if (a->reading.progress.quiet) return;
    if (!a->reading.progress.verbose && !isatty(STDERR_FILENO)) return;
    const char *text = lw_result_json(r);
    json_t *object = json_parse(text, strlen(text), NULL);
    const json_t *coverage = json_object_get(object, "coverage");
    long read = json_int(coverage, "read", 0, 0, INT32_MAX);
    long chunks = json_int(coverage, "chunks", 0, 0, INT32_MAX);
    char line[160];
    snprintf(line, sizeof line, "Read %ld of %ld parts, %ld with something; %ld failed.",
             read, chunks, json_int(coverage, "found", 0, 0, INT32_MAX),
             json_int(coverage, "failed", 0, 0, INT32_MAX));
    say(line);
    if (code == LW_NOT_FOUND && read < chunks) say("--read all reads the rest, too.");
    json_decref(object);
}

/* --- The command --------------------------------------------------------- */

static int ask_and_print(struct asking *a, struct lw_error *err)
{
    lw_result *r = NULL;
    struct lw_error write_error = { .code = 0 };
    int code = lw_ask(a->reading.session, a->question, &r, err);
    reading_say_warnings(&a->reading, err);
    if (r) {
        int failed = print_result(a, r, &write_error);
        say_coverage(a, r, code);
        if (failed) code = err_set(err, failed, "%s", write_error.message);
    }
    say_sent(a);
    lw_result_close(r);
    return code;
}

int cmd_ask(const struct command *self, struct args *args)
{
    struct lw_error err = { .code = 0 };
    struct asking a = { .question = NULL };
    int code = find_words(&a, args, &err);
    if (code) return usage_error(self, &err);
    code = reading_open(&a.reading, args, &err);
    if (!code) code = add_documents(&a, &err);
    if (!code) code = ask_and_print(&a, &err);
    code = reading_end(&a.reading, code, &err);
    /* Not found is an answer, and stands on stdout. */
    if (code && code != LW_NOT_FOUND) say_error(&err);
    reading_close(&a.reading);
    return code;
}
