/* ask.c - ask files a question with the legwork library.
 *
 *     cc ask.c $(pkg-config --cflags --libs legwork) -o ask
 *     ./ask qwen2.5-1.5b "How long is the notice period?" contract.pdf
 *
 * The model is a GGUF file, the name of one in legwork's model folder, or the
 * URL of a server. Exit statuses are those of legwork(1). */
#include <legwork.h>

#include <stdio.h>

static void show_progress(void *user, const struct lw_event *event)
{
    (void)user;
    if (event->kind == LW_EVENT_PROGRESS) {
        fprintf(stderr, "\r%d of %d parts read", event->jobs_done, event->jobs_total);
        if (event->jobs_done == event->jobs_total) fputc('\n', stderr);
    }
}

static void print_result(const lw_result *result)
{
    printf("%s\n", lw_result_answer(result));
    for (size_t i = 0; i < lw_result_citation_count(result); i++) {
        struct lw_citation c = lw_result_citation(result, i);
        printf("[%d] %s, bytes %zu to %zu: \"%s\"\n", c.n, c.doc, c.start, c.end,
               c.quote);
    }
}

static int ask(lw_session *session, int argc, char **argv, struct lw_error *err)
{
    int code = lw_set(session, "local", argv[1], err);
    for (int i = 3; i < argc && !code; i++) code = lw_add_file(session, argv[i], err);
    if (code) return code;
    lw_result *result = NULL;
    lw_on_event(session, show_progress, NULL);
    code = lw_ask(session, argv[2], &result, err);
    if (result) print_result(result);
    lw_result_close(result);
    return code;
}

int main(int argc, char **argv)
{
    if (argc < 4) {
        fprintf(stderr, "usage: ask MODEL QUESTION FILE...\n");
        return LW_ERR_USAGE;
    }
    struct lw_error err;
    lw_session *session = NULL;
    int code = lw_open(&session, &err);
    if (!code) code = ask(session, argc, argv, &err);
    if (code && code != LW_NOT_FOUND) fprintf(stderr, "ask: %s\n", err.message);
    lw_close(session);
    return code;
}
