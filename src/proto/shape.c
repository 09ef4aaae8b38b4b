/* shape.c - put a finished answer into the caller's JSON schema.
 *
 * The model sees the answer and the findings behind it, never the documents. */
#include "proto/shape.h"

#include "base/buf.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"
#include "llm/structured.h"
#include "proto/answer.h"
#include "proto/findings_text.h"
#include "proto/supervise.h"

#include <string.h>

static int take_value(const struct proto_run *run, const json_t *value, struct final *out,
                      struct lw_error *err)
{
    struct buf text;
    buf_init(&text, LIMIT_HTTP_REPLY_BYTES);
    int code = json_write(value, &text) ? err_set(err, LW_ERR, "it is too long") : 0;
    if (code == 0) {
        if (strstr(out->answer, words_no_quote)) proto_warn(run, "%s", words_no_quote);
        out->answer = arena_strndup(run->reading.arena, text.data, text.len);
        out->shaped = true;
    }
    buf_release(&text);
    return code;
}

void shape_answer(const struct proto_run *run, const struct record *rec,
                  struct llm *model, struct usage *usage, const char *told,
                  struct final *out)
{
    const struct reading *r = &run->reading;
    struct llm_message messages[SUPERVISOR_MESSAGES];
    struct lw_error err = { .code = 0 };
    json_t *value = NULL;
    if (!run->schema || out->status == FINAL_NOT_FOUND) return;
    if (cancel_level(r->cancel)) {
        answer_stopped(rec, out);
        return;
    }
    proto_stage(run, "writing");
    prompt_shape(run, told, "", messages);
    const char *found = findings_text(rec, model, supervise_room(model, messages));
    prompt_shape(run, told, found, messages);
    struct llm_request req = {
        .messages = messages,
        .n_messages = SUPERVISOR_MESSAGES,
        .max_tokens = supervise_reply_tokens(model),
        .schema = run->schema,
    };
    int code = structured_chat(model, &req, &value, usage, r->cancel, &err);
    if (code == 0) code = take_value(run, value, out, &err);
    json_decref(value);
    if (code == 0) return;
    err_prefix(&err, "the answer was not put into the schema");
    answer_partial(rec, out, code, err.message);
}
