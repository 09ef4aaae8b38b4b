/* prompts.c - every word that a worker is told.
 *
 * The words for a text answer were measured on models of 0.5B and 1.5B and are
 * not to be polished by ear: "not stated" beats "unknown" and "none", labels
 * such as FOUND and ABSENT read badly, an example or a longer instruction
 * brings nothing. How to answer stands before the question: of 40 questions over ten
 * papers 30 were right and one was missed, 1.5B, against 26 and five with the two the
 * other way round; neither way answered any of 20 that the papers do not. And so it is
 * read once for all questions. Those for other kinds follow, not measured; of a gist,
 * "what the excerpt says" gave sentences that begin "The excerpt discusses". The user's
 * message is cut into parts where sharing ends:
 *
 *     Excerpt:\n---\n                  the same for every chunk
 *     {excerpt}                        the same for every task of a chunk
 *     \n---\nAnswer in a few words... and so is this
 *     \nQuestion:                      to here: what is kept on disk ends here, too
 *      Who ...                         the task's own, with how to answer if otherwise */
#include "jobs/prompts.h"

#include "base/buf.h"

#include <string.h>

static const char SYSTEM[] =
    "You read one excerpt of a longer document and answer a question "
    "about it, using only the excerpt.";
static const char BEFORE[] = "Excerpt:\n---\n";
static const char AFTER[] =
    "\n---\nAnswer in a few words. "
    "If the excerpt does not say, answer: " PROMPT_ABSENT ".\nQuestion:";

/* What is no excerpt and no question: the template's own tokens, and the seams
 * where parts are tokenised apart. */
enum { TEMPLATE_TOKENS = 48 };

static const char *const ABSENT_BEGINNINGS[] = { " not", " Not" };
static const char *const YES[] = { "Yes", " Yes" };
static const char *const NO[] = { "No", " No" };

/* How the answer is to look, by kind. ORDER ANSWERS */
static const char *const wordings[ANSWER_KINDS] = {
    [ANSWER_TEXT] = "",
    [ANSWER_NUMBER] = "\nAnswer with the number only, with its unit.",
    [ANSWER_DATE] = "\nAnswer with the date only.",
    [ANSWER_YES_NO] = "\nAnswer yes or no.",
    [ANSWER_LIST] =
        "\nAnswer with all that the excerpt gives, each in a few words, as JSON: "
        "{\"items\": [\"...\", \"...\"]}. "
        "If the excerpt gives none, answer: {\"items\": []}.",
    [ANSWER_CHOICE] = "\nAnswer with one of the choices, as JSON: {\"choice\": \"...\"}. "
                      "If the excerpt does not say, the choice is \"" PROMPT_ABSENT "\".",
    [ANSWER_GIST] =
        "\nAnswer with the most important thing that it says, as one sentence. "
        "If it says nothing on this, answer: " PROMPT_ABSENT ".",
};

bool prompt_is_json(enum answer_kind kind)
{
    return kind == ANSWER_LIST || kind == ANSWER_CHOICE;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\n' || c == '\t' || c == '\f';
}

static struct llm_part trimmed(const char *excerpt, size_t len)
{
    while (len > 0 && is_blank(excerpt[len - 1])) len--;
    while (len > 0 && is_blank(*excerpt)) {
        excerpt++;
        len--;
    }
    return (struct llm_part){ .text = excerpt, .len = len, .verbatim = true };
}

static struct llm_part part(const char *text)
{
    return (struct llm_part){ .text = text, .len = strlen(text) };
}

/* question: NULL for none. */
static void set_messages(struct arena *a, const char *excerpt, size_t len,
                         const char *question, struct llm_request *req)
{
    struct llm_message *messages = arena_array(a, PROMPT_MESSAGES, sizeof *messages);
    messages[0] = llm_message_text(LLM_SYSTEM, SYSTEM);
    messages[1] = (struct llm_message){
        .role = LLM_USER,
        .parts = { part(BEFORE), trimmed(excerpt, len), part(AFTER) },
        .n_parts = 3,
    };
    if (question) messages[1].parts[messages[1].n_parts++] = part(question);
    *req = (struct llm_request){ .messages = messages, .n_messages = PROMPT_MESSAGES };
}

static const char *choices_line(struct arena *a, const struct task *task)
{
    const char *line = "\nChoices:";
    for (size_t i = 0; i < task->n_choices; i++) {
        line = arena_printf(a, "%s%s %s", line, i ? ";" : "", task->choices[i]);
    }
    return line;
}

static const char *question_of(struct arena *a, const struct task *task,
                               const char *wording)
{
    return arena_printf(a, " %s%s%s%s%s%s%s", task->ask, task->hint ? "\nHint: " : "",
                        task->hint ? task->hint : "", task->unit ? "\nUnit: " : "",
                        task->unit ? task->unit : "",
                        task->n_choices > 0 ? choices_line(a, task) : "", wording);
}

static void ask_line(struct arena *a, const char *excerpt, size_t len,
                     const struct task *task, enum answer_kind kind,
                     struct llm_request *req)
{
    set_messages(a, excerpt, len, question_of(a, task, wordings[kind]), req);
    req->prefill = "Answer:";
    req->alt = ABSENT_BEGINNINGS;
    req->n_alt = sizeof ABSENT_BEGINNINGS / sizeof *ABSENT_BEGINNINGS;
}

void prompt_screen(struct arena *a, const char *excerpt, size_t len,
                   const struct task *task, struct llm_request *req)
{
    enum answer_kind kind = prompt_is_json(task->answer) ? ANSWER_TEXT : task->answer;
    ask_line(a, excerpt, len, task, kind, req);
}

void prompt_read(struct arena *a, const char *excerpt, size_t len,
                 const struct task *task, struct llm_request *req)
{
    if (prompt_is_json(task->answer)) {
        set_messages(a, excerpt, len, question_of(a, task, wordings[task->answer]), req);
        req->max_tokens = PROMPT_JSON_TOKENS;
        return;
    }
    bool gist = task->answer == ANSWER_GIST;
    ask_line(a, excerpt, len, task, task->answer, req);
    req->forbid_alt = !gist; /* which nothing was screened for */
    req->stop = "\n";
    req->max_tokens = gist ? PROMPT_GIST_TOKENS : PROMPT_ANSWER_TOKENS;
}

void prompt_probe(struct arena *a, const char *excerpt, size_t len,
                  const struct task *task, struct llm_request *req)
{
    set_messages(a, excerpt, len,
                 arena_printf(a,
                              " %s\nDoes the excerpt contain the answer to this "
                              "question? Reply Yes or No.",
                              task->ask),
                 req);
    req->alt = YES;
    req->n_alt = sizeof YES / sizeof *YES;
    req->alt2 = NO;
    req->n_alt2 = sizeof NO / sizeof *NO;
}

void prompt_excerpt(struct arena *a, const char *excerpt, size_t len,
                    struct llm_request *req)
{
    set_messages(a, excerpt, len, NULL, req);
    req->keep_only = true;
}

static json_t *choice_schema(const struct task *task)
{
    json_t *names = json_array();
    for (size_t i = 0; i < task->n_choices; i++) {
        json_array_append_new(names, json_string(task->choices[i]));
    }
    json_array_append_new(names, json_string(PROMPT_ABSENT));
    return json_pack("{s:s, s:{s:{s:o}}, s:[s], s:b}", "type", "object", "properties",
                     "choice", "enum", names, "required", "choice",
                     "additionalProperties", 0);
}

json_t *prompt_schema(const struct task *task)
{
    if (task->answer == ANSWER_CHOICE) return choice_schema(task);
    if (task->answer != ANSWER_LIST) return NULL;
    return json_pack("{s:s, s:{s:{s:s, s:{s:s, s:i}}}, s:[s], s:b}", "type", "object",
                     "properties", "items", "type", "array", "items", "type", "string",
                     "maxLength", 200, "required", "items", "additionalProperties", 0);
}

static int request_tokens(struct llm *worker, const struct llm_request *req)
{
    int tokens = req->max_tokens;
    for (size_t m = 0; m < req->n_messages; m++) {
        const struct llm_message *message = &req->messages[m];
        for (size_t p = 0; p < message->n_parts; p++) {
            tokens +=
                llm_count_tokens(worker, message->parts[p].text, message->parts[p].len);
        }
    }
    return tokens;
}

int prompt_overhead_tokens(struct llm *worker, const struct task *longest)
{
    struct arena *a = arena_new();
    struct llm_request read, screen;
    prompt_read(a, "", 0, longest, &read);
    prompt_screen(a, "", 0, longest, &screen);
    if (read.max_tokens < PROMPT_SERVER_TOKENS) read.max_tokens = PROMPT_SERVER_TOKENS;
    int tokens = request_tokens(worker, &read), other = request_tokens(worker, &screen);
    arena_free(a);
    return TEMPLATE_TOKENS + (other > tokens ? other : tokens);
}
