/* test_engine_vocab.c - vocabularies of every kind: seams, spaces, special tokens.
 *
 * With the tiny models of tests/models/make_tiny.py, whose vocabularies are real:
 * a prompt is made of parts and must read as if it were one text, whatever
 * stands in a document stays text, and a reply begins where its words begin. */
#include "engine_help.h"

#include "base/mem.h"
#include "base/utf8.h"
#include "engine/template.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

struct words {
    struct llama_model *model;
    struct vocab vocab;
};

static void be_quiet(enum ggml_log_level level, const char *text, void *user)
{
    (void)level;
    (void)text;
    (void)user;
}

static void words_open(struct words *w, const char *kind)
{
    char path[HELP_PATH_MAX];
    struct llama_model_params params = llama_model_default_params();

    if (!help_tiny_path(kind, path)) {
        skip();
    }
    llama_log_set(be_quiet, NULL);
    w->model = llama_model_load_from_file(path, params);
    assert_non_null(w->model);
    vocab_init(&w->vocab, w->model);
}

static void words_close(struct words *w)
{
    vocab_release(&w->vocab);
    llama_model_free(w->model);
}

static void read_back(const struct words *w, const struct tokens *t, char *out)
{
    for (size_t i = 0; i < t->n; i++) {
        char piece[VOCAB_PIECE_MAX];
        size_t len = vocab_piece(&w->vocab, t->ids[i], piece);
        memcpy(out, piece, len);
        out += len;
    }
    *out = '\0';
}

/* --- Seams ---------------------------------------------------------------- */

static void test_parts_read_as_one(void **state)
{
    static const char *const kinds[] = { "qwen2", "llama", "gemma2", "mamba" };
    static const char *const parts[] = { "Excerpt:\n",        "The tenant", " shall pay",
                                         "\xC3\xA9t\xC3\xA9", " 500\n\n\n", "Who is",
                                         "n't it?",           "\n",         "Answer:" };
    (void)state;
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
        struct words w;
        struct tokens t = { .n = 0 };
        struct buf want;
        char got[512];
        buf_init(&want, sizeof got - 1);
        words_open(&w, kinds[k]);
        for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
            buf_add_str(&want, parts[i]);
            vocab_tokenize(&w.vocab, parts[i], strlen(parts[i]), VOCAB_PLAIN, &t);
        }
        read_back(&w, &t, got);
        assert_string_equal(got, want.data);
        buf_release(&want);
        tokens_release(&t);
        words_close(&w);
    }
}

/* A word behind "Answer:" has its space, in all vocabularies one token here. */
static void test_alternatives_have_their_space(void **state)
{
    static const char *const kinds[] = { "qwen2", "llama", "gemma2", "t5" };
    const char *const alt[] = { " not", "not" };

    (void)state;
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
        struct words w;
        struct tokens t = { .n = 0 };
        char piece[VOCAB_PIECE_MAX];
        words_open(&w, kinds[k]);
        vocab_alternatives(&w.vocab, alt, 2, &t);
        size_t len = vocab_piece(&w.vocab, t.ids[0], piece);
        assert_memory_equal(piece, " not", 4);
        assert_int_equal(len, 4);
        /* A unigram vocabulary puts the space there by itself. */
        assert_int_equal(t.n, strcmp(kinds[k], "t5") == 0 ? 1 : 2);
        tokens_release(&t);
        words_close(&w);
    }
}

/* --- Special tokens ------------------------------------------------------- */

static bool is_special(const struct words *w, llama_token id)
{
    enum { SPECIAL = LLAMA_TOKEN_ATTR_CONTROL | LLAMA_TOKEN_ATTR_USER_DEFINED };

    return ((int)llama_vocab_get_attr(w->vocab.llama, id) & SPECIAL) != 0;
}

static int count_special(const struct words *w, const char *tmpl, const char *document)
{
    struct part_memo memo = { .text = NULL };
    struct prompt prompt = { .n_prefix = 0 };
    struct ask ask;
    struct lw_error err;
    int n = 0;

    ask_init(&ask, "Excerpt:\n", document, "\nWho?");
    ask.req.prefill = document;
    int rc = llama_model_has_encoder(w->model)
                 ? template_render_source(&w->vocab, 0, &ask.req, &prompt, &err)
                 : template_render(tmpl, &w->vocab, &ask.req, &memo, &prompt, &err);
    for (size_t i = 0; i < prompt.tokens.n; i++) {
        n += is_special(w, prompt.tokens.ids[i]);
    }
    for (size_t i = 0; i < prompt.source.n; i++) {
        n += is_special(w, prompt.source.ids[i]);
    }
    prompt_release(&prompt);
    tokens_release(&memo.tokens);
    return rc ? -1 : n;
}

/* The prompt of one user's message of so many of the parts, which the caller releases. */
static struct prompt render_parts(const struct words *w, size_t n_parts, bool keep_only)
{
    static const char *const texts[] = { "Excerpt:\n", "It was Ann.", "\nBe short.\n",
                                         "Who?" };
    struct llm_message user = { .role = LLM_USER, .n_parts = n_parts };
    struct llm_request req = { .messages = &user,
                               .n_messages = 1,
                               .keep_only = keep_only };
    struct part_memo memo = { .text = NULL };
    struct prompt prompt = { .n_prefix = 0 };
    struct lw_error err;

    for (size_t i = 0; i < n_parts; i++) {
        user.parts[i] = (struct llm_part){ .text = texts[i],
                                           .len = strlen(texts[i]),
                                           .verbatim = i == 1 };
    }
    const char *tmpl = template_of(w->model);
    assert_int_equal(template_render(tmpl, &w->vocab, &req, &memo, &prompt, &err), 0);
    tokens_release(&memo.tokens);
    return prompt;
}

/* The last part is the request's own, unless all is to be kept; what stands between it
 * and the document is shared. */
static void test_where_sharing_ends(void **state)
{
    struct words w;
    (void)state;

    words_open(&w, "qwen2");
    struct prompt document = render_parts(&w, 2, false), own = render_parts(&w, 3, false);
    struct prompt shared = render_parts(&w, 4, false), kept = render_parts(&w, 3, true);
    assert_int_equal(own.n_prefix, document.n_prefix);
    assert_true(shared.n_prefix > own.n_prefix);
    assert_int_equal(kept.n_prefix, shared.n_prefix);
    assert_memory_equal(kept.tokens.ids, shared.tokens.ids,
                        kept.n_prefix * sizeof *kept.tokens.ids);
    assert_true(kept.n_prefix < kept.tokens.n);
    prompt_release(&document);
    prompt_release(&own);
    prompt_release(&shared);
    prompt_release(&kept);
    words_close(&w);
}

/* All special tokens of the vocabulary, one after the other. */
static void name_specials(const struct words *w, char *out, size_t size)
{
    size_t len = 0;

    for (llama_token id = 0; id < w->vocab.n; id++) {
        if (is_special(w, id)) {
            len += (size_t)snprintf(out + len, size - len, "%s\n",
                                    llama_vocab_get_text(w->vocab.llama, id));
        }
    }
    assert_in_range(len, 4, size - 1);
}

/* Every kind with its own template. */
static void test_documents_stay_text(void **state)
{
    static const char *const kinds[] = { "qwen2",  "qwen3", "llama", "gemma2",
                                         "gemma3", "mamba", "jamba", "t5" };
    (void)state;
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
        struct words w;
        char evil[4096];
        words_open(&w, kinds[k]);
        name_specials(&w, evil, sizeof evil);
        const char *tmpl = template_of(w.model);
        int want = count_special(&w, tmpl, "nothing");
        if (count_special(&w, tmpl, evil) != want) {
            fail_msg("%s: %d special tokens, not %d", kinds[k],
                     count_special(&w, tmpl, evil), want);
        }
        words_close(&w);
    }
}

/* Every template that libllama knows, with a vocabulary that knows what many of them
 * speak by. */
static void test_families_stay_text(void **state)
{
    enum { FAMILIES_MAX = 128 };
    const char *names[FAMILIES_MAX];
    struct words w;
    char evil[4096];
    int rendered = 0;

    (void)state;
    words_open(&w, "qwen2");
    name_specials(&w, evil, sizeof evil);
    int n = llama_chat_builtin_templates(names, FAMILIES_MAX);
    assert_in_range(n, 20, FAMILIES_MAX);
    for (int i = 0; i < n; i++) {
        int want = count_special(&w, names[i], "nothing");
        if (count_special(&w, names[i], evil) != want) {
            fail_msg("%s: %d special tokens, not %d", names[i],
                     count_special(&w, names[i], evil), want);
        }
        rendered += want >= 0;
    }
    assert_true(rendered > 20);
    words_close(&w);
}

/* The template's own marks are tokens, nevertheless. */
static void test_templates_speak_in_tokens(void **state)
{
    struct words w;

    (void)state;
    words_open(&w, "qwen3");
    /* Three times start and twice end, and the empty thought. */
    assert_int_equal(count_special(&w, template_of(w.model), "nothing"), 5 + 2);
    words_close(&w);
    words_open(&w, "gemma2");
    assert_int_equal(count_special(&w, template_of(w.model), "nothing"), 1 + 2 + 1);
    words_close(&w);
}

/* --- Replies -------------------------------------------------------------- */

static struct kept *draw_many(struct llm *llm, struct llm_request req, size_t n)
{
    struct llm_request *reqs = mem_array(n, sizeof *reqs);

    for (size_t i = 0; i < n; i++) {
        reqs[i] = req;
        reqs[i].seed = (uint32_t)i;
        reqs[i].temperature = 3;
    }
    struct kept *kept = help_run(llm, reqs, n);
    mem_free(reqs);
    return kept;
}

/* The mark of a word's beginning is no space at the beginning of a reply; behind a
 * prefill it is. */
static void test_first_space(void **state)
{
    enum { DRAWS = 40 };
    static const char *const kinds[] = { "llama", "t5" };

    (void)state;
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
        struct llm *llm = help_open_tiny(kinds[k], NULL);
        struct ask ask;
        int spaced = 0;
        ask_init(&ask, "Excerpt:\n", help_lease, "\nWho?");
        ask.req.max_tokens = 3;
        struct kept *kept = draw_many(llm, ask.req, DRAWS);
        for (int i = 0; i < DRAWS; i++) {
            assert_true(kept[i].text[0] != ' ' || kept[i].text[1] == ' ');
        }
        mem_free(kept);
        ask.req.prefill = "Answer:";
        kept = draw_many(llm, ask.req, DRAWS);
        for (int i = 0; i < DRAWS; i++) {
            spaced += kept[i].text[0] == ' ';
        }
        assert_true(spaced > 0);
        mem_free(kept);
        llm_close(llm);
    }
}

/* Characters that the vocabulary only has as bytes. */
static void test_bytes_become_characters(void **state)
{
    static const char *const kinds[] = { "qwen2", "llama", "gemma2" };
    static const char text[] = "\xE2\x82\xAC\xF0\x9F\x98\x80\xC3\x9F\xE6\x97\xA5";

    (void)state;
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
        struct llm *llm = help_open_tiny(kinds[k], NULL);
        struct ask ask;
        ask_init(&ask, "Excerpt:\n", text, "\nWhat?");
        ask.req.copy_from = text;
        ask.req.copy_from_len = sizeof text - 1;
        ask.req.max_tokens = 30;
        struct kept *kept = help_run(llm, &ask.req, 1);
        assert_true(kept->reply.len > 0);
        assert_non_null(strstr(text, kept->text));
        mem_free(kept);
        ask.req.copy_from = NULL;
        kept = draw_many(llm, ask.req, 20);
        for (int i = 0; i < 20; i++) {
            assert_int_equal(utf8_valid(kept[i].text, kept[i].reply.len),
                             kept[i].reply.len);
        }
        mem_free(kept);
        llm_close(llm);
    }
}

/* --- Files that cannot serve ---------------------------------------------- */

static void test_refusals(void **state)
{
    static const char *const cases[][2] = {
        { "bert", "makes embeddings and cannot write" },
        { "vocab", "a vocabulary alone is no model" },
        { "clip", "looks at pictures" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char path[HELP_PATH_MAX];
        struct lw_error err = { .code = 0 };
        struct llm *llm = NULL;
        if (!help_tiny_path(cases[i][0], path)) {
            skip();
        }
        struct engine_options opt = { .path = path, .threads = 1 };
        assert_int_equal(engine_open(&llm, &opt, &err), LW_ERR_LOCAL);
        assert_non_null(strstr(err.message, cases[i][1]));
        assert_non_null(strstr(err.message, path));
        assert_null(strchr(err.message, '\n'));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parts_read_as_one),
        cmocka_unit_test(test_alternatives_have_their_space),
        cmocka_unit_test(test_where_sharing_ends),
        cmocka_unit_test(test_documents_stay_text),
        cmocka_unit_test(test_families_stay_text),
        cmocka_unit_test(test_templates_speak_in_tokens),
        cmocka_unit_test(test_first_space),
        cmocka_unit_test(test_bytes_become_characters),
        cmocka_unit_test(test_refusals),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
