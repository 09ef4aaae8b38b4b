/* html_encoding.c - the encoding that a page declares, and iconv() with replacement.
 *
 * libxml2 could decode by itself, but ends the page, without a word, at the first
 * byte that does not fit. What it gets is UTF-8 that is valid.
 *
 * The names are a list: a page must not choose among all that the C library has,
 * some of which have been traps, and some of which have no < where ASCII has it. */
#include "text/html_encoding.h"

#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "text/html_tags.h"
#include "text/words.h"

#include <ctype.h>
#include <errno.h>
#include <iconv.h>
#include <string.h>

enum {
    LABEL_BYTES = 32,
    SEARCHED_BYTES = 8192,   /* of a page that is valid UTF-8 */
    PIECE_BYTES = 64 * 1024, /* between two looks at the cancel token */
    GROWTH_MAX = 3           /* bytes of UTF-8 that one byte becomes, at most */
};

/* --- Names ---------------------------------------------------------------- */

/* What iconv() calls it, and what pages do. ISO-8859-1 stands for Windows-1252: its
 * bytes from 0x80 to 0x9f come out as controls, see the header. UTF-16 stands for
 * UTF-8: a declaration that can be read before it is decoded is not in UTF-16. */
static const struct encoding {
    const char *name, *labels;
} encodings[] = {
    { "UTF-8", "utf-8 utf8 unicode-1-1-utf-8 unicode11utf8 unicode20utf8 x-unicode20utf8 "
               "utf-16 utf-16le utf-16be unicode csunicode unicodefeff unicodefffe ucs-2 "
               "iso-10646-ucs-2" },
    { "ISO-8859-1", "us-ascii ascii ansi_x3.4-1968 iso646-us iso-8859-1 iso8859-1 "
                    "iso_8859-1 iso_8859-1:1987 iso88591 csisolatin1 iso-ir-100 "
                    "latin1 latin-1 l1 cp819 ibm819 windows-1252 cp1252 x-cp1252 "
                    "x-user-defined" },
    { "ISO-8859-2", "iso-8859-2 iso8859-2 iso_8859-2 iso88592 iso_8859-2:1987 "
                    "csisolatin2 iso-ir-101 latin2 l2" },
    { "ISO-8859-3", "iso-8859-3 iso8859-3 iso_8859-3 iso88593 iso_8859-3:1988 "
                    "csisolatin3 iso-ir-109 latin3 l3" },
    { "ISO-8859-4", "iso-8859-4 iso8859-4 iso_8859-4 iso88594 iso_8859-4:1988 "
                    "csisolatin4 iso-ir-110 latin4 l4" },
    { "ISO-8859-5", "iso-8859-5 iso8859-5 iso_8859-5 iso88595 iso_8859-5:1988 "
                    "csisolatincyrillic iso-ir-144 cyrillic" },
    { "ISO-8859-6", "iso-8859-6 iso8859-6 iso_8859-6 iso88596 iso_8859-6:1987 "
                    "iso-8859-6-e iso-8859-6-i csiso88596e csiso88596i "
                    "csisolatinarabic iso-ir-127 arabic asmo-708 ecma-114" },
    { "ISO-8859-7", "iso-8859-7 iso8859-7 iso_8859-7 iso88597 iso_8859-7:1987 "
                    "csisolatingreek iso-ir-126 greek greek8 ecma-118 elot_928 "
                    "sun_eu_greek" },
    { "ISO-8859-8", "iso-8859-8 iso8859-8 iso_8859-8 iso88598 iso_8859-8:1988 "
                    "iso-8859-8-e iso-8859-8-i csiso88598e csiso88598i "
                    "csisolatinhebrew iso-ir-138 logical visual hebrew" },
    { "ISO-8859-10", "iso-8859-10 iso8859-10 iso_8859-10 iso885910 csisolatin6 "
                     "iso-ir-157 latin6 l6" },
    { "ISO-8859-13", "iso-8859-13 iso8859-13 iso_8859-13 iso885913" },
    { "ISO-8859-14", "iso-8859-14 iso8859-14 iso_8859-14 iso885914" },
    { "ISO-8859-15", "iso-8859-15 iso8859-15 iso_8859-15 iso885915 csisolatin9 "
                     "latin-9 latin9 l9" },
    { "ISO-8859-16", "iso-8859-16 iso8859-16 iso_8859-16 iso885916" },
    { "CP1250", "windows-1250 cp1250 x-cp1250" },
    { "CP1251", "windows-1251 cp1251 x-cp1251 win-1251" },
    { "CP1253", "windows-1253 cp1253 x-cp1253" },
    { "CP1254", "windows-1254 cp1254 x-cp1254 iso-8859-9 iso8859-9 iso_8859-9 "
                "iso88599 iso_8859-9:1989 csisolatin5 iso-ir-148 latin5 l5" },
    { "CP1255", "windows-1255 cp1255 x-cp1255" },
    { "CP1256", "windows-1256 cp1256 x-cp1256" },
    { "CP1257", "windows-1257 cp1257 x-cp1257" },
    { "CP1258", "windows-1258 cp1258 x-cp1258" },
    { "CP874", "windows-874 cp874 tis-620 iso-8859-11 iso8859-11 iso885911 dos-874" },
    { "KOI8-R", "koi8-r koi8 koi koi8_r cskoi8r" },
    { "KOI8-U", "koi8-u koi8-ru" },
    { "MACINTOSH", "macintosh mac x-mac-roman csmacintosh" },
    { "MAC-UK", "x-mac-cyrillic x-mac-ukrainian mac-cyrillic maccyrillic" },
    { "CP437", "ibm437 cp437 437 dos-437 cspc8codepage437" },
    { "CP737", "ibm737 cp737 737 dos-737" },
    { "CP775", "ibm775 cp775 775 dos-775 cspc775baltic" },
    { "CP850", "ibm850 cp850 850 dos-850 cspc850multilingual" },
    { "CP852", "ibm852 cp852 852 dos-852 cspcp852" },
    { "CP855", "ibm855 cp855 855 dos-855" },
    { "CP857", "ibm857 cp857 857 dos-857" },
    { "CP858", "ibm858 cp858 858 dos-858 ibm00858" },
    { "CP860", "ibm860 cp860 860 dos-860" },
    { "CP861", "ibm861 cp861 861 dos-861" },
    { "CP862", "ibm862 cp862 862 dos-862 cspc862latinhebrew" },
    { "CP863", "ibm863 cp863 863 dos-863" },
    { "CP865", "ibm865 cp865 865 dos-865" },
    { "CP866", "ibm866 cp866 866 csibm866" },
    { "CP869", "ibm869 cp869 869 dos-869" },
    { "GB18030", "gb18030 gbk x-gbk gb2312 gb_2312 gb_2312-80 gb2312-80 chinese "
                 "csgb2312 csiso58gb231280 iso-ir-58 cp936 ms936 windows-936 euc-cn" },
    { "BIG5-HKSCS", "big5 big5-hkscs big-5 cn-big5 x-x-big5 csbig5 cp950" },
    { "CP932", "shift_jis shift-jis sjis x-sjis ms_kanji csshiftjis windows-31j "
               "cp932 ms932" },
    { "EUC-JP", "euc-jp x-euc-jp eucjp cseucpkdfmtjapanese" },
    { "ISO-2022-JP", "iso-2022-jp csiso2022jp" },
    { "CP949", "euc-kr euckr cseuckr ks_c_5601-1987 ks_c_5601-1989 ksc5601 ksc_5601 "
               "csksc56011987 iso-ir-149 korean windows-949 cp949 ms949 uhc" },
};

static const struct encoding *encoding_of(const char *label, size_t len)
{
    char folded[LABEL_BYTES];
    for (; len > 0 && isspace((unsigned char)*label); len--) label++;
    while (len > 0 && isspace((unsigned char)label[len - 1])) len--;
    if (len == 0 || len > sizeof folded) return NULL;
    for (size_t i = 0; i < len; i++) folded[i] = (char)tolower((unsigned char)label[i]);
    for (size_t i = 0; i < sizeof encodings / sizeof *encodings; i++) {
        if (words_listed(encodings[i].labels, folded, len)) return &encodings[i];
    }
    return NULL;
}

/* Its text is ASCII, and so also valid UTF-8. */
static bool is_seven_bit(const struct encoding *encoding)
{
    return strcmp(encoding->name, "ISO-2022-JP") == 0;
}

/* normal.h knows it better than iconv(): pages that say so are not always. */
static bool is_utf8(const struct encoding *encoding)
{
    return strcmp(encoding->name, "UTF-8") == 0;
}

/* --- What the page declares ----------------------------------------------- */

struct label {
    const char *text;
    size_t len;
};

/* What stands behind the = of "text/html; charset=...". */
static struct label label_in_content(const char *s, const char *end)
{
    for (; s < end; s++) {
        if (!html_starts_with(s, end, "charset")) continue;
        const char *at = html_skip_blanks(s + strlen("charset"), end);
        if (at == end || *at != '=') continue;
        at = html_skip_blanks(at + 1, end);
        while (at < end && (*at == '"' || *at == '\'')) at++;
        const char *start = at;
        while (at < end && !isspace((unsigned char)*at) && !strchr(";\"'", *at)) at++;
        return (struct label){ start, (size_t)(at - start) };
    }
    return (struct label){ NULL, 0 };
}

/* Of the tag whose attributes begin at *s, which moves behind them. */
static struct label label_in_meta(const char **s, const char *end)
{
    struct html_attribute a;
    struct label in_charset = { NULL, 0 }, in_content = { NULL, 0 };
    bool is_type = false;
    while (html_next_attribute(s, end, &a)) {
        if (!a.value) continue;
        if (html_is_named(&a, "charset") && !in_charset.text) {
            in_charset = (struct label){ a.value, (size_t)(a.value_end - a.value) };
        }
        if (html_is_named(&a, "content"))
            in_content = label_in_content(a.value, a.value_end);
        is_type = is_type || (html_is_named(&a, "http-equiv") &&
                              html_starts_with(a.value, a.value_end, "content-type"));
    }
    if (in_charset.text) return in_charset;
    return is_type ? in_content : (struct label){ NULL, 0 };
}

static struct label label_in_declaration(const char *s, const char *end)
{
    struct html_attribute a;
    while (html_next_attribute(&s, end, &a)) {
        if (a.value && html_is_named(&a, "encoding")) {
            return (struct label){ a.value, (size_t)(a.value_end - a.value) };
        }
    }
    return (struct label){ NULL, 0 };
}

static bool is_tag(const char *name, const char *name_end, const char *want)
{
    return (size_t)(name_end - name) == strlen(want) &&
           html_starts_with(name, name_end, want);
}

/* Behind the script or style whose attributes end at s. */
static const char *skip_raw_text(const char *s, const char *end, const char *name)
{
    const char *close = s[-1] == '/' ? s : html_find_end_tag(s, end, name);
    return close ? close : end;
}

/* Of the tag or comment whose < is at *s, which moves behind it, and behind what is
 * inside of a script or style. */
static struct label next_label(const char **s, const char *end)
{
    struct label label = { NULL, 0 };
    const char *name = *s + 1;
    if (html_starts_with(*s, end, "<!--")) {
        *s = html_skip_comment(*s, end);
        return label;
    }
    *s = name;
    if (name == end || !isalpha((unsigned char)*name)) return label;
    const char *name_end = html_skip_name(name, end);
    *s = name_end;
    label = label_in_meta(s, end);
    if (is_tag(name, name_end, "meta")) return label;
    if (is_tag(name, name_end, "script")) *s = skip_raw_text(*s, end, "script");
    if (is_tag(name, name_end, "style")) *s = skip_raw_text(*s, end, "style");
    return (struct label){ NULL, 0 };
}

/* The first name that is in the list, of tags that begin in front of stop. */
static const struct encoding *declared_encoding(const char *s, const char *stop,
                                                const char *end)
{
    struct label label = { NULL, 0 };
    const char *first = html_skip_blanks(s, end);
    if (html_starts_with(first, end, "<?xml")) label = label_in_declaration(first, end);
    const struct encoding *found = encoding_of(label.text, label.len);
    while (!found && s < stop && (s = memchr(s, '<', (size_t)(stop - s))) != NULL) {
        label = next_label(&s, end);
        found = encoding_of(label.text, label.len);
    }
    return found;
}

/* --- Decoding ------------------------------------------------------------- */

struct decoder {
    iconv_t handle;
    struct buf out;
    size_t n_malformed;
};

static void replace_byte(struct decoder *d)
{
    buf_add_str(&d->out, "\xef\xbf\xbd");
    d->n_malformed++;
}

/* From s up to end, or up to a character that end cuts. Returns where that is. */
static char *decode_piece(struct decoder *d, char *s, char *end)
{
    char bytes[4096];
    while (s < end && !buf_failed(&d->out)) {
        char *to = bytes;
        size_t left = (size_t)(end - s), room = sizeof bytes;
        size_t result = iconv(d->handle, &s, &left, &to, &room);
        int problem = result == (size_t)-1 ? errno : 0;
        buf_add(&d->out, bytes, (size_t)(to - bytes));
        if (problem == EINVAL) break;
        if (problem == 0 || problem == E2BIG) continue;
        replace_byte(d);
        s++;
    }
    return s;
}

static int decode_all(struct decoder *d, char *s, size_t len, const struct cancel *cancel)
{
    char *end = s + len;
    while (s < end && !buf_failed(&d->out)) {
        char *stop = end - s > PIECE_BYTES ? s + PIECE_BYTES : end;
        if (cancel_level(cancel) != CANCEL_NONE) return LW_CANCELLED;
        s = decode_piece(d, s, stop);
        if (stop < end || s == end) continue;
        replace_byte(d); /* the end of the page cuts its last character */
        s++;
    }
    return 0;
}

/* False where the C library lacks the encoding. */
static bool open_decoder(struct decoder *d, const struct encoding *encoding)
{
    d->handle = iconv_open("UTF-8", encoding->name);
    return d->handle != (iconv_t)-1;
}

/* Closes the decoder. */
static int decode_declared(struct decoder *d, char **bytes, size_t *len,
                           const struct cancel *cancel, struct lw_error *err)
{
    buf_init(&d->out, (size_t)GROWTH_MAX * LIMIT_FILE_BYTES);
    int code = decode_all(d, *bytes, *len, cancel);
    iconv_close(d->handle);
    if (!code && buf_failed(&d->out)) {
        code = err_set(err, LW_ERR_INPUT, "the page is longer than %d MB; split it",
                       LIMIT_FILE_BYTES >> 20);
    }
    if (!code) {
        mem_free(*bytes);
        *bytes = buf_take(&d->out, len);
    }
    buf_release(&d->out);
    return code;
}

static bool has_mark(const char *s, size_t len)
{
    return (len >= 2 &&
            (memcmp(s, "\xff\xfe", 2) == 0 || memcmp(s, "\xfe\xff", 2) == 0)) ||
           (len >= 3 && memcmp(s, "\xef\xbb\xbf", 3) == 0);
}

/* No encoding that gets here has a use for them, and utf8_valid() stops at each. */
static void blank_nuls(char *s, size_t len)
{
    for (char *end = s + len; (s = memchr(s, '\0', (size_t)(end - s))) != NULL;) *s = ' ';
}

int html_decode(char **bytes, size_t *len, struct html_encoding *was,
                const struct cancel *cancel, struct lw_error *err)
{
    struct decoder d = { .n_malformed = 0 };
    *was = (struct html_encoding){ .guessed = NORMAL_UTF8 };
    if (has_mark(*bytes, *len)) return normal_decode(bytes, len, &was->guessed, err);
    blank_nuls(*bytes, *len);
    bool is_valid = utf8_valid(*bytes, *len) == *len;
    size_t searched = is_valid && *len > SEARCHED_BYTES ? SEARCHED_BYTES : *len;
    const struct encoding *declared =
        declared_encoding(*bytes, *bytes + searched, *bytes + *len);
    bool counts = declared && !is_utf8(declared) &&
                  (is_seven_bit(declared) || !is_valid) && open_decoder(&d, declared);
    if (!counts) return normal_decode(bytes, len, &was->guessed, err);
    int code = decode_declared(&d, bytes, len, cancel, err);
    was->declared = declared->name;
    was->n_malformed = d.n_malformed;
    return code;
}
