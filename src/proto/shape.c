/* shape.c - put a finished answer into the caller's JSON schema.
 *
 * The model sees the answer and the findings behind it, never the documents. */
#include "proto/shape.h"

#include "base/mem.h"
#include "llm/structured.h"
#include "proto/answer.h"
#include "proto/findings_text.h"
#include "proto/supervise.h"

void shape_answer(const struct proto_run *run, const struct record *rec,
                  struct llm *model, struct usage *usage, struct final *out)
{
    const struct reading *r = &run->reading;
    struct llm_message messages[SUPERVISOR_MESSAGES];
    struct lw_error err = { .code = 0 };
    json_t *value = NULL;
    if (!run->schema || out->status == FINAL_NOT_FOUND || cancel_level(r->cancel)) return;
    proto_stage(run, "writing");
    prompt_shape(run, out->answer, "", messages);
    const char *found = findings_text(rec, model, supervise_room(model, messages));
    prompt_shape(run, out->answer, found, messages);
    struct llm_request req = {
        .messages = messages,
        .n_messages = SUPERVISOR_MESSAGES,
        .max_tokens = supervise_reply_tokens(model),
        .schema = run->schema,
    };
    int code = structured_chat(model, &req, &value, usage, r->cancel, &err);
    if (code) {
        err_prefix(&err, "the answer was not put into the schema");
        answer_partial(rec, out, code, err.message);
        return;
    }
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    if (text) out->answer = arena_strdup(r->arena, text);
    out->shaped = text != NULL;
    mem_free(text);
    json_decref(value);
}
