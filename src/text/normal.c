/* normal.c - bytes of unknown encoding become the text that offsets count.
 *
 * Three questions in order: is there a byte order mark, is it UTF-8, and if
 * not, is it UTF-8 with a few broken bytes (more good multi-byte characters
 * than bad bytes) or an old single-byte file. The last is read as Windows-1252,
 * which is Latin-1 with letters and quote marks where that has controls.
 *
 * A valid UTF-8 file, the usual case, is cleaned in place and never copied. */
#include "text/normal.h"

#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/utf8.h"

#include <string.h>

enum { REPLACEMENT = 0xfffd, BINARY_HEAD_BYTES = 8192 };

/* --- Binary files -------------------------------------------------------- */

static bool has_utf16_mark(const unsigned char *s, size_t len)
{
    return len >= 2 && ((s[0] == 0xff && s[1] == 0xfe) || (s[0] == 0xfe && s[1] == 0xff));
}

/* Text has no NULs, and next to no control characters. */
bool normal_is_binary(const unsigned char *head, size_t len)
{
    if (has_utf16_mark(head, len)) return false;
    if (len > BINARY_HEAD_BYTES) len = BINARY_HEAD_BYTES;
    size_t n_controls = 0;
    for (size_t i = 0; i < len; i++) {
        if (head[i] == 0) return true;
        n_controls += head[i] < 0x20 && !strchr("\t\n\r\f\b\x1b\x1a", head[i]);
    }
    return n_controls > 4 + len / 30;
}

/* --- Encodings ----------------------------------------------------------- */

/* Append cp to out; a loader that passes the maximum fails at the end. */
static void add_character(struct buf *out, uint32_t cp)
{
    char bytes[4];
    buf_add(out, bytes, (size_t)utf8_encode(cp, bytes));
}

static void decode_utf16(struct buf *out, const unsigned char *s, size_t len)
{
    int high = s[0] == 0xfe ? 0 : 1; /* which byte of a pair is the high one */
    uint32_t lead = 0;
    for (size_t i = 2; i + 1 < len; i += 2) {
        uint32_t unit = (uint32_t)(s[i + (size_t)high] << 8 | s[i + (size_t)!high]);
        if (unit >= 0xdc00 && unit <= 0xdfff && lead) {
            add_character(out, 0x10000 + ((lead - 0xd800) << 10) + (unit - 0xdc00));
            lead = 0;
            continue;
        }
        if (lead) add_character(out, REPLACEMENT);
        lead = unit >= 0xd800 && unit <= 0xdbff ? unit : 0;
        if (!lead) add_character(out, unit);
    }
    if (lead) add_character(out, REPLACEMENT);
}

uint32_t normal_windows_1252(unsigned char c)
{
    static const uint16_t high[32] = {
        0x20ac, 0x0020, 0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021,
        0x02c6, 0x2030, 0x0160, 0x2039, 0x0152, 0x0020, 0x017d, 0x0020,
        0x0020, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014,
        0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0x0020, 0x017e, 0x0178,
    };
    return c >= 0x80 && c < 0xa0 ? high[c - 0x80] : c;
}

static void decode_windows_1252(struct buf *out, const unsigned char *s, size_t len)
{
    for (size_t i = 0; i < len; i++) add_character(out, normal_windows_1252(s[i]));
}

static void decode_broken_utf8(struct buf *out, const char *s, size_t len)
{
    const char *end = s + len;
    while (s < end) {
        uint32_t cp;
        int n = utf8_decode(s, end, &cp);
        if (n == 1 && (unsigned char)*s >= 0x80) {
            add_character(out, REPLACEMENT);
        } else {
            buf_add(out, s, (size_t)n);
        }
        s += n;
    }
}

/* Broken UTF-8 rather than an old encoding: most of what is not ASCII fits. */
static bool mostly_utf8(const char *s, size_t len)
{
    const char *end = s + len;
    size_t n_good = 0, n_bad = 0;
    while (s < end) {
        uint32_t cp;
        int n = utf8_decode(s, end, &cp);
        n_good += n > 1;
        n_bad += n == 1 && (unsigned char)*s >= 0x80;
        s += n;
    }
    return n_good > n_bad;
}

/* First byte that is not UTF-8, or len; NULs pass, they are cleaned later. */
static size_t valid_but_nul(const char *s, size_t len)
{
    size_t at = 0;
    while (at < len) {
        at += utf8_valid(s + at, len - at);
        if (at < len && s[at] != '\0') break;
        if (at < len) at++;
    }
    return at;
}

static int recode(char **bytes, size_t *len, enum normal_encoding encoding,
                  struct lw_error *err)
{
    struct buf out;
    buf_init(&out, LIMIT_TEXT_BYTES);
    const unsigned char *s = (const unsigned char *)*bytes;
    if (encoding == NORMAL_UTF16) {
        decode_utf16(&out, s, *len);
    } else if (encoding == NORMAL_LATIN1) {
        decode_windows_1252(&out, s, *len);
    } else {
        decode_broken_utf8(&out, *bytes, *len);
    }
    if (buf_failed(&out)) {
        buf_release(&out);
        return err_set(err, LW_ERR_INPUT, "the text is longer than %d MB; split it",
                       LIMIT_TEXT_BYTES >> 20);
    }
    mem_free(*bytes);
    *bytes = buf_take(&out, len);
    buf_release(&out);
    return 0;
}

int normal_decode(char **bytes, size_t *len, enum normal_encoding *encoding,
                  struct lw_error *err)
{
    *encoding = NORMAL_UTF8;
    if (has_utf16_mark((const unsigned char *)*bytes, *len)) {
        *encoding = NORMAL_UTF16;
        return recode(bytes, len, NORMAL_UTF16, err);
    }
    if (*len >= 3 && memcmp(*bytes, "\xef\xbb\xbf", 3) == 0) {
        memmove(*bytes, *bytes + 3, *len - 2);
        *len -= 3;
    }
    if (valid_but_nul(*bytes, *len) == *len) return 0;
    *encoding = mostly_utf8(*bytes, *len) ? NORMAL_BROKEN : NORMAL_LATIN1;
    return recode(bytes, len, *encoding, err);
}

/* --- Line ends and controls ---------------------------------------------- */

size_t normal_clean(char *text, size_t len)
{
    size_t out = 0;
    for (size_t i = 0; i < len; i++) {
        size_t n = utf8_plain(text + i, len - i);
        memmove(text + out, text + i, n);
        out += n;
        i += n;
        if (i == len) break;
        unsigned char c = (unsigned char)text[i];
        if (c == '\r') {
            if (i + 1 < len && text[i + 1] == '\n') continue;
            c = '\n';
        } else if ((c < 0x20 && c != '\n' && c != '\t' && c != '\f') || c == 0x7f) {
            c = ' ';
        } else if (c == 0xc2 && i + 1 < len && (unsigned char)text[i + 1] < 0xa0) {
            i++; /* a C1 control, U+0080 to U+009F: two bytes become one */
            c = ' ';
        }
        text[out++] = (char)c;
    }
    text[out] = '\0';
    return out;
}

int normal_text(char **bytes, size_t *len, enum normal_encoding *encoding,
                struct lw_error *err)
{
    int code = normal_decode(bytes, len, encoding, err);
    if (code) return code;
    *len = normal_clean(*bytes, *len);
    return 0;
}
