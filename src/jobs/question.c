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
    const char *also; /* must stand behind it; NULL: nothing; or clause_ends */
    enum question_kind kind;
    const char *instead; /* what stands there for a part; NULL: the phrase stays */
};

static const char clause_ends[] = ""; /* right behind the phrase */

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
    { "compare", NULL, QUESTION_COMPARE, "what are" },
    { "difference between", NULL, QUESTION_COMPARE, NULL },
    { "differences between", NULL, QUESTION_COMPARE, NULL },
    { "how do", "differ", QUESTION_COMPARE, NULL },
    { "how does", "differ", QUESTION_COMPARE, NULL },
    { "end up", NULL, QUESTION_LAST, NULL },
    { "ended up", NULL, QUESTION_LAST, NULL },
    { "in the end", clause_ends, QUESTION_LAST, NULL }, /* not: in the end-user licence */
    { "in the beginning", clause_ends, QUESTION_FIRST, NULL },
    { "at first", clause_ends, QUESTION_FIRST, NULL },
};

/* "in each document", "of every contract": what each document may be called. */
static const char *const eaches[] = { "each of the", "every one of the", "each",
                                      "every" };
static const char *const each_befores[] = { "in", "of", "for", "from" };
static const char *const document_names[] = {
    "document", "file",  "paper",     "article", "report",    "filing",
    "contract", "lease", "agreement", "letter",  "statement", "text",
};

/* ORDER QUESTIONS */
static const struct {
    const char *name;
    enum answer_kind answer;
    enum reduce_kind reduce;
    bool read_all;
} kinds[QUESTION_KINDS] = {
    [QUESTION_LOOK_UP] = { "look-up", ANSWER_TEXT, REDUCE_LIST, false },
    [QUESTION_LIST] = { "list", ANSWER_LIST, REDUCE_LIST, true },
    [QUESTION_COUNT] = { "count", ANSWER_LIST, REDUCE_COUNT, true },
    [QUESTION_SUM] = { "sum", ANSWER_LIST, REDUCE_SUM, true },
    [QUESTION_ANY] = { "any", ANSWER_YES_NO, REDUCE_COUNT, true },
    [QUESTION_SUMMARY] = { "summary", ANSWER_GIST, REDUCE_LIST, true },
    [QUESTION_EACH] = { "look-up in each document", ANSWER_TEXT, REDUCE_LIST, false },
    [QUESTION_COMPARE] = { "comparison", ANSWER_TEXT, REDUCE_LIST, true },
    [QUESTION_LAST] = { "last state", ANSWER_TEXT, REDUCE_LIST, true },
    [QUESTION_FIRST] = { "first state", ANSWER_TEXT, REDUCE_LIST, true },
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

/* What holds of a question: its kind, and what is replaced for a part. */
struct match {
    enum question_kind kind;
    const char *at; /* NULL: nothing is replaced */
    size_t len;
    const char *instead;
};

static bool stands_behind(const char *at, const char *also)
{
    if (!also) return true;
    if (also != clause_ends) return find_words(at, also);
    at += strspn(at, " \n");
    return !*at || strchr("?.,;!", *at);
}

static bool match_wording(const char *question, struct match *m)
{
    for (size_t i = 0; i < sizeof wordings / sizeof *wordings; i++) {
        const struct wording *w = &wordings[i];
        const char *at = find_words(question, w->phrase);
        if (!at || !stands_behind(at + strlen(w->phrase), w->also)) continue;
        *m = (struct match){ .kind = w->kind };
        if (w->instead) {
            m->at = at;
            m->len = strlen(w->phrase);
            m->instead = w->instead;
        }
        return true;
    }
    return false;
}

/* The end of the name of a document, or of its plural, that stands here; NULL: none. */
static const char *document_end(const char *at)
{
    for (size_t i = 0; i < sizeof document_names / sizeof *document_names; i++) {
        size_t len = strlen(document_names[i]);
        if (strncasecmp(at, document_names[i], len) != 0) continue;
        len += at[len] == 's' || at[len] == 'S';
        if (!is_letter(at[len])) return at + len;
    }
    return NULL;
}

/* Where the word in front of `at` and the space before it begin, if it is one of those
 * that go with "each"; else NULL. */
static const char *each_start(const char *question, const char *at)
{
    for (size_t i = 0; i < sizeof each_befores / sizeof *each_befores; i++) {
        size_t len = strlen(each_befores[i]) + 2; /* with a space on both sides */
        if ((size_t)(at - question) <= len || at[-1] != ' ' || *(at - len) != ' ')
            continue;
        if (strncasecmp(at - len + 1, each_befores[i], len - 2) == 0) return at - len;
    }
    return NULL;
}

/* The phrase, with the word and the space in front of it, is no part's business. */
static bool match_each(const char *question, struct match *m)
{
    for (size_t i = 0; i < sizeof eaches / sizeof *eaches; i++) {
        size_t len = strlen(eaches[i]);
        for (const char *at = find_words(question, eaches[i]); at;
             at = find_words(at + len, eaches[i])) {
            const char *end = at[len] == ' ' ? document_end(at + len + 1) : NULL;
            if (!end) continue;
            *m = (struct match){ .kind = QUESTION_EACH, .at = each_start(question, at) };
            m->len = m->at ? (size_t)(end - m->at) : 0;
            m->instead = "";
            return true;
        }
    }
    return false;
}

static struct match match_question(const char *question)
{
    struct match m = { .kind = QUESTION_LOOK_UP };
    if (!match_wording(question, &m)) match_each(question, &m);
    return m;
}

enum question_kind question_kind(const char *question)
{
    return match_question(question).kind;
}

/* --- What a part is asked ---------------------------------------------------- */

/* The question with what is replaced replaced, in the case of its first letter. */
static char *reword(const char *question, const struct match *m)
{
    if (!m->at) return mem_strdup(question);
    struct buf text;
    buf_init(&text, LIMIT_QUESTION_BYTES + 64);
    buf_add(&text, question, (size_t)(m->at - question));
    size_t start = text.len;
    buf_add_str(&text, m->instead);
    if (text.len > start && isupper((unsigned char)*m->at)) {
        text.data[start] = (char)toupper((unsigned char)text.data[start]);
    }
    buf_add_str(&text, m->at + m->len);
    char *out = buf_failed(&text) ? mem_strdup(question) : mem_strdup(text.data);
    buf_release(&text);
    return out;
}

/* ask is the plan's from now on. doc: -1 for all. */
static void add_task(struct plan *plan, char *ask, enum question_kind kind, int doc)
{
    struct task *task = plan_add_task(plan);
    task->ask = ask;
    task->answer = kinds[kind].answer;
    task->reduce = kinds[kind].reduce;
    task->read_all = kinds[kind].read_all;
    if (doc >= 0) {
        task->docs = mem_array(1, sizeof *task->docs);
        task->docs[0] = doc;
        task->n_docs = 1;
    }
}

/* --- Two sides -------------------------------------------------------------- */

/* "between" and "and", "compare" and "with": what is on both sides is asked apart. */
static const struct {
    const char *before, *joint;
} sides[] = { { "between", " and " }, { "compare", " with " }, { "compare", " to " } };

struct side {
    const char *text;
    size_t len;
};

/* "2021" alone is no side that one could ask about. */
static bool has_letter(const struct side *s)
{
    for (size_t i = 0; i < s->len; i++) {
        if (is_letter(s->text[i]) && !isdigit((unsigned char)s->text[i])) return true;
    }
    return false;
}

static bool find_sides(const char *question, struct side *first, struct side *second)
{
    for (size_t i = 0; i < sizeof sides / sizeof *sides; i++) {
        const char *at = find_words(question, sides[i].before);
        const char *joint = at ? strstr(at, sides[i].joint) : NULL;
        if (!joint) continue;
        at += strlen(sides[i].before) + 1;
        if (at >= joint) continue;
        *first = (struct side){ at, (size_t)(joint - at) };
        second->text = joint + strlen(sides[i].joint);
        second->len = strcspn(second->text, "?.!;\n");
        if (has_letter(first) && has_letter(second)) return true;
    }
    return false;
}

/* "What is the rent of the flat?" of "the rent of the flat"; of "that of the shop", with
 * the same beginning as the other side. */
static char *ask_for(const struct side *side, const struct side *other)
{
    struct side head = { .len = 0 }, rest = *side;
    static const char *const pronouns[] = { "that of ", "those of " };
    for (size_t i = 0; i < sizeof pronouns / sizeof *pronouns; i++) {
        size_t len = strlen(pronouns[i]);
        if (rest.len <= len || strncasecmp(rest.text, pronouns[i], len) != 0) continue;
        const char *of = strstr(other->text, " of ");
        if (!of || of >= other->text + other->len) continue;
        head = (struct side){ other->text, (size_t)(of - other->text) + 4 };
        rest = (struct side){ rest.text + len, rest.len - len };
    }
    struct buf text;
    buf_init(&text, 2 * LIMIT_QUESTION_BYTES);
    buf_addf(&text, "What is %.*s%.*s?", (int)head.len, head.len ? head.text : "",
             (int)rest.len, rest.text);
    char *ask = mem_strdup(buf_failed(&text) ? "" : text.data);
    buf_release(&text);
    return ask;
}

/* --- The plan --------------------------------------------------------------- */

void question_plan(struct plan *plan, const char *question, size_t n_docs)
{
    struct match m = match_question(question);
    bool apart = m.kind == QUESTION_EACH || m.kind == QUESTION_COMPARE;
    struct side first, second;
    *plan = (struct plan){ .tasks = NULL };
    if (m.kind == QUESTION_COMPARE && find_sides(question, &first, &second)) {
        add_task(plan, ask_for(&first, &second), m.kind, -1);
        add_task(plan, ask_for(&second, &first), m.kind, -1);
    } else if (!apart || n_docs < 2) {
        add_task(plan, reword(question, &m), m.kind, -1);
    } else {
        for (size_t i = 0; i < n_docs; i++) {
            add_task(plan, reword(question, &m), m.kind, (int)i);
        }
    }
}
