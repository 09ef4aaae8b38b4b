/* remote.c - the whole documents in one call, for comparison and for documents
 * that may be shown.
 *
 * The supervisor answers with quotes; each is looked for in the documents, and
 * one that stands nowhere, or holds nothing but function words, stays in the answer
 * as what it is, a claim. What does not fit the supervisor's context, or a request at
 * all, is refused before anything is sent. */
#include "proto/ways.h"

#include "base/limits.h"
#include "proto/answer.h"
#include "proto/schemas.h"
#include "proto/shape.h"
#include "proto/supervise.h"
#include "proto/whole.h"
#include "text/quote.h"
#include "text/words.h"

#include <string.h>

enum {
    QUOTES_MAX = 64,
    PROMPT_TOKENS = 400, /* our words, without the question */
    /* In a request a character of a text may take two. */
    DOCS_BYTES_MAX = LIMIT_REQUEST_BYTES / 2
};

/* Whatever the model could read. */
static int check_size(const struct proto_run *run, struct lw_error *err)
{
    size_t mib = 1024 * 1024, bytes = run->reading.set->text_bytes;
    if (bytes <= DOCS_BYTES_MAX) return 0;
    return err_set(err, LW_ERR_USAGE,
                   "the documents are %zu MiB of text and one request takes %zu "
                   "MiB; --protocol minions reads them here, part by part, or give fewer "
                   "documents",
                   (bytes + mib - 1) / mib, DOCS_BYTES_MAX / mib);
}

static int check_fit(const struct proto_run *run, struct lw_error *err)
{
    const struct llm_info *info = llm_info(run->supervisor);
    const char *question = run->reading.question;
    int64_t tokens = whole_tokens(&run->reading, run->supervisor);
    int64_t rest = PROMPT_TOKENS + supervise_reply_tokens(run->supervisor) +
                   llm_count_tokens(run->supervisor, question, strlen(question));
    if (info->context <= 0 || tokens + rest <= info->context) return 0;
    return err_set(
        err, LW_ERR_USAGE,
        "the documents are about %lld tokens and %s takes %d, question and answer "
        "included; --protocol minions reads them here, part by part, or give "
        "fewer documents",
        (long long)tokens, info->name, info->context);
}

/* --- Quotes -------------------------------------------------------------- */

/* In the document it is said to be from, else in any. */
static struct quote find_quote(const struct doc_set *set, const char *id,
                               const char *text)
{
    struct quote best = { .match = QUOTE_NONE };
    for (int said = 1; said >= 0; said--) {
        for (size_t i = 0; i < set->n_docs && best.match != QUOTE_EXACT; i++) {
            if ((strcmp(set->docs[i]->id, id) == 0) != said) continue;
            struct quote q = quote_find(set, (int)i, 0, set->docs[i]->len, text);
            if (q.match > best.match) best = q;
        }
        if (best.match != QUOTE_NONE) break;
    }
    return best;
}

/* "." and "the" stand in any document. A short quote may still be all there is to say:
 * "Yes", because of "Status: approved". */
static bool is_evidence(const char *quote)
{
    struct word word;
    size_t pos = 0, len = strlen(quote);
    while (words_next(quote, len, &pos, &word)) {
        if (!word.common) return true;
    }
    return false;
}

static size_t read_quotes(const struct proto_run *run, const json_t *reply,
                          struct finding *findings)
{
    const json_t *quotes = json_object_get(reply, "quotes");
    size_t n = 0;
    for (size_t i = 0; i < json_array_size(quotes) && n < QUOTES_MAX; i++) {
        const json_t *item = json_array_get(quotes, i);
        const char *text = json_str(item, "quote", "");
        struct quote quote = { .match = QUOTE_NONE };
        if (*text) quote = find_quote(run->reading.set, json_str(item, "doc", ""), text);
        findings[n++] = (struct finding){
            .value = arena_strdup(run->reading.arena, text),
            .quote = quote,
            .supported = quote.match != QUOTE_NONE && is_evidence(text),
            .confidence = 1,
            .votes = 1,
            .of = 1,
        };
    }
    return n;
}

/* Every quote is shown, also one that the answer does not mark. */
static void answer_with_quotes(struct record *rec, const json_t *reply, struct final *out)
{
    const char *ids[QUOTES_MAX];
    size_t n = 0;
    for (size_t i = 0; i < rec->findings.n; i++) {
        if (*rec->findings.items[i].value) ids[n++] = rec->findings.items[i].id;
    }
    const char *answer = json_str(reply, "answer", "");
    if (answer_is_not_stated(rec, answer)) {
        answer_not_found(rec, out);
    } else {
        answer_from_text(rec, answer, ids, n, out);
    }
}

/* --- The call ------------------------------------------------------------ */

/* An empty answer is worth one more try, as a broken reply is. */
static int check_answer(void *user, const json_t *reply, struct lw_error *err)
{
    (void)user;
    if (!answer_is_blank(json_str(reply, "answer", ""))) return 0;
    return err_set(err, LW_ERR_INPUT, "\"answer\" is empty");
}

static int ask(struct proto_run *run, json_t **reply, struct lw_error *err)
{
    struct llm_message messages[SUPERVISOR_MESSAGES];
    size_t len;
    const char *text = whole_text(&run->reading, &len);
    proto_stage(run, "asking");
    prompt_remote(run, text, len, messages);
    int code = supervise(run, messages, schema_of_cited_answer(run), check_answer, NULL,
                         reply, err);
    return supervise_failure(code, err);
}

int remote_run(struct proto_run *run, struct final *out, struct lw_error *err)
{
    struct finding findings[QUOTES_MAX];
    struct lw_error why;
    struct record rec;
    json_t *reply = NULL;
    int code = check_fit(run, &why);
    if (code == 0) code = check_size(run, &why);
    if (code == 0) code = ask(run, &reply, &why);
    if (code) return err_set(err, code, "%s", why.message);
    size_t n = read_quotes(run, reply, findings);
    record_init(&rec, &run->reading);
    record_add_whole(&rec, run->reading.question, findings, n, NULL);
    answer_with_quotes(&rec, reply, out);
    shape_answer(run, &rec, run->supervisor, run->remote_usage, out->answer, out);
    record_release(&rec);
    json_decref(reply);
    return 0;
}
