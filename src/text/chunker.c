/* chunker.c - one walk over the text, cutting where its structure does.
 *
 * From the end of the last chunk a window opens, from half the size aimed at
 * to a quarter beyond it; every line that begins in it is a candidate, and the
 * strongest boundary wins, the nearest to the aim among equals. Only where no
 * line can be cut at do sentences, words and characters come in. Sizes are
 * estimated from the bytes a token had in the chunks before; the one count a
 * chunk gets decides, and a chunk that counts too much is cut again, shorter.
 *
 * Every byte is looked at a fixed number of times: lines are never followed
 * beyond the window, or a document of one line would be read once a chunk. */
#include "text/chunker.h"

#include "base/utf8.h"
#include "text/lines.h"
#include "text/quote.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

/* Boundaries by strength. A heading of depth n is HEADING - n. */
enum strength {
    CUT_NONE,
    CUT_AFTER_HEADING, /* between a heading and its text */
    CUT_CODE_LINE,     /* inside a code block */
    CUT_CODE_BLANK,
    CUT_LINE, /* a list item, a row, a line broken on purpose */
    CUT_PARAGRAPH,
    CUT_PAGE,
    CUT_HEADING = 100
};

enum { LOOK_AHEAD = 256 }; /* bytes beyond a window that tell what a line there is */

static const double first_bytes_per_token = 3.5;

/* Which spans cover a place: carried along while places only grow. */
struct sweep {
    size_t next_span;
    size_t row_end, code_end;
};

struct chunker {
    const struct doc *doc;
    int index;
    const struct chunk_options *opt;
    struct chunk_list *list;
    double bytes_per_token;
    struct sweep sweep; /* at the start of the chunk that is being cut */
};

struct cut {
    size_t pos;
    int strength;
};

struct window {
    size_t start;          /* of the chunk */
    size_t low, aim, high; /* the cut lies in (start, high], better not below low */
};

static size_t distance(size_t a, size_t b)
{
    return a > b ? a - b : b - a;
}

/* --- Spans ---------------------------------------------------------------- */

static void pass_span(struct sweep *s, const struct span *span)
{
    if (span->kind == SPAN_TABLE_ROW && span->end > s->row_end) s->row_end = span->end;
    if (span->kind == SPAN_CODE && span->end > s->code_end) s->code_end = span->end;
    s->next_span++;
}

static void sweep_to(const struct doc *doc, struct sweep *s, size_t pos)
{
    while (s->next_span < doc->n_spans && doc->spans[s->next_span].start < pos) {
        pass_span(s, &doc->spans[s->next_span]);
    }
}

/* Strength of the line's start by the spans alone, CUT_NONE if they say
 * nothing, -1 if it must not be cut at. The sweep moves on to the line. */
static int span_strength(const struct doc *doc, struct sweep *s, const struct line *line)
{
    int strength = CUT_NONE;
    sweep_to(doc, s, line->start);
    bool in_row = line->start < s->row_end;
    while (s->next_span < doc->n_spans && doc->spans[s->next_span].start <= line->body) {
        const struct span *span = &doc->spans[s->next_span];
        bool first = span->start == line->start;
        if (span->kind == SPAN_HEADING && strength < CUT_HEADING - span->number) {
            strength = CUT_HEADING - span->number;
        } else if (span->kind == SPAN_PAGE && first && strength < CUT_PAGE) {
            strength = CUT_PAGE;
        } else if (span->kind == SPAN_CODE && first && strength < CUT_PARAGRAPH) {
            strength = CUT_PARAGRAPH;
        }
        pass_span(s, span);
    }
    return in_row ? -1 : strength;
}

/* --- Lines ---------------------------------------------------------------- */

struct walker {
    const struct doc *doc;
    struct sweep sweep;
    struct line before; /* the line above, blank or not */
    bool after_heading; /* only blank lines since a heading */
    size_t width;       /* of the paragraph, see lines.h */
};

/* A page that begins in the middle of a sentence is no better than a line. */
static bool goes_on(const struct doc *doc, const struct line *line)
{
    char c = line->body < line->end ? doc->text[line->body] : '\0';
    return c >= 'a' && c <= 'z';
}

static int line_strength(struct walker *w, const struct line *line)
{
    bool in_code = line->start < w->sweep.code_end;
    int strength = span_strength(w->doc, &w->sweep, line);
    bool heading = strength > CUT_PAGE;
    if (strength < 0) return CUT_NONE;
    if (strength == CUT_PAGE && goes_on(w->doc, line)) strength = CUT_NONE;
    if (line->kind == LINE_BLANK && strength != CUT_PAGE) return CUT_NONE;
    if (strength == CUT_NONE) {
        bool blank = w->before.kind == LINE_BLANK;
        if (in_code) {
            strength = blank ? CUT_CODE_BLANK : CUT_CODE_LINE;
        } else if (blank) {
            strength = CUT_PARAGRAPH;
        } else if (lines_break(w->doc->text, &w->before, line, w->width)) {
            strength = CUT_LINE;
        }
    }
    if (w->after_heading && strength > CUT_AFTER_HEADING) strength = CUT_AFTER_HEADING;
    w->after_heading = heading;
    return strength;
}

/* The strongest line start of the window, CUT_NONE if it has none. */
static struct cut find_line(const struct doc *doc, const struct window *win,
                            const struct sweep *sweep)
{
    struct walker w = { .doc = doc, .sweep = *sweep, .before = { .kind = LINE_BLANK } };
    struct cut best = { .pos = win->start, .strength = CUT_NONE };
    size_t end = doc->len - win->high > LOOK_AHEAD ? win->high + LOOK_AHEAD : doc->len;
    for (size_t pos = win->start; pos <= win->high && pos < end;) {
        struct line line = line_at(doc->text, end, pos);
        if (w.before.kind == LINE_BLANK) w.width = lines_width(doc->text, end, pos);
        int strength = line_strength(&w, &line);
        bool better = strength > best.strength ||
                      (strength == best.strength &&
                       distance(pos, win->aim) <= distance(best.pos, win->aim));
        if (strength > CUT_NONE && pos >= win->low && pos > win->start && better) {
            best = (struct cut){ .pos = pos, .strength = strength };
        }
        w.before = line;
        pos = line.next;
    }
    return best;
}

/* --- Below lines ---------------------------------------------------------- */

struct sentence_search {
    const struct window *win;
    size_t best; /* win->start: none yet */
};

static void see_sentence(void *user, size_t start, size_t end)
{
    struct sentence_search *s = user;
    size_t pos = s->win->start + start;
    (void)end;
    if (start == 0 || pos < s->win->low || pos >= s->win->high) return;
    if (s->best == s->win->start ||
        distance(pos, s->win->aim) < distance(s->best, s->win->aim)) {
        s->best = pos;
    }
}

/* After the white space nearest below the end of the window. */
static size_t find_word(const struct doc *doc, const struct window *win)
{
    for (size_t pos = win->high; pos > win->low && pos > win->start + 1; pos--) {
        char c = doc->text[pos - 1];
        if (c == ' ' || c == '\n' || c == '\t' || c == '\f') return pos;
    }
    return win->start;
}

static size_t find_character(const struct doc *doc, const struct window *win)
{
    uint32_t cp;
    size_t pos = utf8_floor(doc->text, doc->len, win->high);
    if (pos > win->start) return pos;
    const char *s = doc->text + win->start;
    return win->start + (size_t)utf8_decode(s, doc->text + doc->len, &cp);
}

static size_t find_cut(const struct doc *doc, const struct window *win,
                       const struct sweep *sweep)
{
    if (win->low == win->high && win->high > win->start) return win->high;
    struct cut line = find_line(doc, win, sweep);
    if (line.strength >= CUT_CODE_LINE) return line.pos;
    struct sentence_search search = { .win = win, .best = win->start };
    quote_sentences(doc->text + win->start, win->high - win->start, see_sentence,
                    &search);
    if (search.best > win->start) return search.best;
    if (line.strength > CUT_NONE) return line.pos;
    size_t word = find_word(doc, win);
    return word > win->start ? word : find_character(doc, win);
}

/* --- Sizes ---------------------------------------------------------------- */

static int count(const struct chunker *c, size_t start, size_t end)
{
    const struct chunk_options *opt = c->opt;
    if (!opt->count_tokens) return (int)((end - start + 2) / 3);
    return opt->count_tokens(opt->user, c->doc->text + start, end - start);
}

static size_t bytes_of(const struct chunker *c, double tokens)
{
    double bytes = tokens * c->bytes_per_token;
    return bytes < 1 ? 1 : (size_t)bytes;
}

/* Start of the next heading of depth 1 after pos, or the end of the text; gives
 * up beyond `far`. */
static size_t next_section(const struct doc *doc, size_t pos, size_t far)
{
    size_t low = 0, high = doc->headings.n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (doc->spans[doc->headings.at[middle]].start <= pos) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    for (; low < doc->headings.n; low++) {
        const struct span *span = &doc->spans[doc->headings.at[low]];
        if (span->start > far) break;
        if (span->number == 1) return span->start;
    }
    return doc->len;
}

/* Where the text from start must end at the latest for the sake of a heading
 * of depth 1: before the next one, unless the text before it and its own
 * section are both under half a chunk, or there is next to nothing before it. */
static size_t section_end(const struct chunker *c, size_t start, size_t aim)
{
    const struct doc *doc = c->doc;
    size_t far = start + 2 * aim;
    size_t section = next_section(doc, start, far);
    while (section < doc->len) {
        size_t after = next_section(doc, section, far);
        bool tiny = section - start <= aim / 2 && after - section <= aim / 2;
        if (!tiny && section - start > aim / 16) return section;
        section = after;
    }
    return doc->len;
}

/* The window of the chunk that starts at start, at most `most` bytes long. */
static struct window open_window(const struct chunker *c, size_t start, size_t most)
{
    size_t aim = bytes_of(c, c->opt->tokens_target);
    size_t most_wanted = aim + aim / 4;
    size_t end = section_end(c, start, aim);
    if (most > most_wanted) most = most_wanted;
    if (end - start <= most) {
        return (struct window){ .start = start, .low = end, .aim = end, .high = end };
    }
    size_t rest = end - start;
    if (rest < 2 * aim) aim = rest / 2; /* two halves rather than a crumb */
    if (aim > most) aim = most;
    return (struct window){ .start = start,
                            .low = start + aim / 2,
                            .aim = start + aim,
                            .high = utf8_floor(c->doc->text, c->doc->len, start + most) };
}

/* --- Chunks --------------------------------------------------------------- */

static void learn(struct chunker *c, size_t bytes, int n_tokens)
{
    if (!c->opt->count_tokens || n_tokens < 1) return;
    c->bytes_per_token = (c->bytes_per_token + (double)bytes / n_tokens) / 2;
}

/* What a token is worth in this document, from its first piece. */
static void learn_first(struct chunker *c)
{
    size_t sample = bytes_of(c, c->opt->tokens_target);
    if (!c->opt->count_tokens || c->doc->len == 0) return;
    sample = utf8_floor(c->doc->text, c->doc->len, sample);
    int n_tokens = sample > 0 ? count(c, 0, sample) : 0;
    if (n_tokens > 0) c->bytes_per_token = (double)sample / n_tokens;
}

static void add_chunk(const struct chunker *c, size_t start, size_t end, int n_tokens)
{
    chunk_list_add(c->list, (struct chunk){ .doc = c->index,
                                            .start = start,
                                            .end = end,
                                            .n_tokens = n_tokens,
                                            .page_first = doc_page_at(c->doc, start),
                                            .page_last = doc_page_at(c->doc, end - 1) });
}

/* Cut shorter and shorter until the count fits; each try is at most nine
 * tenths of the one before. */
static int next_chunk(struct chunker *c, size_t start, size_t *end, struct lw_error *err)
{
    size_t most = bytes_of(c, c->opt->tokens_max);
    sweep_to(c->doc, &c->sweep, start);
    for (;;) {
        struct window win = open_window(c, start, most);
        *end = find_cut(c->doc, &win, &c->sweep);
        assert(*end > start && *end <= c->doc->len);
        size_t bytes = *end - start;
        int n_tokens = count(c, start, *end);
        learn(c, bytes, n_tokens);
        if (n_tokens <= c->opt->tokens_max) {
            add_chunk(c, start, *end, n_tokens);
            return 0;
        }
        if (utf8_floor(c->doc->text + start, bytes, bytes - 1) == 0) {
            return err_set(err, LW_ERR_INPUT,
                           "%s has a character that counts %d tokens; "
                           "%d is the most a chunk may have",
                           c->doc->name, n_tokens, c->opt->tokens_max);
        }
        double fits = (double)bytes * c->opt->tokens_max / n_tokens;
        most = (size_t)(fits < 0.9 * (double)bytes ? fits : 0.9 * (double)bytes);
        if (most == 0) most = 1;
    }
}

int chunk_document(const struct doc_set *set, int index, const struct chunk_options *opt,
                   struct chunk_list *list, struct lw_error *err)
{
    struct chunker c = {
        .doc = set->docs[index],
        .index = index,
        .opt = opt,
        .list = list,
        .bytes_per_token = opt->count_tokens ? first_bytes_per_token : 3,
    };
    assert(opt->tokens_max > 0 && opt->tokens_target > 0);
    learn_first(&c);
    for (size_t pos = 0, end; pos < c.doc->len; pos = end) {
        int code = next_chunk(&c, pos, &end, err);
        if (code) return code;
    }
    return 0;
}
