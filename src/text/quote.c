/* quote.c - the sentence of a chunk that supports an answer.
 *
 * The words of answer and question are the terms; one pass over the chunk says
 * which sentence holds which, and in how many sentences each stands. A rare
 * term tells more, so terms are weighed by that (idf), answer's words twice.
 * The winner is a place in the document: nothing is ever written anew. */
#include "text/quote.h"

#include "base/mem.h"
#include "base/utf8.h"
#include "text/words.h"

#include <math.h>
#include <string.h>

enum {
    TERMS_MAX = 256,
    QUOTE_BYTES_MAX = 400,
    WORD_BYTES_MAX = 64 /* how far a word end is looked for when cutting */
};

static const double answer_weight = 2, question_weight = 1, whole_answer_weight = 3;

struct term {
    uint64_t hash;
    bool in_answer, in_question;
    size_t n_sentences; /* that hold it */
    double idf;
    double weight; /* idf, times 2 for the answer's and 1 for the question's */
};

struct sentence {
    size_t start, end; /* in the chunk */
    uint64_t holds[TERMS_MAX / 64];
    bool whole_answer;
};

struct chooser {
    const char *text; /* of the chunk */
    struct term terms[TERMS_MAX];
    size_t n_terms;
    uint64_t answer[TERMS_MAX]; /* the words of the answer in order */
    size_t n_answer;
    struct sentence *sentences;
    size_t n_sentences, cap_sentences;
};

/* --- Terms ----------------------------------------------------------------- */

static struct term *find_term(struct chooser *c, uint64_t hash)
{
    for (size_t i = 0; i < c->n_terms; i++) {
        if (c->terms[i].hash == hash) return &c->terms[i];
    }
    return NULL;
}

enum term_source { FROM_ANSWER, FROM_QUESTION };
enum words_taken { TAKE_CONTENT, TAKE_ALL };

static void add_term(struct chooser *c, uint64_t hash, enum term_source source)
{
    struct term *term = find_term(c, hash);
    if (!term) {
        if (c->n_terms == TERMS_MAX) return;
        term = &c->terms[c->n_terms++];
        *term = (struct term){ .hash = hash };
    }
    if (source == FROM_ANSWER) {
        term->in_answer = true;
    } else {
        term->in_question = true;
    }
}

static void add_terms(struct chooser *c, const char *text, enum term_source source,
                      enum words_taken taken)
{
    struct word word;
    size_t len = strlen(text);
    for (size_t pos = 0; words_next(text, len, &pos, &word);) {
        if (!word.common || taken == TAKE_ALL) add_term(c, word.hash, source);
    }
}

/* An answer of function words only ("no", "before") is better than none. */
static void read_answer(struct chooser *c, const char *answer)
{
    struct word word;
    size_t len = strlen(answer);
    add_terms(c, answer, FROM_ANSWER, TAKE_CONTENT);
    if (c->n_terms == 0) {
        add_terms(c, answer, FROM_ANSWER, TAKE_ALL);
        return;
    }
    for (size_t pos = 0; words_next(answer, len, &pos, &word);) {
        if (c->n_answer == TERMS_MAX) return;
        c->answer[c->n_answer++] = word.hash;
    }
}

/* --- Sentences ------------------------------------------------------------- */

/* Where the words of the answer stand in a row in the sentence, if they do.
 * Knuth, Morris and Pratt would do it in one pass; sentences are short. */
static bool find_whole_answer(const struct chooser *c, size_t start, size_t end,
                              size_t *from, size_t *to)
{
    struct word word;
    for (size_t pos = start; words_next(c->text, end, &pos, &word);) {
        if (c->n_answer == 0 || word.hash != c->answer[0]) continue;
        size_t next = pos, n = 1;
        *from = word.start;
        *to = word.end;
        while (n < c->n_answer && words_next(c->text, end, &next, &word) &&
               word.hash == c->answer[n]) {
            *to = word.end;
            n++;
        }
        if (n == c->n_answer) return true;
    }
    return false;
}

static void see_sentence(void *user, size_t start, size_t end)
{
    struct chooser *c = user;
    struct sentence s = { .start = start, .end = end };
    struct word word;
    bool answer_begins = false;
    for (size_t pos = start; words_next(c->text, end, &pos, &word);) {
        struct term *term = find_term(c, word.hash);
        answer_begins = answer_begins || (c->n_answer > 0 && word.hash == c->answer[0]);
        if (!term) continue;
        size_t i = (size_t)(term - c->terms);
        uint64_t bit = UINT64_C(1) << (i % 64);
        if (s.holds[i / 64] & bit) continue;
        s.holds[i / 64] |= bit;
        term->n_sentences++;
    }
    size_t from, to;
    s.whole_answer = answer_begins && find_whole_answer(c, start, end, &from, &to);
    mem_grow((void **)&c->sentences, &c->cap_sentences, c->n_sentences + 1,
             sizeof *c->sentences);
    c->sentences[c->n_sentences++] = s;
}

static void weigh_terms(struct chooser *c)
{
    double n = (double)c->n_sentences;
    for (size_t i = 0; i < c->n_terms; i++) {
        struct term *term = &c->terms[i];
        double df = (double)term->n_sentences;
        term->idf = log(1 + (n - df + 0.5) / (df + 0.5));
        term->weight = term->idf * (term->in_answer * answer_weight +
                                    term->in_question * question_weight);
    }
}

static bool holds(const struct sentence *s, size_t term)
{
    return s->holds[term / 64] >> (term % 64) & 1;
}

static double score(const struct chooser *c, const struct sentence *s)
{
    double sum = s->whole_answer ? whole_answer_weight : 0;
    for (size_t i = 0; i < c->n_terms; i++) {
        if (holds(s, i)) sum += c->terms[i].weight;
    }
    return sum;
}

/* The first of the best. */
static const struct sentence *best_sentence(const struct chooser *c)
{
    const struct sentence *best = &c->sentences[0];
    double best_score = score(c, best);
    for (size_t i = 1; i < c->n_sentences; i++) {
        double s = score(c, &c->sentences[i]);
        if (s <= best_score) continue;
        best = &c->sentences[i];
        best_score = s;
    }
    return best;
}

/* Share of the answer's weight that the sentence holds. */
static double answer_share(const struct chooser *c, const struct sentence *s)
{
    double all = 0, held = 0;
    for (size_t i = 0; i < c->n_terms; i++) {
        if (!c->terms[i].in_answer) continue;
        all += c->terms[i].idf;
        if (holds(s, i)) held += c->terms[i].idf;
    }
    return all > 0 ? held / all : 0;
}

/* --- Cutting long sentences ------------------------------------------------ */

struct mark {
    size_t start, end;
    double weight;
};

/* The words of the sentence that count, and the whole answer as one. */
static struct mark *collect_marks(struct chooser *c, const struct sentence *s, size_t *n)
{
    struct word word;
    struct mark *marks = NULL;
    size_t cap = 0, from = 0, to = 0;
    bool whole = s->whole_answer && find_whole_answer(c, s->start, s->end, &from, &to);
    *n = 0;
    for (size_t pos = s->start; words_next(c->text, s->end, &pos, &word);) {
        const struct term *term = find_term(c, word.hash);
        if (!term) continue;
        struct mark mark = { word.start, word.end, term->weight };
        if (whole && word.start == from) mark.weight += 1000; /* never cut that out */
        mem_grow((void **)&marks, &cap, *n + 1, sizeof *marks);
        marks[(*n)++] = mark;
    }
    return marks;
}

/* The stretch of at most QUOTE_BYTES_MAX with the most weight. */
static struct mark heaviest(const struct mark *marks, size_t n)
{
    struct mark best = { .weight = -1 };
    double sum = 0;
    for (size_t first = 0, last = 0; first < n; first++) {
        while (last < n && marks[last].end - marks[first].start <= QUOTE_BYTES_MAX) {
            sum += marks[last++].weight;
        }
        if (sum > best.weight && last > first) {
            best = (struct mark){ marks[first].start, marks[last - 1].end, sum };
        }
        if (last > first)
            sum -= marks[first].weight;
        else
            last = first + 1;
    }
    return best;
}

/* Move a cut inwards to the next white space, or to a character's start where
 * there is none near. */
static size_t snap_start(const char *text, size_t len, size_t pos, size_t max)
{
    for (size_t i = pos; i < max && i < pos + WORD_BYTES_MAX; i++) {
        if (i > 0 && strchr(" \n\t\f", text[i - 1])) return i;
    }
    while (pos < max && utf8_floor(text, len, pos) != pos) pos++;
    return pos;
}

static size_t snap_end(const char *text, size_t len, size_t pos, size_t min)
{
    for (size_t i = pos; i > min && i + WORD_BYTES_MAX > pos; i--) {
        if (strchr(" \n\t\f", text[i])) return i;
    }
    return utf8_floor(text, len, pos);
}

/* Room that the marks leave is shared out to both sides. */
static void cut_long(struct chooser *c, size_t len, struct sentence *s)
{
    if (s->end - s->start <= QUOTE_BYTES_MAX) return;
    size_t n;
    struct mark *marks = collect_marks(c, s, &n);
    struct mark core = heaviest(marks, n);
    mem_free(marks);
    if (core.weight < 0) core = (struct mark){ s->start, s->start, 0 };
    size_t room = QUOTE_BYTES_MAX - (core.end - core.start);
    size_t left = room / 2 < core.start - s->start ? room / 2 : core.start - s->start;
    size_t start = core.start - left;
    size_t end = start + QUOTE_BYTES_MAX;
    if (end > s->end) {
        end = s->end;
        start = end - QUOTE_BYTES_MAX;
    }
    if (start > s->start) start = snap_start(c->text, len, start, core.start);
    if (end < s->end) end = snap_end(c->text, len, end, core.end);
    s->start = start;
    s->end = end;
}

/* --- Choosing --------------------------------------------------------------- */

struct quote quote_choose(const struct doc_set *set, const struct chunk *chunk,
                          const char *answer, const char *question, double *overlap)
{
    struct quote quote = {
        .doc = chunk->doc, .start = chunk->start, .end = chunk->start, .match = QUOTE_NONE
    };
    struct chooser *c = mem_alloc(sizeof *c);
    size_t len = chunk->end - chunk->start;
    c->text = set->docs[chunk->doc]->text + chunk->start;
    *overlap = 0;
    read_answer(c, answer);
    if (question) add_terms(c, question, FROM_QUESTION, TAKE_CONTENT);
    quote_sentences(c->text, len, see_sentence, c);
    if (c->n_sentences > 0) {
        weigh_terms(c);
        struct sentence best = *best_sentence(c);
        *overlap = answer_share(c, &best);
        cut_long(c, len, &best);
        while (best.end > best.start && strchr(" \n\t\f", c->text[best.end - 1]))
            best.end--;
        quote.start = chunk->start + best.start;
        quote.end = chunk->start + best.end;
        quote.match = QUOTE_EXACT;
    }
    mem_free(c->sentences);
    mem_free(c);
    return quote;
}
