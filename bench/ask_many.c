/* ask_many.c - ask many questions of the same documents in one session.
 *
 * A stranger's program over the public header. The evaluation (evaluate.py)
 * uses it so that a document is loaded, and what the worker keeps of it is
 * kept, for all its questions; `legwork ask` starts anew for each.
 *
 *     ask_many [option=value ...] -- FILE... < questions
 *
 * Questions come one a line. For each, one line goes out: the result's JSON
 * object, or {"error": code, "message": "..."}. */
#include "legwork.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void die(const struct lw_error *err)
{
    fprintf(stderr, "ask_many: %s\n", err->message);
    exit(err->code);
}

static void set_option(lw_session *s, char *text)
{
    struct lw_error err;
    char *equals = strchr(text, '=');
    if (equals) *equals = '\0';
    if (lw_set(s, text, equals ? equals + 1 : "1", &err)) die(&err);
}

static void print_error(const struct lw_error *err)
{
    printf("{\"error\": %d, \"message\": \"", err->code);
    for (const char *c = err->message; *c; c++) {
        if (*c == '"' || *c == '\\') putchar('\\');
        putchar((unsigned char)*c < ' ' ? ' ' : *c);
    }
    printf("\"}\n");
}

static void ask(lw_session *s, const char *question)
{
    struct lw_error err;
    lw_result *r = NULL;
    lw_ask(s, question, &r, &err);
    if (r) {
        printf("%s\n", lw_result_json(r));
    } else {
        print_error(&err);
    }
    fflush(stdout);
    lw_result_close(r);
}

int main(int argc, char **argv)
{
    struct lw_error err;
    lw_session *s;
    if (lw_open(&s, &err)) die(&err);
    int i = 1;
    while (i < argc && strcmp(argv[i], "--") != 0) set_option(s, argv[i++]);
    for (i++; i < argc; i++) {
        if (lw_add_file(s, argv[i], &err)) die(&err);
    }
    char line[65536];
    while (fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\n")] = '\0';
        ask(s, line);
    }
    lw_close(s);
    return 0;
}
