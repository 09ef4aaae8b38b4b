/* ignore.c - .gitignore patterns, matched by walking a set of states.
 *
 * A pattern comes from whoever wrote the repository. Matching by trying and
 * going back, as fnmatch() may, takes exponential time on a*a*a*a*b; here all
 * places in the pattern that the path read so far can have reached are carried
 * along together, so that each byte of the path costs one pass at most.
 *
 * A pattern becomes a row of tokens:
 *     c  ?  [...]       one byte (? and [...] not a slash)
 *     *                 any bytes but slashes
 *     **   at the end   anything
 *     ** and a slash    nothing, or anything up to a slash
 *     no good           nothing at all: [ without ], a \ at the end
 *
 * What git does is what counts, its quirks included; the tests ask it. */
#include "text/ignore.h"

#include "base/file.h"
#include "base/mem.h"

#include <ctype.h>
#include <string.h>

enum {
    PATTERN_BYTES_MAX = 1024, /* a longer one is no pattern that a person wrote */
    PATTERNS_MAX = 20000
};

enum token_kind {
    TOKEN_BYTE,
    TOKEN_ANY,
    TOKEN_SET,
    TOKEN_STAR,
    TOKEN_ALL,
    TOKEN_FOLDERS,
    TOKEN_NEVER
};

struct token {
    enum token_kind kind;
    char byte;
    size_t set; /* TOKEN_SET: where [ stands in the text */
};

struct ignore_pattern {
    char *folder; /* with its slash; "" for the root */
    char *text;
    struct token *tokens;
    size_t n_tokens;
    bool negated, folders_only, anchored;
};

/* --- Sets ----------------------------------------------------------------- */

/* Whether the byte is of the class goes to *found. False: there is no such class. */
static bool look_in_class(const char *name, size_t len, unsigned char c, bool *found)
{
    static const struct {
        const char *name;
        int (*is)(int);
    } classes[] = {
        { "alnum", isalnum }, { "alpha", isalpha }, { "blank", isblank },
        { "cntrl", iscntrl }, { "digit", isdigit }, { "graph", isgraph },
        { "lower", islower }, { "print", isprint }, { "punct", ispunct },
        { "space", isspace }, { "upper", isupper }, { "xdigit", isxdigit },
    };
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) {
        if (strlen(classes[i].name) == len && memcmp(classes[i].name, name, len) == 0) {
            if (classes[i].is(c) != 0) *found = true;
            return true;
        }
    }
    return false;
}

/* One element of a set at s: a class, the rest of a range that begins at *low (0:
 * none does), or a byte. Returns its end, NULL where git gives the pattern up. */
static const char *look_in_element(const char *s, unsigned char c, unsigned char *low,
                                   bool *found)
{
    const char *close = s[0] == '[' && s[1] == ':' ? strchr(s + 2, ']') : s;
    if (!close) return NULL;
    if (close > s + 2 && close[-1] == ':') {
        *low = 0;
        size_t len = (size_t)(close - 1 - (s + 2));
        return look_in_class(s + 2, len, c, found) ? close + 1 : NULL;
    }
    bool range = *s == '-' && *low && s[1] && s[1] != ']';
    if (range) s++;
    if (*s == '\\' && *++s == '\0') return NULL;
    unsigned char high = (unsigned char)*s;
    if (range ? c >= *low && c <= high : c == high) *found = true;
    *low = range ? 0 : high;
    return s + 1;
}

/* Does the set at s, which is a [, have the byte? Returns its end, NULL where git gives
 * the pattern up: it is not closed, or names a class that there is not. */
static const char *look_in_set(const char *s, unsigned char c, bool *has)
{
    unsigned char low = 0;
    bool negated = s[1] == '!' || s[1] == '^', found = false;
    s += 1 + negated;
    do {
        s = *s ? look_in_element(s, c, &low, &found) : NULL;
    } while (s && *s != ']');
    *has = c != '/' && found != negated;
    return s ? s + 1 : NULL;
}

/* --- Reading patterns ----------------------------------------------------- */

/* Does what follows stand at the beginning of a name? git compares the plain beginning
 * of a pattern apart and forgets it, so in "a**" before a slash the stars stand there
 * too. */
static bool opens_name(const char *text, size_t at)
{
    return at == 0 || text[at - 1] == '/' || strcspn(text, "*?[\\") == at;
}

/* Stars at text[at]: one of them, or several that stand alone between slashes. */
static struct token read_stars(const char *text, size_t *at)
{
    size_t n = strspn(text + *at, "*");
    bool alone = n >= 2 && opens_name(text, *at);
    struct token token = { .kind = TOKEN_STAR };
    *at += n;
    if (alone && text[*at] == '\0') token.kind = TOKEN_ALL;
    if (alone && text[*at] == '/') {
        token.kind = TOKEN_FOLDERS;
        (*at)++;
    }
    return token;
}

static struct token read_set(const char *text, size_t *at)
{
    struct token token = { .kind = TOKEN_SET, .set = *at };
    bool has;
    const char *end = look_in_set(text + *at, 0, &has);
    if (!end) token.kind = TOKEN_NEVER;
    *at = end ? (size_t)(end - text) : strlen(text);
    return token;
}

static struct token read_token(const char *text, size_t *at)
{
    char c = text[*at];
    if (c == '*') return read_stars(text, at);
    if (c == '[') return read_set(text, at);
    (*at)++;
    if (c == '?') return (struct token){ .kind = TOKEN_ANY };
    if (c == '\\' && !text[*at]) return (struct token){ .kind = TOKEN_NEVER };
    if (c == '\\') c = text[(*at)++];
    return (struct token){ .kind = TOKEN_BYTE, .byte = c };
}

static void compile(struct ignore_pattern *p)
{
    p->tokens = mem_array(strlen(p->text) + 1, sizeof *p->tokens);
    for (size_t at = 0; p->text[at];) p->tokens[p->n_tokens++] = read_token(p->text, &at);
}

/* Length without the blanks at the end that no backslash keeps. */
static size_t trimmed(const char *line, size_t len)
{
    if (len > 0 && line[len - 1] == '\r') len--;
    while (len > 0 && line[len - 1] == ' ' && (len < 2 || line[len - 2] != '\\')) len--;
    return len;
}

static void push_line(struct ignore *ig, const char *folder, const char *line, size_t len)
{
    struct ignore_pattern p = { .negated = false };
    len = trimmed(line, len);
    if (len == 0 || len > PATTERN_BYTES_MAX || *line == '#') return;
    if (ig->n == PATTERNS_MAX) return;
    if (*line == '!') {
        p.negated = true;
        line++;
        len--;
    }
    if (len > 0 && line[len - 1] == '/') {
        p.folders_only = true;
        len--;
    }
    p.anchored = memchr(line, '/', len) != NULL;
    if (len > 0 && *line == '/') {
        line++;
        len--;
    }
    if (len == 0) return;
    p.text = mem_strndup(line, len);
    p.folder = mem_strdup(folder);
    compile(&p);
    mem_grow((void **)&ig->patterns, &ig->cap, ig->n + 1, sizeof *ig->patterns);
    ig->patterns[ig->n++] = p;
}

void ignore_push(struct ignore *ig, const char *folder, const char *text, size_t len)
{
    const char *end = text + len;
    if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) text += 3;
    while (text < end) {
        const char *newline = memchr(text, '\n', (size_t)(end - text));
        const char *stop = newline ? newline : end;
        if (!memchr(text, '\0', (size_t)(stop - text))) {
            push_line(ig, folder, text, (size_t)(stop - text));
        }
        text = newline ? newline + 1 : end;
    }
}

void ignore_cut(struct ignore *ig, size_t n)
{
    while (ig->n > n) {
        struct ignore_pattern *p = &ig->patterns[--ig->n];
        mem_free(p->folder);
        mem_free(p->text);
        mem_free(p->tokens);
    }
}

void ignore_release(struct ignore *ig)
{
    ignore_cut(ig, 0);
    mem_free(ig->patterns);
    *ig = (struct ignore){ .patterns = NULL };
}

/* --- Matching ------------------------------------------------------------- */

static bool set_has(const char *set, unsigned char c)
{
    bool has;
    look_in_set(set, c, &has);
    return has;
}

/* Does the token take the byte? *stays: and may take more. */
static bool takes(const struct ignore_pattern *p, size_t i, char c, bool *stays)
{
    const struct token *t = &p->tokens[i];
    *stays = false;
    switch (t->kind) {
    case TOKEN_BYTE: return c == t->byte;
    case TOKEN_ANY: return c != '/';
    case TOKEN_SET: return set_has(p->text + t->set, (unsigned char)c);
    case TOKEN_STAR: *stays = c != '/'; return *stays;
    case TOKEN_ALL: *stays = true; return true;
    case TOKEN_FOLDERS: *stays = true; return c == '/';
    case TOKEN_NEVER: return false;
    }
    return false;
}

static bool may_be_empty(enum token_kind kind)
{
    return kind == TOKEN_STAR || kind == TOKEN_ALL || kind == TOKEN_FOLDERS;
}

/* The places reached: reached[i] says that tokens 0 to i - 1 took the path so
 * far. */
static void reach(const struct ignore_pattern *p, bool *reached, size_t i)
{
    reached[i] = true;
    while (i < p->n_tokens && may_be_empty(p->tokens[i].kind)) reached[++i] = true;
}

/* A folders token passes on what follows it only after a slash: inside a name
 * it just stays. */
static bool step(const struct ignore_pattern *p, const bool *now, bool *next, char c)
{
    bool any = false;
    memset(next, 0, p->n_tokens + 1);
    for (size_t i = 0; i < p->n_tokens; i++) {
        bool stays;
        if (!now[i]) continue;
        bool taken = takes(p, i, c, &stays);
        if (stays) next[i] = true;
        if (taken) reach(p, next, i + 1);
        any = any || stays || taken;
    }
    return any;
}

static bool matches(const struct ignore_pattern *p, const char *path)
{
    bool places[2][PATTERN_BYTES_MAX + 1];
    bool *now = places[0], *next = places[1];
    memset(now, 0, p->n_tokens + 1);
    reach(p, now, 0);
    for (; *path; path++) {
        if (!step(p, now, next, *path)) return false;
        bool *swap = now;
        now = next;
        next = swap;
    }
    return now[p->n_tokens];
}

/* The part of the path that the pattern speaks of, NULL if none. */
static const char *subject(const struct ignore_pattern *p, const char *path)
{
    size_t len = strlen(p->folder);
    if (strncmp(path, p->folder, len) != 0) return NULL;
    if (p->anchored) return path + len;
    return file_name(path);
}

bool ignore_matches(const struct ignore *ig, const char *path, enum ignore_entry entry)
{
    for (size_t i = ig->n; i-- > 0;) {
        const struct ignore_pattern *p = &ig->patterns[i];
        if (p->folders_only && entry != IGNORE_FOLDER) continue;
        const char *name = subject(p, path);
        if (name && matches(p, name)) return !p->negated;
    }
    return false;
}
