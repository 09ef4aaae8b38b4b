/* json.c - the one door through which JSON from outside comes in.
 *
 * jansson does the parsing. What it does not do is done in one pass over the
 * brackets before it sees a byte: depth, and the number of values, since a
 * parsed "[]" is fifty times the size of its text. */
#include "base/json.h"

#include "base/limits.h"
#include "base/utf8.h"

#include <string.h>

enum { FIND_TRIES = 64 };

/* What the brackets of a text say. Where the text is no JSON the numbers mean
 * nothing, but then jansson refuses it. */
struct outline {
    size_t end;    /* behind the bracket that closes the first one; 0: none does */
    int depth;     /* at its deepest, up to end */
    size_t values; /* at least as many as there are */
};

/* Returns the offset of the closing quote; len or more if there is none. */
static size_t skip_string(const char *text, size_t len, size_t open)
{
    size_t i = open + 1;
    while (i < len && text[i] != '"') {
        i += text[i] == '\\' ? 2 : 1;
    }
    return i;
}

static struct outline outline_of(const char *text, size_t len)
{
    struct outline o = { .values = 1 };
    int depth = 0;
    for (size_t i = 0; i < len; i++) {
        switch (text[i]) {
        case '"': i = skip_string(text, len, i); break;
        case ',': o.values++; break;
        case '{':
        case '[':
            o.values++;
            depth++;
            o.depth = depth > o.depth ? depth : o.depth;
            break;
        case '}':
        case ']':
            if (--depth <= 0) {
                o.end = i + 1;
                return o;
            }
            break;
        default: break;
        }
        if (o.depth > LIMIT_JSON_DEPTH || o.values > LIMIT_JSON_VALUES) {
            return o;
        }
    }
    return o;
}

json_t *json_parse(const char *text, size_t len, struct lw_error *err)
{
    /* Whatever follows the first value is an error of its own, found by jansson. */
    struct outline o = outline_of(text, len);
    if (o.depth > LIMIT_JSON_DEPTH) {
        err_set(err, LW_ERR_INPUT, "the JSON is nested deeper than %d levels",
                LIMIT_JSON_DEPTH);
        return NULL;
    }
    if (o.values > LIMIT_JSON_VALUES) {
        err_set(err, LW_ERR_INPUT, "the JSON has more than %d values", LIMIT_JSON_VALUES);
        return NULL;
    }
    json_error_t why = { .line = 1 }; /* no text: no memory, mostly */
    json_t *value = json_loadb(len > 0 ? text : "", len,
                               JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &why);
    if (value == NULL && why.text[0] == '\0') {
        err_set(err, LW_ERR_INPUT, "there is no memory left to read the JSON");
    } else if (value == NULL) {
        err_set(err, LW_ERR_INPUT, "line %d, column %d of the JSON: %s", why.line,
                why.column, why.text);
    }
    return value;
}

/* --- Objects in prose --------------------------------------------------------- */

/* Copies the string that begins at text[at], its line ends escaped. Returns the offset
 * of its closing quote, or len. */
static size_t mend_string(const char *text, size_t len, size_t at, struct buf *out)
{
    size_t end = skip_string(text, len, at), from = at;
    end = end < len ? end : len;
    for (size_t i = at; i < end; i++) {
        if (text[i] == '\\') {
            i++; /* a line end behind it is another slip, and stays one */
        } else if (text[i] == '\n' || text[i] == '\r') {
            buf_add(out, text + from, i - from);
            buf_add_str(out, text[i] == '\n' ? "\\n" : "\\r");
            from = i + 1;
        }
    }
    buf_add(out, text + from, end - from + (end < len));
    return end;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* before: the last byte that is no white space. */
static bool is_spare_comma(const char *text, size_t len, size_t at, char before)
{
    if (text[at] != ',' || strchr("[{,:", before) != NULL) {
        return false;
    }
    do {
        at++;
    } while (at < len && is_space(text[at]));
    return at < len && (text[at] == ']' || text[at] == '}');
}

/* text without the two slips that are forgiven. */
static void mend(const char *text, size_t len, struct buf *out)
{
    char before = '\0';
    for (size_t i = 0; i < len; i++) {
        bool spare = is_spare_comma(text, len, i, before);
        before = is_space(text[i]) ? before : text[i];
        if (text[i] == '"') {
            i = mend_string(text, len, i, out);
        } else if (!spare) {
            buf_add_char(out, text[i]);
        }
    }
}

static json_t *parse_mended(const char *text, size_t len)
{
    struct buf mended;
    buf_init(&mended, 2 * len + 1);
    mend(text, len, &mended);
    json_t *value = json_parse(mended.data, mended.len, NULL);
    buf_release(&mended);
    return value;
}

/* An object begins with a key or ends at once; braces of prose and code do
 * neither, and are not worth a try. */
static bool may_open_object(const char *text, size_t len)
{
    size_t i = 1;
    while (i < len && strchr(" \t\r\n", text[i]) != NULL && text[i] != '\0') {
        i++;
    }
    return i < len && (text[i] == '"' || text[i] == '}');
}

json_t *json_find_object(const char *text, size_t len)
{
    int tries = 0;
    for (size_t i = 0; i < len && tries < FIND_TRIES; i++) {
        if (text[i] != '{' || !may_open_object(text + i, len - i)) {
            continue;
        }
        tries++;
        struct outline o = outline_of(text + i, len - i);
        json_t *value = o.end > 0 ? json_parse(text + i, o.end, NULL) : NULL;
        if (value == NULL && o.end > 0) {
            value = parse_mended(text + i, o.end);
        }
        if (value != NULL) {
            return value;
        }
    }
    return NULL;
}

/* --- Writing ------------------------------------------------------------------ */

static int add_part(const char *part, size_t len, void *out)
{
    return buf_add(out, part, len);
}

/* Undo what a failed writer left behind, and make sure that the caller hears of it. */
static int write_failed(struct buf *out, size_t len_before)
{
    buf_cut(out, len_before);
    out->failed = true;
    return LW_ERR;
}

/* 15 digits: 0.1 is written as 0.1, and every decimal up to that length comes back. */
int json_write(const json_t *value, struct buf *out)
{
    size_t before = out->len;
    size_t flags = JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15);
    if (json_dump_callback(value, add_part, out, flags)) {
        return write_failed(out, before);
    }
    return 0;
}

static int add_escaped(unsigned char c, struct buf *out)
{
    static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
    const char *at = c != '\0' ? strchr(from, c) : NULL;
    const char pair[] = { '\\', at != NULL ? to[at - from] : 'u' };
    int code = buf_add(out, pair, sizeof pair);
    return at != NULL || code ? code : buf_addf(out, "%04x", c);
}

static bool is_plain(const char *s, uint32_t cp, int n)
{
    bool malformed = cp == 0xfffd && n == 1;
    return cp >= 0x20 && *s != '"' && *s != '\\' && !malformed;
}

int json_write_string(const char *s, size_t len, struct buf *out)
{
    size_t before = out->len;
    const char *end = s + len, *run = s; /* [run, s) waits to be copied */
    int code = buf_add_char(out, '"');
    while (code == 0 && (s += utf8_plain(s, (size_t)(end - s))) < end) {
        uint32_t cp;
        int n = utf8_decode(s, end, &cp);
        if (!is_plain(s, cp, n)) {
            code = buf_add(out, run, (size_t)(s - run));
            run = s + n;
            if (code == 0) {
                code = cp == 0xfffd ? buf_add_str(out, "\xef\xbf\xbd")
                                    : add_escaped((unsigned char)*s, out);
            }
        }
        s += n;
    }
    if (code || buf_add(out, run, (size_t)(end - run)) || buf_add_char(out, '"')) {
        return write_failed(out, before);
    }
    return 0;
}

json_t *json_text(const char *text)
{
    json_t *value = text ? json_string(text) : json_null();
    if (value) return value;
    struct buf quoted;
    size_t len = strlen(text);
    buf_init(&quoted, 6 * len + 3); /* \u001f, and the quotes */
    json_write_string(text, len, &quoted);
    value = json_parse(quoted.data, quoted.len, NULL);
    buf_release(&quoted);
    return value ? value : json_string("");
}

const char *json_str(const json_t *object, const char *key, const char *fallback)
{
    const char *s = json_string_value(json_object_get(object, key));
    return s != NULL ? s : fallback;
}

double json_num(const json_t *object, const char *key, double fallback)
{
    const json_t *value = json_object_get(object, key);
    return json_is_number(value) ? json_number_value(value) : fallback;
}

/* Compared as a double first: converting one out of range is undefined. */
static long round_within(double real, long min, long max)
{
    if (real <= (double)min) {
        return min;
    }
    if (real >= (double)max) {
        return max;
    }
    return (long)(real < 0 ? real - 0.5 : real + 0.5);
}

long json_int(const json_t *object, const char *key, long fallback, long min, long max)
{
    const json_t *value = json_object_get(object, key);
    if (json_is_real(value)) {
        return round_within(json_real_value(value), min, max);
    }
    if (!json_is_integer(value)) {
        return fallback;
    }
    json_int_t n = json_integer_value(value);
    return n < min ? min : n > max ? max : (long)n;
}

bool json_bool(const json_t *object, const char *key, bool fallback)
{
    const json_t *value = json_object_get(object, key);
    return json_is_boolean(value) ? json_is_true(value) : fallback;
}
