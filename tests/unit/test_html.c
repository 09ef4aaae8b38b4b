/* test_html.c - HTML: the case files, and pages that try to break the loader. */
#include "cases.h"
#include "documents.h"

#include "base/buf.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "text/loaders.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct doc *load(struct doc_set *set, const char *html, size_t len)
{
    int index = documents_add(set, DOC_HTML, html, len);
    return set->docs[index];
}

static void add_span(char *out, size_t room, const struct doc *doc,
                     const struct span *span)
{
    char *text = case_escape(doc->text + span->start, span->end - span->start);
    size_t used = strlen(out);
    if (span->kind == SPAN_HEADING) {
        snprintf(out + used, room - used, "heading %d: %s\n", span->number, text);
    } else {
        snprintf(out + used, room - used, "%s: %s\n",
                 span->kind == SPAN_CODE ? "code" : "row", text);
    }
    free(text);
}

static void check_case(const struct test_case *c)
{
    struct doc_set set;
    char spans[4096] = "";
    doc_set_init(&set);
    const char *input = case_need(c, "input");
    const struct doc *doc = load(&set, input, strlen(input));
    case_equal(c, "output", doc->text, doc->len);
    for (size_t i = 0; i < doc->n_spans; i++) {
        add_span(spans, sizeof spans, doc, &doc->spans[i]);
    }
    if (case_text(c, "spans")) case_equal(c, "spans", spans, strlen(spans));
    doc_set_release(&set);
}

static void test_cases(void **state)
{
    (void)state;
    cases_run("tests/cases/html", check_case);
}

static void check_text(const char *html, size_t len, const char *want)
{
    struct doc_set set;
    doc_set_init(&set);
    assert_string_equal(load(&set, html, len)->text, want);
    doc_set_release(&set);
}

static void test_encodings(void **state)
{
    (void)state;
    static const char utf8[] = "<html><meta charset=latin1><p>\xc3\xa9</p>";
    static const char latin1[] = "<html><meta charset=iso-8859-1><p>\xe9t\xe9</p>";
    static const char cyrillic[] = "<html><meta charset=windows-1251><p>\xc4\xe0</p>";
    static const char none[] = "<html><p>\xe9t\xe9</p>";
    static const char utf16[] = "\xff\xfe<\0p\0>\0\xe9\0<\0/\0p\0>\0";
    check_text(utf8, sizeof utf8 - 1, "é");
    check_text(latin1, sizeof latin1 - 1, "été");
    check_text(cyrillic, sizeof cyrillic - 1, "Да");
    check_text(none, sizeof none - 1, "été");
    check_text(utf16, sizeof utf16 - 1, "é");
}

/* What a page becomes, and a word of its warning, "" none. */
static void check_page(const char *html, size_t len, const char *want,
                       const char *warning)
{
    struct documents_warnings warnings = { .n = 0 };
    struct load_options opt = documents_options(&warnings);
    struct doc *doc = NULL;
    char *bytes = calloc(1, len + 1);
    assert_non_null(bytes);
    memcpy(bytes, html, len);
    assert_int_equal(load_as_html.load("page.html", bytes, len, &opt, &doc, NULL), 0);
    assert_string_equal(doc->text, want);
    assert_int_equal(warnings.n, warning[0] != '\0');
    assert_non_null(strstr(warnings.text, warning));
    doc_free(doc);
}

#define CHECK_PAGE(html, want, warning) \
    check_page("<html>" html, sizeof "<html>" html - 1, want, warning)

/* As browsers read them, and nothing is lost behind a byte that does not fit. */
static void test_declared_encodings(void **state)
{
    (void)state;
    CHECK_PAGE("<meta charset=us-ascii><p>it\x92s</p>all", "it’s\n\nall", "");
    CHECK_PAGE("<meta charset='Windows-1252'>\x80 5", "€ 5", "");
    CHECK_PAGE("<meta charset=gb2312>\xd6\xd0 \x81\x40 all", "中 丂 all", "");
    CHECK_PAGE("<meta charset=gb2312>\xff<p>\x81\x20 all",
               "\xef\xbf\xbd\n\n\xef\xbf\xbd all", "2 bytes outside its encoding");
    CHECK_PAGE("<meta charset=big5>\xa4\xa4\xff all", "中\xef\xbf\xbd all",
               "1 byte outside");
    CHECK_PAGE("<meta charset=euc-kr>\xb0\xa1\x8c\x41\xff all", "가똀\xef\xbf\xbd all",
               "1 byte");
    CHECK_PAGE("<meta charset=shift_jis>\x93\xfa\x87\x40\xfd all", "日①\xef\xbf\xbd all",
               "1 byte");
    CHECK_PAGE("<meta charset=euc-jp>\xc6\xfc\xff all", "日\xef\xbf\xbd all", "1 byte");
    CHECK_PAGE("<meta charset=iso-2022-jp>\x1b$BF|\x1b(B all", "日 all", "");
    CHECK_PAGE("<meta charset=koi8-r>\xe4\xc1<p>all", "Да\n\nall", "");
    CHECK_PAGE("<meta charset=gb2312>all \xd6", "all \xef\xbf\xbd", "1 byte");
}

/* The same letter in each, by one of the rarer names of its encoding. */
static void test_rare_names_of_encodings(void **state)
{
    (void)state;
    static const struct {
        const char *name, *bytes, *want;
    } encodings[] = {
        { "x-mac-cyrillic", "\x84\xa2", "ДҐ" },
        { "X-Mac-Ukrainian", "\x84\xb6", "Дґ" },
        { "iso-8859-8-e", "\xe0", "א" },
        { "visual", "\xe0", "א" },
        { "asmo-708", "\xc7", "ا" },
        { "ECMA-114", "\xc7", "ا" },
        { "ecma-118", "\xe1", "α" },
        { "ELOT_928", "\xe1", "α" },
        { "greek8", "\xe1", "α" },
        { "iso88592", "\xb1", "ą" },
        { "iso885915", "\xa4", "€" },
        { "iso-ir-144", "\xb4", "Д" },
        { "ISO_8859-5:1988", "\xb4", "Д" },
        { "csISOLatin2", "\xb1", "ą" },
        { "csISOLatinCyrillic", "\xb4", "Д" },
        { "csKOI8R", "\xe4", "Д" },
        { "csEUCKR", "\xb0\xa1", "가" },
        { "csGB2312", "\xd6\xd0", "中" },
        { "csEUCPkdFmtJapanese", "\xc6\xfc", "日" },
        { "cp437", "\x82", "é" },
        { "IBM850", "\xb5", "Á" },
        { "cp852", "\xa5", "ą" },
        { "ibm855", "\xa7", "Д" },
        { "cp775", "\xd0", "ą" },
        { "cp737", "\x98", "α" },
        { "cp857", "\xa7", "ğ" },
        { "ibm00858", "\xd5", "€" },
        { "csIBM866", "\x84", "Д" },
    };
    for (size_t i = 0; i < sizeof encodings / sizeof *encodings; i++) {
        char html[200];
        int n = snprintf(html, sizeof html, "<html><meta charset=%s><p>%s",
                         encodings[i].name, encodings[i].bytes);
        check_page(html, (size_t)n, encodings[i].want, "");
    }
}

/* Names that browsers do not know declare nothing; a byte more is no end either. */
static void test_no_encoding_declared(void **state)
{
    (void)state;
    CHECK_PAGE("<meta charset=utf-7>+AOk- caf\xe9<p>all", "+AOk- café\n\nall", "Latin-1");
    CHECK_PAGE("<meta charset=utf-16>caf\xe9<p>all", "café\n\nall", "Latin-1");
    CHECK_PAGE("<meta charset=nonsense//IGNORE>caf\xe9<p>all", "café\n\nall", "Latin-1");
    CHECK_PAGE("<meta charset=utf-8>é è \xff<p>all", "é è \xef\xbf\xbd\n\nall",
               "malformed");
    CHECK_PAGE("a\0b<p>all", "a b\n\nall", "");
}

static void test_where_encodings_are_declared(void **state)
{
    (void)state;
    static const char xml[] = "<?xml version='1.0' encoding=\"koi8-r\"?><p>\xe4</p>";
    check_page(xml, sizeof xml - 1, "Д", "");
    CHECK_PAGE(
        "<meta http-equiv=Content-Type content='text/html; charset=\"koi8-r\"'>\xe4", "Д",
        "");
    CHECK_PAGE(
        "<META CONTENT=\"text/html;charset = KOI8-R\" HTTP-EQUIV=content-type>\xe4", "Д",
        "");
    CHECK_PAGE("<meta name=x content='charset=big5'><meta charset=koi8-r>\xe4", "Д", "");
    CHECK_PAGE("<!-- <meta charset=big5> --><meta charset=koi8-r>\xe4", "Д", "");
    CHECK_PAGE("<meta charset=nonsense><meta/charset=koi8-r />\xe4", "Д", "");
    CHECK_PAGE("<!--><meta charset=koi8-r>\xe4", "Д", "");
    CHECK_PAGE("<meta title=' charset=koi8-r>\xe4", "Д", "");
    CHECK_PAGE("<metal charset=koi8-r>\xe4 all", "ä all", "Latin-1");
}

/* The first declaration counts, also where it is one of UTF-8. */
static void test_utf8_is_declared_first(void **state)
{
    (void)state;
    static const char xml[] = "<?xml version='1.0' encoding='utf8'?><meta "
                              "charset=big5><p>\xc3\xa9\xc3\xa8 \xff</p>";
    static const char latin1[] =
        "<meta http-equiv=Content-Type content=\"text/html; charset=iso-8859-1\">";
    static const char *const names[] = { "utf-8", "UTF8", "unicode-1-1-utf-8",
                                         "utf-16le" };
    check_page(xml, sizeof xml - 1, "éè \xef\xbf\xbd", "malformed");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char html[200];
        int n = snprintf(html, sizeof html, "<meta charset=%s>%s\xc3\xa9 \xc3\xa8 \xff",
                         names[i], latin1);
        check_page(html, (size_t)n, "é è \xef\xbf\xbd", "malformed");
    }
}

/* Characters that lie across the borders of what is decoded at a time. */
static void test_long_page_of_two_bytes(void **state)
{
    (void)state;
    enum { N = 300001 };
    static const char head[] = "<html><meta charset=gbk>x";
    size_t at = sizeof head - 1;
    char *html = malloc(at + 2 * N), *want = malloc(3 * N + 2);
    assert_non_null(html);
    assert_non_null(want);
    memcpy(html, head, at);
    want[0] = 'x';
    for (size_t i = 0; i < N; i++) memcpy(html + at + 2 * i, "\xd6\xd0", 2);
    for (size_t i = 0; i < N; i++) memcpy(want + 1 + 3 * i, "中", 3);
    want[1 + 3 * N] = '\0';
    check_page(html, at + 2 * N, want, "");
    free(html);
    free(want);
}

/* n times the opening, then the middle, then n times the closing. */
static char *nest(const char *opening, const char *middle, const char *closing, size_t n,
                  size_t *len)
{
    size_t a = strlen(opening), b = strlen(middle), c = strlen(closing);
    *len = n * a + b + n * c;
    char *html = calloc(1, *len + 1);
    assert_non_null(html);
    for (size_t i = 0; i < n; i++) memcpy(html + i * a, opening, a);
    memcpy(html + n * a, middle, b);
    for (size_t i = 0; i < n; i++) memcpy(html + n * a + b + i * c, closing, c);
    return html;
}

/* However long the styles in front of it are; not what is written in scripts. */
static void test_late_declaration(void **state)
{
    (void)state;
    static const char *const closings[] = {
        "</style><meta charset=koi8-r>\xe4",
        "</style><script>'<meta charset=big5>'</script><meta charset=koi8-r>\xe4",
        "</style><a title='<meta charset=big5>'></a><meta charset=koi8-r>\xe4",
    };
    for (size_t i = 0; i < sizeof closings / sizeof *closings; i++) {
        for (size_t n = 900; n < 5000; n += n < 940 ? 1 : 2000) {
            size_t len;
            char *styles = nest("b { c }\n ", closings[i], "", n, &len);
            char *html = malloc(len + 8);
            assert_non_null(html);
            memcpy(html, "<style>\n", 8);
            memcpy(html + 8, styles, len);
            check_page(html, len + 8, "Д", "");
            free(html);
            free(styles);
        }
    }
}

/* The search for a declaration takes time linear in the page. */
static void test_endless_metas(void **state)
{
    (void)state;
    static const char *const parts[] = { "<meta a ", "<meta a='", "<script/>", "<!-->",
                                         "<style " };
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        struct doc_set set;
        size_t len;
        char *html = nest(parts[i], "\xe4", "", 300000, &len);
        doc_set_init(&set);
        load(&set, html, len);
        doc_set_release(&set);
        free(html);
    }
}

static void test_deep_nesting(void **state)
{
    (void)state;
    static const struct {
        const char *opening, *closing;
    } kinds[] = {
        { "<div>", "</div>" }, { "<ul><li>", "</ul>" },
        { "<b>", "</i>" },     { "<table><tr><td>", "</table>" },
        { "<pre>", "</pre>" }, { "<h1>", "</h1>" },
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        size_t len;
        char *html = nest(kinds[i].opening, "word", kinds[i].closing, 3000, &len);
        struct doc_set set;
        doc_set_init(&set);
        assert_non_null(strstr(load(&set, html, len)->text, "word"));
        doc_set_release(&set);
        free(html);
    }
}

static void test_too_deep_is_said(void **state)
{
    (void)state;
    size_t len;
    char *html = nest("<div>", "word", "</div>", 50000, &len);
    struct documents_warnings warnings = { .n = 0 };
    struct load_options opt = documents_options(&warnings);
    struct doc *doc = NULL;
    assert_int_equal(load_as_html.load("deep.html", html, len, &opt, &doc, NULL), 0);
    assert_int_equal(warnings.n, 1);
    assert_non_null(strstr(warnings.text, "deep.html nests more than"));
    doc_free(doc);
}

/* Each end tag is looked for among all open elements: a minute, if all were read. */
static void test_end_tags_of_nothing(void **state)
{
    (void)state;
    enum { DEEP = 9000, MANY = 2000000 };
    struct documents_warnings warnings = { .n = 0 };
    struct load_options opt = documents_options(&warnings);
    struct doc *doc = NULL;
    struct buf html;
    size_t len;
    buf_init(&html, DEEP * 3 + MANY * 4 + 100);
    buf_add_str(&html, "<html>word");
    for (int i = 0; i < DEEP; i++) buf_add_str(&html, "<b>");
    for (int i = 0; i < MANY; i++) buf_add_str(&html, "</x>");
    char *bytes = buf_take(&html, &len);
    assert_int_equal(load_as_html.load("deep.html", bytes, len, &opt, &doc, NULL), 0);
    assert_string_equal(doc->text, "word");
    assert_int_equal(warnings.n, 1);
    assert_non_null(strstr(warnings.text, "deep.html has 900"));
    doc_free(doc);
    buf_release(&html);
}

/* Each attribute is compared with all before it: a minute and more, if they stayed. */
static void test_endless_tags(void **state)
{
    (void)state;
    enum { N = 400000 };
    static const char *const tails[] = { " ", "=1 ", "/", "='>'" };
    for (size_t i = 0; i < sizeof tails / sizeof *tails; i++) {
        struct buf html;
        struct doc_set set;
        buf_init(&html, N * 12 + 1000);
        buf_add_str(&html, "<p>before<p title='x > y' ");
        for (int j = 0; j < N; j++) buf_addf(&html, "a%06d%s", j, tails[i]);
        buf_add_str(&html, ">behind</p><script>if (a<b) s = \"<p>\";</script><p>end");
        doc_set_init(&set);
        const struct doc *doc = load(&set, html.data, html.len);
        assert_string_equal(doc->text, "before\n\nbehind\n\nend");
        doc_set_release(&set);
        buf_release(&html);
    }
}

/* What a parser may take for a quote that hides the tag, and another not. */
static void test_hidden_endless_tags(void **state)
{
    (void)state;
    enum { N = 200000 };
    static const char *const heads[] = {
        "<!-- <a x=' -->",  "<!--><!-- <a x=' --!>",    "<? <a x=' ?>",
        "<!x <a x=' >",     "<!DOCTYPE html '<a x=' >", "</a 1<a x=' >",
        "</ <a x=' >",      "<script><a x=' </script>", "<STYLE><a x=' </style >",
        "<p 1='><p x=' >",  "<p a\"='><p x=' >",        "<p x='>",
        "<<!-- <a x=' -->", "<![CDATA[ <a x=' >",
    };
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        struct buf html;
        struct doc_set set;
        buf_init(&html, N * 12 + 1000);
        buf_addf(&html, "<html><p>before<p>%s<b ", heads[i]);
        for (int j = 0; j < N; j++) buf_addf(&html, "a%06d ", j);
        buf_add_str(&html, ">behind</b>");
        doc_set_init(&set);
        const struct doc *doc = load(&set, html.data, html.len);
        assert_non_null(strstr(doc->text, "before"));
        assert_non_null(strstr(doc->text, "behind"));
        assert_true(doc->len < 40);
        doc_set_release(&set);
        buf_release(&html);
    }
}

/* Taking a comment out brings no < and name together. */
static void test_no_new_tags(void **state)
{
    (void)state;
    CHECK_PAGE("1 <<!-- -->b>2", "1 < b>2", "");
    CHECK_PAGE("1 <<?x?>/b>2", "1 < /b>2", "");
    CHECK_PAGE("1 <<![CDATA[!-- 2 -->", "1 < !-- 2 -->", "");
}

/* What browsers take for text, whatever tags it looks like. */
static void test_raw_text(void **state)
{
    (void)state;
    CHECK_PAGE("<head><title>Bug 12: <script> in <style> not run</title></head>"
               "<body><h1>Bug</h1><p>Long text.</p>",
               "Bug\n\nLong text.", "");
    CHECK_PAGE("a<textarea><div hidden><style></textarea>b", "ab", "");
    CHECK_PAGE("a<iframe><!-- </iframe>b<noembed><script></noembed>c", "abc", "");
    CHECK_PAGE("a<noframes><style></p></NOFRAMES >b", "ab", "");
    CHECK_PAGE("<xmp>a <b>c</b> <script> </xm</xmp>\x7f e", "a <b>c</b> <script> </xm e",
               "");
    CHECK_PAGE("<textarea/>a<p>b", "a\n\nb", "");
    CHECK_PAGE("<title>a<body><p>b<title>c", "a\n\nbc", "");
    CHECK_PAGE("<p>a<textarea>b</textareas><xmp>c<b>d</b>", "abcd", "");
}

/* A head may be left open, and what its title is followed by is the body. */
static void test_open_head(void **state)
{
    (void)state;
    CHECK_PAGE("<!doctype html><title>x</title><nav>menu</nav><main><h1>Head</h1>text"
               "<ul><li>item</ul></main><footer>foot</footer>",
               "menu\n\nHead\n\ntext\n\n- item\n\nfoot", "");
    CHECK_PAGE(
        "<html lang=en><head><meta charset=utf-8><title>T</title><style>s</style>"
        "<script>s</script><noscript>n</noscript><template>t</template>"
        "<link rel=x href=y><base href=z><article><h1>H</h1><p>one</article><p>two",
        "H\n\none\n\ntwo", "");
    CHECK_PAGE("<html><head><title>T</title><x-app><section>one</section></x-app>", "one",
               "");
}

/* What has no end hides nothing behind it. */
static void test_hidden_without_end(void **state)
{
    (void)state;
    CHECK_PAGE("<body><embed src=a.mid hidden=true><h1>Title</h1><p>text",
               "Title\n\ntext", "");
    CHECK_PAGE("<p>one<source hidden> two<track hidden> three<wbr hidden> four<bgsound "
               "hidden> five<keygen hidden> six<input hidden> seven",
               "one two three four five six seven", "");
    CHECK_PAGE("<div hidden>no<embed hidden>no</div>yes", "yes", "");
}

/* A section ends a paragraph, which the parser does not know. */
static void test_hidden_paragraph_ends(void **state)
{
    (void)state;
    CHECK_PAGE("<p hidden>no<section>one</section><p>two", "one\n\ntwo", "");
    CHECK_PAGE("<p hidden>no <b>no</b><main hidden>no</main>one", "one", "");
    CHECK_PAGE("<div hidden><p hidden>no<section>no</section></div>one", "one", "");
    /* A block within something else that is hidden, or a button, is no such end. */
    CHECK_PAGE("<p hidden>no<svg><p>no</p></svg> no</p>one", "one", "");
    CHECK_PAGE("<p hidden>no<button><div>no</div></button> no<div>one</div>", "one", "");
}

/* Each of them looks for its end only while there may be one. */
static void test_raw_text_of_no_end(void **state)
{
    (void)state;
    size_t len;
    char *html = nest("<title>", "word", "<xmp>", 300000, &len);
    check_text(html, len, "word");
    free(html);
}

/* A / that closes a tag is no part of the value before it. */
static void test_closed_tags(void **state)
{
    (void)state;
    CHECK_PAGE("<div style=display:none /><p>after</p>", "after", "");
    CHECK_PAGE("<div id=x hidden=1\t/>a<p hidden=x title=y/ />b", "ab", "");
    CHECK_PAGE("<div style=display:none/>no</div><p>after", "after", "");
}

/* What is never closed: no more is lost than browsers lose. */
static void test_unclosed(void **state)
{
    (void)state;
    CHECK_PAGE("<p title='x>yes", "yes", "");
    CHECK_PAGE("<p hidden style=\"x>no</p><p>yes", "yes", "");
    CHECK_PAGE("<p style='color: red>yes", "yes", "");
    CHECK_PAGE("yes<!-- no", "yes", "");
    CHECK_PAGE("yes<b title", "yes", "");
    CHECK_PAGE("yes</b", "yes", "");
    CHECK_PAGE("yes <? this, too", "yes this, too", "");
    CHECK_PAGE("yes<script> no", "yes", "");
}

/* A table of many cells is written in parts. */
static void test_large_table(void **state)
{
    (void)state;
    size_t len;
    char *html = nest("<tr><td>a</td><td>b</td></tr>", "", "", 40000, &len);
    struct doc_set set;
    char *page = malloc(len + 8);
    memcpy(page, "<table>", 7);
    memcpy(page + 7, html, len);
    doc_set_init(&set);
    const struct doc *doc = load(&set, page, len + 7);
    assert_int_equal(doc->n_spans, 40000);
    assert_int_equal(doc->len, 40000 * 6 - 1);
    doc_set_release(&set);
    free(page);
    free(html);
}

/* What every document promises, whatever the page was. */
static void check_promises(const struct doc *doc)
{
    assert_int_equal(utf8_valid(doc->text, doc->len), doc->len);
    for (size_t i = 0; i < doc->len; i++) {
        unsigned char c = (unsigned char)doc->text[i];
        assert_true(c >= 0x20 ? c != 0x7f : c == '\n' || c == '\t');
    }
    for (size_t i = 0; i < doc->n_spans; i++) {
        assert_true(doc->spans[i].start < doc->spans[i].end);
        assert_true(doc->spans[i].end <= doc->len);
    }
}

static void test_random_pages(void **state)
{
    (void)state;
    static const char *const parts[] = {
        "<p>",
        "</p>",
        "<div>",
        "</div>",
        "<table>",
        "</table>",
        "<tr>",
        "<td colspan=3>",
        "<td rowspan=9>",
        "</td>",
        "</tr>",
        "<ul>",
        "<ol>",
        "<li>",
        "</ul>",
        "</ol>",
        "<h2>",
        "</h2>",
        "<pre>",
        "</pre>",
        "<br>",
        "word ",
        "two words",
        "$",
        ")",
        "&nbsp;",
        "&#1;",
        "&#150;",
        "&#xd800;",
        "<div hidden>",
        "<script>",
        "</script>",
        "\x01",
        "\xff",
        "é",
        "<",
        "&",
        "<!--",
        "-->",
        "\n",
        "<sup>",
        "</sup>",
        "<![CDATA[",
        "<title>",
        "</title>",
        "<xmp>",
        "</xmp>",
        "<?",
        "<!x ",
        "</",
        ">",
        "--!>",
        "<p a='",
        " style=\"",
        "' ",
        "\"hidden",
        "<td/rowspan='2'colspan=2/>",
        "<td colspan=-1>",
        "<td colspan=99999999999>",
        "日本",
        "\t",
    };
    struct documents_random random = { .state = 7 };
    struct buf html;
    buf_init(&html, 1 << 16);
    for (int round = 0; round < 3000; round++) {
        struct doc_set set;
        documents_random_text(&random, parts, sizeof parts / sizeof *parts, 60, &html);
        doc_set_init(&set);
        check_promises(load(&set, html.data, html.len));
        doc_set_release(&set);
    }
    buf_release(&html);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_encodings),
        cmocka_unit_test(test_declared_encodings),
        cmocka_unit_test(test_rare_names_of_encodings),
        cmocka_unit_test(test_no_encoding_declared),
        cmocka_unit_test(test_where_encodings_are_declared),
        cmocka_unit_test(test_utf8_is_declared_first),
        cmocka_unit_test(test_long_page_of_two_bytes),
        cmocka_unit_test(test_late_declaration),
        cmocka_unit_test(test_endless_metas),
        cmocka_unit_test(test_deep_nesting),
        cmocka_unit_test(test_too_deep_is_said),
        cmocka_unit_test(test_endless_tags),
        cmocka_unit_test(test_end_tags_of_nothing),
        cmocka_unit_test(test_hidden_endless_tags),
        cmocka_unit_test(test_no_new_tags),
        cmocka_unit_test(test_raw_text),
        cmocka_unit_test(test_open_head),
        cmocka_unit_test(test_hidden_without_end),
        cmocka_unit_test(test_hidden_paragraph_ends),
        cmocka_unit_test(test_raw_text_of_no_end),
        cmocka_unit_test(test_closed_tags),
        cmocka_unit_test(test_unclosed),
        cmocka_unit_test(test_large_table),
        cmocka_unit_test(test_random_pages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
