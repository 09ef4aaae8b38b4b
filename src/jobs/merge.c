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
 *     "d 20220312 ann"       a day, then the words around it
 *     "n 1200000 dollar net" a number, then its unit and the words around it
 *     "t folded text"        anything else
 *
 * Of what is no letter those signs stay that make another thing of a word (C++, C#, A-)
 * or a number (<5, $5).
 */
#include "jobs/merge.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "jobs/date.h"
#include "jobs/decide.h"
#include "jobs/unit.h"
#include "jobs/value.h"
#include "text/names.h"
#include "text/quote.h"
#include "text/words.h"

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

/* Words are being put together: a gap is due before the next one. */
struct folding {
    char *out;
    size_t n;
    bool gap;
};

static void fold_add(struct folding *f, const uint32_t *cps, int n)
{
    if (f->gap && f->n > 0 && n > 0) f->out[f->n++] = ' ';
    f->gap = f->gap && n == 0;
    for (int i = 0; i < n; i++) f->n += (size_t)utf8_encode(cps[i], f->out + f->n);
}

static bool is_dash(uint32_t cp)
{
    return cp == '-' || cp == 0x2212 || cp == 0x2013;
}

static bool is_comparison(uint32_t cp)
{
    return cp == '<' || cp == '>' || cp == 0x2264 || cp == 0x2265;
}

/* The sign that counts here, 0 if it only separates. after: a word or a sign that counts
 * is right in front. */
static uint32_t sign_of(uint32_t cp, bool after, const char *next, const char *end)
{
    uint32_t then = 0;
    if (next < end) utf8_decode(next, end, &then);
    if (utf8_is_currency(cp) || is_comparison(cp)) return cp;
    if (after && (cp == '+' || cp == '#')) return cp;
    return after && is_dash(cp) && !utf8_is_word(then) ? '-' : 0;
}

/* Folded words of text[from, to) with single spaces, behind what is in out. */
static void fold_words(const char *text, size_t from, size_t to, char *out, size_t size)
{
    static const uint32_t percent[] = { 'p', 'e', 'r', 'c', 'e', 'n', 't' };
    const char *at = text + from, *end = text + to;
    struct folding f = { .out = out, .n = strlen(out), .gap = true };
    uint32_t cp = 0, folded[4];
    bool after = utf8_before(text, from, &cp) > 0 && utf8_is_word(cp);
    while (at < end && f.n + 24 < size) {
        at += utf8_decode(at, end, &cp);
        bool word = utf8_is_word(cp);
        uint32_t sign = word ? 0 : sign_of(cp, after, at, end);
        if (sign) {
            fold_add(&f, &sign, 1);
        } else if (word) {
            fold_add(&f, folded, utf8_fold(cp, folded));
        } else {
            f.gap = true;
        }
        if (cp == '%') {
            fold_add(&f, percent, sizeof percent / sizeof *percent);
            f.gap = true;
        }
        after = sign || word;
    }
    out[f.n] = '\0';
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

/* "<" of "< 5 mg"; with it, it is another number. */
static void add_comparison(const char *value, size_t *start, char out[8])
{
    uint32_t cp;
    size_t at = *start, len;
    while (at > 0 && value[at - 1] == ' ') at--;
    len = utf8_before(value, at, &cp);
    if (len == 0 || !is_comparison(cp)) return;
    out[utf8_encode(cp, out)] = '\0';
    *start = at - len;
}

static void add_unit(const struct unit_found *u, char *words, size_t size)
{
    char name[UNIT_NAME_MAX] = "";
    if (u->unit) unit_name(u->unit, name);
    snprintf(words, size, "%s%s", name, u->unit && u->per ? "/" : "");
}

/* A number and little else. */
static bool key_of_number(const char *value, struct key *k)
{
    struct value_number found;
    struct unit_found unit;
    char digits[DECIMAL_TEXT], words[KEY_BYTES], than[8] = "";
    if (!value_find_number(value, NULL, &found)) return false;
    unit_of_number(value, &found, &unit);
    add_comparison(value, &unit.start, than);
    add_unit(&unit, words, sizeof words);
    fold_words(value, 0, unit.start, words, sizeof words);
    fold_words(value, unit.end, strlen(value), words, sizeof words);
    if (!is_residual(words)) return false;
    decimal_format(decimal_plain(found.value), digits);
    k->bare = (size_t)snprintf(k->text, sizeof k->text, "n %s%s", than, digits);
    snprintf(k->text + k->bare, sizeof k->text - k->bare, " %.150s", words);
    return true;
}

/* The words around a date, but for what only says that it is one. */
static void add_without_fillers(const char *words, struct buf *out)
{
    static const char fillers[] =
        "on in the of since from dated as mon tue tues wed thu thur thurs fri sat sun "
        "monday tuesday wednesday thursday friday saturday sunday";
    for (const char *s = words; *s;) {
        size_t len = strcspn(s, " ");
        if (!words_listed(fillers, s, len)) buf_addf(out, " %.*s", (int)len, s);
        s += len + (s[len] == ' ');
    }
}

/* A day and little else. */
static bool key_of_date(const char *value, struct key *k)
{
    struct date date;
    char words[KEY_BYTES] = "";
    size_t len = strlen(value);
    if (len > DATE_BYTES_MAX || !date_find(value, &date) || date.yyyymmdd % 100 == 0) {
        return false;
    }
    fold_words(value, 0, date.start, words, sizeof words);
    fold_words(value, date.end, len, words, sizeof words);
    struct buf key;
    buf_init(&key, sizeof k->text);
    buf_addf(&key, "d %d", date.yyyymmdd);
    add_without_fillers(words, &key);
    snprintf(k->text, sizeof k->text, "%s", key.data);
    buf_release(&key);
    return true;
}

static void make_key(const char *value, struct key *k)
{
    k->bare = 0;
    if (key_of_date(value, k) || key_of_number(value, k)) return;
    snprintf(k->text, sizeof k->text, "t ");
    fold_words(value, 0, strlen(value), k->text, sizeof k->text);
    if (k->text[2] == '\0') snprintf(k->text, sizeof k->text, "t %.200s", value);
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

/* Of amounts that are to be summed, a sample that names one again means another one, as
 * long as the excerpt holds more of it than the sample has named. */
static bool stands_more_often(const struct merging *m, const struct job *job,
                              const char *value, size_t named)
{
    struct value_number n;
    if (!value_find_number(value, NULL, &n)) return false;
    const struct chunk *chunk = &m->r->chunks->items[job->chunk];
    const char *text = m->r->set->docs[chunk->doc]->text;
    char *excerpt = mem_strndup(text + chunk->start, chunk->end - chunk->start);
    bool more = value_count_number(excerpt, n.value) > named;
    mem_free(excerpt);
    return more;
}

/* A sample's value: a vote for an equal one of the same job (claims from `from`
 * on), or a claim of its own. */
static void add_vote(struct merging *m, size_t from, const struct job *job,
                     const char *value)
{
    struct key key;
    make_key(value, &key);
    size_t named = 0;
    bool sum = m->plan->tasks[job->task].reduce == REDUCE_SUM;
    for (size_t i = from; i < m->n_claims; i++) {
        struct claim *c = &m->claims[i];
        if (strcmp(c->key, key.text) != 0) continue;
        bool again = c->last_sample == job->sample;
        named += again;
        if (again && sum) continue;
        c->votes += !again;
        c->last_sample = job->sample;
        return;
    }
    if (named > 0 && !stands_more_often(m, job, value, named)) return;
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

static int compare_places(const void *a, const void *b)
{
    const struct claim *x = a, *y = b;
    if (x->confidence != y->confidence) return x->confidence > y->confidence ? -1 : 1;
    if (x->job->search != y->job->search) return x->job->search > y->job->search ? -1 : 1;
    return (x->job->chunk > y->job->chunk) - (x->job->chunk < y->job->chunk);
}

static int compare_claims(const void *a, const void *b)
{
    const struct claim *x = a, *y = b;
    int order = strcmp(x->key, y->key);
    return order != 0 ? order : compare_places(x, y);
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
        qsort(m->claims + i, n, sizeof *m->claims, compare_places);
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
