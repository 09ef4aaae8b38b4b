/* structured.c - from what a model wrote to a JSON value of a schema.
 *
 * Models that are not constrained wrap JSON in prose or fences, stop in the
 * middle, or give back the schema itself. The first is undone here, the others
 * become a complaint in words that the model can act on, sent once. A second
 * failure is final: asking again without saying anything new has never been
 * seen to help, and costs what the first try cost. */
#include "llm/structured.h"

#include "base/mem.h"
#include "llm/schema.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* --- Checking ------------------------------------------------------------- */

/* A model that was shown a schema may fill it in where it stands, or repeat it. */
static bool is_echo(const json_t *schema, const json_t *value)
{
    if (json_equal(schema, value)) return true;
    const json_t *own =
        json_object_get(json_object_get(schema, "properties"), "properties");
    return !own && json_is_object(json_object_get(value, "properties")) &&
           json_is_string(json_object_get(value, "type"));
}

static int check_value(const json_t *schema, const json_t *value, struct lw_error *err)
{
    if (is_echo(schema, value)) {
        return err_set(
            err, LW_ERR_INPUT,
            "the reply repeats the JSON schema instead of giving a value of it");
    }
    return schema_validate(schema, value, err);
}

static size_t skip_blanks(const char *text, size_t len)
{
    size_t i = 0;
    while (i < len && strchr(" \t\r\n", text[i]) && text[i]) i++;
    return i;
}

int structured_parse(const json_t *schema, const char *text, size_t len, json_t **out,
                     struct lw_error *err)
{
    if (skip_blanks(text, len) == len) {
        return err_set(err, LW_ERR_INPUT, "the reply is empty");
    }
    struct lw_error why;
    json_t *value = json_parse(text, len, &why);
    if (!value) value = json_find_object(text, len);
    if (!value)
        return err_set(err, LW_ERR_INPUT, "the reply is not JSON: %s", why.message);
    int code = check_value(schema, value, err);
    if (code) {
        json_decref(value);
        return code;
    }
    *out = value;
    return 0;
}

/* --- Asking --------------------------------------------------------------- */

struct asking {
    struct llm *llm;
    struct usage *usage;
    const struct cancel *cancel;
};

/* One try. A reply that cannot be used: LW_ERR_INPUT with the complaint, and
 * the reply itself in *text (mem_free). */
static int try_once(const struct asking *a, const struct llm_request *req, json_t **out,
                    char **text, struct lw_error *err)
{
    struct llm_reply reply;
    int code = llm_chat(a->llm, req, &reply, text, a->cancel, err);
    usage_add(a->usage, &reply.usage);
    if (code) return code == LW_ERR_INPUT ? LW_ERR : code;
    code = structured_parse(req->schema, *text, reply.len, out, err);
    if (code && reply.finish == LLM_LENGTH) {
        return err_set(err, code,
                       "the reply was cut off after %d tokens; it must be shorter",
                       req->max_tokens);
    }
    if (code && reply.finish == LLM_REPEAT) {
        return err_set(err, code,
                       "the reply repeated itself without end and was cut off");
    }
    return code;
}

/* The conversation goes on: what the model wrote, then what is wrong with it. */
static int try_again(const struct asking *a, const struct llm_request *first,
                     const char *reply, json_t **out, struct lw_error *err)
{
    char words[sizeof err->message + 128];
    snprintf(words, sizeof words,
             "This reply cannot be used: %s.\n"
             "Reply again, with nothing but the corrected JSON.",
             err->message);
    size_t n = first->n_messages;
    struct llm_message *messages = mem_array(n + 2, sizeof *messages);
    memcpy(messages, first->messages, n * sizeof *messages);
    messages[n] = llm_message_text(LLM_ASSISTANT, reply);
    messages[n + 1] = llm_message_text(LLM_USER, words);
    struct llm_request req = *first;
    req.messages = messages;
    req.n_messages = n + 2;
    req.say_schema = true;
    char *text = NULL;
    int code = try_once(a, &req, out, &text, err);
    mem_free(text);
    mem_free(messages);
    return code;
}

int structured_chat(struct llm *llm, const struct llm_request *req, json_t **out,
                    struct usage *usage, const struct cancel *cancel,
                    struct lw_error *err)
{
    assert(req->schema != NULL);
    struct asking a = { .llm = llm, .usage = usage, .cancel = cancel };
    struct lw_error why;
    char *text = NULL;
    int code = try_once(&a, req, out, &text, &why);
    if (code == LW_ERR_INPUT) code = try_again(&a, req, text, out, &why);
    mem_free(text);
    if (code == LW_ERR_INPUT) {
        return err_set(err, LW_ERR,
                       "%s replied twice with something that cannot be used: %s",
                       llm_info(llm)->name, why.message);
    }
    return code ? err_set(err, code, "%s", why.message) : 0;
}
