/* child.c - a program with limits, fed and drained by one poll loop.
 *
 * Between fork() and execve() only calls run that are safe in the child of a
 * process with threads. All three streams are socket pairs: a child that dies
 * early then is an error of send() here, not a SIGPIPE in our process.
 *
 * It deliberately does not use the PATH: what parses hostile files is named in
 * full by the caller. */
#include "text/child.h"

#include "base/clock.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef __linux__
#include <sys/prctl.h>
#include <sys/syscall.h>
#endif

enum { POLL_MS = 50, READ_BYTES = 64 * 1024, DESCRIPTORS_MAX = 16 };

/* One running child as seen from here. Descriptors are -1 once closed. */
struct running {
    const struct child_job *job;
    struct child_result *result;
    pid_t pid;
    int in, out, errors;
    size_t written;
    size_t errors_len;
    int64_t deadline_ms;
};

/* --- Inside the child ---------------------------------------------------- */

static void limit(int resource, size_t soft, size_t hard)
{
    struct rlimit r = { .rlim_cur = soft, .rlim_max = hard };
    setrlimit(resource, &r);
}

static void close_others(void)
{
#ifdef SYS_close_range
    if (syscall(SYS_close_range, 3U, ~0U, 0U) == 0) return;
#endif
    for (int fd = 3; fd < 65536; fd++) close(fd);
}

static void reset_signals(void)
{
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    for (int s = 1; s < 32; s++) signal(s, SIG_DFL);
}

/* The descriptors may be 0, 1 or 2 themselves where a daemon closed those. */
static void become_streams(const int fds[3])
{
    int high[3];
    for (int i = 0; i < 3; i++) high[i] = fcntl(fds[i], F_DUPFD, 3);
    for (int i = 0; i < 3; i++) {
        if (dup2(high[i], i) < 0) _exit(127);
    }
}

static _Noreturn void child_main(const struct child_job *job, const int fds[3])
{
    static char *const no_environment[] = { NULL };
    const struct child_limits *l = &job->limits;
    setpgid(0, 0);
#ifdef __linux__
    prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
    reset_signals();
    become_streams(fds);
    close_others();
    if (chdir("/") != 0) _exit(127);
    limit(RLIMIT_CPU, (size_t)l->cpu_seconds, (size_t)l->cpu_seconds + 1);
    limit(RLIMIT_AS, l->memory_bytes, l->memory_bytes);
    limit(RLIMIT_NOFILE, DESCRIPTORS_MAX, DESCRIPTORS_MAX);
    limit(RLIMIT_FSIZE, 0, 0);
    limit(RLIMIT_CORE, 0, 0);
    jail_enter(job->argv[0], job->processes);
    execve(job->argv[0], (char *const *)(uintptr_t)job->argv, no_environment);
    _exit(127);
}

/* --- Starting ------------------------------------------------------------ */

static int open_pair(int ours_theirs[2])
{
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ours_theirs) != 0) return -1;
    for (int i = 0; i < 2; i++) fcntl(ours_theirs[i], F_SETFD, FD_CLOEXEC);
    return fcntl(ours_theirs[0], F_SETFL, O_NONBLOCK);
}

static void close_fd(int *fd)
{
    if (*fd >= 0) close(*fd);
    *fd = -1;
}

static int start(struct running *r, struct lw_error *err)
{
    int pairs[3][2] = { { -1, -1 }, { -1, -1 }, { -1, -1 } };
    for (int i = 0; i < 3; i++) {
        if (open_pair(pairs[i]) != 0) goto fail;
    }
    r->pid = fork();
    if (r->pid == 0) {
        child_main(r->job, (int[]){ pairs[0][1], pairs[1][1], pairs[2][1] });
    }
    if (r->pid < 0) goto fail;
    setpgid(r->pid, r->pid); /* also here: whoever comes first */
    for (int i = 0; i < 3; i++) close_fd(&pairs[i][1]);
    r->in = pairs[0][0];
    r->out = pairs[1][0];
    r->errors = pairs[2][0];
    return 0;

fail:
    err_set(err, LW_ERR, "cannot start %s: %s", r->job->argv[0], strerror(errno));
    for (int i = 0; i < 3; i++) {
        close_fd(&pairs[i][0]);
        close_fd(&pairs[i][1]);
    }
    return LW_ERR;
}

/* --- Feeding and draining ------------------------------------------------ */

static bool would_block(void)
{
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

/* shutdown() and not only close(): the end of input must reach the child. */
static void feed(struct running *r)
{
    size_t left = r->job->input_len - r->written;
    ssize_t n = left ? send(r->in, r->job->input + r->written, left, MSG_NOSIGNAL) : 0;
    if (n > 0) r->written += (size_t)n;
    bool failed = n < 0 && !would_block();
    if (failed || r->written == r->job->input_len) {
        shutdown(r->in, SHUT_WR);
        close_fd(&r->in);
    }
}

/* False when the output passed its maximum. */
static bool drain_output(struct running *r)
{
    char bytes[READ_BYTES];
    ssize_t n = recv(r->out, bytes, sizeof bytes, 0);
    if (n > 0) return buf_add(&r->result->out, bytes, (size_t)n) == 0;
    if (n == 0 || !would_block()) close_fd(&r->out);
    return true;
}

/* What does not fit is read and forgotten, so that the child never blocks. */
static void drain_errors(struct running *r)
{
    char bytes[CHILD_ERRORS_BYTES];
    ssize_t n = recv(r->errors, bytes, sizeof bytes, 0);
    if (n == 0 || (n < 0 && !would_block())) close_fd(&r->errors);
    if (n <= 0) return;
    size_t room = CHILD_ERRORS_BYTES - 1 - r->errors_len;
    size_t keep = (size_t)n < room ? (size_t)n : room;
    memcpy(r->result->errors + r->errors_len, bytes, keep);
    r->errors_len += keep;
    r->result->errors[r->errors_len] = '\0';
}

/* Until the child closed its streams (CHILD_EXITED so far) or must be ended. */
static enum child_end talk(struct running *r)
{
    while (r->out >= 0 || r->errors >= 0) {
        if (cancel_level(r->job->cancel) != CANCEL_NONE) return CHILD_CANCELLED;
        if (clock_ms() >= r->deadline_ms) return CHILD_WALL;
        struct pollfd fds[3] = {
            { .fd = r->in, .events = POLLOUT },
            { .fd = r->out, .events = POLLIN },
            { .fd = r->errors, .events = POLLIN },
        };
        if (poll(fds, 3, POLL_MS) <= 0) continue;
        if (fds[0].revents) feed(r);
        if (fds[2].revents) drain_errors(r);
        if (fds[1].revents && !drain_output(r)) return CHILD_OUTPUT;
    }
    return CHILD_EXITED;
}

/* --- Ending --------------------------------------------------------------- */

/* The child has closed its streams but may still live: it gets what is left of
 * its time, as long as somebody wants the result. */
static enum child_end await_exit(struct running *r, int *status)
{
    for (;;) {
        pid_t got = waitpid(r->pid, status, WNOHANG);
        if (got == r->pid || (got < 0 && errno != EINTR)) return CHILD_EXITED;
        if (cancel_level(r->job->cancel) != CANCEL_NONE) return CHILD_CANCELLED;
        if (clock_ms() >= r->deadline_ms) return CHILD_WALL;
        clock_sleep_ms(1);
    }
}

static void finish(struct running *r, enum child_end end)
{
    int status = 0;
    if (end == CHILD_EXITED) end = await_exit(r, &status);
    kill(-r->pid, SIGKILL); /* also what the child may have left behind */
    if (end != CHILD_EXITED) {
        while (waitpid(r->pid, &status, 0) < 0 && errno == EINTR) continue;
    }
    r->result->end = end;
    if (end == CHILD_EXITED && WIFSIGNALED(status)) {
        bool cpu = WTERMSIG(status) == SIGXCPU;
        r->result->end = cpu ? CHILD_CPU : CHILD_SIGNALLED;
        r->result->status = WTERMSIG(status);
    } else {
        r->result->status = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
    }
}

int child_run(const struct child_job *job, struct child_result *result,
              struct lw_error *err)
{
    *result = (struct child_result){ .end = CHILD_EXITED };
    buf_init(&result->out, job->limits.output_bytes);
    struct running r = {
        .job = job,
        .result = result,
        .in = -1,
        .out = -1,
        .errors = -1,
        .deadline_ms = clock_ms() + (int64_t)job->limits.wall_seconds * 1000,
    };
    int code = start(&r, err);
    if (code) return code;
    finish(&r, talk(&r));
    close_fd(&r.in);
    close_fd(&r.out);
    close_fd(&r.errors);
    return 0;
}

void child_result_release(struct child_result *result)
{
    buf_release(&result->out);
}

const char *child_find(const char *const *candidates)
{
    for (; *candidates; candidates++) {
        if (access(*candidates, X_OK) == 0) return *candidates;
    }
    return NULL;
}
