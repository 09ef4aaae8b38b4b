/* engine_help.c - open the test model, build requests, keep replies. */
#include "engine_help.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char file[] = "SmolLM2-135M-Instruct-Q4_1.gguf";

bool help_model_path(char path[HELP_PATH_MAX])
{
    const char *model = getenv("LEGWORK_TEST_MODEL"), *own = getenv("LEGWORK_MODELS_DIR");
    const char *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");

    if (model) {
        snprintf(path, HELP_PATH_MAX, "%s", model);
    } else if (own) {
        snprintf(path, HELP_PATH_MAX, "%s/%s", own, file);
    } else if (data) {
        snprintf(path, HELP_PATH_MAX, "%s/legwork/models/%s", data, file);
    } else {
        snprintf(path, HELP_PATH_MAX, "%s/.local/share/legwork/models/%s",
                 home ? home : "", file);
    }
    if (access(path, R_OK) != 0) {
        printf("skip: %s is not there (tools/get-model smollm2-135m)\n", path);
        return false;
    }
    return true;
}

struct llm *help_open(const struct engine_options *extra)
{
    char path[HELP_PATH_MAX];
    struct engine_options opt =
        extra ? *extra : (struct engine_options){ .context = HELP_CONTEXT };
    /* Two threads that wait for each other suffer much where other tests keep the cores
     * busy. */
    opt.threads = 1;
    struct lw_error err;
    struct llm *llm = NULL;

    if (!help_model_path(path)) {
        return NULL;
    }
    opt.path = path;
    if (engine_open(&llm, &opt, &err) != 0) {
        printf("cannot open the model: %s\n", err.message);
        exit(1);
    }
    return llm;
}

static void say_why(const char *folder)
{
    char path[HELP_PATH_MAX], why[512] = "tests/models/make_tiny.py was not run";

    snprintf(path, sizeof path, "%s/skip", folder);
    FILE *reason = fopen(path, "r");
    if (reason) {
        if (!fgets(why, sizeof why, reason)) {
            why[0] = '\0';
        }
        fclose(reason);
    }
    printf("skip: no tiny models: %.*s\n", (int)strcspn(why, "\n"), why);
}

bool help_tiny_path(const char *kind, char path[HELP_PATH_MAX])
{
    const char *own = getenv("LEGWORK_TINY_MODELS"), *folder = own ? own : "build/tiny";

    snprintf(path, HELP_PATH_MAX, "%s/%s.gguf", folder, kind);
    if (access(path, R_OK) != 0) {
        say_why(folder);
        return false;
    }
    return true;
}

/* Where the value of the key stands in the header: behind its name and its type. */
static size_t find_value(const unsigned char *bytes, size_t n, const char *key)
{
    size_t len = strlen(key);

    for (size_t at = 8; at + len + 12 < n; at++) {
        uint64_t said;
        memcpy(&said, bytes + at - 8, sizeof said);
        if (said == len && memcmp(bytes + at, key, len) == 0) {
            return at + len + 4;
        }
    }
    fail_msg("no key %s", key);
    return 0;
}

void help_tiny_changed(const char *kind, const char *key, const void *value, size_t bytes,
                       char path[HELP_PATH_MAX])
{
    enum { FILE_MAX = 16 << 20 };
    unsigned char *content = mem_alloc(FILE_MAX);

    if (!help_tiny_path(kind, path)) {
        mem_free(content);
        skip();
    }
    FILE *in = fopen(path, "rb");
    size_t n = fread(content, 1, FILE_MAX, in);
    fclose(in);
    assert_true(n > 0 && n < FILE_MAX);
    memcpy(content + find_value(content, n, key), value, bytes);
    snprintf(path, HELP_PATH_MAX, "/tmp/legwork-tiny-XXXXXX.gguf");
    int fd = mkstemps(path, 5);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, content, n), (ssize_t)n);
    close(fd);
    mem_free(content);
}

void help_hear_drafts(void *user, const char *sentence)
{
    struct drafts *d = user, more;

    if (sscanf(sentence, "Drafts: %ld tokens guessed, %ld right", &more.guessed,
               &more.right) == 2) {
        d->guessed += more.guessed;
        d->right += more.right;
    }
}

struct llm *help_open_tiny(const char *kind, const struct engine_options *extra)
{
    char path[HELP_PATH_MAX];
    struct engine_options opt =
        extra ? *extra : (struct engine_options){ .context = HELP_CONTEXT };
    struct lw_error err;
    struct llm *llm = NULL;

    if (!help_tiny_path(kind, path)) {
        skip();
    }
    opt.path = path;
    opt.threads = 1;
    if (engine_open(&llm, &opt, &err) != 0) {
        fail_msg("%s: %s", kind, err.message);
    }
    return llm;
}

void ask_init(struct ask *ask, const char *head, const char *excerpt,
              const char *question)
{
    struct llm_message *user = &ask->messages[1];

    *ask = (struct ask){ .messages = { [1] = { .role = LLM_USER } } };
    ask->messages[0] = llm_message_text(LLM_SYSTEM, "You answer questions.");
    const char *const texts[] = { head, excerpt, question };
    for (size_t i = 0; i < 3; i++) {
        if (texts[i]) {
            user->parts[user->n_parts++] = (struct llm_part){ .text = texts[i],
                                                              .len = strlen(texts[i]),
                                                              .verbatim = i == 1 };
        }
    }
    ask->req = (struct llm_request){ .messages = ask->messages, .n_messages = 2 };
}

void keep_reply(void *user, size_t index, const struct llm_reply *reply)
{
    struct kept *kept = (struct kept *)user + index;
    size_t len = reply->len < HELP_TEXT_MAX - 1 ? reply->len : HELP_TEXT_MAX - 1;

    kept->reply = *reply;
    memcpy(kept->text, reply->text, len);
    kept->text[len] = '\0';
    kept->reply.text = kept->text;
    kept->times++;
}

int help_open_group(void **state)
{
    *state = help_open(NULL);
    return 0;
}

int help_close_group(void **state)
{
    llm_close(*state);
    return 0;
}

struct llm *help_engine(void **state)
{
    if (!*state) {
        skip();
    }
    return *state;
}

struct kept *help_run(struct llm *llm, const struct llm_request *reqs, size_t n)
{
    struct kept *kept = mem_array(n, sizeof *kept);
    struct lw_error err;

    assert_int_equal(llm_chat_many(llm, reqs, n, keep_reply, kept, NULL, &err), 0);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(kept[i].times, 1);
    }
    return kept;
}

int64_t help_tokens(struct llm *llm, const char *text)
{
    return llm_count_tokens(llm, text, strlen(text));
}

const char help_lease[] = "The tenant shall pay a rent of 500 dollars on the first day "
                          "of each month. The lease "
                          "begins on 1 May 2020 and runs for three years. Pets are not "
                          "allowed. The landlord is "
                          "Maria Schmidt of Hamburg, and the tenant is John Miller.";
const char help_garden[] = "Tomatoes want sun and warmth. Sow them in March, plant "
                           "them out after the last frost and "
                           "water them in the morning, never on the leaves. A stake of "
                           "two metres keeps them upright.";
