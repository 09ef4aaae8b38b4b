/* whole.c - all documents as one text, for a model that can hold them. */
#include "proto/whole.h"

#include <string.h>

enum {
    COUNTED_BYTES_MAX = 16 * 1024 * 1024,
    BYTES_PER_TOKEN = 4, /* of what is too long to count */
    HEAD_BYTES_MAX = sizeof(((struct doc *)0)->id) + 4
};

static size_t whole_bytes(const struct doc_set *set)
{
    return set->text_bytes + set->n_docs * HEAD_BYTES_MAX;
}

int64_t whole_tokens(const struct reading *r, struct llm *model)
{
    size_t bytes = whole_bytes(r->set), n = 0;
    if (bytes > COUNTED_BYTES_MAX) return (int64_t)(bytes / BYTES_PER_TOKEN);
    const struct doc_set *set = r->set;
    for (size_t i = 0; i < set->n_docs; i++) {
        n += (size_t)llm_count_tokens(model, set->docs[i]->text, set->docs[i]->len);
    }
    return (int64_t)(n + set->n_docs * HEAD_BYTES_MAX / BYTES_PER_TOKEN);
}

const char *whole_text(const struct reading *r, size_t *len)
{
    char *text = arena_alloc(r->arena, whole_bytes(r->set) + 1), *end = text;
    for (size_t i = 0; i < r->set->n_docs; i++) {
        const struct doc *doc = r->set->docs[i];
        size_t id_len = strlen(doc->id);
        memcpy(end, doc->id, id_len);
        memcpy(end + id_len, ":\n", 2);
        end += id_len + 2;
        memcpy(end, doc->text, doc->len);
        end += doc->len;
        memcpy(end, "\n\n", 2);
        end += 2;
    }
    *len = (size_t)(end - text);
    return text;
}
