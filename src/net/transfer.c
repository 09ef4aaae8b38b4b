/* transfer.c - one request as a curl transfer: options, callbacks, outcome.
 *
 * curl's own messages never reach a user: each way to fail becomes a sentence
 * here, which names the server by host and port and quotes no header, so no
 * key can slip into it. */
#include "net/transfer.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "net/retry.h"
#include "net/url.h"

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

/* --- The call, copied ----------------------------------------------------- */

/* Between "://" and the path, without user:password@. */
static void copy_authority(char out[AUTHORITY_BYTES], const char *url)
{
    const char *start = strstr(url, "://");
    start = start != NULL ? start + 3 : url;
    size_t end = strcspn(start, "/?#"), begin = 0;
    for (size_t i = 0; i < end; i++) {
        begin = start[i] == '@' ? i + 1 : begin;
    }
    size_t len = end - begin < AUTHORITY_BYTES ? end - begin : AUTHORITY_BYTES - 1;
    memcpy(out, start + begin, len);
    out[len] = '\0';
}

static int add_header(struct http_request *r, const char *line)
{
    struct curl_slist *grown = curl_slist_append(r->headers, line);
    if (grown == NULL) {
        return err_set(&r->end.error, LW_ERR, "no memory for a request");
    }
    r->headers = grown;
    return 0;
}

struct http_request *request_new(const struct http_call *call)
{
    struct http_request *r = mem_alloc(sizeof *r);
    r->end = (struct http_event){
        .kind = HTTP_EVENT_END,
        .user = call->user,
        .retry_after_ms = -1,
    };
    r->events = call->events;
    r->url = mem_strdup(call->url);
    copy_authority(r->authority, call->url);
    r->body = mem_strndup(call->body != NULL ? call->body : "", call->body_len);
    r->body_len = call->body_len;
    r->is_get = strcmp(call->method, "GET") == 0;
    r->stream = call->stream;
    r->metered = call->metered;
    r->per_host = call->per_host;
    r->timeout_ms = call->timeout_ms;
    atomic_init(&r->cancelled, false);
    buf_init(&r->reply, LIMIT_HTTP_REPLY_BYTES);
    /* An empty Expect: no round trip to ask whether the body is welcome. */
    int code = add_header(r, "Expect:");
    for (size_t i = 0; i < call->n_headers && code == 0; i++) {
        code = add_header(r, call->headers[i]);
    }
    return r;
}

/* What only the transfer needed; the body of a metered call is END's too. */
static void release_call(struct http_request *r)
{
    mem_free(r->url);
    curl_slist_free_all(r->headers);
    r->url = NULL;
    r->headers = NULL;
    if (!r->metered) {
        mem_free(r->body);
        r->body = NULL;
    }
}

void request_free(struct http_request *r)
{
    release_call(r);
    mem_free(r->metered ? r->body : NULL);
    buf_release(&r->reply);
    mem_free(r->end.data);
    mem_free(r);
}

/* --- Callbacks of curl, on the transfer thread ---------------------------- */

static bool has_name(const char *line, size_t len, const char *name)
{
    size_t n = strlen(name);
    return len > n && line[n] == ':' && strncasecmp(line, name, n) == 0;
}

/* The value behind "Name:", without white space around it, cut to cap. */
static void copy_value(char *out, size_t cap, const char *line, size_t len)
{
    const char *colon = memchr(line, ':', len), *end = line + len;
    const char *value = colon + 1;
    while (value < end && strchr(" \t", *value) != NULL) {
        value++;
    }
    while (end > value && strchr(" \t\r\n", end[-1]) != NULL) {
        end--;
    }
    size_t n = (size_t)(end - value) < cap ? (size_t)(end - value) : cap - 1;
    memcpy(out, value, n);
    out[n] = '\0';
}

static int clamp_ms(double ms)
{
    return ms <= 0 ? 0 : ms >= INT_MAX ? INT_MAX : (int)ms;
}

/* Seconds, or a date. -1 if it is neither. */
static int parse_retry_after(const char *value)
{
    char *end;
    double seconds = strtod(value, &end);
    if (end != value && *end == '\0') {
        return seconds >= 0 ? clamp_ms(seconds * 1000) : -1;
    }
    time_t at = curl_getdate(value, NULL);
    return at < 0 ? -1 : clamp_ms(difftime(at, time(NULL)) * 1000);
}

static int parse_ms(const char *value)
{
    char *end;
    double ms = strtod(value, &end);
    return end != value && *end == '\0' && ms >= 0 ? clamp_ms(ms) : -1;
}

/* A number without a unit is one of seconds. 0: no unit of time. */
static double unit_ms(const char *unit, size_t len)
{
    static const struct {
        const char *name;
        double ms;
    } units[] = { { "", 1e3 }, { "ms", 1 }, { "s", 1e3 }, { "m", 6e4 }, { "h", 3.6e6 } };
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (strlen(units[i].name) == len && strncmp(units[i].name, unit, len) == 0) {
            return units[i].ms;
        }
    }
    return 0;
}

/* "6m0s", "120ms", "11.5". -1 if it is none. */
static int parse_duration(const char *value)
{
    double sum = 0;
    do {
        char *unit;
        double n = strtod(value, &unit);
        size_t len = strcspn(unit, "0123456789");
        double ms = unit_ms(unit, len);
        if (unit == value || !(n >= 0) || ms == 0) {
            return -1;
        }
        sum += n * ms;
        value = unit + len;
    } while (*value != '\0');
    return clamp_ms(sum);
}

/* A reply may have several header blocks (100 Continue): the last one counts. */
static void forget_headers(struct http_request *r)
{
    r->end.content_type[0] = '\0';
    r->end.retry_after_ms = -1;
    r->end.should_retry_no = false;
    r->limit_reset_ms = -1;
}

enum { RESET_MIN_MS = 100 };

/* Several limits may be told, and which of them was met is not. That of a day says when
 * it is whole again, long after the first request of it: not worth anything; nor is one
 * that is whole in a moment, which is not the one. */
static void note_reset(struct http_request *r, const char *value)
{
    int ms = parse_duration(value);
    if (ms >= RESET_MIN_MS && ms <= RETRY_AFTER_MAX_MS && ms > r->limit_reset_ms) {
        r->limit_reset_ms = ms;
    }
}

static void note_header(struct http_request *r, const char *line, size_t len)
{
    static const char reset[] = "x-ratelimit-reset-";
    struct http_event *e = &r->end;
    char value[64];
    if (len > 5 && strncmp(line, "HTTP/", 5) == 0) {
        forget_headers(r);
    } else if (has_name(line, len, "content-type")) {
        copy_value(e->content_type, sizeof e->content_type, line, len);
    } else if (has_name(line, len, "retry-after-ms")) {
        copy_value(value, sizeof value, line, len);
        e->retry_after_ms = parse_ms(value);
    } else if (has_name(line, len, "retry-after") && e->retry_after_ms < 0) {
        copy_value(value, sizeof value, line, len);
        e->retry_after_ms = parse_retry_after(value);
    } else if (has_name(line, len, "x-should-retry")) {
        copy_value(value, sizeof value, line, len);
        e->should_retry_no = strcasecmp(value, "false") == 0;
    } else if (len > sizeof reset && strncasecmp(line, reset, sizeof reset - 1) == 0 &&
               memchr(line, ':', len) != NULL) {
        copy_value(value, sizeof value, line, len);
        note_reset(r, value);
    }
}

/* Returning less than was offered makes curl end the transfer. */
static size_t on_header(char *line, size_t size, size_t n, void *user)
{
    struct http_request *r = user;
    size_t len = size * n;
    r->last_byte_ms = clock_ms();
    r->header_bytes += len;
    if (r->header_bytes > LIMIT_HTTP_HEADER_BYTES) {
        r->too_large = true;
        return 0;
    }
    note_header(r, line, len);
    return len;
}

static int status_of(const struct http_request *r)
{
    long status = 0;
    curl_easy_getinfo(r->easy, CURLINFO_RESPONSE_CODE, &status);
    return (int)status;
}

static void send_piece(struct http_request *r, const char *bytes, size_t len)
{
    struct http_event *e = mem_alloc(sizeof *e);
    *e = r->end;
    e->kind = HTTP_EVENT_DATA;
    e->status = status_of(r);
    e->data = mem_strndup(bytes, len);
    e->len = len;
    queue_put(r->events, e);
}

static size_t on_body(char *bytes, size_t size, size_t n, void *user)
{
    struct http_request *r = user;
    size_t len = size * n;
    r->last_byte_ms = clock_ms();
    r->reply_bytes += len;
    if (r->reply_bytes > LIMIT_HTTP_REPLY_BYTES) {
        r->too_large = true;
        return 0;
    }
    if (r->stream) {
        send_piece(r, bytes, len);
        return len;
    }
    return buf_add(&r->reply, bytes, len) ? 0 : len;
}

/* What curl has written to the connection, as it was before encryption. A head
 * behind a body is that of another try; of a GET there is no more than the head (and a
 * proxy's own, which begins with CONNECT). */
static int on_traffic(CURL *easy, curl_infotype type, char *bytes, size_t len, void *user)
{
    (void)easy;
    struct http_request *r = user;
    if (type == CURLINFO_HEADER_OUT) {
        r->in_body = false;
        r->end.tries += len >= 4 && memcmp(bytes, "GET ", 4) == 0;
    } else if (type == CURLINFO_DATA_OUT) {
        r->end.tries += !r->in_body;
        r->end.body_bytes += (int64_t)len;
        r->in_body = true;
    }
    return 0;
}

/* The children that read documents get no sockets. */
static int on_socket(void *user, curl_socket_t fd, curlsocktype purpose)
{
    (void)user, (void)purpose;
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    return CURL_SOCKOPT_OK;
}

/* --- Set-up ---------------------------------------------------------------- */

enum { CONNECT_MS = 10 * 1000, KEEPALIVE_SECONDS = 30 };

static void set_callbacks(struct http_request *r)
{
    curl_easy_setopt(r->easy, CURLOPT_PRIVATE, r);
    curl_easy_setopt(r->easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(r->easy, CURLOPT_HEADERDATA, r);
    curl_easy_setopt(r->easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(r->easy, CURLOPT_WRITEDATA, r);
    curl_easy_setopt(r->easy, CURLOPT_SOCKOPTFUNCTION, on_socket);
    if (r->metered) {
        curl_easy_setopt(r->easy, CURLOPT_DEBUGFUNCTION, on_traffic);
        curl_easy_setopt(r->easy, CURLOPT_DEBUGDATA, r);
        curl_easy_setopt(r->easy, CURLOPT_VERBOSE, 1L);
    }
}

static void set_limits(struct http_request *r, const struct http_options *opt)
{
    int connect_ms = opt->connect_timeout_ms > 0 ? opt->connect_timeout_ms : CONNECT_MS;
    curl_easy_setopt(r->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)connect_ms);
    curl_easy_setopt(r->easy, CURLOPT_TIMEOUT_MS, (long)r->timeout_ms);
    curl_easy_setopt(r->easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(r->easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(r->easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(r->easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    /* A machine that went away while a model thinks is noticed. */
    curl_easy_setopt(r->easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(r->easy, CURLOPT_TCP_KEEPIDLE, (long)KEEPALIVE_SECONDS);
    curl_easy_setopt(r->easy, CURLOPT_TCP_KEEPINTVL, (long)KEEPALIVE_SECONDS);
}

static void set_route(struct http_request *r, const struct url *url)
{
    curl_easy_setopt(r->easy, CURLOPT_URL, r->url);
    if (url_host_is_loopback(url->host)) {
        curl_easy_setopt(r->easy, CURLOPT_PROXY, "");
    }
    if (url->https) {
        /* Many requests at once: wait for the first connection to tell whether it
         * carries them all (HTTP/2) rather than shake hands once for each. */
        curl_easy_setopt(r->easy, CURLOPT_PIPEWAIT, 1L);
    }
}

int transfer_begin(struct http_request *r, CURL *easy, const struct http_options *opt)
{
    struct url url;
    int code = r->end.error.code;
    if (code == 0) {
        code = url_parse(&url, r->url, &r->end.error);
    }
    if (code) {
        return code;
    }
    r->easy = easy;
    set_callbacks(r);
    set_limits(r, opt);
    set_route(r, &url);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, opt->user_agent);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, r->headers);
    if (!r->is_get) {
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body_len);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, r->body);
    }
    return 0;
}

/* --- Outcome ---------------------------------------------------------------- */

static int say_timeout(struct http_request *r)
{
    curl_off_t ready_us = 0;
    curl_easy_getinfo(r->easy, CURLINFO_PRETRANSFER_TIME_T, &ready_us);
    if (ready_us == 0) {
        return err_set(&r->end.error, LW_ERR_REMOTE,
                       "%s does not answer: no connection in time", r->authority);
    }
    return err_set(&r->end.error, LW_TIMEOUT,
                   "%s gave no whole reply within %.4g seconds", r->authority,
                   r->timeout_ms / 1000.0);
}

/* on_header() or on_body() would not take more. */
static int say_refused(struct http_request *r)
{
    if (!r->too_large) {
        return err_set(&r->end.error, LW_ERR, "no memory for the reply of %s",
                       r->authority);
    }
    return err_set(&r->end.error, LW_ERR_REMOTE,
                   "the reply of %s is larger than %d MiB, or its headers than %d KiB",
                   r->authority, LIMIT_HTTP_REPLY_BYTES / (1024 * 1024),
                   LIMIT_HTTP_HEADER_BYTES / 1024);
}

/* It wants a password, forbids the host, or cannot reach it; curl calls that a connection
 * that was cut. False: no proxy has refused. */
static bool say_proxy(struct http_request *r)
{
    long code = 0;
    curl_easy_getinfo(r->easy, CURLINFO_HTTP_CONNECTCODE, &code);
    if (code < 300) {
        return false;
    }
    r->end.should_retry_no = code < 500;
    err_set(&r->end.error, LW_ERR_REMOTE,
            "%s: the proxy refuses the connection (HTTP %ld); see HTTPS_PROXY and "
            "NO_PROXY",
            r->authority, code);
    return true;
}

static const char *phrase_for(CURLcode result)
{
    switch (result) {
    case CURLE_COULDNT_RESOLVE_HOST: return "this host name is not known";
    case CURLE_COULDNT_RESOLVE_PROXY: return "the proxy's host name is not known";
    case CURLE_COULDNT_CONNECT: return "nothing accepts connections there";
    case CURLE_GOT_NOTHING: return "the connection was closed without a reply";
    case CURLE_PARTIAL_FILE:
    case CURLE_RECV_ERROR:
    case CURLE_HTTP2_STREAM: return "the connection was cut before the reply was whole";
    case CURLE_SEND_ERROR: return "the connection was cut while the request was sent";
    case CURLE_PEER_FAILED_VERIFICATION:
        return "its certificate does not prove that it is this host";
    case CURLE_SSL_CONNECT_ERROR: return "no encrypted connection could be agreed on";
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_UNSUPPORTED_PROTOCOL: return "what answers there does not speak HTTP";
    default: return curl_easy_strerror(result);
    }
}

static void say_outcome(struct http_request *r, CURLcode result)
{
    switch (result) {
    case CURLE_OK: break;
    case CURLE_OPERATION_TIMEDOUT: say_timeout(r); break;
    case CURLE_WRITE_ERROR: say_refused(r); break;
    default:
        if (!say_proxy(r)) {
            err_set(&r->end.error, LW_ERR_REMOTE, "%s: %s", r->authority,
                    phrase_for(result));
        }
        break;
    }
}

/* curl counts the bytes of the request that it has written to the connection;
 * headers and a small body go out as one. */
static void note_sent(struct http_request *r)
{
    long bytes = 0;
    curl_easy_getinfo(r->easy, CURLINFO_REQUEST_SIZE, &bytes);
    r->end.sent = bytes > 0;
    r->end.body = r->metered ? r->body : NULL;
    r->end.body_len = r->metered ? r->body_len : 0;
    r->end.status = status_of(r);
    if (r->end.status == 429 && r->end.retry_after_ms < 0) {
        r->end.retry_after_ms = r->limit_reset_ms;
    }
    release_call(r);
}

void transfer_end(struct http_request *r, CURLcode result)
{
    note_sent(r);
    say_outcome(r, result);
    r->end.len = r->reply.len;
    r->end.data = buf_take(&r->reply, NULL);
}

void transfer_cut(struct http_request *r)
{
    note_sent(r);
}
