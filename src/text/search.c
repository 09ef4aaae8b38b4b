/* search.c - BM25 over chunks, with the words as SQLite's FTS5 sees them.
 *
 * FTS5 gives the tokenizers: unicode61 cuts and folds, porter stems. Its own
 * table is not used, since it keeps the place of every word and takes most of
 * the time of a run whose worker is fast; what ranking needs is in terms.h. A
 * word is stemmed when it is met first. The few words of queries that are
 * several tokens ("3.5") are looked for in the text of the chunks that have all
 * of these. Scores are those of FTS5's bm25().
 *
 * Scripts without spaces, which the tokenizer would take for one endless word,
 * are indexed as overlapping pairs of characters too, as queries for them are. */
#include "text/search.h"

#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/nearest.h"
#include "base/utf8.h"
#include "text/terms.h"
#include "text/words.h"

#include <math.h>
#include <sqlite3.h>
#include <string.h>

enum {
    QUERY_WORDS_MAX = 200, /* distinct words; more add nothing */
    PHRASE_TOKENS_MAX = 32
};

/* Of BM25, as FTS5 has them. */
static const double K1 = 1.2, B = 0.75, IDF_LEAST = 1e-6;

struct tokenizer {
    fts5_tokenizer calls;
    Fts5Tokenizer *made;
};

struct search {
    sqlite3 *db; /* empty; the tokenizers are its */
    struct tokenizer cutter, stemmer;
    const struct doc_set *set;
    const struct chunk_list *list;
    struct terms terms;
    uint32_t *n_tokens; /* of each chunk */
    int64_t n_tokens_total;
    struct buf pairs; /* of the chunk that is gone through */
    int32_t stem;     /* of the token that is stemmed */
};

/* --- Scripts without spaces -------------------------------------------------- */

/* Overlapping pairs of ideographs with blanks between; one that stands alone is
 * given as it is. */
static void add_pairs(const char *text, size_t len, struct buf *out)
{
    const char *at = text, *end = text + len;
    const char *before = NULL;
    bool paired = false;
    while (at < end) {
        uint32_t cp;
        if ((unsigned char)*at < 0xe0) { /* none begins below U+0800 */
            if (before && !paired) buf_add_char(out, ' ');
            before = NULL;
            at++;
            at += utf8_plain(at, (size_t)(end - at));
            continue;
        }
        int n = utf8_decode(at, end, &cp);
        bool ideograph = words_is_ideograph(cp);
        if (ideograph && before) {
            buf_add(out, before, (size_t)(at + n - before));
            buf_add_char(out, ' ');
            paired = true;
        } else if (ideograph) {
            paired = false;
        }
        before = ideograph ? at : NULL;
        at += n;
    }
}

/* --- Tokens ---------------------------------------------------------------------- */

/* FTS5's own way to hand out its interface. */
static fts5_api *api_of(sqlite3 *db)
{
    fts5_api *api = NULL;
    sqlite3_stmt *st = NULL;
    if (sqlite3_prepare_v2(db, "SELECT fts5(?1)", -1, &st, NULL) == SQLITE_OK) {
        sqlite3_bind_pointer(st, 1, &api, "fts5_api_ptr", NULL);
        sqlite3_step(st);
    }
    sqlite3_finalize(st);
    return api;
}

static int tokenizer_open(struct tokenizer *t, fts5_api *api, const char *name,
                          const char **args, int n_args)
{
    void *user = NULL;
    int code = api->xFindTokenizer(api, name, &user, &t->calls);
    return code == SQLITE_OK ? t->calls.xCreate(user, args, n_args, &t->made) : code;
}

static void tokenizer_close(struct tokenizer *t)
{
    if (t->made) t->calls.xDelete(t->made);
}

typedef int token_fn(void *user, int flags, const char *token, int len, int start,
                     int end);

static void tokenize(const struct tokenizer *t, const char *text, size_t len,
                     token_fn *on_token, void *user)
{
    t->calls.xTokenize(t->made, user, FTS5_TOKENIZE_DOCUMENT, text, (int)len, on_token);
}

static int take_stem(void *user, int flags, const char *token, int len, int start,
                     int end)
{
    (void)flags, (void)start, (void)end;
    struct search *s = user;
    s->stem = terms_intern(&s->terms, token, (size_t)len);
    return SQLITE_OK;
}

/* The term that counts for a token of the cutter. */
static int32_t stem_of(struct search *s, const char *token, int len)
{
    int32_t term = terms_intern(&s->terms, token, (size_t)len);
    if (s->terms.stems[term] == TERM_NONE) {
        s->stem = term;
        tokenize(&s->stemmer, token, (size_t)len, take_stem, s);
        s->terms.stems[term] = s->stem;
    }
    return s->terms.stems[term];
}

/* Words, then pairs, of a chunk. */
static void tokenize_chunk(struct search *s, size_t index, token_fn *on_token, void *user)
{
    const struct chunk *chunk = &s->list->items[index];
    const char *text = s->set->docs[chunk->doc]->text + chunk->start;
    size_t len = chunk->end - chunk->start;
    buf_clear(&s->pairs);
    add_pairs(text, len, &s->pairs);
    tokenize(&s->cutter, text, len, on_token, user);
    tokenize(&s->cutter, s->pairs.data, s->pairs.len, on_token, user);
}

/* --- Indexing ------------------------------------------------------------------ */

struct indexing {
    struct search *s;
    uint32_t chunk;
};

static int count_token(void *user, int flags, const char *token, int len, int start,
                       int end)
{
    (void)flags, (void)start, (void)end;
    struct indexing *x = user;
    terms_count(&x->s->terms, stem_of(x->s, token, len), x->chunk);
    x->s->n_tokens[x->chunk]++;
    return SQLITE_OK;
}

static void index_chunks(struct search *s)
{
    s->n_tokens = mem_array(s->list->n, sizeof *s->n_tokens);
    for (size_t i = 0; i < s->list->n; i++) {
        struct indexing x = { .s = s, .chunk = (uint32_t)i };
        tokenize_chunk(s, i, count_token, &x);
        s->n_tokens_total += s->n_tokens[i];
    }
    terms_close(&s->terms);
}

static int open_tokenizers(struct search *s)
{
    const char *cutter[] = { "remove_diacritics", "2" };
    const char *stemmer[] = { "ascii" }; /* keeps a folded token as it is */
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_MEMORY |
                SQLITE_OPEN_NOMUTEX;
    int code = sqlite3_open_v2(":memory:", &s->db, flags, NULL);
    fts5_api *api = code == SQLITE_OK ? api_of(s->db) : NULL;
    if (!api) return SQLITE_ERROR;
    code = tokenizer_open(&s->cutter, api, "unicode61", cutter, 2);
    if (code == SQLITE_OK) {
        code = tokenizer_open(&s->stemmer, api, "porter", stemmer, 1);
    }
    return code;
}

int search_open(struct search **out, const struct doc_set *set,
                const struct chunk_list *list, struct lw_error *err)
{
    struct search *s = mem_alloc(sizeof *s);
    s->set = set;
    s->list = list;
    terms_init(&s->terms);
    buf_init(&s->pairs, LIMIT_TEXT_BYTES);
    if (open_tokenizers(s) != SQLITE_OK) {
        search_close(s);
        return err_set(err, LW_ERR, "the search index failed: SQLite has no FTS5");
    }
    index_chunks(s);
    *out = s;
    return 0;
}

void search_close(struct search *s)
{
    if (!s) return;
    tokenizer_close(&s->cutter);
    tokenizer_close(&s->stemmer);
    sqlite3_close(s->db);
    terms_release(&s->terms);
    mem_free(s->n_tokens);
    buf_release(&s->pairs);
    mem_free(s);
}

/* --- Phrases --------------------------------------------------------------------- */

/* A word of a query as the cutter sees it: mostly one token. */
struct phrase {
    struct search *s;
    int32_t terms[PHRASE_TOKENS_MAX];
    size_t n;
};

static int add_term(void *user, int flags, const char *token, int len, int start, int end)
{
    (void)flags, (void)start, (void)end;
    struct phrase *p = user;
    int32_t term = stem_of(p->s, token, len);
    if (p->n < PHRASE_TOKENS_MAX) p->terms[p->n++] = term;
    return SQLITE_OK;
}

static void count_term(const struct terms *terms, const struct term *term,
                       uint32_t *count)
{
    const struct posting *postings = terms->postings + term->first;
    for (size_t i = 0; i < term->n; i++) count[postings[i].chunk] += postings[i].count;
}

static void count_beginning(const struct terms *terms, const struct term *start,
                            uint32_t *count)
{
    for (size_t i = 0; i < terms->n; i++) {
        const struct term *term = &terms->items[i];
        if (term->len >= start->len && memcmp(term->text, start->text, start->len) == 0)
            count_term(terms, term, count);
    }
}

/* The last tokens of a chunk that is gone through, in a ring. */
struct passage {
    const struct phrase *phrase;
    int32_t last[PHRASE_TOKENS_MAX];
    size_t n;
    uint32_t count;
};

static int match_token(void *user, int flags, const char *token, int len, int start,
                       int end)
{
    (void)flags, (void)start, (void)end;
    struct passage *p = user;
    size_t n = p->phrase->n, i = 0;
    p->last[p->n++ % n] = stem_of(p->phrase->s, token, len);
    while (p->n >= n && i < n && p->last[(p->n + i) % n] == p->phrase->terms[i]) i++;
    p->count += i == n;
    return SQLITE_OK;
}

/* Chunks that have all terms of the phrase are read again for their order. */
static void count_in_order(const struct phrase *p, uint32_t *count)
{
    size_t n_chunks = p->s->list->n;
    uint32_t *n_terms = mem_array(n_chunks, sizeof *n_terms);
    for (size_t i = 0; i < p->n; i++) {
        const struct term *term = &p->s->terms.items[p->terms[i]];
        const struct posting *postings = p->s->terms.postings + term->first;
        for (size_t k = 0; k < term->n; k++) n_terms[postings[k].chunk]++;
    }
    for (size_t i = 0; i < n_chunks; i++) {
        struct passage passage = { .phrase = p };
        if (n_terms[i] < p->n) continue;
        tokenize_chunk(p->s, i, match_token, &passage);
        count[i] = passage.count;
    }
    mem_free(n_terms);
}

enum phrase_end { PHRASE_WHOLE, PHRASE_PREFIX };

/* How often each chunk has the word; count is all 0 before. */
static void count_phrase(struct search *s, const char *word, size_t len,
                         enum phrase_end end, uint32_t *count)
{
    struct phrase p = { .s = s };
    tokenize(&s->cutter, word, len, add_term, &p);
    if (p.n == 0) return;
    const struct term *first = &s->terms.items[p.terms[0]];
    if (p.n > 1) {
        count_in_order(&p, count);
    } else if (end == PHRASE_PREFIX) {
        count_beginning(&s->terms, first, count);
    } else {
        count_term(&s->terms, first, count);
    }
}

/* --- Ranking -------------------------------------------------------------------- */

struct query {
    struct search *s;
    uint64_t seen[QUERY_WORDS_MAX];
    size_t n;
    uint32_t *count; /* of one phrase at a time */
    double *score;
};

static bool is_new(struct query *q, uint64_t hash)
{
    for (size_t i = 0; i < q->n; i++) {
        if (q->seen[i] == hash) return false;
    }
    if (q->n == QUERY_WORDS_MAX) return false;
    q->seen[q->n++] = hash;
    return true;
}

/* Adds the phrase's part of the score to each chunk that has it. */
static void add_phrase(struct query *q, const char *word, size_t len, enum phrase_end end)
{
    size_t n_chunks = q->s->list->n, n_hits = 0;
    memset(q->count, 0, n_chunks * sizeof *q->count);
    count_phrase(q->s, word, len, end, q->count);
    for (size_t i = 0; i < n_chunks; i++) n_hits += q->count[i] > 0;
    double hits = (double)n_hits, rows = (double)n_chunks;
    double idf = log((rows - hits + 0.5) / (hits + 0.5));
    double average = (double)q->s->n_tokens_total / rows;
    if (idf <= 0) idf = IDF_LEAST;
    for (size_t i = 0; i < n_chunks; i++) {
        double f = q->count[i], size = q->s->n_tokens[i] / average;
        if (f > 0) q->score[i] += idf * (f * (K1 + 1)) / (f + K1 * (1 - B + B * size));
    }
}

static bool touches(const struct word *a, const struct word *b)
{
    return a->kind == WORD_IDEOGRAPH && b->kind == WORD_IDEOGRAPH && a->end == b->start;
}

enum words_taken { TAKE_CONTENT, TAKE_ALL };

/* Ideographs that touch are asked for in pairs, one alone as a pair's start. */
static void add_words(struct query *q, const char *text, enum words_taken taken)
{
    struct word before = { .kind = WORD_LETTERS }, word, next;
    size_t len = strlen(text), pos = 0;
    bool more = words_next(text, len, &pos, &word);
    for (; more; before = word, word = next) {
        more = words_next(text, len, &pos, &next);
        if (touches(&before, &word)) {
            if (is_new(q, before.hash * 31 + word.hash)) {
                add_phrase(q, text + before.start, word.end - before.start, PHRASE_WHOLE);
            }
        } else if (word.kind == WORD_IDEOGRAPH && !(more && touches(&word, &next))) {
            if (is_new(q, word.hash)) {
                add_phrase(q, text + word.start, word.end - word.start, PHRASE_PREFIX);
            }
        } else if (word.kind != WORD_IDEOGRAPH && (taken == TAKE_ALL || !word.common)) {
            if (is_new(q, word.hash)) {
                add_phrase(q, text + word.start, word.end - word.start, PHRASE_WHOLE);
            }
        }
    }
}

void search_rank(struct search *s, const char *const *texts, size_t n_texts,
                 double *score)
{
    struct query q = { .s = s, .score = score };
    q.count = mem_array(s->list->n, sizeof *q.count);
    memset(score, 0, s->list->n * sizeof *score);
    for (size_t i = 0; i < n_texts; i++) add_words(&q, texts[i], TAKE_CONTENT);
    for (size_t i = 0; q.n == 0 && i < n_texts; i++) add_words(&q, texts[i], TAKE_ALL);
    mem_free(q.count);
}

/* --- Single words ----------------------------------------------------------------- */

static bool stands_there(struct search *s, const char *word, size_t len)
{
    uint32_t *count = mem_array(s->list->n, sizeof *count);
    bool found = false;
    count_phrase(s, word, len, PHRASE_WHOLE, count);
    for (size_t i = 0; i < s->list->n && !found; i++) found = count[i] > 0;
    mem_free(count);
    return found;
}

/* Is a term of the index, which is stemmed, within a slip of the pen? */
static bool resembles_one(struct search *s, const char *folded)
{
    int slips = strlen(folded) > 6 ? 2 : 1;
    size_t n = 1;
    while (((unsigned char)folded[n] & 0xc0) == 0x80) n++;
    for (size_t i = 0; i < s->terms.n; i++) {
        const struct term *term = &s->terms.items[i];
        if (term->n == 0 || term->len < n || memcmp(term->text, folded, n) != 0) continue;
        if (nearest_distance(folded, term->text) <= slips) return true;
    }
    return false;
}

bool search_knows(struct search *s, const char *word, size_t len)
{
    struct word folded;
    size_t pos = 0;
    if (!words_next(word, len, &pos, &folded)) return true;
    return stands_there(s, word, len) || resembles_one(s, folded.folded);
}
