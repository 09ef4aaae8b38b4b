/* test_sockets.c - waits end for the right reasons, and curl gets its turn. */
#include "net/sockets.h"

#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LONG_MS = 20000 };

struct world {
    CURLM *multi;
    struct sockets sockets;
};

static void world_init(struct world *w)
{
    w->multi = curl_multi_init();
    assert_non_null(w->multi);
    assert_int_equal(sockets_init(&w->sockets, w->multi), 0);
}

static void world_release(struct world *w)
{
    sockets_release(&w->sockets);
    curl_multi_cleanup(w->multi);
}

static void test_a_wait_ends_at_its_limit(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    int64_t begin = clock_ms();
    sockets_wait(&w.sockets, 20);
    assert_true(clock_ms() - begin >= 15);
    world_release(&w);
}

/* However often, before the wait; and it is used up by one. */
static void test_a_wake_is_not_lost(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    for (int i = 0; i < 100; i++) sockets_wake(&w.sockets);
    int64_t begin = clock_ms();
    sockets_wait(&w.sockets, LONG_MS);
    assert_true(clock_ms() - begin < LONG_MS / 2);
    begin = clock_ms();
    sockets_wait(&w.sockets, 20);
    assert_true(clock_ms() - begin >= 15);
    world_release(&w);
}

/* A server of one reply, on a port of its own. */
static int listen_on(int *port)
{
    struct sockaddr_in at = { .sin_family = AF_INET };
    socklen_t len = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    *port = ntohs(at.sin_port);
    return fd;
}

static void answer(int listening)
{
    static const char reply[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    char request[4096];
    int fd = accept(listening, NULL, NULL);
    assert_true(fd >= 0);
    assert_true(read(fd, request, sizeof request) > 0);
    assert_int_equal(write(fd, reply, strlen(reply)), strlen(reply));
    close(fd);
}

/* Turns until the transfer has ended; when the request has left, the server answers. */
static CURLcode drive(struct world *w, int listening)
{
    for (bool answered = false;;) {
        int left;
        sockets_run_due(&w->sockets);
        const CURLMsg *msg = curl_multi_info_read(w->multi, &left);
        if (msg) return msg->data.result;
        struct pollfd asked = { .fd = listening, .events = POLLIN };
        if (listening >= 0 && !answered && poll(&asked, 1, 0) > 0) {
            sockets_wait(&w->sockets, 50); /* connected: the request goes out */
            sockets_run_due(&w->sockets);
            answer(listening);
            answered = true;
        }
        sockets_wait(&w->sockets, 50);
    }
}

static CURLcode fetch(struct world *w, int port, int listening, long timeout_ms)
{
    char url[64];
    CURL *easy = curl_easy_init();
    snprintf(url, sizeof url, "http://127.0.0.1:%d/", port);
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, timeout_ms);
    curl_multi_add_handle(w->multi, easy);
    CURLcode result = drive(w, listening);
    curl_multi_remove_handle(w->multi, easy);
    curl_easy_cleanup(easy);
    return result;
}

static void test_a_transfer_moves(void **state)
{
    (void)state;
    struct world w;
    int port, listening = listen_on(&port);
    world_init(&w);
    assert_int_equal(fetch(&w, port, listening, LONG_MS), CURLE_OK);
    close(listening);
    assert_int_equal(fetch(&w, port, -1, LONG_MS), CURLE_COULDNT_CONNECT);
    world_release(&w);
}

/* Nothing moves: curl's own clock ends it. */
static void test_a_silent_server_is_timed_out(void **state)
{
    (void)state;
    struct world w;
    int port, listening = listen_on(&port);
    world_init(&w);
    assert_int_equal(fetch(&w, port, -1, 60), CURLE_OPERATION_TIMEDOUT);
    close(listening);
    world_release(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_wait_ends_at_its_limit),
        cmocka_unit_test(test_a_wake_is_not_lost),
        cmocka_unit_test(test_a_transfer_moves),
        cmocka_unit_test(test_a_silent_server_is_timed_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
