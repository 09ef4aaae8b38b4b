/* load_html.c - HTML as a person would read it, through libxml2's parser.
 *
 * The parser only reports elements and characters (SAX): no tree is built, so
 * memory is that of the text, and nothing is ever fetched. What an element
 * means is one table here; what it does to the text is html_text.h. Scripts,
 * styles, forms and what is hidden are dropped. */
#include "text/loaders.h"

#include "base/limits.h"
#include "base/mem.h"
#include "text/html_encoding.h"
#include "text/html_strip.h"
#include "text/html_tags.h"
#include "text/html_text.h"
#include "text/normal.h"

#include <ctype.h>
#include <libxml/HTMLparser.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
    FEED_BYTES = 64 * 1024,
    SEARCHED_BYTES = 1024, /* for a page, in a file of any name */
    DEPTH_MAX = 10000,     /* open elements */
    STEPS_MAX = 1 << 29,   /* over them, in all: a second or two */
};

struct reader {
    struct html_page page;
    char hidden[24];    /* name of the element that hides, "" none */
    int hidden_depth;   /* open elements of that name */
    int n_scopes;       /* in a hidden paragraph: open elements that a block stays in */
    int depth, deepest; /* open elements: now, and at most while a piece was read */
    size_t steps;       /* that the parser took over them */
    bool too_deep;
};

/* --- Elements ------------------------------------------------------------- */

enum element {
    ELEMENT_INLINE,
    ELEMENT_BLOCK,
    ELEMENT_PARAGRAPH,
    ELEMENT_HIDDEN,
    ELEMENT_BREAK,
    ELEMENT_HEADING,
    ELEMENT_LIST,
    ELEMENT_ORDERED,
    ELEMENT_ITEM,
    ELEMENT_PRE,
    ELEMENT_TABLE,
    ELEMENT_ROW,
    ELEMENT_CELL,
    ELEMENT_SUPERSCRIPT
};

/* Sorted by name, as the parser gives them: in lower case. A head is not hidden: where it
 * is left open the parser takes a body that begins with an element newer than HTML 4 for
 * a part of it, and what is no text in one is hidden by itself. */
static const struct element_name {
    const char *name;
    enum element element;
} element_names[] = {
    { "address", ELEMENT_BLOCK },
    { "article", ELEMENT_PARAGRAPH },
    { "aside", ELEMENT_PARAGRAPH },
    { "audio", ELEMENT_HIDDEN },
    { "blockquote", ELEMENT_PARAGRAPH },
    { "br", ELEMENT_BREAK },
    { "canvas", ELEMENT_HIDDEN },
    { "caption", ELEMENT_BLOCK },
    { "center", ELEMENT_BLOCK },
    { "datalist", ELEMENT_HIDDEN },
    { "dd", ELEMENT_BLOCK },
    { "details", ELEMENT_BLOCK },
    { "div", ELEMENT_BLOCK },
    { "dl", ELEMENT_PARAGRAPH },
    { "dt", ELEMENT_BLOCK },
    { "fieldset", ELEMENT_BLOCK },
    { "figcaption", ELEMENT_BLOCK },
    { "figure", ELEMENT_PARAGRAPH },
    { "footer", ELEMENT_PARAGRAPH },
    { "form", ELEMENT_BLOCK },
    { "h1", ELEMENT_HEADING },
    { "h2", ELEMENT_HEADING },
    { "h3", ELEMENT_HEADING },
    { "h4", ELEMENT_HEADING },
    { "h5", ELEMENT_HEADING },
    { "h6", ELEMENT_HEADING },
    { "header", ELEMENT_PARAGRAPH },
    { "hr", ELEMENT_PARAGRAPH },
    { "iframe", ELEMENT_HIDDEN },
    { "li", ELEMENT_ITEM },
    { "main", ELEMENT_PARAGRAPH },
    { "nav", ELEMENT_PARAGRAPH },
    { "noframes", ELEMENT_HIDDEN },
    { "noscript", ELEMENT_HIDDEN },
    { "object", ELEMENT_HIDDEN },
    { "ol", ELEMENT_ORDERED },
    { "option", ELEMENT_HIDDEN },
    { "p", ELEMENT_PARAGRAPH },
    { "pre", ELEMENT_PRE },
    { "script", ELEMENT_HIDDEN },
    { "section", ELEMENT_PARAGRAPH },
    { "select", ELEMENT_HIDDEN },
    { "style", ELEMENT_HIDDEN },
    { "summary", ELEMENT_BLOCK },
    { "sup", ELEMENT_SUPERSCRIPT },
    { "svg", ELEMENT_HIDDEN },
    { "table", ELEMENT_TABLE },
    { "td", ELEMENT_CELL },
    { "template", ELEMENT_HIDDEN },
    { "textarea", ELEMENT_HIDDEN },
    { "th", ELEMENT_CELL },
    { "tr", ELEMENT_ROW },
    { "ul", ELEMENT_LIST },
    { "video", ELEMENT_HIDDEN },
};

/* Sorted: they have no end, of which the parser knows only some, and nothing in them. */
static const char *const void_names[] = {
    "area", "base",  "basefont", "bgsound", "br",   "col",   "embed",  "frame", "hr",
    "img",  "input", "keygen",   "link",    "meta", "param", "source", "track", "wbr",
};

static int compare_names(const void *key, const void *entry)
{
    return strcmp(key, ((const struct element_name *)entry)->name);
}

static int compare_strings(const void *key, const void *entry)
{
    return strcmp(key, *(const char *const *)entry);
}

static bool is_void(const char *name)
{
    return bsearch(name, void_names, sizeof void_names / sizeof *void_names,
                   sizeof *void_names, compare_strings) != NULL;
}

static enum element element_of(const char *name)
{
    const struct element_name *found =
        bsearch(name, element_names, sizeof element_names / sizeof *element_names,
                sizeof *element_names, compare_names);
    return found ? found->element : ELEMENT_INLINE;
}

/* As browsers do it: the parser knows the elements of HTML 4 only. */
static bool ends_paragraph(const char *name)
{
    switch (element_of(name)) {
    case ELEMENT_BLOCK:
    case ELEMENT_PARAGRAPH:
    case ELEMENT_HEADING:
    case ELEMENT_LIST:
    case ELEMENT_ORDERED:
    case ELEMENT_ITEM:
    case ELEMENT_PRE:
    case ELEMENT_TABLE: return true;
    default: return false;
    }
}

/* style="display: none", whatever its blanks and case. */
static bool style_hides(const char *style)
{
    char flat[256];
    size_t n = 0;
    for (; *style && n + 1 < sizeof flat; style++) {
        if (!isspace((unsigned char)*style)) {
            flat[n++] = (char)tolower((unsigned char)*style);
        }
    }
    flat[n] = '\0';
    return strstr(flat, "display:none") || strstr(flat, "visibility:hidden");
}

static bool attributes_hide(const xmlChar **atts)
{
    for (; atts && atts[0]; atts += 2) {
        const char *name = (const char *)atts[0], *value = (const char *)atts[1];
        if (strcasecmp(name, "hidden") == 0) return true;
        if (value && strcasecmp(name, "style") == 0 && style_hides(value)) return true;
    }
    return false;
}

static void hide(struct reader *r, const char *name)
{
    snprintf(r->hidden, sizeof r->hidden, "%s", name);
    r->hidden_depth = 1;
    r->n_scopes = 0;
}

static int number_attribute(const xmlChar **atts, const char *name)
{
    for (; atts && atts[0]; atts += 2) {
        if (atts[1] && strcasecmp((const char *)atts[0], name) == 0) {
            return (int)strtol((const char *)atts[1], NULL, 10);
        }
    }
    return 1;
}

static void begin_visible(struct html_page *h, const char *name, const xmlChar **atts)
{
    switch (element_of(name)) {
    case ELEMENT_INLINE:
    case ELEMENT_HIDDEN: break;
    case ELEMENT_BLOCK: html_want_newlines(h, 1); break;
    case ELEMENT_PARAGRAPH: html_paragraph(h); break;
    case ELEMENT_BREAK: html_break(h); break;
    case ELEMENT_HEADING: html_begin_heading(h, name[1] - '0'); break;
    case ELEMENT_LIST: html_begin_list(h, HTML_UNORDERED); break;
    case ELEMENT_ORDERED: html_begin_list(h, HTML_ORDERED); break;
    case ELEMENT_ITEM: html_begin_item(h); break;
    case ELEMENT_PRE: html_begin_pre(h); break;
    case ELEMENT_TABLE: html_begin_table(h); break;
    case ELEMENT_ROW: html_begin_row(h); break;
    case ELEMENT_CELL:
        html_begin_cell(h, number_attribute(atts, "colspan"),
                        number_attribute(atts, "rowspan"));
        break;
    case ELEMENT_SUPERSCRIPT: html_begin_superscript(h); break;
    }
}

static void end_visible(struct html_page *h, const char *name)
{
    switch (element_of(name)) {
    case ELEMENT_BLOCK: html_want_newlines(h, 1); break;
    case ELEMENT_PARAGRAPH: html_paragraph(h); break;
    case ELEMENT_HEADING: html_end_heading(h); break;
    case ELEMENT_LIST:
    case ELEMENT_ORDERED: html_end_list(h); break;
    case ELEMENT_ITEM: html_end_item(h); break;
    case ELEMENT_PRE: html_end_pre(h); break;
    case ELEMENT_TABLE: html_end_table(h); break;
    case ELEMENT_ROW:
    case ELEMENT_CELL: html_end_cell(h); break;
    default: break;
    }
}

/* --- What the parser reports ---------------------------------------------- */

static bool names_hidden(const struct reader *r, const char *name)
{
    return strncasecmp(name, r->hidden, sizeof r->hidden - 1) == 0;
}

/* A block in one of these does not end the paragraph around it. */
static bool is_scope(const char *name)
{
    bool hides = element_of(name) == ELEMENT_HIDDEN && !is_void(name);
    return hides || strcasecmp(name, "button") == 0;
}

static void on_start(void *user, const xmlChar *element, const xmlChar **atts)
{
    struct reader *r = user;
    const char *name = (const char *)element;
    if (++r->depth > r->deepest) r->deepest = r->depth;
    bool in_paragraph = names_hidden(r, "p");
    if (in_paragraph && r->n_scopes == 0 && ends_paragraph(name)) r->hidden[0] = '\0';
    if (r->hidden[0]) {
        r->hidden_depth += names_hidden(r, name);
        r->n_scopes += is_scope(name);
    } else if (element_of(name) == ELEMENT_HIDDEN ||
               (!is_void(name) && attributes_hide(atts))) {
        hide(r, name);
    } else {
        begin_visible(&r->page, name, atts);
    }
}

static void on_end(void *user, const xmlChar *element)
{
    struct reader *r = user;
    const char *name = (const char *)element;
    if (r->depth > 0) r->depth--;
    if (!r->hidden[0]) {
        end_visible(&r->page, name);
        return;
    }
    r->hidden_depth -= names_hidden(r, name);
    r->n_scopes -= is_scope(name);
    if (r->hidden_depth == 0) r->hidden[0] = '\0';
}

static void on_text(void *user, const xmlChar *s, int len)
{
    struct reader *r = user;
    if (!r->hidden[0] && len > 0) html_add_text(&r->page, (const char *)s, (size_t)len);
}

/* Scripts and styles come as CDATA: hidden already, but never text. */
static void on_cdata(void *user, const xmlChar *s, int len)
{
    (void)user;
    (void)s;
    (void)len;
}

static void on_problem(void *user, const char *fmt, ...)
{
    (void)user;
    (void)fmt;
}

/* --- Is it HTML? ---------------------------------------------------------- */

static const char *skip_up_to(const char *s, const char *end, const char *mark)
{
    for (; (s = memchr(s, mark[0], (size_t)(end - s))) != NULL; s++) {
        if (html_starts_with(s, end, mark)) return s + strlen(mark);
    }
    return end;
}

/* Behind what may stand before a page: a byte order mark, white space, comments, an XML
 * declaration and its like, what a server would run. A program of PHP is none of it. */
static const char *skip_prologue(const char *s, const char *end)
{
    if (html_starts_with(s, end, "\xef\xbb\xbf")) s += 3;
    for (;;) {
        s = html_skip_blanks(s, end);
        if (html_starts_with(s, end, "<!--")) {
            s = html_skip_comment(s, end);
        } else if (html_starts_with(s, end, "<?") && !html_starts_with(s, end, "<?php")) {
            s = skip_up_to(s, end, ">");
        } else if (html_starts_with(s, end, "<%")) {
            s = skip_up_to(s, end, "%>");
        } else {
            return s;
        }
    }
}

static bool is_doctype(const char *s, const char *end)
{
    if (!html_starts_with(s, end, "<!doctype")) return false;
    return html_starts_with(html_skip_blanks(s + strlen("<!doctype"), end), end, "html");
}

static bool is_root(const char *s, const char *end)
{
    const char *behind = s + strlen("<html");
    return html_starts_with(s, end, "<html") && behind < end &&
           (*behind == '>' || isspace((unsigned char)*behind));
}

/* A page behind something else: a saved HTTP header, an envelope of SGML. */
static bool has_page(const char *s, const char *end)
{
    for (; (s = memchr(s, '<', (size_t)(end - s))) != NULL; s++) {
        if (is_doctype(s, end) || is_root(s, end)) return true;
    }
    return false;
}

/* What a file begins with says what it is: source code and Markdown speak of <html>
 * further on. Only where its name says nothing that counts, too. */
static int sniff(const char *path, const unsigned char *head, size_t len)
{
    const char *start = (const char *)head, *end = start + len;
    if (normal_is_binary(head, len)) return 0;
    const char *first = skip_prologue(start, end);
    if (is_doctype(first, end)) return 95;
    if (is_root(first, end)) return 90;
    if (load_has_extension(path, "html htm xhtml") && memchr(head, '<', len)) return 80;
    const char *stop = start + (len < SEARCHED_BYTES ? len : SEARCHED_BYTES);
    return first < stop && has_page(first, stop) ? 20 : 0;
}

/* --- The loader ----------------------------------------------------------- */

static size_t count_end_tags(const char *s, const char *end)
{
    size_t n = 0;
    while ((s = memchr(s, '<', (size_t)(end - s))) != NULL && ++s < end) n += *s == '/';
    return n;
}

/* The parser looks for each end tag among all open elements, and where it closes none,
 * in vain: pages of both are the work of hours. */
static void parse_piece(htmlParserCtxtPtr ctxt, struct reader *r, const char *bytes,
                        size_t len)
{
    r->deepest = r->depth;
    htmlParseChunk(ctxt, bytes, (int)len, 0);
    r->steps += count_end_tags(bytes, bytes + len) * (size_t)r->deepest;
    r->too_deep = r->deepest > DEPTH_MAX || r->steps > STEPS_MAX;
}

/* Feed the parser in pieces, so that a cancel is seen. */
static int feed(htmlParserCtxtPtr ctxt, struct reader *r, const char *bytes, size_t len,
                const struct cancel *cancel)
{
    for (size_t at = 0; at < len && !r->too_deep && !html_page_failed(&r->page);) {
        size_t n = len - at < FEED_BYTES ? len - at : FEED_BYTES;
        if (cancel_level(cancel) != CANCEL_NONE) return LW_CANCELLED;
        parse_piece(ctxt, r, bytes + at, n);
        at += n;
    }
    htmlParseChunk(ctxt, NULL, 0, 1);
    return 0;
}

static int stopped(const char *path, struct lw_error *err)
{
    return err_set(err, LW_ERR_INPUT, "%s was not read: the run was stopped", path);
}

static void warn_cut(const struct reader *r, const char *path,
                     const struct load_options *opt)
{
    if (r->deepest > DEPTH_MAX) {
        load_warn(opt, "%s nests more than %d elements; what follows was not read", path,
                  DEPTH_MAX);
    } else if (r->too_deep) {
        load_warn(opt,
                  "%s has %d elements that are not closed and too many end tags to look "
                  "for among them; what follows was not read",
                  path, r->deepest);
    }
}

/* The bytes are UTF-8, whatever a <meta> among them says. */
static int parse(struct reader *r, const char *path, char *bytes, size_t len,
                 const struct load_options *opt, struct lw_error *err)
{
    htmlSAXHandler sax = {
        .startElement = on_start,
        .endElement = on_end,
        .characters = on_text,
        .ignorableWhitespace = on_text,
        .cdataBlock = on_cdata,
        .warning = on_problem,
        .error = on_problem,
        .fatalError = on_problem,
    };
    htmlParserCtxtPtr ctxt =
        htmlCreatePushParserCtxt(&sax, r, NULL, 0, NULL, XML_CHAR_ENCODING_UTF8);
    if (!ctxt) return err_set(err, LW_ERR, "no memory to read %s", path);
    htmlCtxtUseOptions(ctxt, HTML_PARSE_NONET | HTML_PARSE_NOERROR |
                                 HTML_PARSE_NOWARNING | HTML_PARSE_IGNORE_ENC);
    len = html_strip(bytes, len);
    int code = feed(ctxt, r, bytes, len, opt->cancel);
    htmlFreeParserCtxt(ctxt);
    if (code) return stopped(path, err);
    while (r->page.n_tables > 0) html_end_table(&r->page);
    warn_cut(r, path, opt);
    if (!html_page_failed(&r->page)) return 0;
    return err_set(err, LW_ERR_INPUT, "%s holds more than %d MB of text; split it", path,
                   LIMIT_TEXT_BYTES >> 20);
}

static void warn_encoding(const char *path, const struct html_encoding *was,
                          const struct load_options *opt)
{
    if (!was->declared) {
        load_warn_guess(path, was->guessed, opt);
    } else if (was->n_malformed > 0) {
        load_warn(opt, "%s has %zu byte%s outside its encoding, shown as U+FFFD", path,
                  was->n_malformed, was->n_malformed == 1 ? "" : "s");
    }
}

static int parse_decoded(struct reader *r, const char *path, char *bytes, size_t len,
                         const struct load_options *opt, struct lw_error *err)
{
    struct html_encoding was;
    int code = html_decode(&bytes, &len, &was, opt->cancel, err);
    if (code == LW_CANCELLED) {
        code = stopped(path, err);
    } else if (code) {
        err_prefix(err, "%s", path);
    } else {
        warn_encoding(path, &was, opt);
        code = parse(r, path, bytes, len, opt, err);
    }
    mem_free(bytes);
    return code;
}

static int load(const char *path, char *bytes, size_t len, const struct load_options *opt,
                struct doc **out, struct lw_error *err)
{
    struct doc *doc = doc_new(path, DOC_HTML, NULL, 0);
    struct reader r = { .depth = 0 };
    html_page_init(&r.page, doc);
    int code = parse_decoded(&r, path, bytes, len, opt, err);
    if (!code) {
        doc->text = buf_take(&r.page.out, &doc->len);
        doc_sort_spans(doc);
        *out = doc;
    } else {
        doc_free(doc);
    }
    html_page_release(&r.page);
    return code;
}

const struct loader load_as_html = {
    .name = "html",
    .kind = DOC_HTML,
    .sniff = sniff,
    .load = load,
};
