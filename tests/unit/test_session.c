/* test_session.c - the public API, with a scripted server as the worker. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "documents.h"
#include "engine_help.h"
#include "fake_server.h"
#include "legwork.h"

#include "base/json.h"
#include "run/session.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char question[] = "How long is the notice period?";
static const char contract[] =
    "The parties met in spring.\n\nThe notice period is ninety days.\n\n"
    "The parties parted in autumn.\n";
static const char reader[] = "when body contains \"is ninety days\"\n"
                             "say ninety days\n\n"
                             "say not stated\n";

static lw_session *open_session(void)
{
    lw_session *s = NULL;
    struct lw_error err;
    assert_int_equal(lw_open(&s, &err), 0);
    return s;
}

/* A session whose worker is this server and whose document is the contract. */
static lw_session *open_with(const struct fake_server *server)
{
    lw_session *s = open_session();
    char url[128];
    snprintf(url, sizeof url, "%s/v1#fake-model", server->url);
    assert_int_equal(lw_set(s, "local", url, NULL), 0);
    assert_int_equal(lw_add_text(s, "contract.txt", contract, sizeof contract - 1, NULL),
                     0);
    return s;
}

/* --- Without a model ------------------------------------------------------- */

static void test_version(void **state)
{
    (void)state;
    assert_string_equal(lw_version(), LW_VERSION);
}

static void test_open_and_close(void **state)
{
    (void)state;
    lw_close(NULL);
    lw_result_close(NULL);
    lw_close(open_session());
}

static void test_set(void **state)
{
    (void)state;
    struct lw_error err = { .code = 0 };
    lw_session *s = open_session();
    assert_int_equal(lw_set(s, "rounds", "2", &err), 0);
    assert_int_equal(err.code, 0);
    assert_int_equal(lw_set(s, "ruonds", "2", &err), LW_ERR_USAGE);
    assert_int_equal(err.code, LW_ERR_USAGE);
    assert_non_null(strstr(err.message, "\"rounds\""));
    assert_int_equal(lw_set(s, "json", "1", &err), LW_ERR_USAGE);
    assert_int_equal(lw_set(s, "rounds", "0", NULL), LW_ERR_USAGE);
    lw_close(s);
}

static void test_configure_does_not_replace_what_was_set(void **state)
{
    (void)state;
    lw_session *s = open_session();
    setenv("LEGWORK_PROTOCOL", "minions", 1);
    assert_int_equal(lw_set(s, "protocol", "local", NULL), 0);
    assert_int_equal(lw_configure(s, "/dev/null", NULL), 0);
    assert_int_equal(lw_configure(s, "/nonexistent", NULL), LW_ERR_USAGE);
    unsetenv("LEGWORK_PROTOCOL");
    lw_close(s);
}

static void test_documents(void **state)
{
    (void)state;
    struct lw_error err;
    lw_session *s = open_session();
    assert_int_equal(lw_add_text(s, "a", "text", 4, NULL), 0);
    assert_int_equal(lw_add_text(s, "b", "\xff", 1, &err), LW_ERR_INPUT);
    assert_int_equal(lw_add_file(s, "/nonexistent/file", &err), LW_ERR_INPUT);
    assert_string_equal(lw_warning_at(s, 0), err.message);
    assert_null(lw_warning_at(s, 1));
    assert_int_equal(lw_document_count(s), 1);
    struct lw_document doc = lw_document_at(s, 0);
    assert_string_equal(doc.name, "a");
    assert_memory_equal(doc.text, "text", doc.len);
    assert_int_equal(doc.pages, 0);
    lw_close(s);
}

static void note_stage(void *user, const struct lw_event *event)
{
    char *seen = user;
    assert_int_equal(event->kind, LW_EVENT_STAGE);
    snprintf(seen, 200, "%s", event->text);
}

/* Taking the text out of a file may take long. */
static void test_loading_is_told(void **state)
{
    (void)state;
    char seen[200] = "";
    struct lw_error err;
    lw_session *s = open_session();
    lw_on_event(s, note_stage, seen);
    assert_int_equal(lw_add_text(s, "a", "text", 4, NULL), 0);
    assert_int_equal(lw_add_file(s, "/nonexistent/file", &err), LW_ERR_INPUT);
    assert_string_equal(seen, "");
    assert_int_equal(lw_add_file(s, "README.md", &err), 0);
    assert_string_equal(seen, "loading README.md");
    /* The next one, however soon: it may be the one that takes long. */
    assert_int_equal(lw_add_file(s, "LICENSE", &err), 0);
    assert_string_equal(seen, "loading LICENSE");
    lw_close(s);
}

/* What a C programmer gets wrong is an error, not a crash. */
static void test_null_and_nothing(void **state)
{
    (void)state;
    struct lw_error err;
    lw_session *s = open_session();
    lw_result *r = NULL;
    assert_int_equal(lw_add_file(s, NULL, &err), LW_ERR_USAGE);
    assert_int_equal(lw_add_text(s, NULL, "text", 4, &err), LW_ERR_USAGE);
    assert_int_equal(lw_add_text(s, "a", NULL, 4, &err), LW_ERR_USAGE);
    assert_int_equal(lw_add_text(s, "a", "te\0xt", 5, &err), LW_ERR_INPUT);
    assert_non_null(strstr(err.message, "NUL"));
    assert_int_equal(lw_add_text(s, "a", " \n\t ", 4, &err), LW_ERR_INPUT);
    assert_int_equal(lw_add_text(s, "a", "", 0, &err), LW_ERR_INPUT);
    assert_int_equal(lw_document_count(s), 0);
    assert_int_equal(lw_set(s, NULL, "2", &err), LW_ERR_USAGE);
    assert_int_equal(lw_ask(s, NULL, &r, &err), LW_ERR_USAGE);
    assert_null(r);
    const char *const none[] = { NULL };
    struct lw_tuning tuning = { .models = none, .n_models = 1 };
    struct lw_format formats[] = { { .out = "b", .type = "Q4_0" },
                                   { .in = "a", .type = "Q4_0" },
                                   { .in = "a", .out = "b" } };
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(lw_quantize(s, &formats[i], NULL, &err), LW_ERR_USAGE);
    }
    assert_int_equal(lw_tune(s, &tuning, NULL, NULL, &err), LW_ERR_USAGE);
    assert_int_equal(lw_grade(s, NULL, NULL, 0, NULL, NULL, &err), LW_ERR_USAGE);
    assert_int_equal(lw_grade(s, "tests/unit/test_session.c", none, 1, NULL, NULL, &err),
                     LW_ERR_USAGE);
    lw_close(s);
}

/* A permission, too, can be taken back. */
static void test_an_option_is_its_default_again(void **state)
{
    (void)state;
    struct lw_error err;
    lw_session *s = open_session();
    assert_int_equal(lw_set(s, "allow-worker", "a.example", &err), 0);
    assert_int_equal(lw_set(s, "allow-worker", "b.example", &err), 0);
    assert_string_equal(options_string(&s->options, OPT_ALLOW_WORKER),
                        "a.example,b.example");
    assert_int_equal(lw_set(s, "allow-worker", NULL, &err), 0);
    assert_null(options_string(&s->options, OPT_ALLOW_WORKER));
    assert_int_equal(lw_set(s, "rounds", "9", &err), 0);
    assert_int_equal(lw_set(s, "rounds", NULL, &err), 0);
    assert_string_equal(options_string(&s->options, OPT_ROUNDS),
                        option_table()[OPT_ROUNDS].fallback);
    assert_int_equal(lw_set(s, "no-kv-cache", "yes", &err), 0);
    assert_int_equal(options_size(&s->options, OPT_KV_CACHE), 0);
    assert_int_equal(lw_set(s, "no-kv-cache", NULL, &err), 0);
    assert_true(options_size(&s->options, OPT_KV_CACHE) > 0);
    assert_int_equal(lw_set(s, "nonsense", NULL, &err), LW_ERR_USAGE);
    lw_close(s);
}

static void assert_refused(lw_session *s, const char *text, int code, const char *part)
{
    struct lw_error err = { .message = "" };
    lw_result *r = NULL;
    assert_int_equal(lw_ask(s, text, &r, &err), code);
    assert_null(r);
    if (!strstr(err.message, part)) fail_msg("\"%s\" lacks \"%s\"", err.message, part);
}

static void test_questions_that_are_refused(void **state)
{
    (void)state;
    lw_session *s = open_session();
    char *question_long = test_malloc(100001);
    memset(question_long, 'x', 100000);
    question_long[100000] = '\0';
    assert_refused(s, "", LW_ERR_USAGE, "empty");
    assert_refused(s, " \n", LW_ERR_USAGE, "empty");
    assert_refused(s, "\xff", LW_ERR_USAGE, "UTF-8");
    assert_refused(s, question_long, LW_ERR_USAGE, "100000 bytes");
    assert_refused(s, question, LW_ERR_USAGE, "no document");
    lw_add_text(s, "a", "text", 4, NULL);
    lw_set(s, "protocol", "minions", NULL);
    assert_refused(s, question, LW_ERR_USAGE, "--remote");
    lw_set(s, "protocol", "local", NULL);
    lw_set(s, "schema", "/nonexistent.json", NULL);
    assert_refused(s, question, LW_ERR_USAGE, "/nonexistent.json");
    test_free(question_long);
    lw_close(s);
}

static void test_worker_elsewhere_is_refused(void **state)
{
    (void)state;
    lw_session *s = open_session();
    lw_add_text(s, "a", "text", 4, NULL);
    lw_set(s, "local", "http://192.0.2.1:9/v1#m", NULL);
    assert_refused(s, question, LW_ERR_POLICY, "--allow-worker 192.0.2.1");
    lw_close(s);
}

/* --- What was read --------------------------------------------------------- */

static void test_index_needs_a_model_in_this_process(void **state)
{
    (void)state;
    struct lw_error err = { .code = 0 };
    struct lw_indexed out = { .parts = 7 };
    lw_session *s = open_session();
    assert_int_equal(lw_add_text(s, "a.txt", contract, sizeof contract - 1, NULL), 0);
    assert_int_equal(lw_set(s, "local", "http://127.0.0.1:1/v1#m", NULL), 0);
    assert_int_equal(lw_index(s, &out, &err), LW_ERR_USAGE);
    assert_non_null(strstr(err.message, "in this process"));
    assert_int_equal(out.parts, 0);
    lw_close(s);
}

static void test_index_needs_room(void **state)
{
    (void)state;
    struct lw_error err = { .code = 0 };
    struct lw_indexed out;
    lw_session *s = open_session();
    assert_int_equal(lw_set(s, "no-kv-cache", "yes", NULL), 0);
    assert_int_equal(lw_add_text(s, "a.txt", contract, sizeof contract - 1, NULL), 0);
    assert_int_equal(lw_index(s, &out, &err), LW_ERR_USAGE);
    assert_non_null(strstr(err.message, "kv-cache is 0"));
    lw_close(s);
}

static void count_documents(void *user, const struct lw_kept_document *document)
{
    assert_non_null(document->id);
    ++*(int *)user;
}

/* What the cache folder was before, for use_cache_again(). */
static char *use_cache(const char *folder)
{
    const char *had = getenv("XDG_CACHE_HOME");
    char *before = had ? strdup(had) : NULL;
    setenv("XDG_CACHE_HOME", folder, 1);
    return before;
}

static void use_cache_again(char *before)
{
    if (before) {
        setenv("XDG_CACHE_HOME", before, 1);
    } else {
        unsetenv("XDG_CACHE_HOME");
    }
    free(before);
}

/* Nothing is made by looking. */
static void test_a_folder_that_is_not_there_holds_nothing(void **state)
{
    (void)state;
    struct lw_error err = { .code = 0 };
    struct lw_kept_sum all = { .parts = 7 };
    uint64_t freed = 7;
    int n = 0;
    char *before = use_cache("/none");
    lw_session *s = open_session();
    assert_int_equal(lw_add_text(s, "a.txt", contract, sizeof contract - 1, NULL), 0);
    assert_int_equal(lw_kept(s, count_documents, &n, &all, &err), 0);
    assert_string_equal(all.folder, "/none/legwork/kv");
    assert_int_equal(n + (int)all.documents + (int)all.parts + (int)all.bytes, 0);
    assert_int_equal(lw_kept_prune(s, 0, &freed, &err), 0);
    assert_int_equal(freed, 0);
    assert_int_equal(lw_forget(s, NULL, &all, &err), 0);
    assert_int_equal(lw_forget(s, "a.txt", NULL, &err), 0);
    assert_int_equal(lw_forget_document(s, 0, &all, &err), 0);
    assert_int_equal(all.documents + all.bytes, 0);
    lw_close(s);
    use_cache_again(before);
}

/* --- With a server --------------------------------------------------------- */

struct seen {
    int stages, embeddings, progresses, last_done, last_total;
    pthread_t thread;
};

static void count_event(void *user, const struct lw_event *event)
{
    struct seen *seen = user;
    assert_true(pthread_equal(pthread_self(), seen->thread));
    if (event->kind == LW_EVENT_STAGE) {
        seen->stages++;
        seen->embeddings += strcmp(event->text, "embedding") == 0;
    }
    if (event->kind == LW_EVENT_PROGRESS) {
        seen->progresses++;
        seen->last_done = event->jobs_done;
        seen->last_total = event->jobs_total;
        assert_null(event->text);
    } else {
        assert_non_null(event->text);
    }
}

static void assert_answered(const lw_result *r)
{
    assert_non_null(strstr(lw_result_answer(r), "ninety days"));
    assert_int_equal(lw_result_citation_count(r), 1);
    struct lw_citation c = lw_result_citation(r, 0);
    assert_int_equal(c.n, 1);
    assert_string_equal(c.doc, "contract.txt");
    assert_int_equal(c.match, LW_MATCH_EXACT);
    assert_int_equal(strlen(c.quote), c.end - c.start);
    assert_memory_equal(c.quote, contract + c.start, c.end - c.start);
    json_t *object = json_parse(lw_result_json(r), strlen(lw_result_json(r)), NULL);
    assert_non_null(object);
    assert_string_equal(json_str(object, "schema", ""), "legwork.answer/1");
    assert_string_equal(json_str(object, "status", ""), "answered");
    assert_true(json_is_null(json_object_get(
        json_array_get(json_object_get(object, "citations"), 0), "page")));
    json_decref(object);
}

static void test_answer(void **state)
{
    (void)state;
    if (fake_server_missing()) skip();
    struct fake_server server = fake_server_start(reader, NULL);
    lw_session *s = open_with(&server);
    lw_result *r = NULL;
    struct lw_error err = { .message = "" };
    struct seen seen = { .thread = pthread_self() };
    lw_on_event(s, count_event, &seen);
    if (lw_ask(s, question, &r, &err)) fail_msg("%s", err.message);
    assert_true(seen.stages > 0 && seen.progresses > 0);
    assert_int_equal(seen.last_done, seen.last_total);
    lw_close(s);
    assert_answered(r); /* also after the session */
    lw_result_close(r);
    fake_server_stop(&server);
}

static void test_several_questions(void **state)
{
    (void)state;
    if (fake_server_missing()) skip();
    struct fake_server server = fake_server_start(reader, NULL);
    lw_session *s = open_with(&server);
    for (int i = 0; i < 3; i++) {
        lw_result *r = NULL;
        assert_int_equal(lw_ask(s, question, &r, NULL), 0);
        assert_answered(r);
        lw_result_close(r);
        lw_add_text(s, "more", "Nothing of note.", 16, NULL);
    }
    lw_close(s);
    fake_server_stop(&server);
}

/* What the parts mean is computed once for a set of documents, however many questions. */
static void test_vectors_are_made_once(void **state)
{
    (void)state;
    char path[HELP_PATH_MAX];
    if (fake_server_missing() || !help_tiny_path("bert", path)) skip();
    struct fake_server server = fake_server_start(reader, NULL);
    struct seen seen = { .thread = pthread_self() };
    lw_session *s = open_with(&server);
    lw_on_event(s, count_event, &seen);
    assert_int_equal(lw_set(s, "embed", path, NULL), 0);
    assert_int_equal(lw_set(s, "no-kv-cache", "yes", NULL), 0);
    static const int embeddings[] = { 1, 1, 2 };
    for (size_t i = 0; i < 3; i++) {
        struct lw_error err = { .code = 0 };
        lw_result *r = NULL;
        if (i == 2) lw_add_text(s, "more.txt", "Nothing more.", 13, NULL);
        if (lw_ask(s, question, &r, &err) != LW_OK) fail_msg("%s", err.message);
        assert_answered(r);
        lw_result_close(r);
        assert_int_equal(seen.embeddings, embeddings[i]);
    }
    lw_close(s);
    fake_server_stop(&server);
}

/* Another model gets the name of the one that is in memory, before it makes vectors. */
struct replacing {
    char path[HELP_PATH_MAX], other[HELP_PATH_MAX];
    bool done;
};

static void replace(void *user, const struct lw_event *event)
{
    struct replacing *r = user;
    if (event->kind == LW_EVENT_STAGE && strstr(event->text, "preparing")) {
        r->done = rename(r->other, r->path) == 0;
    }
}

static void test_vectors_of_a_replaced_model_are_not_kept(void **state)
{
    (void)state;
    const float epsilon = 1e-5f;
    struct replacing files = { .done = false };
    if (fake_server_missing()) skip();
    const char *key = "bert.attention.layer_norm_epsilon";
    help_tiny_changed("bert", key, &epsilon, sizeof epsilon, files.path);
    help_tiny_changed("bert", key, &epsilon, sizeof epsilon, files.other);
    char *folder = documents_folder(), *before = use_cache(folder);
    struct fake_server server = fake_server_start(reader, NULL);
    for (int i = 0; i < 2; i++) {
        struct lw_kept_sum all;
        struct lw_error err = { .code = 0 };
        lw_result *r = NULL;
        lw_session *s = open_with(&server);
        if (i == 0) lw_on_event(s, replace, &files);
        assert_int_equal(lw_set(s, "embed", files.path, NULL), 0);
        if (lw_ask(s, question, &r, &err) != LW_OK) fail_msg("%s", err.message);
        assert_answered(r);
        assert_true(files.done);
        assert_int_equal(lw_kept(s, NULL, NULL, &all, NULL), 0);
        assert_int_equal(all.documents, i);
        assert_int_equal(lw_warning_at(s, 0) != NULL, i == 0);
        if (i == 0) assert_non_null(strstr(lw_warning_at(s, 0), "was replaced"));
        lw_result_close(r);
        lw_close(s);
    }
    fake_server_stop(&server);
    use_cache_again(before);
    documents_remove(folder);
    unlink(files.path);
}

static void test_not_found(void **state)
{
    (void)state;
    if (fake_server_missing()) skip();
    struct fake_server server = fake_server_start("say not stated\n", NULL);
    lw_session *s = open_with(&server);
    lw_result *r = NULL;
    struct lw_error err;
    assert_int_equal(lw_ask(s, question, &r, &err), LW_NOT_FOUND);
    assert_int_equal(err.code, LW_NOT_FOUND);
    assert_non_null(r);
    assert_non_null(strstr(lw_result_json(r), "\"status\":\"not_found\""));
    lw_result_close(r);
    lw_close(s);
    fake_server_stop(&server);
}

struct canceller {
    lw_session *session;
    struct fake_server *server;
    int times;
};

/* Once the request is on its way. */
static void *cancel_soon(void *user)
{
    struct canceller *c = user;
    while (fake_server_stat(c->server, "requests") < 1) usleep(10000);
    for (int i = 0; i < c->times; i++) lw_cancel(c->session);
    return NULL;
}

static void test_cancel(void **state)
{
    (void)state;
    if (fake_server_missing()) skip();
    for (int times = 1; times <= 2; times++) {
        struct fake_server server = fake_server_start("hang before\n", NULL);
        lw_session *s = open_with(&server);
        struct canceller c = { .session = s, .server = &server, .times = times };
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, cancel_soon, &c), 0);
        assert_refused(s, question, LW_CANCELLED, "interrupted");
        pthread_join(thread, NULL);
        lw_close(s);
        fake_server_stop(&server);
    }
}

static void test_cancel_ends_one_run_only(void **state)
{
    (void)state;
    if (fake_server_missing()) skip();
    struct fake_server server = fake_server_start(reader, NULL);
    lw_session *s = open_with(&server);
    lw_result *r = NULL;
    lw_cancel(s);
    assert_refused(s, question, LW_CANCELLED, "interrupted");
    assert_int_equal(lw_ask(s, question, &r, NULL), 0);
    assert_answered(r);
    lw_result_close(r);
    lw_close(s);
    fake_server_stop(&server);
}

static void test_time_limit(void **state)
{
    (void)state;
    if (fake_server_missing()) skip();
    struct fake_server server = fake_server_start("hang before\n", NULL);
    lw_session *s = open_with(&server);
    lw_set(s, "timeout", "1", NULL);
    assert_refused(s, question, LW_TIMEOUT, "time limit of 1 second");
    lw_close(s);
    fake_server_stop(&server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_version),
        cmocka_unit_test(test_open_and_close),
        cmocka_unit_test(test_set),
        cmocka_unit_test(test_configure_does_not_replace_what_was_set),
        cmocka_unit_test(test_documents),
        cmocka_unit_test(test_loading_is_told),
        cmocka_unit_test(test_null_and_nothing),
        cmocka_unit_test(test_an_option_is_its_default_again),
        cmocka_unit_test(test_questions_that_are_refused),
        cmocka_unit_test(test_worker_elsewhere_is_refused),
        cmocka_unit_test(test_index_needs_a_model_in_this_process),
        cmocka_unit_test(test_index_needs_room),
        cmocka_unit_test(test_a_folder_that_is_not_there_holds_nothing),
        cmocka_unit_test(test_answer),
        cmocka_unit_test(test_several_questions),
        cmocka_unit_test(test_vectors_are_made_once),
        cmocka_unit_test(test_vectors_of_a_replaced_model_are_not_kept),
        cmocka_unit_test(test_not_found),
        cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_cancel_ends_one_run_only),
        cmocka_unit_test(test_time_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
