/* two_hop.c - "the ROLE of ..." in a question, and how far it reaches.
 *
 * Words are compared as quotes are: folded, without their endings. */
#include "jobs/two_hop.h"

#include "base/utf8.h"
#include "text/words.h"

#include <string.h>

enum {
    WORDS_MAX = 64,      /* of a question; a longer one is no simple question */
    NAME_BYTES_MAX = 80, /* of a longer answer nobody knows where the name is */
    DESCRIBED_WORDS_MAX = 8
};

/* What one person is to something or somebody. */
static const char roles[] =
    "owner author writer composer painter sculptor architect inventor discoverer founder "
    "co-founder cofounder director producer creator designer editor translator captain "
    "commander chairman chairwoman chairperson president ceo cfo manager mayor governor "
    "landlord landlady tenant wife husband widow widower fiancee mother father son "
    "daughter "
    "brother sister grandfather grandmother uncle aunt nephew niece successor "
    "predecessor "
    "killer murderer winner king queen emperor principal teacher coach";

/* What asks for a name and says nothing more. */
static const char naming[] = "name named names called identify identity tell say person "
                             "s who whom whose is was are were the full";

struct sentence {
    const char *text;
    struct word words[WORDS_MAX];
    size_t n;
};

static bool cut(const char *text, struct sentence *out)
{
    size_t len = strlen(text), pos = 0;
    struct word word;
    *out = (struct sentence){ .text = text };
    while (words_next(text, len, &pos, &word)) {
        if (out->n == WORDS_MAX) return false;
        out->words[out->n++] = word;
    }
    return true;
}

static bool is_word(const struct word *w, const char *list)
{
    return words_listed(list, w->folded, strlen(w->folded));
}

static bool is_article(const struct word *w)
{
    return is_word(w, "the a an this that his her its their");
}

/* The first "the ROLE of"; s->n if there is none. */
static size_t find_role(const struct sentence *s)
{
    for (size_t i = 1; i + 2 < s->n; i++) {
        if (is_word(&s->words[i], roles) && is_word(&s->words[i - 1], "the") &&
            is_word(&s->words[i + 1], "of")) {
            return i;
        }
    }
    return s->n;
}

/* How many of want[0, n) stand in the text from its byte `pos` on, one after the other?
 */
static size_t run_at(const struct doc *doc, size_t pos, const struct word *want, size_t n)
{
    struct word word;
    size_t same = 0;
    while (same < n && words_next(doc->text, doc->len, &pos, &word) &&
           word.hash == want[same].hash) {
        same++;
    }
    return same;
}

/* The most of want[0, n) that stand together somewhere in the documents. */
static size_t longest_run(const struct doc_set *set, const struct word *want, size_t n)
{
    size_t best = 0;
    for (size_t d = 0; d < set->n_docs && best < n; d++) {
        const struct doc *doc = set->docs[d];
        struct word word;
        size_t pos = 0;
        while (best < n && words_next(doc->text, doc->len, &pos, &word)) {
            if (word.hash != want[0].hash) continue;
            size_t same = 1 + run_at(doc, pos, want + 1, n - 1);
            best = same > best ? same : best;
        }
    }
    return best;
}

/* Does anything outside of words[from, to) say what is asked of the person? */
static bool asks_more(const struct sentence *s, size_t from, size_t to)
{
    for (size_t i = 0; i < s->n; i++) {
        bool outside = i < from || i >= to;
        if (outside && !s->words[i].common && !is_word(&s->words[i], naming)) return true;
    }
    return false;
}

bool two_hop_find(struct arena *a, const char *question, const struct doc_set *set,
                  struct two_hop *out)
{
    struct sentence s;
    if (!cut(question, &s)) return false;
    size_t role = find_role(&s), of = role + 2;
    while (of < s.n && is_article(&s.words[of])) of++;
    if (of >= s.n) return false;
    size_t n = s.n - of < DESCRIBED_WORDS_MAX ? s.n - of : DESCRIBED_WORDS_MAX;
    size_t end = of + longest_run(set, &s.words[of], n);
    if (end == of || !asks_more(&s, role, end)) return false;
    size_t at = s.words[role - 1].start, len = s.words[end - 1].end - at;
    *out = (struct two_hop){
        .question = question,
        .first = arena_printf(a, "Who is %.*s?", (int)len, question + at),
        .at = at,
        .len = len,
        .as_described = longest_run(set, &s.words[role], end - role) == end - role,
    };
    return true;
}

bool two_hop_is_name(const char *answer)
{
    size_t len = strlen(answer);
    uint32_t cp = 0;
    if (len > 0) utf8_decode(answer, answer + len, &cp);
    return len > 0 && len <= NAME_BYTES_MAX && utf8_is_upper(cp) && !strchr(answer, '\n');
}

const char *two_hop_second(struct arena *a, const struct two_hop *h, const char *name)
{
    return arena_printf(a, "%.*s%s%s", (int)h->at, h->question, name,
                        h->question + h->at + h->len);
}
