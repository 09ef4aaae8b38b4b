/* utf8.h - steps over UTF-8, validity, and the folding used for comparing.
 *
 * Offsets in legwork are always bytes. Decoding never reads past the end and
 * never fails on the text of a document, since loaders validate first. */
#ifndef LW_BASE_UTF8_H
#define LW_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Decode the character at s (s < end). Returns its length in bytes (1-4) and
 * sets *cp; a malformed byte gives length 1 and U+FFFD. */
int utf8_decode(const char *s, const char *end, uint32_t *cp);
/* Encode cp into out (4 bytes of room); returns the length. What is no
 * character (a surrogate, past 10FFFF) is written as U+FFFD. */
int utf8_encode(uint32_t cp, char out[4]);
/* Byte offset of the first malformed byte, or len if the text is valid. NUL
 * bytes are malformed here. */
size_t utf8_valid(const char *s, size_t len);
/* Bytes of s before the first one that is not plain: printable ASCII, quote mark and
 * backslash aside. Those need no decoding, cleaning or escaping, and are most of any
 * text; eight are looked at together. */
size_t utf8_plain(const char *s, size_t len);
/* The character in front of byte pos, where one begins. Returns its length and sets *cp;
 * 0 at the start of the text. */
size_t utf8_before(const char *s, size_t pos, uint32_t *cp);
/* Largest offset <= pos that starts a character; len if pos >= len. */
size_t utf8_floor(const char *s, size_t len, size_t pos);
/* Number of characters. */
size_t utf8_count(const char *s, size_t len);
/* Case folding and stripping of marks for one character, as search and quote
 * matching compare (NFKD base character, lower case): writes up to 4 folded
 * code points and returns how many (0: a mark or an ignorable, drop it). Marks
 * that make another letter stay (vowel signs, kana voicing); a character that
 * would fold to more than 4 stands for itself. */
int utf8_fold(uint32_t cp, uint32_t out[4]);
bool utf8_is_word(uint32_t cp); /* letter, number or mark */
bool utf8_is_space(uint32_t cp);
bool utf8_is_blank(const char *s, size_t len); /* nothing but spaces */
bool utf8_is_upper(uint32_t cp);               /* upper or title case */
bool utf8_is_currency(uint32_t cp);            /* a sign of money */
/* Takes no room where it is shown: zero-width spaces and joiners, a byte order mark. With
 * them a text can look like what it is not. */
bool utf8_is_zero_width(uint32_t cp);
/* Of these, the two that are part of words in Persian, Hindi and others. */
bool utf8_is_joiner(uint32_t cp);

#endif
