/* search.c - BM25 over chunks, by SQLite's FTS5 in a database in memory.
 *
 * The table keeps no text of its own (contentless): it holds the index only,
 * and chunks are told apart by rowid = index + 1. Scripts without spaces, which
 * the tokenizer would take for one endless word, are indexed as overlapping
 * pairs of characters in a second column, as queries for them are.
 *
 * Queries are built from words, each in double quotes, so nothing a user or a
 * model writes is ever read as query syntax. */
#include "text/search.h"

#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/nearest.h"
#include "base/utf8.h"
#include "text/words.h"

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

enum {
    QUERY_WORDS_MAX = 200, /* distinct words; more add nothing */
    QUERY_BYTES_MAX = 64 * 1024,
    HASH_BYTES = 32 * 1024 * 1024 /* index held back before it is merged */
};

struct search {
    sqlite3 *db;
    sqlite3_stmt *rank;
    size_t n_chunks;
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

/* --- Indexing ------------------------------------------------------------------ */

static int fail(struct search *s, struct lw_error *err)
{
    return err_set(err, LW_ERR, "the search index failed: %s", sqlite3_errmsg(s->db));
}

static int create(struct search *s, struct lw_error *err)
{
    static const char schema[] =
        "PRAGMA journal_mode = OFF;"
        "CREATE VIRTUAL TABLE chunks USING fts5(words, pairs, content = '', "
        "tokenize = 'porter unicode61 remove_diacritics 2');"
        "CREATE VIRTUAL TABLE vocabulary USING fts5vocab(chunks, 'row');"
        "BEGIN;";
    if (sqlite3_exec(s->db, schema, NULL, NULL, NULL) != SQLITE_OK) return fail(s, err);
    char *sql = sqlite3_mprintf(
        "INSERT INTO chunks (chunks, rank) VALUES ('hashsize', %d)", HASH_BYTES);
    int code = sqlite3_exec(s->db, sql, NULL, NULL, NULL);
    sqlite3_free(sql);
    return code == SQLITE_OK ? 0 : fail(s, err);
}

static int insert(sqlite3_stmt *st, size_t index, const char *text, size_t len,
                  struct buf *pairs)
{
    buf_clear(pairs);
    add_pairs(text, len, pairs);
    sqlite3_bind_int64(st, 1, (sqlite3_int64)index + 1);
    sqlite3_bind_text64(st, 2, text, len, SQLITE_STATIC, SQLITE_UTF8);
    sqlite3_bind_text64(st, 3, pairs->data, pairs->len, SQLITE_STATIC, SQLITE_UTF8);
    sqlite3_step(st);
    return sqlite3_reset(st);
}

static int index_chunks(struct search *s, const struct doc_set *set,
                        const struct chunk_list *list, struct lw_error *err)
{
    static const char sql[] = "INSERT INTO chunks (rowid, words, pairs) VALUES (?, ?, ?)";
    sqlite3_stmt *st = NULL;
    struct buf pairs;
    int code = sqlite3_prepare_v2(s->db, sql, -1, &st, NULL);
    buf_init(&pairs, LIMIT_TEXT_BYTES);
    for (size_t i = 0; code == SQLITE_OK && i < list->n; i++) {
        const struct chunk *chunk = &list->items[i];
        const char *text = set->docs[chunk->doc]->text + chunk->start;
        code = insert(st, i, text, chunk->end - chunk->start, &pairs);
    }
    buf_release(&pairs);
    sqlite3_finalize(st);
    if (code == SQLITE_OK) code = sqlite3_exec(s->db, "COMMIT", NULL, NULL, NULL);
    return code == SQLITE_OK ? 0 : fail(s, err);
}

int search_open(struct search **out, const struct doc_set *set,
                const struct chunk_list *list, struct lw_error *err)
{
    static const char sql[] =
        "SELECT rowid, bm25(chunks) FROM chunks WHERE chunks MATCH ?";
    struct search *s = mem_alloc(sizeof *s);
    s->n_chunks = list->n;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_MEMORY |
                SQLITE_OPEN_NOMUTEX;
    int code = LW_ERR;
    if (sqlite3_open_v2(":memory:", &s->db, flags, NULL) != SQLITE_OK) {
        code = fail(s, err);
        goto fail;
    }
    code = create(s, err);
    if (!code) code = index_chunks(s, set, list, err);
    if (!code && sqlite3_prepare_v2(s->db, sql, -1, &s->rank, NULL) != SQLITE_OK) {
        code = fail(s, err);
    }
    if (code) goto fail;
    *out = s;
    return 0;

fail:
    search_close(s);
    return code;
}

void search_close(struct search *s)
{
    if (!s) return;
    sqlite3_finalize(s->rank);
    sqlite3_close(s->db);
    mem_free(s);
}

/* --- Ranking -------------------------------------------------------------------- */

struct query {
    struct buf text;
    uint64_t seen[QUERY_WORDS_MAX];
    size_t n;
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

enum phrase { PHRASE_WHOLE, PHRASE_PREFIX };

/* A word has no quote mark in it, so quoting it needs no escape. */
static void add_phrase(struct query *q, const char *s, size_t len, enum phrase phrase)
{
    if (q->text.len > 0) buf_add_str(&q->text, " OR ");
    buf_add_char(&q->text, '"');
    buf_add(&q->text, s, len);
    buf_add_str(&q->text, phrase == PHRASE_PREFIX ? "\"*" : "\"");
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

static int run(struct search *s, const struct query *q, double *score,
               struct lw_error *err)
{
    int code;
    sqlite3_bind_text64(s->rank, 1, q->text.data, q->text.len, SQLITE_STATIC,
                        SQLITE_UTF8);
    while ((code = sqlite3_step(s->rank)) == SQLITE_ROW) {
        sqlite3_int64 row = sqlite3_column_int64(s->rank, 0);
        double bm25 = -sqlite3_column_double(s->rank, 1); /* better is more negative */
        if (row >= 1 && (size_t)row <= s->n_chunks) score[row - 1] = bm25 > 0 ? bm25 : 0;
    }
    sqlite3_reset(s->rank);
    sqlite3_clear_bindings(s->rank);
    return code == SQLITE_DONE ? 0 : fail(s, err);
}

int search_rank(struct search *s, const char *const *texts, size_t n_texts, double *score,
                struct lw_error *err)
{
    struct query q = { .n = 0 };
    int code = 0;
    memset(score, 0, s->n_chunks * sizeof *score);
    buf_init(&q.text, QUERY_BYTES_MAX);
    for (size_t i = 0; i < n_texts; i++) add_words(&q, texts[i], TAKE_CONTENT);
    for (size_t i = 0; q.n == 0 && i < n_texts; i++) add_words(&q, texts[i], TAKE_ALL);
    if (q.n > 0 && !buf_failed(&q.text)) code = run(s, &q, score, err);
    buf_release(&q.text);
    return code;
}

/* --- Single words ----------------------------------------------------------------- */

static bool stands_there(struct search *s, const char *word, size_t len)
{
    struct query q = { .n = 0 };
    buf_init(&q.text, QUERY_BYTES_MAX);
    add_phrase(&q, word, len, PHRASE_WHOLE);
    sqlite3_bind_text64(s->rank, 1, q.text.data, q.text.len, SQLITE_STATIC, SQLITE_UTF8);
    bool found = sqlite3_step(s->rank) == SQLITE_ROW;
    sqlite3_reset(s->rank);
    sqlite3_clear_bindings(s->rank);
    buf_release(&q.text);
    return found;
}

/* Is a word of the index, which is stemmed, within a slip of the pen? */
static bool resembles_one(struct search *s, const char *folded)
{
    static const char sql[] =
        "SELECT term FROM vocabulary WHERE term >= ?1 AND term < ?1 || char(1114111)";
    int slips = strlen(folded) > 6 ? 2 : 1;
    char first[8];
    sqlite3_stmt *st = NULL;
    bool found = false;
    size_t n = 1;
    while (((unsigned char)folded[n] & 0xc0) == 0x80) n++;
    snprintf(first, sizeof first, "%.*s", (int)n, folded);
    if (sqlite3_prepare_v2(s->db, sql, -1, &st, NULL) != SQLITE_OK) return true;
    sqlite3_bind_text(st, 1, first, -1, SQLITE_STATIC);
    while (!found && sqlite3_step(st) == SQLITE_ROW) {
        found =
            nearest_distance(folded, (const char *)sqlite3_column_text(st, 0)) <= slips;
    }
    sqlite3_finalize(st);
    return found;
}

bool search_knows(struct search *s, const char *word, size_t len)
{
    struct word folded;
    size_t pos = 0;
    if (!words_next(word, len, &pos, &folded)) return true;
    return stands_there(s, word, len) || resembles_one(s, folded.folded);
}
