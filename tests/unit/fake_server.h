/* fake_server.h - tests/fake_provider.c as a child of a unit test.
 *
 *     struct fake_server s = fake_server_start("say hello\n", NULL);
 *     ... s.url, e.g. "http://127.0.0.1:40123" ...
 *     fake_server_stop(&s);
 *
 * The program is taken from $FAKE_PROVIDER, or build/tests/fake_provider. */
#ifndef LW_TESTS_FAKE_SERVER_H
#define LW_TESTS_FAKE_SERVER_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

struct fake_server {
    pid_t pid;
    int port;
    char url[64];
};

static inline const char *fake_server_program(void)
{
    const char *path = getenv("FAKE_PROVIDER");
    return path != NULL ? path : "build/tests/fake_provider";
}

/* For tests to skip: "skip: why" is printed. */
static inline bool fake_server_missing(void)
{
    if (access(fake_server_program(), X_OK) == 0) {
        return false;
    }
    printf("skip: %s is not built\n", fake_server_program());
    return true;
}

static inline void fake_server_exec(int in, int out, const char *log)
{
    const char *option = log != NULL ? "--log" : NULL;
    dup2(in, STDIN_FILENO);
    dup2(out, STDOUT_FILENO);
    execl(fake_server_program(), "fake_provider", "-", option, log, (char *)NULL);
    _exit(127);
}

/* log: a file that gets the requests, or NULL. */
static inline struct fake_server fake_server_start(const char *script, const char *log)
{
    struct fake_server s = { .pid = -1 };
    int in[2], out[2];
    char line[64] = "";
    if (pipe(in) || pipe(out) || (s.pid = fork()) < 0) {
        abort();
    }
    if (s.pid == 0) {
        close(in[1]);
        close(out[0]);
        fake_server_exec(in[0], out[1], log);
    }
    close(in[0]);
    close(out[1]);
    FILE *to = fdopen(in[1], "w"), *from = fdopen(out[0], "r");
    fputs(script, to);
    fclose(to);
    if (fgets(line, sizeof line, from) == NULL || sscanf(line, "PORT %d", &s.port) != 1) {
        fprintf(stderr, "fake_provider did not start\n");
        abort();
    }
    fclose(from);
    snprintf(s.url, sizeof s.url, "http://127.0.0.1:%d", s.port);
    return s;
}

static inline void fake_server_stop(struct fake_server *s)
{
    kill(s->pid, SIGKILL);
    waitpid(s->pid, NULL, 0);
}

/* A number of /fake/stats: "requests", "connections" or "max_concurrent". */
static inline int fake_server_stat(const struct fake_server *s, const char *name)
{
    static const char ask[] = "GET /fake/stats HTTP/1.1\r\nHost: fake\r\n\r\n";
    char reply[1024] = "", key[64];
    struct sockaddr_in at = { .sin_family = AF_INET };
    at.sin_port = htons((unsigned short)s->port);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0), number = -1;
    if (connect(fd, (struct sockaddr *)&at, sizeof at) ||
        write(fd, ask, sizeof ask - 1) < 0) {
        close(fd);
        return -1;
    }
    size_t len = 0;
    ssize_t n = 1;
    while (strchr(reply, '}') == NULL && n > 0) {
        n = read(fd, reply + len, sizeof reply - 1 - len);
        len += n > 0 ? (size_t)n : 0;
    }
    close(fd);
    snprintf(key, sizeof key, "\"%s\":", name);
    const char *found = strstr(reply, key);
    if (found != NULL) {
        sscanf(found + strlen(key), "%d", &number);
    }
    return number;
}

#endif
