/* vectors.c - what the parts of the documents mean: found on disk, or made and put there.
 *
 * The store of states keeps them (engine/kv_disk.h), since they are the same kind of
 * thing: derived from a document, private like it, worth keeping and no loss. A
 * document has one file, whose state is the vectors of all its parts:
 *
 *     origin  vectors 1 / model / width / what stands in front of a part / legwork /
 *             libllama, which computes them
 *     tokens  where each part starts, in bytes, and where the last one ends
 *     state   a float for each number of each part's vector
 *
 * The folder is named by the content of the document, so content, cutting and model are
 * all in the key, and other vectors are never taken for these. */
#include "run/vectors.h"

#include "base/limits.h"
#include "base/mem.h"
#include "engine/gguf_info.h"
#include "engine/identity.h"
#include "engine/kv_disk.h"
#include "engine/measure.h"
#include "run/kept_room.h"
#include "run/prepare.h"
#include "run/resolve.h"

#include <stdlib.h>
#include <string.h>

enum {
    BATCH_PARTS = 16, /* between two looks at the clock, for the progress line */
    ORIGIN_BYTES_MAX = 1024,
    /* A number of a key stands for a part, in a state's file for a token: this is what
     * makes their worth comparable. */
    TOKENS_A_PART = 256
};

_Static_assert(LIMIT_TEXT_BYTES <= INT32_MAX, "a place in a text is a number of a key");

struct making {
    lw_session *s;
    struct meaning *meaning;
    struct kv_disk *disk;       /* NULL: nothing is kept */
    struct identity_stamp file; /* whose identity the disk's keys have */
    int32_t *bounds;            /* of one document; as long as for all parts */
};

/* --- On disk -------------------------------------------------------------- */

static void write_origin(const struct meaning *m, const char *identity, struct buf *out)
{
    buf_addf(out, "vectors 1\nmodel %s\nwidth %zu\nbefore %s\nlegwork %s\nlibllama %s\n",
             identity, m->width, m->style.passage, LW_VERSION, measure_library());
}

static void open_disk(struct making *mk, const struct gguf_info *info)
{
    lw_session *s = mk->s;
    char identity[IDENTITY_BYTES];
    uint64_t room = kept_room_now(s);
    if (room == 0) return;
    mk->file = s->embedder.file;
    struct lw_error why;
    if (identity_of_loaded(s->embedder.path, &mk->file, identity, &why)) {
        session_warn(s, why.message);
        return;
    }
    struct buf origin;
    buf_init(&origin, ORIGIN_BYTES_MAX);
    write_origin(mk->meaning, identity, &origin);
    struct kv_disk_options opt = {
        .folder = kept_folder(s),
        .bytes_max = room,
        .origin = origin.data,
        .token_cost = (double)info->tensor_bytes * TOKENS_A_PART,
        .notice = event_post_warning,
        .user = &s->events,
    };
    mk->disk = kv_disk_open(&opt);
    buf_release(&origin);
    doc_set_hash(&s->docs);
}

/* The key of the parts from..to, which are those of one document. */
static int write_bounds(const struct making *mk, size_t from, size_t to)
{
    const struct chunk *parts = mk->s->matter.chunks.items;
    int n = 0;
    for (size_t i = from; i < to; i++) mk->bounds[n++] = (int32_t)parts[i].start;
    mk->bounds[n++] = (int32_t)parts[to - 1].end;
    return n;
}

static bool load(struct making *mk, const struct doc *doc, int n, float *out,
                 size_t bytes)
{
    size_t found = 0;
    if (!mk->disk) return false;
    unsigned char *kept = kv_disk_load(mk->disk, doc->content, mk->bounds, n, &found);
    bool good = kept && found == bytes;
    if (good) memcpy(out, kept, bytes);
    free(kept);
    return good;
}

/* --- Making --------------------------------------------------------------- */

static int make(struct making *mk, size_t from, size_t to, struct lw_error *err)
{
    lw_session *s = mk->s;
    int code = 0;
    while (from < to && !code) {
        size_t end = to - from > BATCH_PARTS ? from + BATCH_PARTS : to;
        code = meaning_read(mk->meaning, &s->docs, &s->matter.chunks, from, end,
                            &s->cancel, err);
        from = end;
        if (!code) event_steps(&s->events, (int)end, (int)mk->meaning->n);
    }
    return code;
}

/* The parts from..to are all of one document. */
static int get_document(struct making *mk, size_t from, size_t to, struct lw_error *err)
{
    struct meaning *m = mk->meaning;
    const struct doc *doc = mk->s->docs.docs[mk->s->matter.chunks.items[from].doc];
    float *vectors = m->vectors + from * m->width;
    size_t bytes = (to - from) * m->width * sizeof *vectors;
    int n = write_bounds(mk, from, to);
    if (load(mk, doc, n, vectors, bytes)) return 0;
    int code = make(mk, from, to, err);
    /* A model that was put out of memory is opened again by what it is asked next. */
    bool same = identity_same_file(&mk->file, &mk->s->embedder.file);
    if (!code && mk->disk && same) {
        kv_disk_save(mk->disk, doc->content, doc->name, mk->bounds, n,
                     (const unsigned char *)vectors, bytes);
    }
    return code;
}

static int get_all(struct making *mk, struct lw_error *err)
{
    const struct chunk_list *parts = &mk->s->matter.chunks;
    int code = 0;
    mk->bounds = mem_array(parts->n + 1, sizeof *mk->bounds);
    for (size_t from = 0, to; from < parts->n && !code; from = to) {
        for (to = from; to < parts->n && parts->items[to].doc == parts->items[from].doc;)
            to++;
        code = get_document(mk, from, to, err);
    }
    mem_free(mk->bounds);
    return code;
}

/* What a model wants in front of texts is known by what it calls itself, or by what its
 * file is called. */
static struct meaning_style style_of(const struct gguf_info *info, struct llm *model)
{
    struct buf names;
    buf_init(&names, ORIGIN_BYTES_MAX);
    buf_addf(&names, "%s %s", info->name, llm_info(model)->name);
    struct meaning_style style = meaning_style_of(names.data);
    buf_release(&names);
    return style;
}

static int make_vectors(lw_session *s, struct llm *model, struct lw_error *err)
{
    struct gguf_info info;
    struct meaning *m = &s->matter.meaning;
    struct making mk = { .s = s, .meaning = m };
    int code = gguf_info_read(s->embedder.path, &info, err);
    if (!code) {
        code = meaning_init(m, model, style_of(&info, model), s->matter.chunks.n, err);
    }
    if (!code) {
        open_disk(&mk, &info);
        event_stage(&s->events, "embedding");
        code = get_all(&mk, err);
    }
    kv_disk_close(mk.disk);
    return code;
}

int vectors_get(lw_session *s, const struct meaning **out, struct lw_error *err)
{
    struct reading_matter *m = &s->matter;
    struct llm *model;
    *out = NULL;
    int code = embedder_get(s, &model, err);
    if (code || !model) return code;
    if (!m->meaning_for || strcmp(m->meaning_for, s->embedder.made_for) != 0) {
        matter_forget_meaning(m);
        code = make_vectors(s, model, err);
        if (code) {
            matter_forget_meaning(m);
            return code;
        }
        m->meaning_for = mem_strdup(s->embedder.made_for);
    }
    *out = &m->meaning;
    return 0;
}
