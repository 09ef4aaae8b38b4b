/* sockets.c - curl tells what to watch, poll() watches, curl is told what moved. */
#include "net/sockets.h"

#include "base/clock.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum { NEVER = -1 };

/* --- What curl wants ---------------------------------------------------------- */

/* s->n if it is not watched. There are as many as connections: some dozens. */
static size_t place_of(const struct sockets *s, int fd)
{
    size_t at = 0;
    while (at < s->n && s->watched[at].fd != fd) at++;
    return at;
}

static void watch(struct sockets *s, int fd, short events)
{
    size_t at = place_of(s, fd);
    if (at == s->n) {
        mem_grow((void **)&s->watched, &s->cap, s->n + 1, sizeof *s->watched);
        s->n++;
    }
    s->watched[at] = (struct pollfd){ .fd = fd, .events = events };
}

static void unwatch(struct sockets *s, int fd)
{
    size_t at = place_of(s, fd);
    if (at < s->n) s->watched[at] = s->watched[--s->n];
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *user, void *place)
{
    (void)easy, (void)place;
    struct sockets *s = user;
    switch (what) {
    case CURL_POLL_IN: watch(s, fd, POLLIN); break;
    case CURL_POLL_OUT: watch(s, fd, POLLOUT); break;
    case CURL_POLL_INOUT: watch(s, fd, POLLIN | POLLOUT); break;
    case CURL_POLL_REMOVE: unwatch(s, fd); break;
    default: break;
    }
    return 0;
}

static int on_timer(CURLM *multi, long ms, void *user)
{
    (void)multi;
    struct sockets *s = user;
    s->due_ms = ms < 0 ? NEVER : clock_ms() + ms;
    return 0;
}

/* --- Waiting -------------------------------------------------------------------- */

static bool is_due(const struct sockets *s)
{
    return s->due_ms != NEVER && s->due_ms <= clock_ms();
}

void sockets_run_due(struct sockets *s)
{
    int running;
    if (!is_due(s)) return;
    s->due_ms = NEVER; /* curl sets it anew */
    curl_multi_socket_action(s->multi, CURL_SOCKET_TIMEOUT, 0, &running);
}

static int time_left(const struct sockets *s, int limit_ms)
{
    if (s->due_ms == NEVER) return limit_ms;
    int64_t left = s->due_ms - clock_ms();
    return left < 0 ? 0 : left < limit_ms ? (int)left : limit_ms;
}

static void empty_pipe(int fd)
{
    char bytes[64];
    while (read(fd, bytes, sizeof bytes) > 0) continue;
}

static int what_moved(short events)
{
    return (events & POLLIN ? CURL_CSELECT_IN : 0) |
           (events & POLLOUT ? CURL_CSELECT_OUT : 0) |
           (events & (POLLERR | POLLHUP | POLLNVAL) ? CURL_CSELECT_ERR : 0);
}

/* Returns how many. */
static size_t copy_moved(struct sockets *s)
{
    size_t n = 0;
    mem_grow((void **)&s->moved, &s->cap_moved, s->n, sizeof *s->moved);
    for (size_t i = 1; i < s->n; i++) {
        if (s->watched[i].revents) s->moved[n++] = s->watched[i];
    }
    return n;
}

void sockets_wait(struct sockets *s, int limit_ms)
{
    int running;
    if (poll(s->watched, (nfds_t)s->n, time_left(s, limit_ms)) <= 0) return;
    if (s->watched[0].revents) empty_pipe(s->wake[0]);
    size_t n = copy_moved(s);
    for (size_t i = 0; i < n; i++) {
        const struct pollfd *moved = &s->moved[i];
        curl_multi_socket_action(s->multi, moved->fd, what_moved(moved->revents),
                                 &running);
    }
}

void sockets_wake(struct sockets *s)
{
    /* A pipe that is full wakes, too. */
    while (write(s->wake[1], "", 1) < 0 && errno == EINTR) continue;
}

/* --- Life ------------------------------------------------------------------------ */

static int open_pipe(int ends[2])
{
    if (pipe(ends)) return -1;
    for (int i = 0; i < 2; i++) {
        fcntl(ends[i], F_SETFD, FD_CLOEXEC);
        fcntl(ends[i], F_SETFL, O_NONBLOCK);
    }
    return 0;
}

int sockets_init(struct sockets *s, CURLM *multi)
{
    *s = (struct sockets){ .multi = multi, .due_ms = NEVER };
    if (open_pipe(s->wake)) return -1;
    watch(s, s->wake[0], POLLIN);
    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, s);
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(multi, CURLMOPT_TIMERDATA, s);
    return 0;
}

void sockets_release(struct sockets *s)
{
    curl_multi_setopt(s->multi, CURLMOPT_SOCKETFUNCTION, NULL);
    curl_multi_setopt(s->multi, CURLMOPT_TIMERFUNCTION, NULL);
    close(s->wake[0]);
    close(s->wake[1]);
    mem_free(s->watched);
    mem_free(s->moved);
}
