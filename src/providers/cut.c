/* cut.c - counting what a prompt must at least be, and comparing.
 *
 * The lower bound is what the rules of tokenisers have in common: text is first
 * split at blanks, between letters, digits and other marks, and no token goes
 * over a split. One mark in front of a word may belong to it, so only marks
 * without a word behind them count. Bytes of other scripts count as letters, which
 * makes the bound too low there, never too high. */
#include "providers/cut.h"

enum {
    BYTES_A_TOKEN_MAX = 10, /* of text that does not repeat itself */
    LEARN_BYTES_MIN = 1024,
    LEARN_PIECES_MIN = 1000,
    LEARN_PIECES_ENOUGH = 20000,
    ROUND_MIN = 1024
};

/* --- The prompt ----------------------------------------------------------- */

/* What each byte is; bytes of other scripts are letters. */
enum kind { KIND_BLANK = ' ', KIND_LETTER = 'a', KIND_DIGIT = '0', KIND_MARK = '.' };

static const char kinds[129] = "                                "  /* 0x00 */
                               " ...............0000000000......"  /* 0x20 */
                               ".aaaaaaaaaaaaaaaaaaaaaaaaaa....."  /* 0x40 */
                               ".aaaaaaaaaaaaaaaaaaaaaaaaaa....."; /* 0x60 */

static char kind_of(char c)
{
    unsigned char u = (unsigned char)c;
    return u < 0x80 ? kinds[u] : KIND_LETTER;
}

static int64_t pieces_of(const char *text, size_t len)
{
    char before = KIND_BLANK, kind = len > 0 ? kind_of(*text) : KIND_BLANK;
    int64_t n = 0;
    for (size_t i = 0; i < len; i++) {
        char next = i + 1 < len ? kind_of(text[i + 1]) : KIND_BLANK;
        if (kind == KIND_MARK) {
            n += next != KIND_MARK && next != KIND_LETTER;
        } else {
            n += kind != KIND_BLANK && kind != before;
        }
        before = kind;
        kind = next;
    }
    return n;
}

/* A run of one character or two (tables, dots) may be a single token. */
static int64_t varied_bytes(const char *text, size_t len)
{
    int64_t n = 0;
    for (size_t i = 0; i < len; i++) n += i < 2 || text[i] != text[i - 2];
    return n;
}

bool cut_wants(const struct cut_meter *m, int64_t bytes)
{
    if (bytes >= CUT_BYTES_MIN) return true;
    return bytes >= LEARN_BYTES_MIN && m->pieces < LEARN_PIECES_ENOUGH;
}

struct cut_prompt cut_prompt_of(const struct llm_request *req)
{
    struct cut_prompt sum = { .bytes = (int64_t)llm_request_bytes(req) };
    int64_t varied = 0;
    for (size_t m = 0; m < req->n_messages; m++) {
        for (size_t p = 0; p < req->messages[m].n_parts; p++) {
            const struct llm_part *part = &req->messages[m].parts[p];
            sum.pieces += pieces_of(part->text, part->len);
            varied += varied_bytes(part->text, part->len);
        }
    }
    /* A word over the seam of two parts was counted twice. */
    int64_t words = sum.pieces * 19 / 20, bytes = varied / BYTES_A_TOKEN_MAX;
    sum.tokens_min = words > bytes ? words : bytes;
    return sum;
}

/* --- The verdict ---------------------------------------------------------- */

/* A cut prompt fills the context, or keeps a few tokens of its beginning and half of
 * the rest. */
static bool fills(int64_t context, int64_t tokens)
{
    int64_t half = context / 2;
    return tokens == context || (tokens >= half && tokens <= half + 4);
}

/* Of a context that people set, or of the half of it and two tokens of the beginning. */
static bool is_round(int64_t tokens)
{
    return tokens >= ROUND_MIN &&
           (tokens % 512 == 0 || tokens % 512 == 2 || tokens % 1000 == 0);
}

static bool falls_short(const struct cut_meter *m, int64_t pieces, int64_t tokens)
{
    double ratio = (double)m->tokens / (double)m->pieces;
    return (double)pieces * ratio > 1.1 * (double)tokens;
}

bool cut_is_certain(const struct cut_meter *m, const struct cut_prompt *p, int64_t tokens)
{
    if (tokens <= 0) return false;
    if (m->context > 0 && tokens == m->context) return true;
    if (p->bytes < CUT_BYTES_MIN) return false;
    if (tokens < p->tokens_min) return true;
    bool telling = m->context > 0 ? fills(m->context, tokens) : is_round(tokens);
    return telling && m->pieces >= LEARN_PIECES_MIN && falls_short(m, p->pieces, tokens);
}

void cut_learn(struct cut_meter *m, const struct cut_prompt *p, int64_t tokens)
{
    if (tokens > p->bytes) {
        return;
    }
    if (tokens <= 0 || p->pieces == 0 || p->bytes < LEARN_BYTES_MIN || is_round(tokens)) {
        return;
    }
    m->tokens += tokens;
    m->pieces += p->pieces;
}
