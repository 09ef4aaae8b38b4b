/* meaning.c - vectors of chunks and questions, and their products.
 *
 * What a model wants in front of a text is no matter of taste: a model trained with
 * "query: " ranks worse without it, and any other model ranks worse with it. So only
 * names are known here whose makers document it, and a name nobody knows gets
 * nothing. */
#include "jobs/meaning.h"

#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

enum { TEXTS_AT_ONCE = 16 };

/* --- What stands in front ------------------------------------------------- */

/* Words of names, small, with blanks where names may have any mark. The first line whose
 * words all stand in the name counts. */
static const struct style_line {
    const char *words;
    struct meaning_style style;
} styles[] = {
    { "e5 instruct", { "", "" } }, /* wants a sentence on the task */
    { "e5 mistral", { "", "" } },
    { "e5 small", { "query: ", "passage: " } },
    { "e5 base", { "query: ", "passage: " } },
    { "e5 large", { "query: ", "passage: " } },
    { "nomic embed text", { "search_query: ", "search_document: " } },
    { "bge en", { "Represent this sentence for searching relevant passages: ", "" } },
};

static bool is_word_end(char c)
{
    return !isalnum((unsigned char)c);
}

/* Is this one of the name's words, whatever their case and what stands between? */
static bool has_word(const char *name, const char *word, size_t len)
{
    bool starts = true;
    for (const char *at = name; *at; at++) {
        if (starts && strncasecmp(at, word, len) == 0 && is_word_end(at[len])) {
            return true;
        }
        starts = is_word_end(*at);
    }
    return false;
}

static bool has_words(const char *name, const char *words)
{
    for (const char *at = words; *at;) {
        size_t len = strcspn(at, " ");
        if (!has_word(name, at, len)) return false;
        at += len + strspn(at + len, " ");
    }
    return true;
}

struct meaning_style meaning_style_of(const char *name)
{
    for (size_t i = 0; i < sizeof styles / sizeof *styles; i++) {
        if (has_words(name, styles[i].words)) return styles[i].style;
    }
    return (struct meaning_style){ "", "" };
}

/* --- Vectors of chunks ---------------------------------------------------- */

int meaning_init(struct meaning *m, struct llm *model, struct meaning_style style,
                 size_t n_chunks, struct lw_error *err)
{
    size_t width = (size_t)llm_info(model)->embedding;
    if (width > 0 && n_chunks > LIMIT_VECTOR_BYTES / sizeof(float) / width) {
        return err_set(err, LW_ERR_INPUT,
                       "the documents have %zu parts, too many to compare by meaning "
                       "with vectors of %zu numbers; ask without --embed",
                       n_chunks, width);
    }
    *m = (struct meaning){ .model = model,
                           .style = style,
                           .width = width,
                           .n = n_chunks,
                           .vectors = mem_array(n_chunks * width, sizeof(float)) };
    return 0;
}

void meaning_release(struct meaning *m)
{
    mem_free(m->vectors);
    *m = (struct meaning){ .model = NULL };
}

static struct llm_part passage(const struct meaning *m, const char *text, size_t len,
                               struct arena *scratch)
{
    size_t before = strlen(m->style.passage);
    if (before > 0) {
        char *both = arena_alloc(scratch, before + len);
        memcpy(both, m->style.passage, before);
        memcpy(both + before, text, len);
        text = both;
    }
    return (struct llm_part){ .text = text, .len = before + len, .verbatim = true };
}

int meaning_read(struct meaning *m, const struct doc_set *set,
                 const struct chunk_list *chunks, size_t from, size_t to,
                 const struct cancel *cancel, struct lw_error *err)
{
    struct llm_part parts[TEXTS_AT_ONCE];
    int code = 0;
    while (from < to && code == 0) {
        struct arena *scratch = arena_new();
        size_t n = 0, first = from;
        for (; from < to && n < TEXTS_AT_ONCE; from++) {
            const struct chunk *c = &chunks->items[from];
            const char *text = set->docs[c->doc]->text + c->start;
            parts[n++] = passage(m, text, c->end - c->start, scratch);
        }
        code = llm_embed(m->model, parts, n, m->vectors + first * m->width, cancel, err);
        arena_free(scratch);
    }
    return code;
}

/* --- Questions ------------------------------------------------------------ */

static double product(const float *a, const float *b, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += (double)a[i] * (double)b[i];
    return sum;
}

int meaning_near(const struct meaning *m, const char *const *texts, size_t n_texts,
                 const struct cancel *cancel, double *near, struct lw_error *err)
{
    struct buf text;
    buf_init(&text, LIMIT_TEXT_BYTES);
    buf_add_str(&text, m->style.question);
    for (size_t i = 0; i < n_texts; i++) buf_addf(&text, i ? " %s" : "%s", texts[i]);
    struct llm_part part = { .text = text.data, .len = text.len, .verbatim = true };
    float *vector = mem_array(m->width, sizeof *vector);
    int code = llm_embed(m->model, &part, 1, vector, cancel, err);
    for (size_t i = 0; i < m->n && code == 0; i++) {
        near[i] = product(vector, m->vectors + i * m->width, m->width);
    }
    mem_free(vector);
    buf_release(&text);
    return code;
}
