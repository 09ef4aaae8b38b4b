/* fake_provider.c - a model server that follows a script, and misbehaves on request.
 *
 *     fake_provider SCRIPT [--port N] [--log FILE]
 *
 * A real HTTP/1.1 server on 127.0.0.1 over plain sockets: one thread, one poll
 * loop, connections kept. It prints "PORT n" when it listens and serves until
 * it is killed or the thread that started it ends. SCRIPT is a file, or - for
 * standard input. The log gets every request: a line "=== n METHOD PATH", the
 * header lines, an empty line, the body, an empty line. GET /fake/stats tells
 * {"requests":n,"connections":n,"max_concurrent":n,"body_bytes":n} and is itself
 * neither logged nor counted as a request. body_bytes has every byte of a body that
 * came, also of one that was cut.
 *
 * A script is rules; an empty line, or a `when` behind another kind of line,
 * begins the next one. The first rule whose conditions all hold answers. A line
 * that begins with # is a comment. In texts \n, \r, \t, \" and \\ are understood.
 *
 *   when path contains "/chat"    also: body, header; contains, lacks
 *   times 2                       the rule is used up after two requests
 *   refuse temperature            holds only if the body has "temperature", and
 *                                 answers 400 naming it (json_schema and
 *                                 json_object: naming response_format)
 *
 *   say TEXT                      the assistant's message, streamed if asked for
 *   think TEXT                    reasoning_content before it
 *   echo schema                   the message is the request's own schema
 *   finish length                 finish_reason (default stop; none: left out)
 *   usage P C [CACHED]            token counts; prompt_tokens P: that one alone
 *   logprob " not" -0.05          one more of the first token's top_logprobs
 *   no usage                      also: no choices (an empty list), no done (a
 *                                 stream without finish_reason and [DONE])
 *
 *   status 429                    with an error body of its own
 *   quota                         429 insufficient_quota
 *   header Retry-After: 1         one more header line
 *   type text/html                instead of the right Content-Type
 *   raw TEXT                      the whole body; `file PATH`: from a file
 *   html                          the body is a proxy's error page
 *   delay 50                      milliseconds before the answer
 *   hang before                   no answer; `hang after`: only its headers
 *   truncate 40                   40 bytes of the body, then the connection closes
 *   close                         the connection closes instead of an answer
 *   pieces 1                      the body in chunks of one byte
 *
 * If no rule holds, GET .../models lists "fake-model" and anything else is a
 * 500 that says so. Self-contained: nothing of src/, so that one error cannot
 * be on both sides. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

enum { CONNECTIONS_MAX = 1024, CONDITIONS_MAX = 8, REQUEST_BYTES_MAX = 64 << 20 };

static _Noreturn void die(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    fputs("fake_provider: ", stderr);
    vfprintf(stderr, fmt, args);
    fputc('\n', stderr);
    va_end(args);
    exit(1);
}

static void *need(void *p)
{
    if (p == NULL) {
        die("no memory");
    }
    return p;
}

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* --- Growing text ----------------------------------------------------------- */

struct text {
    char *data; /* NUL-terminated once something was added */
    size_t len, cap;
};

static void text_add(struct text *t, const char *data, size_t len)
{
    if (t->len + len + 1 > t->cap) {
        t->cap = (t->len + len + 1) * 2;
        t->data = need(realloc(t->data, t->cap));
    }
    memcpy(t->data + t->len, data, len);
    t->len += len;
    t->data[t->len] = '\0';
}

static void text_str(struct text *t, const char *s)
{
    text_add(t, s, strlen(s));
}

static void text_addf(struct text *t, const char *fmt, ...)
{
    char line[512];
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    if (n < 0 || (size_t)n >= sizeof line) {
        die("a line is too long");
    }
    text_add(t, line, (size_t)n);
}

static void text_json(struct text *t, const char *s, size_t len)
{
    text_str(t, "\"");
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)s[i];
        if (c == '"' || c == '\\') {
            text_addf(t, "\\%c", c);
        } else if (c < 0x20) {
            text_addf(t, "\\u%04x", c);
        } else {
            text_add(t, s + i, 1);
        }
    }
    text_str(t, "\"");
}

static void text_clear(struct text *t)
{
    t->len = 0;
}

static void text_cut_front(struct text *t, size_t n)
{
    memmove(t->data, t->data + n, t->len - n);
    t->len -= n;
}

static const char *find(const char *hay, size_t hay_len, const char *needle)
{
    size_t len = strlen(needle);
    const char *end = hay + hay_len;
    for (const char *at = hay; len <= (size_t)(end - at); at++) {
        at = memchr(at, needle[0], (size_t)(end - at) - len + 1);
        if (at == NULL) {
            return NULL;
        }
        if (memcmp(at, needle, len) == 0) {
            return at;
        }
    }
    return NULL;
}

/* --- The script ------------------------------------------------------------- */

enum place { IN_PATH, IN_HEADER, IN_BODY };
enum hang { HANG_NO, HANG_BEFORE, HANG_AFTER };

struct condition {
    enum place place;
    bool lacks;
    char *needle;
};

struct rule {
    struct condition conditions[CONDITIONS_MAX];
    size_t n_conditions;
    long times; /* left; -1: no end */
    char *refuse;
    char *say, *think, *finish, *type;
    char *raw;
    size_t raw_len;
    bool echo_schema, no_usage, no_choices, no_done, close;
    long prompt_tokens, completion_tokens, cached_tokens; /* -1: from the sizes */
    struct text logprobs;                                 /* entries, comma between */
    char first_token[64];
    double first_logprob;
    struct text headers;
    int status;
    enum hang hang;
    long truncate; /* -1: no */
    long pieces, delay_ms;
};

struct script {
    struct rule *rules;
    size_t n;
    bool open, in_when;
    int line;
};

static struct rule *rule_now(struct script *s)
{
    if (!s->open) {
        s->rules = need(realloc(s->rules, (s->n + 1) * sizeof *s->rules));
        s->rules[s->n++] = (struct rule){
            .times = -1,
            .prompt_tokens = -1,
            .completion_tokens = -1,
            .status = 200,
            .truncate = -1,
        };
        s->open = true;
    }
    return &s->rules[s->n - 1];
}

static char *unescaped(const char *text)
{
    static const char from[] = "nrt\"\\", to[] = "\n\r\t\"\\";
    char *copy = need(strdup(text)), *out = copy;
    for (const char *in = text; *in != '\0'; in++) {
        const char *known = in[0] == '\\' && in[1] != '\0' ? strchr(from, in[1]) : NULL;
        *out++ = known != NULL ? to[known - from] : *in;
        in += known != NULL;
    }
    *out = '\0';
    return copy;
}

static bool take(const char **at, const char *word)
{
    size_t len = strlen(word);
    if (strncmp(*at, word, len) != 0 || ((*at)[len] != ' ' && (*at)[len] != '\0')) {
        return false;
    }
    *at += len + ((*at)[len] == ' ');
    return true;
}

/* "..." at *at, which moves behind it. */
static char *take_quoted(const char **at, int line)
{
    const char *start = *at + 1, *end = start;
    while (**at == '"' && *end != '\0' && *end != '"') {
        end += *end == '\\' && end[1] != '\0' ? 2 : 1;
    }
    if (**at != '"' || *end != '"') {
        die("line %d: quotes expected", line);
    }
    char *inside = need(strndup(start, (size_t)(end - start)));
    char *text = unescaped(inside);
    free(inside);
    *at = end + 1;
    return text;
}

static void read_when(struct script *s, const char *at)
{
    struct condition c = { .place = IN_BODY };
    if (take(&at, "path")) {
        c.place = IN_PATH;
    } else if (take(&at, "header")) {
        c.place = IN_HEADER;
    } else if (!take(&at, "body")) {
        die("line %d: path, header or body expected", s->line);
    }
    c.lacks = take(&at, "lacks");
    if (!c.lacks && !take(&at, "contains")) {
        die("line %d: contains or lacks expected", s->line);
    }
    c.needle = take_quoted(&at, s->line);
    s->open = s->open && s->in_when;
    struct rule *r = rule_now(s);
    if (r->n_conditions == CONDITIONS_MAX) {
        die("line %d: too many conditions", s->line);
    }
    r->conditions[r->n_conditions++] = c;
}

static void read_logprob(struct script *s, struct rule *r, const char *at)
{
    char *token = take_quoted(&at, s->line);
    double logprob = strtod(at, NULL);
    if (r->logprobs.len == 0) {
        snprintf(r->first_token, sizeof r->first_token, "%s", token);
        r->first_logprob = logprob;
    } else {
        text_str(&r->logprobs, ",");
    }
    text_str(&r->logprobs, "{\"token\":");
    text_json(&r->logprobs, token, strlen(token));
    text_addf(&r->logprobs, ",\"logprob\":%g,\"bytes\":null}", logprob);
    free(token);
}

static void read_usage(struct rule *r, const char *at)
{
    char *end;
    r->prompt_tokens = strtol(at, &end, 10);
    r->completion_tokens = strtol(end, &end, 10);
    r->cached_tokens = strtol(end, &end, 10);
}

static void read_file(struct rule *r, const char *path)
{
    struct text t = { 0 };
    char piece[4096];
    FILE *f = fopen(path, "rb");
    if (f == NULL) {
        die("%s: %s", path, strerror(errno));
    }
    size_t n;
    while ((n = fread(piece, 1, sizeof piece, f)) > 0) {
        text_add(&t, piece, n);
    }
    fclose(f);
    r->raw = t.data != NULL ? t.data : need(strdup(""));
    r->raw_len = t.len;
}

static void set_raw(struct rule *r, const char *text)
{
    r->raw = unescaped(text);
    r->raw_len = strlen(r->raw);
}

static void set_html(struct rule *r)
{
    r->type = need(strdup("text/html"));
    set_raw(r, "<html><head><title>Bad Gateway</title><style>p { x: y }</style></head>\\n"
               "<body><h1>The upstream server is away</h1></body></html>\\n");
}

static void set_quota(struct rule *r)
{
    r->status = 429;
    set_raw(r, "{\"error\":{\"message\":\"You exceeded your current quota, please check "
               "your plan.\",\"type\":\"insufficient_quota\",\"param\":null,"
               "\"code\":\"insufficient_quota\"}}");
}

/* What the message is. False: some other word. */
static bool read_message(struct script *s, struct rule *r, const char *at)
{
    if (take(&at, "say")) {
        r->say = unescaped(at);
    } else if (take(&at, "think")) {
        r->think = unescaped(at);
    } else if (take(&at, "echo")) {
        r->echo_schema = true;
    } else if (take(&at, "finish")) {
        r->finish = need(strdup(at));
    } else if (take(&at, "usage")) {
        read_usage(r, at);
    } else if (take(&at, "prompt_tokens")) {
        r->prompt_tokens = strtol(at, NULL, 10);
    } else if (take(&at, "logprob")) {
        read_logprob(s, r, at);
    } else if (take(&at, "no")) {
        r->no_usage = r->no_usage || strcmp(at, "usage") == 0;
        r->no_choices = r->no_choices || strcmp(at, "choices") == 0;
        r->no_done = r->no_done || strcmp(at, "done") == 0;
    } else {
        return false;
    }
    return true;
}

/* What goes wrong below the message. False: some other word. */
static bool read_fault(struct rule *r, const char *at)
{
    if (take(&at, "status")) {
        r->status = atoi(at);
    } else if (take(&at, "quota")) {
        set_quota(r);
    } else if (take(&at, "header")) {
        text_str(&r->headers, at);
        text_str(&r->headers, "\r\n");
    } else if (take(&at, "type")) {
        r->type = need(strdup(at));
    } else if (take(&at, "raw")) {
        set_raw(r, at);
    } else if (take(&at, "file")) {
        read_file(r, at);
    } else if (take(&at, "html")) {
        set_html(r);
    } else if (take(&at, "delay")) {
        r->delay_ms = strtol(at, NULL, 10);
    } else if (take(&at, "hang")) {
        r->hang = strcmp(at, "after") == 0 ? HANG_AFTER : HANG_BEFORE;
    } else if (take(&at, "truncate")) {
        r->truncate = strtol(at, NULL, 10);
    } else if (take(&at, "pieces")) {
        r->pieces = strtol(at, NULL, 10);
    } else if (take(&at, "close")) {
        r->close = true;
    } else {
        return false;
    }
    return true;
}

static void read_line(struct script *s, const char *line)
{
    const char *at = line + strspn(line, " ");
    if (*at == '#') {
        return;
    }
    if (*at == '\0') {
        s->open = s->in_when = false;
    } else if (take(&at, "when")) {
        read_when(s, at);
        s->in_when = true;
    } else {
        s->in_when = false;
        struct rule *r = rule_now(s);
        if (take(&at, "times")) {
            r->times = strtol(at, NULL, 10);
        } else if (take(&at, "refuse")) {
            r->refuse = need(strdup(at));
        } else if (!read_message(s, r, at) && !read_fault(r, at)) {
            die("line %d: unknown: %s", s->line, line);
        }
    }
}

static void read_script(struct script *s, const char *path)
{
    FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "r");
    if (f == NULL) {
        die("%s: %s", path, strerror(errno));
    }
    char *line = NULL;
    size_t cap = 0;
    ssize_t n;
    while ((n = getline(&line, &cap, f)) >= 0) {
        while (n > 0 && (line[n - 1] == '\n' || line[n - 1] == '\r')) {
            line[--n] = '\0';
        }
        s->line++;
        read_line(s, line);
    }
    free(line);
    if (f != stdin) {
        fclose(f);
    }
}

/* --- Requests --------------------------------------------------------------- */

struct request {
    const char *path, *headers, *body;
    size_t path_len, headers_len, body_len;
    bool stream, wants_usage;
};

static bool holds(const struct condition *c, const struct request *q)
{
    const char *hay = c->place == IN_PATH     ? q->path
                      : c->place == IN_HEADER ? q->headers
                                              : q->body;
    size_t len = c->place == IN_PATH     ? q->path_len
                 : c->place == IN_HEADER ? q->headers_len
                                         : q->body_len;
    return (find(hay, len, c->needle) != NULL) != c->lacks;
}

static bool body_has_name(const struct request *q, const char *name)
{
    char quoted[80];
    snprintf(quoted, sizeof quoted, "\"%s\"", name);
    return find(q->body, q->body_len, quoted) != NULL;
}

static struct rule *rule_for(struct script *s, const struct request *q)
{
    for (size_t i = 0; i < s->n; i++) {
        struct rule *r = &s->rules[i];
        bool fits = r->times != 0 && (r->refuse == NULL || body_has_name(q, r->refuse));
        for (size_t k = 0; k < r->n_conditions && fits; k++) {
            fits = holds(&r->conditions[k], q);
        }
        if (fits) {
            r->times -= r->times > 0;
            return r;
        }
    }
    return NULL;
}

/* The object behind "schema": in the request; "{}" if there is none. */
static void add_schema(struct text *out, const struct request *q)
{
    const char *at = find(q->body, q->body_len, "\"schema\":");
    const char *end = q->body + q->body_len;
    if (at == NULL) {
        text_str(out, "{}");
        return;
    }
    at += strlen("\"schema\":");
    int depth = 0;
    for (const char *c = at; c < end; c++) {
        if (*c == '"') {
            for (c++; c < end && *c != '"'; c++) {
                c += *c == '\\';
            }
        } else if (*c == '{') {
            depth++;
        } else if (*c == '}' && --depth == 0) {
            text_add(out, at, (size_t)(c + 1 - at));
            return;
        }
    }
}

/* --- Replies of a model ----------------------------------------------------- */

static void add_usage(struct text *out, const struct rule *r, const struct request *q,
                      size_t said)
{
    long prompt = r->prompt_tokens >= 0 ? r->prompt_tokens : (long)(q->body_len / 4);
    long completion =
        r->completion_tokens >= 0 ? r->completion_tokens : (long)said / 4 + 1;
    text_addf(out,
              "\"usage\":{\"prompt_tokens\":%ld,\"completion_tokens\":%ld,"
              "\"total_tokens\":%ld,\"prompt_tokens_details\":{\"cached_tokens\":%ld}}",
              prompt, completion, prompt + completion, r->cached_tokens);
}

static void add_logprobs(struct text *out, const struct rule *r, const struct request *q)
{
    if (r->logprobs.len == 0 || !body_has_name(q, "logprobs")) {
        return;
    }
    text_str(out, "\"logprobs\":{\"content\":[{\"token\":");
    text_json(out, r->first_token, strlen(r->first_token));
    text_addf(out, ",\"logprob\":%g,\"bytes\":null,\"top_logprobs\":[", r->first_logprob);
    text_add(out, r->logprobs.data, r->logprobs.len);
    text_str(out, "]}]},");
}

static void add_finish(struct text *out, const struct rule *r)
{
    const char *finish = r->finish != NULL ? r->finish : "stop";
    if (strcmp(finish, "none") == 0) {
        text_str(out, "\"finish_reason\":null");
    } else {
        text_addf(out, "\"finish_reason\":\"%s\"", finish);
    }
}

static void add_whole(struct text *out, const struct rule *r, const struct request *q,
                      const char *say, size_t len)
{
    text_str(out, "{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion\",\"created\":1,"
                  "\"model\":\"fake-model\",\"choices\":[");
    if (!r->no_choices) {
        text_str(out, "{\"index\":0,\"message\":{\"role\":\"assistant\",");
        if (r->think != NULL) {
            text_str(out, "\"reasoning_content\":");
            text_json(out, r->think, strlen(r->think));
            text_str(out, ",");
        }
        text_str(out, "\"content\":");
        text_json(out, say, len);
        text_str(out, "},");
        add_logprobs(out, r, q);
        add_finish(out, r);
        text_str(out, "}");
    }
    text_str(out, "]");
    if (!r->no_usage) {
        text_str(out, ",");
        add_usage(out, r, q, len);
    }
    text_str(out, "}");
}

static void open_event(struct text *out)
{
    text_str(out, "data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\","
                  "\"created\":1,\"model\":\"fake-model\",\"choices\":[");
}

/* One event for each word of the text. */
static void add_deltas(struct text *out, const struct rule *r, const struct request *q,
                       const char *key, const char *s, size_t len)
{
    for (size_t at = 0; at < len;) {
        const char *space = memchr(s + at + 1, ' ', len - at - 1);
        size_t n = space != NULL ? (size_t)(space - (s + at)) : len - at;
        open_event(out);
        text_str(out, "{\"index\":0,\"delta\":{");
        text_addf(out, "\"%s\":", key);
        text_json(out, s + at, n);
        text_str(out, "},");
        if (at == 0 && strcmp(key, "content") == 0) {
            add_logprobs(out, r, q);
        }
        text_str(out, "\"finish_reason\":null}]}\n\n");
        at += n;
    }
}

static void add_stream(struct text *out, const struct rule *r, const struct request *q,
                       const char *say, size_t len)
{
    if (r->think != NULL) {
        add_deltas(out, r, q, "reasoning_content", r->think, strlen(r->think));
    }
    add_deltas(out, r, q, "content", say, len);
    if (r->no_done) {
        return;
    }
    open_event(out);
    text_str(out, "{\"index\":0,\"delta\":{},");
    add_finish(out, r);
    text_str(out, "}]}\n\n");
    if (!r->no_usage && q->wants_usage) {
        open_event(out);
        text_str(out, "],");
        add_usage(out, r, q, len);
        text_str(out, "}\n\n");
    }
    text_str(out, "data: [DONE]\n\n");
}

static void add_refusal(struct text *out, const char *name)
{
    bool format = strncmp(name, "json_", 5) == 0;
    text_addf(out,
              "{\"error\":{\"message\":\"Unsupported parameter: '%s' is not supported "
              "with this model.%s\",\"type\":\"invalid_request_error\",\"param\":\"%s\","
              "\"code\":\"unsupported_parameter\"}}",
              name,
              strcmp(name, "max_tokens") == 0 ? " Use 'max_completion_tokens' instead."
                                              : "",
              format ? "response_format" : name);
}

/* Body and type of the answer by the rule. True: a stream of events. */
static bool add_body(struct text *out, const struct rule *r, const struct request *q)
{
    if (r->raw != NULL) {
        text_add(out, r->raw, r->raw_len);
        return q->stream && r->status == 200;
    }
    if (r->refuse != NULL) {
        add_refusal(out, r->refuse);
        return false;
    }
    if (r->status != 200) {
        text_addf(out,
                  "{\"error\":{\"message\":\"the script says %d\","
                  "\"type\":\"scripted_error\",\"param\":null,\"code\":null}}",
                  r->status);
        return false;
    }
    struct text schema = { 0 };
    const char *say = r->say != NULL ? r->say : "";
    if (r->echo_schema) {
        add_schema(&schema, q);
        say = schema.data;
    }
    if (q->stream) {
        add_stream(out, r, q, say, strlen(say));
    } else {
        add_whole(out, r, q, say, strlen(say));
    }
    free(schema.data);
    return q->stream;
}

/* --- Connections ------------------------------------------------------------ */

struct connection {
    int fd; /* -1: free */
    struct text in, out;
    size_t out_at;
    int64_t send_at_ms;
    bool busy; /* a request is being answered */
    bool hangs, close_after;
};

struct server {
    struct script script;
    int listener;
    FILE *log;
    struct connection conns[CONNECTIONS_MAX];
    size_t n_slots; /* of conns, ever used */
    int n_busy;
    long n_requests, n_connections, n_concurrent_max, n_body_bytes;
    struct text body; /* of the answer being made */
};

/* Of a request whose end never came. */
static long cut_body_bytes(const struct connection *c)
{
    const char *head_end = c->in.len > 0 ? find(c->in.data, c->in.len, "\r\n\r\n") : NULL;
    return head_end != NULL ? (long)(c->in.len - (size_t)(head_end + 4 - c->in.data)) : 0;
}

static void drop(struct server *s, struct connection *c)
{
    s->n_body_bytes += cut_body_bytes(c);
    text_clear(&c->in);
    close(c->fd);
    c->fd = -1;
    s->n_busy -= c->busy;
    c->busy = false;
}

static void add_head(struct text *out, const struct rule *r, int status, const char *type)
{
    text_addf(out, "HTTP/1.1 %d %s\r\nContent-Type: %s\r\n", status,
              status == 200 ? "OK" : "Scripted", type);
    if (r != NULL) {
        text_add(out, r->headers.len > 0 ? r->headers.data : "", r->headers.len);
    }
}

static void add_chunks(struct text *out, const struct text *body, size_t piece,
                       size_t len)
{
    for (size_t at = 0; at < len; at += piece) {
        size_t n = len - at < piece ? len - at : piece;
        text_addf(out, "%zx\r\n", n);
        text_add(out, body->data + at, n);
        text_str(out, "\r\n");
    }
    if (len == body->len) {
        text_str(out, "0\r\n\r\n");
    }
}

/* Streams and pieces go out chunked, the rest with a length. */
static void frame(struct connection *c, const struct rule *r, const struct text *body,
                  bool stream)
{
    size_t len = body->len;
    if (r->truncate >= 0 && (size_t)r->truncate < len) {
        len = (size_t)r->truncate;
        c->close_after = true;
    }
    if (r->hang == HANG_AFTER) {
        len = 0;
        c->hangs = true;
    }
    if (stream || r->pieces > 0) {
        text_str(&c->out, "Transfer-Encoding: chunked\r\n\r\n");
        add_chunks(&c->out, body, r->pieces > 0 ? (size_t)r->pieces : body->len + 1, len);
    } else {
        text_addf(&c->out, "Content-Length: %zu\r\n\r\n", body->len);
        text_add(&c->out, body->len > 0 ? body->data : "", len);
    }
}

static void answer_by_rule(struct server *s, struct connection *c, const struct rule *r,
                           const struct request *q)
{
    c->send_at_ms = r->delay_ms > 0 ? now_ms() + r->delay_ms : 0;
    if (r->hang == HANG_BEFORE || r->close) {
        c->hangs = r->hang == HANG_BEFORE;
        c->close_after = r->close;
        return;
    }
    text_clear(&s->body);
    bool stream = add_body(&s->body, r, q);
    const char *type = r->type != NULL ? r->type
                       : stream        ? "text/event-stream"
                                       : "application/json";
    int status = r->refuse != NULL ? 400 : r->status;
    add_head(&c->out, r, status, type);
    frame(c, r, &s->body, stream);
}

static void answer_plainly(struct connection *c, int status, const char *body)
{
    add_head(&c->out, NULL, status, "application/json");
    text_addf(&c->out, "Content-Length: %zu\r\n\r\n", strlen(body));
    text_str(&c->out, body);
}

static void answer_stats(struct server *s, struct connection *c)
{
    char body[160];
    snprintf(body, sizeof body,
             "{\"requests\":%ld,\"connections\":%ld,\"max_concurrent\":%ld,"
             "\"body_bytes\":%ld}",
             s->n_requests, s->n_connections, s->n_concurrent_max, s->n_body_bytes);
    answer_plainly(c, 200, body);
}

static void log_request(struct server *s, const struct connection *c,
                        const struct request *q)
{
    if (s->log == NULL) {
        return;
    }
    size_t method_len = strcspn(c->in.data, " ");
    fprintf(s->log, "=== %ld %.*s %.*s\n%.*s\n\n", s->n_requests, (int)method_len,
            c->in.data, (int)q->path_len, q->path, (int)q->headers_len, q->headers);
    fwrite(q->body, 1, q->body_len, s->log);
    fputs("\n\n", s->log);
    fflush(s->log);
}

static bool path_is(const struct request *q, const char *end)
{
    size_t len = strlen(end);
    return q->path_len >= len && memcmp(q->path + q->path_len - len, end, len) == 0;
}

static void answer(struct server *s, struct connection *c, const struct request *q)
{
    if (path_is(q, "/fake/stats")) {
        answer_stats(s, c);
        return;
    }
    s->n_requests++;
    s->n_body_bytes += (long)q->body_len;
    log_request(s, c, q);
    c->busy = true;
    s->n_busy++;
    s->n_concurrent_max =
        s->n_busy > s->n_concurrent_max ? s->n_busy : s->n_concurrent_max;
    const struct rule *r = rule_for(&s->script, q);
    if (r != NULL) {
        answer_by_rule(s, c, r, q);
    } else if (path_is(q, "/models")) {
        answer_plainly(c, 200,
                       "{\"object\":\"list\",\"data\":[{\"id\":\"fake-model\","
                       "\"object\":\"model\",\"max_model_len\":8192}]}");
    } else {
        answer_plainly(c, 500,
                       "{\"error\":{\"message\":\"no rule of the script fits\"}}");
    }
}

/* --- Reading ---------------------------------------------------------------- */

static size_t content_length(const struct request *q)
{
    static const char name[] = "content-length:";
    const char *at = q->headers, *end = q->headers + q->headers_len;
    while (at != NULL && at < end) {
        if ((size_t)(end - at) > sizeof name - 1 &&
            strncasecmp(at, name, sizeof name - 1) == 0) {
            return strtoul(at + sizeof name - 1, NULL, 10);
        }
        at = memchr(at, '\n', (size_t)(end - at));
        at += at != NULL;
    }
    return 0;
}

/* Returns the bytes of a whole request at the front of c->in, 0 if it is not whole
 * yet. */
static size_t parse(const struct connection *c, struct request *q)
{
    const char *head_end = c->in.len > 0 ? find(c->in.data, c->in.len, "\r\n\r\n") : NULL;
    if (head_end == NULL) {
        return 0;
    }
    const char *line_end = find(c->in.data, c->in.len, "\r\n");
    const char *path = memchr(c->in.data, ' ', (size_t)(line_end - c->in.data));
    q->path = path != NULL ? path + 1 : line_end;
    q->path_len = strcspn(q->path, " \r");
    q->headers = line_end + 2 <= head_end ? line_end + 2 : head_end;
    q->headers_len = (size_t)(head_end - q->headers);
    q->body = head_end + 4;
    q->body_len = content_length(q);
    size_t whole = (size_t)(q->body - c->in.data) + q->body_len;
    if (whole > c->in.len) {
        return 0;
    }
    q->stream = find(q->body, q->body_len, "\"stream\":true") != NULL;
    q->wants_usage = find(q->body, q->body_len, "\"include_usage\":true") != NULL;
    return whole;
}

static void take_request(struct server *s, struct connection *c)
{
    struct request q = { .stream = false };
    size_t used = c->out.len == 0 && !c->hangs && !c->close_after ? parse(c, &q) : 0;
    if (used > 0) {
        answer(s, c, &q);
        text_cut_front(&c->in, used);
    }
}

static void read_more(struct server *s, struct connection *c)
{
    char piece[65536];
    ssize_t n = recv(c->fd, piece, sizeof piece, 0);
    if (n > 0 && c->in.len < REQUEST_BYTES_MAX) {
        text_add(&c->in, piece, (size_t)n);
        take_request(s, c);
    } else if (n == 0 || (n < 0 && errno != EAGAIN) || n > 0) {
        drop(s, c);
    }
}

/* --- Writing ---------------------------------------------------------------- */

static void answer_is_out(struct server *s, struct connection *c)
{
    if (c->close_after) {
        drop(s, c);
        return;
    }
    if (c->hangs) {
        return;
    }
    text_clear(&c->out);
    c->out_at = 0;
    s->n_busy -= c->busy;
    c->busy = false;
    take_request(s, c);
}

static bool has_output(const struct connection *c)
{
    return c->out_at < c->out.len || c->close_after;
}

static void write_more(struct server *s, struct connection *c, int64_t now)
{
    if (!has_output(c) || now < c->send_at_ms) {
        return;
    }
    while (c->out_at < c->out.len) {
        ssize_t n = send(c->fd, c->out.data + c->out_at, c->out.len - c->out_at, 0);
        if (n < 0 && errno == EAGAIN) {
            return;
        }
        if (n < 0) {
            drop(s, c);
            return;
        }
        c->out_at += (size_t)n;
    }
    answer_is_out(s, c);
}

/* --- The loop --------------------------------------------------------------- */

static struct connection *free_slot(struct server *s)
{
    for (size_t i = 0; i < s->n_slots; i++) {
        if (s->conns[i].fd < 0) {
            return &s->conns[i];
        }
    }
    return s->n_slots < CONNECTIONS_MAX ? &s->conns[s->n_slots++] : NULL;
}

static void accept_all(struct server *s)
{
    int fd;
    while ((fd = accept(s->listener, NULL, NULL)) >= 0) {
        int one = 1;
        fcntl(fd, F_SETFL, O_NONBLOCK);
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        struct connection *c = free_slot(s);
        if (c == NULL) {
            close(fd);
            continue;
        }
        s->n_connections++;
        text_clear(&c->in);
        text_clear(&c->out);
        *c = (struct connection){ .fd = fd, .in = c->in, .out = c->out };
    }
}

/* Fills the table of poll(); who[i] is the connection of its entry i, from 1. */
static size_t watch(struct server *s, struct pollfd *fds, struct connection **who,
                    int *timeout_ms, int64_t now)
{
    size_t n = 0;
    *timeout_ms = -1;
    fds[n++] = (struct pollfd){ .fd = s->listener, .events = POLLIN };
    for (struct connection *c = s->conns; c < s->conns + s->n_slots; c++) {
        if (c->fd < 0) {
            continue;
        }
        bool ready = has_output(c) && now >= c->send_at_ms;
        if (has_output(c) && !ready) {
            int wait = (int)(c->send_at_ms - now);
            *timeout_ms = *timeout_ms < 0 || wait < *timeout_ms ? wait : *timeout_ms;
        }
        who[n] = c;
        short events = (short)(POLLIN | (ready ? POLLOUT : 0));
        fds[n++] = (struct pollfd){ .fd = c->fd, .events = events };
    }
    return n;
}

static void serve(struct server *s)
{
    static struct pollfd fds[CONNECTIONS_MAX + 1];
    static struct connection *who[CONNECTIONS_MAX + 1];
    for (;;) {
        int timeout_ms;
        size_t n = watch(s, fds, who, &timeout_ms, now_ms());
        poll(fds, n, timeout_ms);
        int64_t now = now_ms();
        for (size_t i = 1; i < n; i++) {
            if (fds[i].revents & (POLLIN | POLLHUP | POLLERR)) {
                read_more(s, who[i]);
            }
            if (who[i]->fd >= 0) {
                write_more(s, who[i], now);
            }
        }
        if (fds[0].revents) {
            accept_all(s);
        }
    }
}

static int listen_on(int port)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    socklen_t len = sizeof at;
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, len) || listen(fd, 1024) ||
        getsockname(fd, (struct sockaddr *)&at, &len)) {
        die("no socket: %s", strerror(errno));
    }
    fcntl(fd, F_SETFL, O_NONBLOCK);
    printf("PORT %d\n", ntohs(at.sin_port));
    fflush(stdout);
    return fd;
}

int main(int argc, char **argv)
{
    struct server *s = need(calloc(1, sizeof *s));
    int port = 0;
    for (int i = 2; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--port") == 0) {
            port = atoi(argv[i + 1]);
        } else if (strcmp(argv[i], "--log") == 0) {
            s->log = fopen(argv[i + 1], "w");
        } else {
            die("unknown option %s", argv[i]);
        }
    }
    if (argc < 2 || argc % 2 != 0) {
        die("usage: fake_provider SCRIPT [--port N] [--log FILE]");
    }
    signal(SIGPIPE, SIG_IGN);
#ifdef __linux__
    prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
    read_script(&s->script, argv[1]);
    s->listener = listen_on(port);
    serve(s);
}
