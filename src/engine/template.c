/* template.c - render a chat with marks, cut it, tokenise the pieces.
 *
 * libllama recognises some fifty templates by their text and renders them
 * itself. Some drop the system message; then it goes in front of the first
 * message of the user. Contents are put in as they are: no template trims
 * them, since it never sees them. */
#include "engine/template.h"

#include "base/buf.h"
#include "base/mem.h"

#include <stdio.h>
#include <string.h>

enum {
    MESSAGES_MAX = 256,
    MARK_BYTES = 40,
    RENDERED_MAX = 1 << 20, /* template text alone: contents are not in it */
    SOURCE_MAX = 1 << 26
};

static const char mark_format[] = "\x1flw%03zu\x1f";

static const char *role_name(enum llm_role role)
{
    static const char *const names[] = {
        [LLM_SYSTEM] = "system", [LLM_USER] = "user", [LLM_ASSISTANT] = "assistant"
    };

    return names[role];
}

const char *template_of(const struct llama_model *model)
{
    const char *tmpl = llama_model_chat_template(model, NULL);
    const struct llama_chat_message probe = { .role = "user", .content = "x" };

    if (tmpl && llama_chat_apply_template(tmpl, &probe, 1, true, NULL, 0) < 0) {
        return NULL;
    }
    return tmpl;
}

/* Does the assistant's turn begin with a thought, or may it? What a template does
 * for a new turn stands behind the name of this condition. */
static bool may_think(const char *tmpl)
{
    static const char condition[] = "add_generation_prompt";
    const char *turn = NULL;

    for (const char *at = tmpl; at && (at = strstr(at, condition)); turn = at) {
        at += sizeof condition - 1;
    }
    return turn && strstr(turn, "<think>");
}

/* --- Rendering ------------------------------------------------------------ */

static void render_plain(const struct llama_chat_message *chat, size_t n, struct buf *out)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(chat[i].role, "user") == 0) {
            buf_addf(out, "User: %s\n\n", chat[i].content);
        } else if (strcmp(chat[i].role, "assistant") == 0) {
            buf_addf(out, "Assistant: %s\n\n", chat[i].content);
        } else {
            buf_addf(out, "%s\n\n", chat[i].content);
        }
    }
    buf_add_str(out, "Assistant:");
}

static bool ends_with(const struct buf *text, const char *end)
{
    size_t len = strlen(end);

    return text->len >= len && memcmp(text->data + text->len - len, end, len) == 0;
}

static int render_own(const char *tmpl, const struct llama_chat_message *chat, size_t n,
                      struct buf *out)
{
    int32_t len = llama_chat_apply_template(tmpl, chat, n, true, NULL, 0);

    if (len < 0 || len > RENDERED_MAX) {
        return LW_ERR;
    }
    /* The library copies with strncpy: no NUL when the text fills the room. */
    char *text = mem_alloc((size_t)len + 1);
    llama_chat_apply_template(tmpl, chat, n, true, text, len);
    int rc = buf_add(out, text, strlen(text));
    mem_free(text);
    if (rc == 0 && may_think(tmpl)) {
        rc = buf_add_str(out, ends_with(out, "<think>") ? "" : "<think>") ||
             buf_add_str(out, "\n\n</think>\n\n");
    }
    return rc;
}

/* The chat with a mark for each message. */
static int render_marks(const char *tmpl, const struct llm_request *req, struct buf *out)
{
    struct llama_chat_message *chat = mem_array(req->n_messages, sizeof *chat);
    char(*marks)[MARK_BYTES] = mem_array(req->n_messages, sizeof *marks);
    int rc = 0;

    for (size_t i = 0; i < req->n_messages; i++) {
        snprintf(marks[i], sizeof marks[i], mark_format, i);
        chat[i] = (struct llama_chat_message){ .role = role_name(req->messages[i].role),
                                               .content = marks[i] };
    }
    if (tmpl) {
        rc = render_own(tmpl, chat, req->n_messages, out);
    } else {
        render_plain(chat, req->n_messages, out);
    }
    mem_free(marks);
    mem_free(chat);
    return rc || buf_failed(out) ? LW_ERR : 0;
}

/* --- Tokens --------------------------------------------------------------- */

struct writer {
    const struct vocab *v;
    const struct llm_request *req;
    struct prompt *out;
    struct part_memo *memo;
    const struct llm_message *dropped; /* a system message still to be placed, or NULL */
    bool has_document;                 /* one was written */
    size_t shared_end;                 /* with a document; 0: none */
    size_t last_start;
};

static void write_template(struct writer *w, const char *text, size_t len)
{
    struct tokens *t = &w->out->tokens;
    bool begins = t->n == 0;

    vocab_tokenize(w->v, text, len, VOCAB_SPECIAL, t);
    if (begins && w->v->bos != LLAMA_TOKEN_NULL &&
        (t->n == 0 || t->ids[0] != w->v->bos)) {
        tokens_add(t, w->v->bos);
        memmove(t->ids + 1, t->ids, (t->n - 1) * sizeof *t->ids);
        t->ids[0] = w->v->bos;
    }
}

static void write_document(struct writer *w, const struct llm_part *part)
{
    struct part_memo *memo = w->memo;

    if (memo->text != part->text || memo->len != part->len) {
        memo->text = part->text;
        memo->len = part->len;
        memo->tokens.n = 0;
        vocab_tokenize(w->v, part->text, part->len, VOCAB_PLAIN, &memo->tokens);
    }
    tokens_add_all(&w->out->tokens, memo->tokens.ids, memo->tokens.n);
    w->has_document = true;
}

static void write_parts(struct writer *w, const struct llm_message *m)
{
    for (size_t i = 0; i < m->n_parts; i++) {
        const struct llm_part *part = &m->parts[i];
        if (part->verbatim) {
            write_document(w, part);
        } else {
            vocab_tokenize(w->v, part->text, part->len, VOCAB_PLAIN, &w->out->tokens);
        }
        bool is_shared = part->verbatim || i + 1 < m->n_parts || w->req->keep_only;
        if (w->has_document && is_shared) {
            w->shared_end = w->out->tokens.n;
        }
    }
}

static void write_message(struct writer *w, size_t i)
{
    const struct llm_message *m = &w->req->messages[i];

    if (i + 1 == w->req->n_messages) {
        w->last_start = w->out->tokens.n;
    }
    if (w->dropped && m->role == LLM_USER) {
        write_parts(w, w->dropped);
        vocab_tokenize(w->v, "\n\n", 2, VOCAB_PLAIN, &w->out->tokens);
        w->dropped = NULL;
    }
    write_parts(w, m);
}

/* Cut the rendered text at the marks. Returns false if a message other than a
 * first system message has no mark in it. */
static bool write_all(struct writer *w, const char *text)
{
    char mark[MARK_BYTES];

    for (size_t i = 0; i < w->req->n_messages; i++) {
        snprintf(mark, sizeof mark, mark_format, i);
        const char *hit = strstr(text, mark);
        if (!hit && i == 0 && w->req->messages[0].role == LLM_SYSTEM &&
            w->req->n_messages > 1) {
            w->dropped = &w->req->messages[0];
            continue;
        }
        if (!hit) {
            return false;
        }
        write_template(w, text, (size_t)(hit - text));
        write_message(w, i);
        text = hit + strlen(mark);
    }
    write_template(w, text, strlen(text));
    return true;
}

static int check_length(const struct llm_request *req, struct lw_error *err)
{
    if (req->n_messages == 0 || req->n_messages > MESSAGES_MAX) {
        return err_set(err, LW_ERR_USAGE, "a chat has 1 to %d messages, not %zu",
                       MESSAGES_MAX, req->n_messages);
    }
    return 0;
}

int template_render(const char *tmpl, const struct vocab *v,
                    const struct llm_request *req, struct part_memo *memo,
                    struct prompt *out, struct lw_error *err)
{
    struct writer w = { .v = v, .req = req, .out = out, .memo = memo };
    struct buf text;
    int rc = check_length(req, err);

    if (rc) {
        return rc;
    }
    buf_init(&text, RENDERED_MAX);
    bool ok = render_marks(tmpl, req, &text) == 0 && write_all(&w, text.data);
    buf_release(&text);
    if (!ok) {
        return err_set(err, LW_ERR, "the model's chat template does not take this chat");
    }
    if (req->prefill) {
        vocab_tokenize(v, req->prefill, strlen(req->prefill), VOCAB_PLAIN, &out->tokens);
    }
    size_t shared = w.has_document ? w.shared_end : w.last_start;
    if (out->tokens.n == 0) {
        return err_set(err, LW_ERR_USAGE, "a chat without any text");
    }
    out->n_prefix = shared < out->tokens.n ? shared : out->tokens.n - 1;
    return 0;
}

/* --- A model with an encoder ---------------------------------------------- */

static int join_texts(const struct llm_request *req, struct buf *out)
{
    for (size_t i = 0; i < req->n_messages; i++) {
        const struct llm_message *m = &req->messages[i];
        if (i > 0) {
            buf_add_str(out, "\n\n");
        }
        for (size_t k = 0; k < m->n_parts; k++) {
            buf_add(out, m->parts[k].text, m->parts[k].len);
        }
    }
    return buf_failed(out) ? LW_ERR : 0;
}

/* Nothing is shared, so the texts are tokenised as one: vocabularies of this kind
 * melt white space and put one at each beginning. */
int template_render_source(const struct vocab *v, llama_token decoder_start,
                           const struct llm_request *req, struct prompt *out,
                           struct lw_error *err)
{
    struct buf text;
    int rc = check_length(req, err);

    if (rc) {
        return rc;
    }
    buf_init(&text, SOURCE_MAX);
    if (join_texts(req, &text) == 0) {
        vocab_tokenize(v, text.data, text.len, VOCAB_PLAIN, &out->source);
    } else {
        rc = err_set(err, LW_ERR_INPUT, "a request of more than %d bytes", SOURCE_MAX);
    }
    buf_release(&text);
    llama_token end = llama_vocab_eos(v->llama);
    if (llama_vocab_get_add_eos(v->llama) && end != LLAMA_TOKEN_NULL) {
        tokens_add(&out->source, end);
    }
    tokens_add(&out->tokens, decoder_start);
    if (req->prefill) {
        vocab_tokenize(v, req->prefill, strlen(req->prefill), VOCAB_PLAIN, &out->tokens);
    }
    return rc;
}

void prompt_release(struct prompt *prompt)
{
    tokens_release(&prompt->tokens);
    tokens_release(&prompt->source);
}
