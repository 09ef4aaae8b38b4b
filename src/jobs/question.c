/* question.c - from the wording of a question to a plan of one task.
 *
 * A table of phrases, tried in order: a phrase holds where it stands as whole
 * words, whatever their case. What is replaced is replaced once, so the question
 * that a part is asked is still the user's own. */
#include "jobs/question.h"

#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

struct wording {
    const char *phrase;
    const char *also; /* must stand behind it; NULL: nothing */
    enum question_kind kind;
    const char *instead; /* what stands there for a part; NULL: the phrase stays */
};

/* The first that holds. A total that the documents state themselves ("What was the
 * total revenue?") is looked up: only "how much" and "how many" are added up. */
static const struct wording wordings[] = {
    { "how many", "in all", QUESTION_SUM, NULL },
    { "how many", "altogether", QUESTION_SUM, NULL },
    { "how many", "all together", QUESTION_SUM, NULL },
    { "how much", "in all", QUESTION_SUM, NULL },
    { "how much", "altogether", QUESTION_SUM, NULL },
    { "how much", "all together", QUESTION_SUM, NULL },
    { "on how many occasions", NULL, QUESTION_COUNT, "when" },
    { "how many times", NULL, QUESTION_COUNT, "when" },
    { "at how many", NULL, QUESTION_COUNT, "at which" },
    { "on how many", NULL, QUESTION_COUNT, "on which" },
    { "in how many", NULL, QUESTION_COUNT, "in which" },
    { "summarize", NULL, QUESTION_SUMMARY, NULL },
    { "summarise", NULL, QUESTION_SUMMARY, NULL },
    { "summary of", NULL, QUESTION_SUMMARY, NULL },
    { "a summary", NULL, QUESTION_SUMMARY, NULL },
    { "overview of", NULL, QUESTION_SUMMARY, NULL },
    { "an overview", NULL, QUESTION_SUMMARY, NULL },
    { "main points", NULL, QUESTION_SUMMARY, NULL },
    { "key points", NULL, QUESTION_SUMMARY, NULL },
    { "tl;dr", NULL, QUESTION_SUMMARY, NULL },
    { "tldr", NULL, QUESTION_SUMMARY, NULL },
    { "what is this document about", NULL, QUESTION_SUMMARY, NULL },
    { "what is the document about", NULL, QUESTION_SUMMARY, NULL },
    { "what is this text about", NULL, QUESTION_SUMMARY, NULL },
    { "what is this about", NULL, QUESTION_SUMMARY, NULL },
    { "is there anything", NULL, QUESTION_ANY, NULL },
    { "are there any mentions", NULL, QUESTION_ANY, NULL },
    { "is anything said", NULL, QUESTION_ANY, NULL },
    { "say anything about", NULL, QUESTION_ANY, NULL },
    { "anywhere mention", NULL, QUESTION_ANY, NULL },
    { "all of them", NULL, QUESTION_LIST, NULL },
    { "name all", NULL, QUESTION_LIST, NULL },
    { "name every", NULL, QUESTION_LIST, NULL },
    { "list all", NULL, QUESTION_LIST, NULL },
    { "list every", NULL, QUESTION_LIST, NULL },
    { "list the", NULL, QUESTION_LIST, NULL },
    { "find all", NULL, QUESTION_LIST, NULL },
    { "find every", NULL, QUESTION_LIST, NULL },
    { "give all", NULL, QUESTION_LIST, NULL },
    { "what are all", NULL, QUESTION_LIST, NULL },
    { "which are all", NULL, QUESTION_LIST, NULL },
    { "enumerate", NULL, QUESTION_LIST, NULL },
};

/* ORDER QUESTIONS */
static const struct {
    const char *name;
    enum answer_kind answer;
    enum reduce_kind reduce;
} kinds[QUESTION_KINDS] = {
    [QUESTION_LOOK_UP] = { "look-up", ANSWER_TEXT, REDUCE_LIST },
    [QUESTION_LIST] = { "list", ANSWER_LIST, REDUCE_LIST },
    [QUESTION_COUNT] = { "count", ANSWER_LIST, REDUCE_COUNT },
    [QUESTION_SUM] = { "sum", ANSWER_LIST, REDUCE_SUM },
    [QUESTION_ANY] = { "any", ANSWER_YES_NO, REDUCE_COUNT },
    [QUESTION_SUMMARY] = { "summary", ANSWER_GIST, REDUCE_LIST },
};

const char *question_kind_name(enum question_kind kind)
{
    return kinds[kind].name;
}

/* --- Phrases ---------------------------------------------------------------- */

static bool is_letter(char c)
{
    return isalnum((unsigned char)c) || (unsigned char)c >= 0x80;
}

/* Where the phrase stands in text as whole words; NULL: nowhere. */
static const char *find_words(const char *text, const char *phrase)
{
    size_t len = strlen(phrase);
    for (const char *at = text; *at; at++) {
        bool begins = at == text || !is_letter(at[-1]);
        if (begins && strncasecmp(at, phrase, len) == 0 && !is_letter(at[len])) return at;
    }
    return NULL;
}

/* The wording that holds, and where its phrase stands; NULL: none. */
static const struct wording *find_wording(const char *question, const char **at)
{
    for (size_t i = 0; i < sizeof wordings / sizeof *wordings; i++) {
        const struct wording *w = &wordings[i];
        *at = find_words(question, w->phrase);
        if (*at && (!w->also || find_words(*at, w->also))) return w;
    }
    return NULL;
}

enum question_kind question_kind(const char *question)
{
    const char *at;
    const struct wording *w = find_wording(question, &at);
    return w ? w->kind : QUESTION_LOOK_UP;
}

/* --- The plan --------------------------------------------------------------- */

/* The question with the phrase at `at` replaced, in the case of its first letter. */
static char *reword(const char *question, const struct wording *w, const char *at)
{
    if (!w->instead) return mem_strdup(question);
    struct buf text;
    buf_init(&text, LIMIT_QUESTION_BYTES + 64);
    buf_add(&text, question, (size_t)(at - question));
    bool upper = isupper((unsigned char)*at);
    buf_add_char(&text,
                 (char)(upper ? toupper((unsigned char)*w->instead) : *w->instead));
    buf_add_str(&text, w->instead + 1);
    buf_add_str(&text, at + strlen(w->phrase));
    char *out = buf_failed(&text) ? mem_strdup(question) : mem_strdup(text.data);
    buf_release(&text);
    return out;
}

void question_plan(struct plan *plan, const char *question)
{
    const char *at;
    const struct wording *w = find_wording(question, &at);
    *plan = (struct plan){ .tasks = NULL };
    struct task *task = plan_add_task(plan);
    enum question_kind kind = w ? w->kind : QUESTION_LOOK_UP;
    task->ask = w ? reword(question, w, at) : mem_strdup(question);
    task->answer = kinds[kind].answer;
    task->reduce = kinds[kind].reduce;
}
