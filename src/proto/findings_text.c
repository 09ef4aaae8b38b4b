/* findings_text.c - what was asked and found, within a budget of tokens.
 *
 * First the questions take room, newest first, at most half of the budget; then
 * the findings in turns, so that no question starves another. What is written
 * is in the order in which it was asked, however it was chosen: a later
 * round's text begins as the earlier one did, which servers cache. */
#include "proto/findings_text.h"

#include "base/buf.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/utf8.h"

#include <string.h>

enum {
    ASK_BYTES_MAX = 300,
    VALUE_BYTES_MAX = 400,
    QUOTE_BYTES_MAX = 600,
    IDS_SHOWN_MAX = 12,
    LINE_BYTES_MAX = 8 * 1024,
    TEXT_BYTES_MAX = 1024 * 1024
};

struct packing {
    const struct record *rec;
    struct llm *reader;
    int tokens_left;
    const char **heads; /* by question; NULL: not shown */
    const char **lines; /* by finding; NULL: not shown */
};

static const char *keep(const struct packing *p, struct buf *b)
{
    const char *text = arena_strndup(p->rec->reading->arena, b->data, b->len);
    buf_release(b);
    return text;
}

/* text on one line as a JSON string, cut to bytes_max. */
static void add_string(struct buf *b, const char *text, size_t len, size_t bytes_max)
{
    char line[QUOTE_BYTES_MAX];
    size_t n = utf8_floor(text, len, bytes_max < sizeof line ? bytes_max : sizeof line);
    for (size_t i = 0; i < n; i++) {
        line[i] = (unsigned char)text[i] < 0x20 ? ' ' : text[i];
    }
    json_write_string(line, n, b);
    if (n < len) buf_add_str(b, "...");
}

/* --- Lines --------------------------------------------------------------- */

static void add_ids(const struct packing *p, struct buf *b, const size_t *findings,
                    size_t n)
{
    size_t shown = n < IDS_SHOWN_MAX ? n : IDS_SHOWN_MAX;
    for (size_t i = 0; i < shown; i++) {
        buf_addf(b, "%s%s", i ? ", " : "", p->rec->findings.items[findings[i]].id);
    }
    if (shown < n) buf_addf(b, " and %zu more", n - shown);
}

/* Totals are our own words; any other value is a document's. */
static void add_reduced(const struct packing *p, struct buf *b, const struct asked *asked)
{
    if (!asked->reduced) return;
    bool total = asked->reduced_how == REDUCE_COUNT || asked->reduced_how == REDUCE_SUM;
    buf_addf(b, "; %s: ", reduce_kind_name(asked->reduced_how));
    if (total) {
        buf_add_str(b, asked->reduced);
    } else {
        add_string(b, asked->reduced, strlen(asked->reduced), VALUE_BYTES_MAX);
    }
    if (asked->n_from == 0) return;
    buf_add_str(b, " (");
    add_ids(p, b, asked->from, asked->n_from);
    buf_add_char(b, ')');
}

/* What a total or a largest one does not take in. */
static void add_left_out(const struct packing *p, struct buf *b,
                         const struct asked *asked)
{
    if (!asked->reduced || asked->n_left == 0) return;
    buf_add_str(b, ", without ");
    add_ids(p, b, asked->left, asked->n_left);
    buf_add_str(b, " (not to be read, or of another unit)");
}

/* A model in this process puts into its answer whatever it sees: "(read 3 of 23 parts)".
 */
static void add_reading(const struct packing *p, struct buf *b, const struct asked *asked)
{
    if (!llm_info(p->reader)->in_process) {
        buf_addf(b, "   read %zu of %zu parts", asked->parts_read, asked->parts);
        if (asked->parts_failed > 0) buf_addf(b, "; %zu failed", asked->parts_failed);
        buf_add_str(b, asked->n == 0 ? "; nothing found" : "");
    } else {
        buf_add_str(b, asked->n == 0 ? "   nothing found" : "   found");
    }
}

enum head { HEAD_WHOLE, HEAD_WITHOUT_VALUE };

static const char *head_of(const struct packing *p, size_t index, enum head how)
{
    const struct asked *asked = &p->rec->asked[index];
    struct buf b;
    buf_init(&b, LINE_BYTES_MAX);
    size_t len = strlen(asked->ask);
    buf_addf(&b, "%zu. %.*s\n", index + 1,
             (int)utf8_floor(asked->ask, len, ASK_BYTES_MAX), asked->ask);
    add_reading(p, &b, asked);
    if (how == HEAD_WHOLE) {
        add_reduced(p, &b, asked);
        add_left_out(p, &b, asked);
    }
    buf_add_char(&b, '\n');
    return keep(p, &b);
}

static void add_place(const struct packing *p, struct buf *b, const struct finding *f)
{
    if (f->quote.match == QUOTE_NONE) {
        buf_add_str(b, " (no quote)");
        return;
    }
    const struct doc *doc = p->rec->reading->set->docs[f->quote.doc];
    int page = doc_page_at(doc, f->quote.start);
    buf_addf(b, " %s", doc->id);
    if (page > 0) buf_addf(b, " page %d", page);
    buf_add_str(b, ": ");
    add_string(b, doc->text + f->quote.start, f->quote.end - f->quote.start,
               QUOTE_BYTES_MAX);
    if (!f->supported) buf_add_str(b, " (the quote does not show it)");
}

static const char *line_of(const struct packing *p, const struct finding *f)
{
    struct buf b;
    buf_init(&b, LINE_BYTES_MAX);
    buf_addf(&b, "   [%s] ", f->id);
    add_string(&b, f->value, strlen(f->value), VALUE_BYTES_MAX);
    if (f->of > 1) buf_addf(&b, " (%d of %d agree)", f->votes, f->of);
    add_place(p, &b, f);
    buf_add_char(&b, '\n');
    return keep(p, &b);
}

/* --- Choosing ------------------------------------------------------------ */

static bool take_room(struct packing *p, const char *text)
{
    int tokens = llm_count_tokens(p->reader, text, strlen(text));
    if (tokens > p->tokens_left) return false;
    p->tokens_left -= tokens;
    return true;
}

static const char *head_in_room(struct packing *p, size_t index, enum head how)
{
    const char *head = head_of(p, index, how);
    return take_room(p, head) ? head : NULL;
}

static void choose_questions(struct packing *p)
{
    int budget = p->tokens_left;
    for (size_t i = p->rec->n_asked; i-- > 0;) {
        if (p->tokens_left < budget / 2) return;
        p->heads[i] = head_in_room(p, i, HEAD_WHOLE);
        if (!p->heads[i]) p->heads[i] = head_in_room(p, i, HEAD_WITHOUT_VALUE);
        if (!p->heads[i]) return;
    }
}

/* The finding of this level of every question; false when no question has one. */
static bool choose_level(struct packing *p, size_t level)
{
    bool any = false;
    for (size_t i = 0; i < p->rec->n_asked; i++) {
        const struct asked *asked = &p->rec->asked[i];
        if (!p->heads[i] || level >= asked->n) continue;
        any = true;
        size_t f = asked->first + level;
        const char *line = line_of(p, &p->rec->findings.items[f]);
        if (take_room(p, line)) p->lines[f] = line;
    }
    return any;
}

/* --- Writing ------------------------------------------------------------- */

static void write_question(const struct packing *p, size_t index, struct buf *b)
{
    const struct asked *asked = &p->rec->asked[index];
    size_t left_out = 0;
    buf_add_str(b, p->heads[index]);
    for (size_t f = asked->first; f < asked->first + asked->n; f++) {
        if (p->lines[f]) {
            buf_add_str(b, p->lines[f]);
        } else {
            left_out++;
        }
    }
    if (left_out > 0) buf_addf(b, "   (%zu weaker findings are not shown)\n", left_out);
}

const char *findings_text(const struct record *rec, struct llm *reader, int tokens_max)
{
    struct arena *a = rec->reading->arena;
    struct packing p = {
        .rec = rec,
        .reader = reader,
        .tokens_left = tokens_max,
        .heads = arena_array(a, rec->n_asked + 1, sizeof *p.heads),
        .lines = arena_array(a, rec->findings.n + 1, sizeof *p.lines),
    };
    choose_questions(&p);
    for (size_t level = 0; p.tokens_left > 0 && choose_level(&p, level); level++) {
    }
    struct buf b;
    buf_init(&b, TEXT_BYTES_MAX);
    size_t hidden = 0;
    for (size_t i = 0; i < rec->n_asked; i++) {
        if (p.heads[i]) {
            write_question(&p, i, &b);
        } else {
            hidden++;
        }
    }
    if (hidden > 0) buf_addf(&b, "(%zu earlier questions are not shown)\n", hidden);
    return keep(&p, &b);
}
