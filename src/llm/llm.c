/* llm.c - the calls that every model shares, whatever it is behind the table.
 *
 * Nothing here knows a model. The one thing of substance is llm_chat(), which
 * turns one request of a batch of one into a call that returns its outcome as
 * an error, so that a supervisor's call reads straight on. */
#include "llm/llm.h"

#include "base/mem.h"

#include <assert.h>
#include <math.h>
#include <string.h>

void llm_close(struct llm *llm)
{
    if (llm) llm->ops->close(llm);
}

const struct llm_info *llm_info(struct llm *llm)
{
    return llm->ops->info(llm);
}

int llm_count_tokens(struct llm *llm, const char *text, size_t len)
{
    return llm->ops->count_tokens(llm, text, len);
}

bool llm_set_meter(struct llm *llm, const struct llm_meter *meter)
{
    if (llm->ops->meter) llm->ops->meter(llm, meter);
    return llm->ops->meter != NULL;
}

int llm_chat_many(struct llm *llm, const struct llm_request *reqs, size_t n,
                  llm_reply_fn on_reply, void *user, const struct cancel *cancel,
                  struct lw_error *err)
{
    if (n == 0) return 0;
    return llm->ops->chat_many(llm, reqs, n, on_reply, user, cancel, err);
}

int llm_embed(struct llm *llm, const struct llm_part *texts, size_t n, float *out,
              const struct cancel *cancel, struct lw_error *err)
{
    if (!llm->ops->embed) {
        return err_set(err, LW_ERR_USAGE, "%s makes no embeddings", llm_info(llm)->name);
    }
    return n == 0 ? 0 : llm->ops->embed(llm, texts, n, out, cancel, err);
}

struct llm_reply llm_no_reply(enum llm_finish finish)
{
    return (struct llm_reply){
        .finish = finish,
        .text = "",
        .logprob_alt = NAN,
        .logprob_alt2 = NAN,
        .logprob_mean = NAN,
    };
}

/* --- One request --------------------------------------------------------- */

struct only_reply {
    struct llm_reply *reply;
    char *text;
    bool wanted;
};

static void keep_reply(void *user, size_t index, const struct llm_reply *reply)
{
    struct only_reply *only = user;
    assert(index == 0);
    *only->reply = *reply;
    only->reply->text = ""; /* the model's own ends with this call */
    if (only->wanted) {
        only->text = mem_strndup(reply->text, reply->len);
    } else {
        only->reply->len = 0;
    }
}

static int outcome(const struct llm_reply *reply, const struct cancel *cancel,
                   struct lw_error *err)
{
    switch (reply->finish) {
    case LLM_FAILED: return err_set(err, reply->error.code, "%s", reply->error.message);
    case LLM_CANCELLED:
        if (cancel_timed_out(cancel)) {
            return err_set(err, LW_TIMEOUT, "the time limit ended the model's reply");
        }
        return err_set(err, LW_CANCELLED, "cancelled while the model replied");
    case LLM_STOP:
    case LLM_LENGTH:
    case LLM_REPEAT: break;
    }
    return 0;
}

int llm_chat(struct llm *llm, const struct llm_request *req, struct llm_reply *reply,
             char **text, const struct cancel *cancel, struct lw_error *err)
{
    *reply = llm_no_reply(LLM_CANCELLED);
    struct only_reply only = { .reply = reply, .wanted = text != NULL };
    int code = llm_chat_many(llm, req, 1, keep_reply, &only, cancel, err);
    if (code == 0) code = outcome(reply, cancel, err);
    if (code) {
        mem_free(only.text);
        return code;
    }
    reply->text = only.text ? only.text : "";
    if (text) *text = only.text;
    return 0;
}

/* --- Requests ------------------------------------------------------------ */

struct llm_message llm_message_text(enum llm_role role, const char *text)
{
    return (struct llm_message){
        .role = role,
        .parts = { { .text = text, .len = strlen(text) } },
        .n_parts = 1,
    };
}

size_t llm_request_bytes(const struct llm_request *req)
{
    size_t bytes = 0;
    for (size_t m = 0; m < req->n_messages; m++) {
        const struct llm_message *message = &req->messages[m];
        for (size_t p = 0; p < message->n_parts; p++) bytes += message->parts[p].len;
    }
    return bytes;
}
