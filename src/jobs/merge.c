/* merge.c - from answered jobs to findings.
 *
 *     answered jobs --> claims --------> groups -------> findings
 *                       a value at a     equal values    the best place of each,
 *                       place, samples   of a task       quoted, checked, ranked
 *                       voted
 *
 * Equal is decided by a key, a short text made of a value once, so that ten
 * thousand answers are sorted and not compared each with each:
 *
 *     "d 20220312"     a day
 *     "n 1200000 usd"  a number, then the words around it
 *     "t folded text"  anything else
 */
#include "jobs/merge.h"

#include "base/utf8.h"
#include "jobs/decide.h"
#include "jobs/date.h"
#include "jobs/value.h"
#include "text/names.h"
#include "text/quote.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    KEY_BYTES = 256,
    RESIDUAL_WORDS_MAX = 3, /* around a number that is still "the number" */
    DATE_BYTES_MAX = 32,    /* of a value that is a date and nothing else */
    PLACES_CHECKED = 3,     /* of a group: quoted and checked before one is kept */
    AROUND_BYTES = 240      /* on each side of a quote: what it may speak of */
};

/* What a finding's rank is made of. Confidence leads; the others order what it
 * leaves equal, as with a worker that gives no probabilities. */
static const double RANK_AGREEMENT = 0.4, RANK_SUPPORT = 0.4, RANK_OVERLAP = 0.3,
                    RANK_SEARCH = 0.2, RANK_PLACES = 0.05;

/* --- Keys -------------------------------------------------------------------- */

struct key {
    char text[KEY_BYTES];
    size_t bare; /* numbers: bytes up to where the words begin; else 0 */
};

/* Folded words of text[0, len) with single spaces, behind what is in out. */
static void fold_words(const char *text, size_t len, char *out, size_t size)
{
    const char *end = text + len;
    size_t n = strlen(out);
    bool gap = n > 0 && out[n - 1] != ' ';
    while (text < end && n + 24 < size) {
        uint32_t cp, folded[4];
        text += utf8_decode(text, end, &cp);
        if (!utf8_is_word(cp)) {
            gap = gap || (n > 0 && out[n - 1] != ' ');
            continue;
        }
        int count = utf8_fold(cp, folded);
        if (gap && count > 0) out[n++] = ' ';
        gap = gap && count == 0;
        for (int i = 0; i < count; i++) {
            char bytes[4];
            int size_of = utf8_encode(folded[i], bytes);
            memcpy(out + n, bytes, (size_t)size_of);
            n += (size_t)size_of;
        }
    }
    out[n] = '\0';
}

static bool is_residual(const char *words)
{
    int n = 0;
    for (const char *s = words; *s; s++) {
        if (isdigit((unsigned char)*s)) return false;
        n += *s != ' ' && s[1] && s[1] == ' ';
    }
    return n < RESIDUAL_WORDS_MAX;
}

/* A number and little else. */
static bool key_of_number(const char *value, struct key *k)
{
    struct value_number found;
    char digits[DECIMAL_TEXT], words[KEY_BYTES] = "";
    if (!value_find_number(value, NULL, &found)) return false;
    fold_words(value, found.start, words, sizeof words);
    fold_words(value + found.end, strlen(value + found.end), words, sizeof words);
    if (!is_residual(words)) return false;
    decimal_format(decimal_plain(found.value), digits);
    k->bare = (size_t)snprintf(k->text, sizeof k->text, "n %s", digits);
    snprintf(k->text + k->bare, sizeof k->text - k->bare, " %.150s", words);
    return true;
}

static void make_key(const char *value, struct key *k)
{
    struct date date;
    k->bare = 0;
    if (strlen(value) <= DATE_BYTES_MAX && date_find(value, &date) &&
        date.yyyymmdd % 100 > 0) {
        snprintf(k->text, sizeof k->text, "d %d", date.yyyymmdd);
        return;
    }
    if (key_of_number(value, k)) return;
    snprintf(k->text, sizeof k->text, "t ");
    fold_words(value, strlen(value), k->text, sizeof k->text);
}

static bool has_no_words(const struct key *k)
{
    return k->bare > 0 && k->text[k->bare + 1] == '\0';
}

static bool same_number(const struct key *a, const struct key *b)
{
    return a->bare > 0 && a->bare == b->bare && memcmp(a->text, b->text, a->bare) == 0;
}

bool merge_same_value(const char *a, const char *b)
{
    struct key x, y;
    make_key(a, &x);
    make_key(b, &y);
    if (strcmp(x.text, y.text) == 0) return true;
    return same_number(&x, &y) && (has_no_words(&x) || has_no_words(&y));
}

/* --- Claims ------------------------------------------------------------------ */

/* A value that samples of a job agree on. */
struct claim {
    const struct job *job; /* of the first sample that says so */
    const char *value;
    const char *key;
    size_t bare; /* as in struct key */
    int votes, of;
    int last_sample; /* that was counted */
    double confidence;
};

struct merging {
    const struct reading *r;
    const struct plan *plan;
    struct arena *scratch;
    struct claim *claims; /* of the task at hand */
    size_t n_claims, cap_claims;
    struct finding *found;
    size_t n_found, cap_found;
};

/* A sample's value: a vote for an equal one of the same job (claims from `from`
 * on), or a claim of its own. */
static void add_vote(struct merging *m, size_t from, const struct job *job,
                     const char *value)
{
    struct key key;
    make_key(value, &key);
    for (size_t i = from; i < m->n_claims; i++) {
        struct claim *c = &m->claims[i];
        if (strcmp(c->key, key.text) != 0) continue;
        c->votes += c->last_sample != job->sample;
        c->last_sample = job->sample;
        return;
    }
    mem_grow((void **)&m->claims, &m->cap_claims, m->n_claims + 1, sizeof *m->claims);
    m->claims[m->n_claims++] = (struct claim){
        .job = job,
        .value = value,
        .key = arena_strdup(m->scratch, key.text),
        .bare = key.bare,
        .votes = 1,
        .last_sample = job->sample,
        .confidence = decide_confidence(job->screen, job->margin, job->strength),
    };
}

static void add_items(struct merging *m, size_t from, const struct job *job)
{
    json_t *items = json_parse(job->items, strlen(job->items), NULL);
    for (size_t i = 0; i < json_array_size(items); i++) {
        const char *item = json_string_value(json_array_get(items, i));
        if (item) add_vote(m, from, job, arena_strdup(m->scratch, item));
    }
    json_decref(items);
}

/* Of one value, the one with most votes stays, unless more samples saw nothing;
 * of a list, the items that half of the samples name. */
static void count_votes(struct merging *m, size_t from, int answered, int absent,
                        bool list)
{
    size_t kept = from;
    for (size_t i = from; i < m->n_claims; i++) {
        struct claim c = m->claims[i];
        c.of = answered + absent;
        bool stays = list ? 2 * c.votes >= c.of : c.votes >= absent;
        if (!stays) continue;
        if (list || kept == from)
            m->claims[kept++] = c;
        else if (c.votes > m->claims[from].votes)
            m->claims[from] = c;
    }
    m->n_claims = kept;
}

/* The samples jobs[0, n) of one task and chunk. */
static void claim_samples(struct merging *m, const struct job *jobs, size_t n)
{
    size_t from = m->n_claims;
    int answered = 0, absent = 0;
    bool list = false;
    for (size_t i = 0; i < n; i++) {
        absent += jobs[i].state == JOB_ABSENT;
        if (jobs[i].state != JOB_ANSWERED) continue;
        answered++;
        list = list || jobs[i].items;
        if (jobs[i].items)
            add_items(m, from, &jobs[i]);
        else
            add_vote(m, from, &jobs[i], jobs[i].answer);
    }
    count_votes(m, from, answered, absent, list);
}

/* Samples of a job stand together in the list (expand.h). */
static void claim_task(struct merging *m, const struct job_list *jobs, int task)
{
    m->n_claims = 0;
    for (size_t i = 0, n; i < jobs->n; i += n) {
        const struct job *j = &jobs->items[i];
        for (n = 1; i + n < jobs->n && j[n].task == j->task && j[n].chunk == j->chunk;)
            n++;
        if (j->task == task) claim_samples(m, j, n);
    }
}

/* --- Findings ---------------------------------------------------------------- */

static int compare_claims(const void *a, const void *b)
{
    const struct claim *x = a, *y = b;
    int order = strcmp(x->key, y->key);
    if (order != 0) return order;
    if (x->confidence != y->confidence) return x->confidence > y->confidence ? -1 : 1;
    if (x->job->search != y->job->search) return x->job->search > y->job->search ? -1 : 1;
    return (x->job->chunk > y->job->chunk) - (x->job->chunk < y->job->chunk);
}

/* A yes or a choice is a conclusion; its words need not stand anywhere. */
static bool is_conclusion(const struct task *task, const char *value)
{
    return task->answer == ANSWER_YES_NO || task->answer == ANSWER_CHOICE ||
           merge_same_value(value, "yes") || merge_same_value(value, "no");
}

/* In a list that asks for one name's, is this the item of another's? */
static bool of_another(const struct doc *doc, const struct quote *q, const char *ask)
{
    if (q->match == QUOTE_NONE) return false;
    size_t from = q->start > AROUND_BYTES ? q->start - AROUND_BYTES : 0;
    size_t to = doc->len - q->end > AROUND_BYTES ? q->end + AROUND_BYTES : doc->len;
    from = utf8_floor(doc->text, doc->len, from);
    to = utf8_floor(doc->text, doc->len, to);
    return names_differ(ask, doc->text + q->start, q->end - q->start, doc->text + from,
                        to - from);
}

/* A value at its place: quoted, checked, ranked. */
static struct finding judge(const struct merging *m, const struct claim *c)
{
    const struct task *task = &m->plan->tasks[c->job->task];
    const struct chunk *chunk = &m->r->chunks->items[c->job->chunk];
    const struct doc *doc = m->r->set->docs[chunk->doc];
    double overlap = 0;
    struct quote quote = quote_choose(m->r->set, chunk, c->value, task->ask, &overlap);
    bool supported = (is_conclusion(task, c->value) ||
                      quote_is_supported(c->value, doc->text + chunk->start,
                                         chunk->end - chunk->start)) &&
                     !(task->answer == ANSWER_LIST && of_another(doc, &quote, task->ask));
    return (struct finding){
        .task = c->job->task,
        .chunk = c->job->chunk,
        .value = c->value,
        .quote = quote,
        .supported = supported,
        .confidence = c->confidence,
        .rank = c->confidence + RANK_SUPPORT * supported + RANK_OVERLAP * overlap +
                RANK_SEARCH * c->job->search,
    };
}

/* One finding of equal claims, best first: the first place that supports the
 * value, of the best few. */
static void add_finding(struct merging *m, const struct claim *claims, size_t n)
{
    struct finding best = judge(m, &claims[0]);
    for (size_t i = 1; i < n && i < PLACES_CHECKED && !best.supported; i++) {
        struct finding other = judge(m, &claims[i]);
        if (other.supported) best = other;
    }
    for (size_t i = 0; i < n; i++) {
        best.votes += claims[i].votes;
        best.of += claims[i].of;
    }
    best.value = arena_strdup(m->r->arena, best.value);
    best.rank += RANK_AGREEMENT * best.votes / best.of + RANK_PLACES * log((double)n);
    mem_grow((void **)&m->found, &m->cap_found, m->n_found + 1, sizeof *m->found);
    m->found[m->n_found++] = best;
}

static bool joins(const struct task *task)
{
    if (task->reduce == REDUCE_SUM) return false;
    return task->reduce != REDUCE_COUNT || task->answer != ANSWER_YES_NO;
}

/* Equal keys are neighbours, and a number without words (bare) stands before
 * the same number with words: it joins the first of those. */
static size_t group_length(const struct claim *claims, size_t n)
{
    size_t end = 1;
    const struct claim *first = claims;
    while (end < n && strcmp(claims[end].key, first->key) == 0) end++;
    bool bare = first->bare > 0 && first->key[first->bare + 1] == '\0';
    if (!bare || end == n || strncmp(claims[end].key, first->key, first->bare + 1) != 0) {
        return end;
    }
    return end + group_length(claims + end, n - end);
}

static void find_task(struct merging *m, const struct task *task)
{
    if (m->n_claims == 0) return;
    qsort(m->claims, m->n_claims, sizeof *m->claims, compare_claims);
    for (size_t i = 0, n; i < m->n_claims; i += n) {
        n = joins(task) ? group_length(m->claims + i, m->n_claims - i) : 1;
        add_finding(m, m->claims + i, n);
    }
}

static int compare_findings(const void *a, const void *b)
{
    const struct finding *x = a, *y = b;
    if (x->task != y->task) return x->task < y->task ? -1 : 1;
    if (x->rank != y->rank) return x->rank > y->rank ? -1 : 1;
    if (x->chunk != y->chunk) return x->chunk < y->chunk ? -1 : 1;
    return strcmp(x->value, y->value);
}

void merge_jobs(const struct reading *r, const struct plan *plan,
                const struct job_list *jobs, int first_id, struct finding_list *out)
{
    struct merging m = { .r = r, .plan = plan, .scratch = arena_new() };
    for (size_t t = 0; t < plan->n_tasks; t++) {
        claim_task(&m, jobs, (int)t);
        find_task(&m, &plan->tasks[t]);
    }
    if (m.n_found > 0) qsort(m.found, m.n_found, sizeof *m.found, compare_findings);
    *out = (struct finding_list){
        .items = arena_array(r->arena, m.n_found, sizeof *out->items),
        .n = m.n_found,
    };
    for (size_t i = 0; i < m.n_found; i++) {
        out->items[i] = m.found[i];
        snprintf(out->items[i].id, sizeof out->items[i].id, "f%d", first_id + (int)i);
    }
    mem_free(m.claims);
    mem_free(m.found);
    arena_free(m.scratch);
}
