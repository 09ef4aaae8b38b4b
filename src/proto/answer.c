/* answer.c - the final answer: its marks, its citations, and why it is partial.
 *
 * Everything goes through one builder, which numbers quotes as they are first
 * cited; two findings with the same quote share a number. What is a mark in a model's
 * text marks.h says. */
#include "proto/answer.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "jobs/prompts.h"
#include "proto/marks.h"
#include "proto/prompts.h"
#include "text/quote.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
    ANSWER_BYTES_MAX = 1024 * 1024,
    /* Of a model's own words, so that marks, which grow when they are numbered, fit. */
    WORDS_BYTES_MAX = ANSWER_BYTES_MAX / 4,
    SHOWN_VALUES_MAX = 3, /* of one question, without a model */
    SHOWN_PARTS_MAX = 100,
    BY_VALUE_MAX = 3,
    NOT_STATED_BYTES_MAX = 48
};

struct builder {
    const struct record *rec;
    struct buf text;
    struct citation *citations;
    size_t n;
    size_t n_verified;
    bool *cited; /* by finding */
    bool cut;    /* not all of a model's words are in text */
    /* Said behind the text, whatever room that has left; NULL: nothing. */
    const char *notice;
};

static void builder_init(struct builder *b, const struct record *rec)
{
    struct arena *a = rec->reading->arena;
    *b = (struct builder){ .rec = rec };
    buf_init(&b->text, ANSWER_BYTES_MAX);
    b->citations = arena_array(a, rec->findings.n + 1, sizeof *b->citations);
    b->cited = arena_array(a, rec->findings.n + 1, sizeof *b->cited);
}

static const char *whole_answer(const struct builder *b)
{
    struct arena *a = b->rec->reading->arena;
    const char *cut = b->cut || buf_failed(&b->text) ? words_too_long : NULL;
    if (!cut && !b->notice) return arena_strndup(a, b->text.data, b->text.len);
    return arena_printf(a, "%s%s%s%s%s", b->text.data, cut ? "\n\n" : "", cut ? cut : "",
                        b->notice ? "\n\n" : "", b->notice ? b->notice : "");
}

static void builder_end(struct builder *b, enum final_status status, struct final *out)
{
    const struct record *rec = b->rec;
    *out = (struct final){
        .status = status,
        .answer = whole_answer(b),
        .citations = b->citations,
        .n_citations = b->n,
        .rounds = rec->rounds,
    };
    record_coverage(rec, &out->coverage);
    buf_release(&b->text);
}

/* --- Citations ----------------------------------------------------------- */

bool answer_is_verified(const struct finding *f)
{
    return f->quote.match != QUOTE_NONE && f->supported;
}

static bool same_quote(const struct quote *a, const struct quote *b)
{
    return a->match != QUOTE_NONE && b->match != QUOTE_NONE && a->doc == b->doc &&
           a->start == b->start && a->end == b->end;
}

/* A quote that stands nowhere is shown as it was claimed. */
static const char *quote_text(const struct builder *b, const struct finding *f)
{
    if (f->quote.match == QUOTE_NONE) return f->value;
    const struct doc *doc = b->rec->reading->set->docs[f->quote.doc];
    return arena_strndup(b->rec->reading->arena, doc->text + f->quote.start,
                         f->quote.end - f->quote.start);
}

static void warn_unverified(struct builder *b)
{
    if (b->n_verified == 0) b->notice = words_no_quote;
}

/* The finding's number in the answer, from 1. */
static size_t cite(struct builder *b, size_t index)
{
    const struct finding *f = &b->rec->findings.items[index];
    if (!b->cited[index]) {
        b->cited[index] = true;
        b->n_verified += answer_is_verified(f);
    }
    for (size_t i = 0; i < b->n; i++) {
        const struct citation *c = &b->citations[i];
        bool same = f->quote.match == QUOTE_NONE ? strcmp(c->text, f->value) == 0
                                                 : same_quote(&c->quote, &f->quote);
        if (same) return i + 1;
    }
    b->citations[b->n] = (struct citation){ .quote = f->quote, .text = quote_text(b, f) };
    return ++b->n;
}

/* "[1][2]" for the findings, each number once. */
static void add_marks(struct builder *b, const size_t *from, size_t n)
{
    size_t done[MARK_IDS_MAX], n_done = 0;
    for (size_t i = 0; i < n && n_done < MARK_IDS_MAX; i++) {
        size_t number = cite(b, from[i]);
        bool again = false;
        for (size_t j = 0; j < n_done; j++) again = again || done[j] == number;
        if (again) continue;
        done[n_done++] = number;
        buf_addf(&b->text, "[%zu]", number);
    }
}

/* --- Marks in a model's text --------------------------------------------- */

/* The space in front of a mark that is taken out goes with it. */
static void drop_space(struct buf *text)
{
    if (text->len > 0 && text->data[text->len - 1] == ' ') buf_cut(text, text->len - 1);
}

static void trim_end(struct buf *text)
{
    while (text->len > 0 && isspace((unsigned char)text->data[text->len - 1])) {
        buf_cut(text, text->len - 1);
    }
}

/* A model's text on its way into the answer. A line that begins with a mark and goes on
 * like a citation that is printed below the answer (NAME: "quote") could be taken for
 * one: its marks are held back and put behind it. */
struct writing {
    struct builder *b;
    bool in_line; /* the line has more than blanks */
    size_t held[MARK_IDS_MAX];
    size_t n_held;
};

/* White space, or a control, which takes no room in a file. */
static bool is_blank(uint32_t cp)
{
    return utf8_is_space(cp) || cp < 0x20 || (cp >= 0x7f && cp <= 0x9f);
}

static bool is_quote_mark(uint32_t cp)
{
    static const uint32_t others[] = {
        '"', '\'', '`', 0xab, 0xbb, 0x2039, 0x203a, 0xff02
    };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        if (cp == others[i]) return true;
    }
    return (cp >= 0x2018 && cp <= 0x201f) || (cp >= 0x300a && cp <= 0x300f) ||
           (cp >= 0x301d && cp <= 0x301f);
}

/* Does the rest of a line have a colon and a quote mark behind it? */
static bool looks_printed(const char *s)
{
    bool colon = false;
    for (const char *end = s + strcspn(s, "\n"); s < end;) {
        uint32_t cp;
        s += utf8_decode(s, end, &cp);
        if (colon && is_quote_mark(cp)) return true;
        bool between = is_blank(cp) || cp == '*' || cp == '_';
        colon = cp == ':' || cp == 0xff1a || (colon && between);
    }
    return false;
}

static void hold(struct writing *w, const struct mark *mark)
{
    for (size_t i = 0; i < mark->n && w->n_held < MARK_IDS_MAX; i++) {
        w->held[w->n_held++] = mark->from[i];
    }
}

/* At the end of a line, which has text where marks are held. */
static void put_held(struct writing *w)
{
    struct buf *text = &w->b->text;
    if (w->n_held == 0) return;
    trim_end(text);
    buf_add_char(text, ' ');
    add_marks(w->b, w->held, w->n_held);
    w->n_held = 0;
}

/* A number that the author means stays, in brackets that are no citation's. */
static void put_number(struct writing *w, const struct mark_number *number)
{
    buf_addf(&w->b->text, "(%.*s)", (int)number->len, number->text);
    w->in_line = true;
}

/* rest: what follows the mark. */
static void put_citations(struct writing *w, const struct mark *mark, const char *rest)
{
    if (!w->in_line && (w->n_held > 0 || looks_printed(rest))) {
        hold(w, mark);
    } else {
        add_marks(w->b, mark->from, mark->n);
        w->in_line = true;
    }
    for (size_t i = 0; i < mark->n_own; i++) put_number(w, &mark->own[i]);
}

/* As it stands, unless it looks like a citation's. */
static void put_author(struct writing *w, const struct mark *mark, const char *s)
{
    bool printed = !w->in_line && looks_printed(s + mark->len);
    if (mark->number.clashes || printed) {
        put_number(w, &mark->number);
    } else {
        buf_add(&w->b->text, s, mark->len);
        w->in_line = true;
    }
}

static void put_mark(struct writing *w, enum mark_kind kind, const struct mark *mark,
                     const char *s)
{
    switch (kind) {
    case MARK_CITES: put_citations(w, mark, s + mark->len); break;
    case MARK_NUMBER: put_author(w, mark, s); break;
    case MARK_NOWHERE: drop_space(&w->b->text); break;
    case MARK_NONE: break;
    }
}

/* One character; returns its length. */
static size_t put_char(struct writing *w, const char *s, const char *end)
{
    uint32_t cp;
    size_t len = (size_t)utf8_decode(s, end, &cp);
    if (cp == '\n') put_held(w);
    bool between = w->n_held > 0 && !w->in_line && is_blank(cp);
    if (!between) buf_add(&w->b->text, s, len);
    w->in_line = cp != '\n' && (w->in_line || !is_blank(cp));
    return len;
}

static size_t put_code(struct writing *w, const char *s, size_t len)
{
    buf_add(&w->b->text, s, len);
    w->in_line = true;
    return len;
}

/* Code, a mark or a character; returns its length. */
static size_t put_next(struct writing *w, struct marks *marks, const char *s,
                       const char *end)
{
    struct mark mark;
    size_t code = marks_code(marks, s);
    if (code > 0) return put_code(w, s, code);
    enum mark_kind kind = marks_read(marks, s, &mark);
    if (kind == MARK_NONE) return put_char(w, s, end);
    put_mark(w, kind, &mark, s);
    return mark.len;
}

static void add_marked_text(struct builder *b, const char *text)
{
    struct writing w = { .b = b };
    struct marks marks;
    marks_init(&marks, b->rec, text);
    for (const char *s = text, *end = text + strlen(text); s < end;) {
        s += put_next(&w, &marks, s, end);
    }
    put_held(&w);
    trim_end(&b->text);
}

/* --- Evidence that the text does not name -------------------------------- */

static void add_rest(struct builder *b, const char *const *rests_on, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        long index = record_find(b->rec, rests_on[i], strlen(rests_on[i]));
        size_t before = b->n;
        if (index < 0 || b->cited[index] || cite(b, (size_t)index) <= before) continue;
        buf_addf(&b->text, "%s[%zu]", before == 0 ? " " : "", b->n);
    }
}

/* A value that could stand in any answer by chance says nothing. */
static bool is_telling(const char *value)
{
    size_t letters = 0;
    for (const char *s = value; *s; s++) {
        if (isdigit((unsigned char)*s)) return true;
        letters += isalpha((unsigned char)*s) || (unsigned char)*s >= 0x80;
    }
    return letters >= 4;
}

/* The best verified finding not yet cited whose value the text states; -1: none. */
static long best_stated(const struct builder *b, const char *text, size_t len)
{
    const struct finding *items = b->rec->findings.items;
    long best = -1;
    for (size_t i = 0; i < b->rec->findings.n; i++) {
        const struct finding *f = &items[i];
        bool numbers_ok = true;
        if (b->cited[i] || !answer_is_verified(f) || !is_telling(f->value)) continue;
        if (best >= 0 && f->rank <= items[best].rank) continue;
        if (quote_supports(f->value, text, len, &numbers_ok) >= 1 && numbers_ok) {
            best = (long)i;
        }
    }
    return best;
}

/* For a model that named nothing. */
static void cite_by_value(struct builder *b, const char *text)
{
    size_t from[BY_VALUE_MAX], n = 0;
    while (n < BY_VALUE_MAX) {
        long index = best_stated(b, text, strlen(text));
        if (index < 0) break;
        from[n++] = (size_t)index;
        cite(b, (size_t)index);
    }
    if (n > 0) buf_add_char(&b->text, ' ');
    add_marks(b, from, n);
}

/* \r, \f, the line separator and their like. */
static bool ends_line(uint32_t cp)
{
    return (cp >= '\n' && cp <= '\r') || cp == 0x85 || cp == 0x2028 || cp == 0x2029;
}

/* Is cp a joiner within a word or a picture, or at the end of one? before: what stands in
 * front of it, which must be seen. */
static bool joins(uint32_t before, uint32_t cp)
{
    return utf8_is_joiner(cp) && before >= 0x80 && !utf8_is_space(before) &&
           !utf8_is_zero_width(before);
}

/* What cannot be seen hides a mark or the beginning of a line. */
static void clean(struct buf *out, const char *text, size_t len)
{
    uint32_t cp, before = 0;
    for (const char *s = text, *end = text + len; s < end;) {
        size_t n = (size_t)utf8_decode(s, end, &cp);
        bool pair = *s == '\r' && s + 1 < end && s[1] == '\n';
        if (ends_line(cp)) {
            if (!pair) buf_add_char(out, '\n');
            before = '\n';
        } else if (!utf8_is_zero_width(cp) || joins(before, cp)) {
            buf_add(out, s, n);
            before = cp;
        }
        s += n;
    }
}

static const char *skip_blanks(const char *s)
{
    uint32_t cp;
    for (const char *end = s + strlen(s); s < end;) {
        size_t len = (size_t)utf8_decode(s, end, &cp);
        if (!is_blank(cp)) break;
        s += len;
    }
    return s;
}

/* A model's words with nothing invisible in them, without the blanks around them, and no
 * more than there is room for. */
static const char *take_words(struct builder *b, const char *text)
{
    struct buf words;
    size_t len = strlen(text);
    while (len > 0 && isspace((unsigned char)text[len - 1])) len--;
    if (len > WORDS_BYTES_MAX) {
        b->cut = true;
        len = utf8_floor(text, len, WORDS_BYTES_MAX);
    }
    buf_init(&words, WORDS_BYTES_MAX);
    clean(&words, text, len);
    const char *out = arena_strdup(b->rec->reading->arena, skip_blanks(words.data));
    buf_release(&words);
    return out;
}

void answer_from_text(const struct record *rec, const char *text,
                      const char *const *rests_on, size_t n, struct final *out)
{
    struct builder b;
    builder_init(&b, rec);
    text = take_words(&b, text);
    add_marked_text(&b, text);
    add_rest(&b, rests_on, n);
    if (b.n == 0) cite_by_value(&b, text);
    warn_unverified(&b);
    builder_end(&b, FINAL_ANSWERED, out);
}

/* --- Answers without a model's text -------------------------------------- */

/* Bytes of the bracket of numbers at s, "[3]" or "[3, 5-7]"; 0: none begins there.
 * *clashes: one of them is 1 to most. */
static size_t numbers_in_bracket(const char *s, size_t most, bool *clashes)
{
    static const char between_numbers[] = " ,;-\xe2\x80\x93"; /* an en dash, too */
    const char *at = s + 1;
    *clashes = false;
    if (*s != '[' || !isdigit((unsigned char)*at)) return 0;
    while (isdigit((unsigned char)*at)) {
        char *end;
        unsigned long n = strtoul(at, &end, 10);
        *clashes = *clashes || (n >= 1 && n <= most);
        at = end + strspn(end, between_numbers);
    }
    return *at == ']' ? (size_t)(at - s) + 1 : 0;
}

static bool is_control(char c)
{
    return (unsigned char)c < 0x20 || c == 0x7f;
}

/* Words of a document as the worker took them, on one line. Brackets of numbers, a
 * paper's references, become round ones where they could be taken for citations: of our
 * numbers, or in front of the line. */
static void add_words(struct builder *b, const char *words)
{
    const char *front = take_words(b, words);
    size_t len;
    for (const char *s = front; *s; s += len) {
        bool clashes;
        len = numbers_in_bracket(s, b->rec->findings.n, &clashes);
        if (len > 0 && (clashes || s == front)) {
            buf_addf(&b->text, "(%.*s)", (int)len - 2, s + 1);
            continue;
        }
        len = 1;
        if (!is_control(*s)) {
            buf_add_char(&b->text, *s);
        } else if (!is_control(s[-1])) { /* the front is none */
            buf_add_char(&b->text, ' ');
        }
    }
}

static void add_value(struct builder *b, const char *value, const size_t *from, size_t n)
{
    add_words(b, value);
    if (n > 0) buf_add_char(&b->text, ' ');
    add_marks(b, from, n);
}

void answer_from_value(const struct record *rec, const char *value, const size_t *from,
                       size_t n, struct final *out)
{
    struct builder b;
    builder_init(&b, rec);
    add_value(&b, value, from, n);
    warn_unverified(&b);
    builder_end(&b, FINAL_ANSWERED, out);
}

/* Findings (indices), each with its mark, as many as are shown. */
static void add_items(struct builder *b, const size_t *items, size_t n, const char *joint)
{
    size_t shown = n < SHOWN_PARTS_MAX ? n : SHOWN_PARTS_MAX;
    for (size_t i = 0; i < shown; i++) {
        if (i > 0) buf_add_str(&b->text, joint);
        add_value(b, b->rec->findings.items[items[i]].value, &items[i], 1);
    }
    if (shown < n) buf_addf(&b->text, "; and %zu more", n - shown);
}

static void add_left_out(struct builder *b, const char *what, const size_t *left,
                         size_t n)
{
    if (n == 0) return;
    buf_add_str(&b->text, what);
    add_items(b, left, n, "; ");
}

void answer_from_parts(const struct record *rec, const struct answer_parts *parts,
                       struct final *out)
{
    struct builder b;
    builder_init(&b, rec);
    if (parts->total) buf_addf(&b.text, "%s%s", parts->total, parts->equals);
    add_items(&b, parts->from, parts->n, parts->joint);
    add_left_out(&b, "; not added: ", parts->left, parts->n_left);
    warn_unverified(&b);
    builder_end(&b, FINAL_ANSWERED, out);
}

void answer_from_points(const struct record *rec, const struct answer_point *points,
                        size_t n, struct final *out)
{
    struct builder b;
    builder_init(&b, rec);
    for (size_t i = 0; i < n; i++) {
        if (n > 1) buf_addf(&b.text, "%s- ", i > 0 ? "\n" : "");
        add_value(&b, points[i].text, points[i].from, points[i].n);
    }
    warn_unverified(&b);
    builder_end(&b, FINAL_ANSWERED, out);
}

void answer_from_lines(const struct record *rec, const struct answer_line *lines,
                       size_t n, struct final *out)
{
    struct builder b;
    builder_init(&b, rec);
    for (size_t i = 0; i < n; i++) {
        buf_addf(&b.text, "%s%s", i > 0 ? "\n" : "", lines[i].label);
        if (lines[i].n == 0) buf_add_str(&b.text, lines[i].nothing);
        for (size_t k = 0; k < lines[i].n; k++) {
            const size_t *from = &lines[i].from[k];
            if (k > 0) buf_add_str(&b.text, "; ");
            add_value(&b, rec->findings.items[*from].value, from, 1);
        }
    }
    builder_end(&b, FINAL_ANSWERED, out);
}

/* Findings nearly as sure as the best one of the same question. */
static void add_best_values(struct builder *b, const struct asked *asked)
{
    const struct finding *items = b->rec->findings.items;
    double enough = items[asked->first].confidence * 0.8;
    size_t shown = 0;
    for (size_t i = asked->first; i < asked->first + asked->n; i++) {
        if (shown == SHOWN_VALUES_MAX || items[i].confidence < enough) continue;
        if (shown++ > 0) buf_add_str(&b->text, "; ");
        add_value(b, items[i].value, &i, 1);
    }
}

void answer_from_findings(const struct record *rec, struct final *out)
{
    struct builder b;
    size_t n_with = 0;
    for (size_t i = 0; i < rec->n_asked; i++) n_with += rec->asked[i].n > 0;
    if (n_with == 0) {
        answer_not_found(rec, out);
        return;
    }
    builder_init(&b, rec);
    for (size_t i = 0; i < rec->n_asked; i++) {
        const struct asked *asked = &rec->asked[i];
        if (asked->n == 0) continue;
        if (b.text.len > 0) buf_add_char(&b.text, '\n');
        if (n_with > 1) buf_addf(&b.text, "- %s ", asked->ask);
        if (asked->reduced) {
            add_value(&b, asked->reduced, asked->from, asked->n_from);
            add_left_out(&b, "; without: ", asked->left, asked->n_left);
        } else {
            add_best_values(&b, asked);
        }
    }
    warn_unverified(&b);
    builder_end(&b, FINAL_ANSWERED, out);
}

void answer_not_found(const struct record *rec, struct final *out)
{
    struct builder b;
    struct coverage coverage;
    record_coverage(rec, &coverage);
    builder_init(&b, rec);
    buf_add_str(&b.text, words_not_found(rec->reading->arena, &coverage));
    builder_end(&b, FINAL_NOT_FOUND, out);
    if (coverage.read > 0) return;
    if (cancel_level(rec->reading->cancel)) {
        answer_stopped(rec, out);
    } else {
        answer_partial(rec, out, LW_ERR_LOCAL, record_why_unread(rec));
    }
}

/* --- A supervisor's reply ------------------------------------------------ */

bool answer_is_blank(const char *text)
{
    for (const char *end = text + strlen(text); text < end;) {
        uint32_t cp;
        text += utf8_decode(text, end, &cp);
        if (!is_blank(cp) && !utf8_is_zero_width(cp)) return false;
    }
    return true;
}

/* Does a text have words besides its marks, and does one of those cite a finding behind
 * more than the rest of "Not stated in the contract"? That has no second clause. */
static void look_through(const struct record *rec, const char *text, bool *words,
                         bool *cites)
{
    struct marks marks;
    struct mark mark;
    marks_init(&marks, rec, text);
    bool clause = false;
    *words = *cites = false;
    for (size_t len; *text; text += len) {
        len = marks_code(&marks, text);
        if (len > 0) {
            *words = true;
            continue;
        }
        enum mark_kind kind = marks_read(&marks, text, &mark);
        *cites = *cites || (clause && kind == MARK_CITES);
        clause = clause || strchr(",;:", *text) || strncasecmp(text, " but ", 5) == 0;
        if (kind == MARK_NONE) {
            *words = *words || isalnum((unsigned char)*text) || (*text & 0x80);
        }
        len = kind == MARK_NONE ? 1 : mark.len;
    }
}

bool answer_is_not_stated(const struct record *rec, const char *text)
{
    bool words, cites;
    text += strspn(text, " \t\n\"'");
    if (strncasecmp(text, PROMPT_ABSENT, strlen(PROMPT_ABSENT)) != 0) return false;
    look_through(rec, text + strlen(PROMPT_ABSENT), &words, &cites);
    return !words || (!cites && strlen(text) <= NOT_STATED_BYTES_MAX);
}

bool answer_from_reply(const struct record *rec, const json_t *reply, struct final *out)
{
    const char *answer = json_str(reply, "answer", "");
    const json_t *ids = json_object_get(reply, "rests_on");
    if (answer_is_blank(answer)) return false;
    if (answer_is_not_stated(rec, answer)) {
        answer_not_found(rec, out);
        return true;
    }
    const char *rests_on[MARK_IDS_MAX];
    size_t n = 0;
    for (size_t i = 0; i < json_array_size(ids) && n < MARK_IDS_MAX; i++) {
        const char *id = json_string_value(json_array_get(ids, i));
        if (id) rests_on[n++] = id;
    }
    answer_from_text(rec, answer, rests_on, n, out);
    return true;
}

/* --- How it ended -------------------------------------------------------- */

void answer_partial(const struct record *rec, struct final *out, int cause,
                    const char *sentence)
{
    struct arena *a = rec->reading->arena;
    if (out->status == FINAL_NOT_FOUND) {
        out->answer = words_nothing_yet(a, &out->coverage);
    } else {
        out->status = FINAL_PARTIAL;
    }
    if (out->cause) return;
    out->cause = cause;
    out->cause_message = arena_strdup(a, sentence);
}

void answer_stopped(const struct record *rec, struct final *out)
{
    if (cancel_timed_out(rec->reading->cancel)) {
        answer_partial(rec, out, LW_TIMEOUT, "the time limit ended the run");
    } else {
        answer_partial(rec, out, LW_PARTIAL, "the run was stopped before its end");
    }
}

int answer_after_error(const struct record *rec, int code, struct final *out,
                       struct lw_error *err)
{
    enum cancel_level level = cancel_level(rec->reading->cancel);
    if (level == CANCEL_ABORT || rec->n_asked == 0) return code;
    if (level == CANCEL_NONE && rec->findings.n == 0) return code;
    answer_from_findings(rec, out);
    if (level == CANCEL_FINISH) {
        answer_stopped(rec, out);
    } else {
        answer_partial(rec, out, code, err->message);
    }
    return 0;
}
