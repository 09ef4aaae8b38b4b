/* two_hop.c - "the ROLE of ..." in a question, and how far it reaches.
 *
 * Words are compared as quotes are: folded, without their endings. */
#include "jobs/two_hop.h"

#include "base/utf8.h"
#include "text/words.h"

#include <string.h>

enum {
    QUESTION_WORDS_MAX = 64, /* a longer one is no simple question */
    NAME_BYTES_MAX = 80,     /* of a longer answer nobody knows where the name is */
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

static bool is_word(const struct word *w, const char *list)
{
    return words_listed(list, w->folded, strlen(w->folded));
}

static bool is_article(const struct word *w)
{
    return is_word(w, "the a an this that his her its their");
}

/* Where the role stands in the first "the ROLE of"; n if there is none. */
static int find_role(const struct word_list *q)
{
    for (int i = 1; i + 2 < q->n; i++) {
        if (is_word(&q->items[i], roles) && is_word(&q->items[i - 1], "the") &&
            is_word(&q->items[i + 1], "of")) {
            return i;
        }
    }
    return q->n;
}

/* How many of want[0, n) stand in the text from its byte `pos` on, one after the other?
 */
static int run_at(const struct doc *doc, size_t pos, const struct word *want, int n)
{
    struct word word;
    int same = 0;
    while (same < n && words_next(doc->text, doc->len, &pos, &word) &&
           word.hash == want[same].hash) {
        same++;
    }
    return same;
}

/* The most of want[0, n) that stand together somewhere in the documents. */
static int longest_run(const struct doc_set *set, const struct word *want, int n)
{
    int best = 0;
    for (size_t d = 0; d < set->n_docs && best < n; d++) {
        const struct doc *doc = set->docs[d];
        struct word word;
        size_t pos = 0;
        while (best < n && words_next(doc->text, doc->len, &pos, &word)) {
            if (word.hash != want[0].hash) continue;
            int same = 1 + run_at(doc, pos, want + 1, n - 1);
            best = same > best ? same : best;
        }
    }
    return best;
}

/* Does anything outside of the words [from, to) say what is asked of the person? */
static bool asks_more(const struct word_list *q, int from, int to)
{
    for (int i = 0; i < q->n; i++) {
        bool outside = i < from || i >= to;
        if (outside && !q->items[i].common && !is_word(&q->items[i], naming)) return true;
    }
    return false;
}

bool two_hop_find(struct arena *a, const char *question, const struct doc_set *set,
                  struct two_hop *out)
{
    struct word_list q;
    words_cut(question, strlen(question), &q);
    int role = find_role(&q), of = role + 2;
    while (of < q.n && is_article(&q.items[of])) of++;
    if (of >= q.n || q.n > QUESTION_WORDS_MAX) return false;
    int most = q.n - of < DESCRIBED_WORDS_MAX ? q.n - of : DESCRIBED_WORDS_MAX;
    int end = of + longest_run(set, &q.items[of], most);
    if (end == of || !asks_more(&q, role, end)) return false;
    size_t at = q.items[role - 1].start, len = q.items[end - 1].end - at;
    *out = (struct two_hop){
        .question = question,
        .first = arena_printf(a, "Who is %.*s?", (int)len, question + at),
        .at = at,
        .len = len,
        .as_described = longest_run(set, &q.items[role], end - role) == end - role,
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
