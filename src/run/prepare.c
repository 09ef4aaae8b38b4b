/* prepare.c - how large a part of a document may be, and the cutting itself.
 *
 * A request holds the worker's instructions, a part of a document, a task and
 * the reply; all of it must fit the context that the worker really serves.
 * Tasks are the user's question or shorter ones of a supervisor, so room for the
 * question (prompt_overhead_tokens() adds instructions and reply) and a margin
 * is kept, and the rest is the most that a part may count. */
#include "run/prepare.h"

#include "base/buf.h"
#include "base/mem.h"
#include "jobs/prompts.h"
#include "text/chunker.h"

#include <string.h>

enum {
    CONTEXT_ASSUMED = 4096,   /* of a server that does not say */
    TASK_MARGIN_TOKENS = 128, /* hints, units, a supervisor's longer wording */
    PART_TOKENS_MIN = 32,
    ROOM_STEP_TOKENS = 128,
    KEY_BYTES_MAX = 256 * 1024
};

struct sizes {
    int target, max;
};

void matter_forget_meaning(struct reading_matter *m)
{
    meaning_release(&m->meaning);
    mem_free(m->meaning_for);
    m->meaning_for = NULL;
}

void matter_release(struct reading_matter *m)
{
    matter_forget_meaning(m);
    if (m->search) search_close(m->search);
    mem_free(m->sources);
    chunk_list_release(&m->chunks);
    mem_free(m->made_for);
    *m = (struct reading_matter){ .search = NULL };
}

/* So that questions of about the same length cut the documents in the same way, and
 * find what was read for one another. */
static int round_down(int room)
{
    return room >= 2 * ROOM_STEP_TOKENS ? room / ROOM_STEP_TOKENS * ROOM_STEP_TOKENS
                                        : room;
}

static int choose_sizes(const lw_session *s, struct llm *worker, const char *question,
                        struct sizes *out, struct lw_error *err)
{
    int context = llm_info(worker)->context;
    if (context <= 0) context = CONTEXT_ASSUMED;
    int margin = context / 16 < TASK_MARGIN_TOKENS ? context / 16 : TASK_MARGIN_TOKENS;
    struct task task = { .ask = mem_strdup(question),
                         .answer = ANSWER_TEXT,
                         .n_samples = 1 };
    int room = round_down(context - margin - prompt_overhead_tokens(worker, &task));
    mem_free(task.ask);
    if (room < PART_TOKENS_MIN) {
        return err_set(err, LW_ERR_USAGE,
                       "the question is too long for %s, which takes %d tokens at "
                       "once; shorten it%s",
                       llm_info(worker)->name, context,
                       llm_info(worker)->in_process ? ", or raise --context" : "");
    }
    int target = (int)options_int(&s->options, OPT_CHUNK_TOKENS);
    out->target = target < room ? target : room;
    out->max = out->target <= room / 2 ? 2 * out->target : room;
    return 0;
}

int matter_check(const lw_session *s, struct lw_error *err)
{
    if (s->docs.n_docs == 0) {
        return err_set(err, LW_ERR_USAGE, "there is no document to read");
    }
    if (s->docs.text_bytes == 0) {
        return err_set(err, LW_ERR_INPUT, "the documents hold no text");
    }
    return 0;
}

static int count_tokens(void *user, const char *text, size_t len)
{
    return llm_count_tokens(user, text, len);
}

static int cut_and_index(lw_session *s, struct llm *worker, const struct sizes *sizes,
                         struct lw_error *err)
{
    struct reading_matter *m = &s->matter;
    struct chunk_options opt = { .tokens_target = sizes->target,
                                 .tokens_max = sizes->max };
    if (llm_info(worker)->in_process) {
        opt.count_tokens = count_tokens;
        opt.user = worker;
    }
    for (size_t i = 0; i < s->docs.n_docs; i++) {
        int code = chunk_document(&s->docs, (int)i, &opt, &m->chunks, err);
        if (code) return code;
        if (cancel_level(&s->cancel) != CANCEL_NONE) {
            return err_set(err, LW_CANCELLED, "interrupted before anything was read");
        }
    }
    return search_open(&m->search, &s->docs, &m->chunks, err);
}

static void name_sources(lw_session *s, struct llm *worker)
{
    if (llm_info(worker)->kept_token_bytes == 0) return;
    doc_set_hash(&s->docs);
    s->matter.sources = mem_array(s->docs.n_docs, sizeof *s->matter.sources);
    for (size_t i = 0; i < s->docs.n_docs; i++) {
        const struct doc *doc = s->docs.docs[i];
        s->matter.sources[i] =
            (struct llm_source){ .id = doc->content, .name = doc->name };
    }
}

int matter_get(lw_session *s, struct llm *worker, const char *question,
               struct lw_error *err)
{
    struct sizes sizes = { 0 };
    int code = choose_sizes(s, worker, question, &sizes, err);
    if (code) return code;
    struct buf key;
    buf_init(&key, KEY_BYTES_MAX);
    buf_addf(&key, "%d %d %zu %d %s", sizes.target, sizes.max, s->docs.n_docs,
             llm_info(worker)->kept_token_bytes > 0, llm_info(worker)->name);
    if (!s->matter.search || strcmp(s->matter.made_for, key.data) != 0) {
        event_stage(&s->events, "preparing the documents");
        matter_release(&s->matter);
        code = cut_and_index(s, worker, &sizes, err);
        if (code) {
            matter_release(&s->matter);
        } else {
            name_sources(s, worker);
            s->matter.made_for = buf_take(&key, NULL);
        }
    }
    buf_release(&key);
    return code;
}
