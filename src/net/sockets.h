/* sockets.h - the sockets of a curl multi handle, watched with poll().
 *
 * curl_multi_perform() looks at every transfer, and curl_multi_poll() lists all sockets
 * anew, whenever one of them moves. Here curl says which sockets it waits for and when it
 * wants to be called next (CURLMOPT_SOCKETFUNCTION, CURLMOPT_TIMERFUNCTION), and only
 * what moved is looked at: where a server answers 400 requests at once, 32 in flight,
 * poll() is called two times a request instead of three.
 *
 * Threads: sockets_wake() any, the rest the one that owns the multi handle. */
#ifndef LW_NET_SOCKETS_H
#define LW_NET_SOCKETS_H

#include <curl/curl.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sockets {
    CURLM *multi;
    int wake[2];            /* a pipe: [0] is watched, too */
    struct pollfd *watched; /* the first is wake[0] */
    size_t n, cap;
    struct pollfd *moved; /* of a look: a copy, since curl changes the list meanwhile */
    size_t cap_moved;
    int64_t due_ms; /* clock_ms() when curl wants to be called; -1: never */
};

/* Not 0: no pipe could be had, errno says why; nothing is to be released then. */
int sockets_init(struct sockets *s, CURLM *multi);
/* Before the multi handle is cleaned up. */
void sockets_release(struct sockets *s);

/* Let curl do what its clock says is due: begin what was added, end what took too long.
 */
void sockets_run_due(struct sockets *s);
/* Wait until something moves, something is due, sockets_wake() or limit_ms, and let curl
 * act on what moved. */
void sockets_wait(struct sockets *s, int limit_ms);

/* End a wait, now or the next one. */
void sockets_wake(struct sockets *s);

#endif
