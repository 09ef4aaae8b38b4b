/* supervise.c - one call of the supervisor: a question under a schema.
 *
 * Every call is complete in itself: instructions, question, what was found.
 * No conversation is kept, so a round costs what its findings cost and a lost
 * reply loses nothing. Temperature 0: the same inputs send the same bytes. */
#include "proto/supervise.h"

#include "base/limits.h"
#include "base/mem.h"
#include "llm/structured.h"

enum {
    REPAIR_MESSAGES = SUPERVISOR_MESSAGES + 2,
    FOUND_TOKENS_MAX = 6000, /* about 150 findings with quotes */
    FOUND_TOKENS_MIN = 200,
    MARGIN_TOKENS = 64 /* the chat template's own words */
};

bool supervise_is_broken(int code)
{
    return code == LW_ERR || code == LW_ERR_INPUT;
}

int supervise_failure(int code, struct lw_error *err)
{
    if (!supervise_is_broken(code)) return code;
    err_prefix(err, "the supervisor's reply cannot be used");
    err->code = LW_ERR_REMOTE;
    return LW_ERR_REMOTE;
}

int supervise_reply_tokens(struct llm *model)
{
    int context = llm_info(model)->context;
    return context > 0 && context / 4 < LIMIT_REPLY_TOKENS ? context / 4
                                                           : LIMIT_REPLY_TOKENS;
}

int supervise_rounds(const struct proto_run *run)
{
    return prompt_is_small(run) ? 1 : run->rounds_max;
}

int supervise_room(struct llm *model, const struct llm_message *rest)
{
    int context = llm_info(model)->context;
    if (context <= 0) return FOUND_TOKENS_MAX;
    int room = context - supervise_reply_tokens(model) - MARGIN_TOKENS;
    for (int m = 0; m < SUPERVISOR_MESSAGES; m++) {
        for (size_t p = 0; p < rest[m].n_parts; p++) {
            const struct llm_part *part = &rest[m].parts[p];
            room -= llm_count_tokens(model, part->text, part->len);
        }
    }
    if (room > FOUND_TOKENS_MAX) return FOUND_TOKENS_MAX;
    return room < FOUND_TOKENS_MIN ? FOUND_TOKENS_MIN : room;
}

static int ask(const struct proto_run *run, const struct llm_message *messages, size_t n,
               const json_t *schema, json_t **out, struct lw_error *err)
{
    struct llm_request req = {
        .messages = messages,
        .n_messages = n,
        .max_tokens = supervise_reply_tokens(run->supervisor),
        .schema = schema,
    };
    return structured_chat(run->supervisor, &req, out, run->remote_usage,
                           run->reading.cancel, err);
}

/* The same again, with the reply that was turned away and the complaint. */
static int ask_again(const struct proto_run *run, const struct llm_message *messages,
                     const json_t *schema, const json_t *reply, const char *complaint,
                     json_t **out, struct lw_error *err)
{
    struct llm_message repair[REPAIR_MESSAGES];
    for (int i = 0; i < SUPERVISOR_MESSAGES; i++) repair[i] = messages[i];
    char *said = json_dumps(reply, JSON_COMPACT);
    repair[SUPERVISOR_MESSAGES] = llm_message_text(LLM_ASSISTANT, said ? said : "{}");
    repair[SUPERVISOR_MESSAGES + 1] = llm_message_text(
        LLM_USER,
        arena_printf(run->reading.arena,
                     "That cannot be used: %s. Reply again, corrected.", complaint));
    int code = ask(run, repair, REPAIR_MESSAGES, schema, out, err);
    mem_free(said);
    return code;
}

int supervise(const struct proto_run *run, const struct llm_message *messages,
              json_t *schema, supervise_check_fn check, void *user, json_t **out,
              struct lw_error *err)
{
    json_t *value = NULL, *again = NULL;
    struct lw_error complaint = { .code = 0 };
    int code = ask(run, messages, SUPERVISOR_MESSAGES, schema, &value, err);
    if (code == 0 && check && check(user, value, &complaint)) {
        code = ask_again(run, messages, schema, value, complaint.message, &again, err);
        json_decref(value);
        value = again;
        if (code == 0) code = check(user, value, err);
    }
    json_decref(schema);
    if (code) {
        json_decref(value);
        return code;
    }
    *out = value;
    return 0;
}
