/* endpoint.c - a model's name becomes an address, and what must never be sent
 * is refused here, before any connection: credentials inside a URL, a key in
 * the clear to another machine, a key that would break out of its header. */
#include "providers/endpoint.h"

#include "base/buf.h"
#include "base/mem.h"
#include "net/url.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { URL_BYTES = 1024, OLLAMA_PORT = 11434 };

/* --- The name --------------------------------------------------------------- */

static int unknown_provider(const char *name, struct lw_error *err)
{
    struct buf known;
    buf_init(&known, URL_BYTES);
    for (const struct provider_spec *s = provider_table(); s->id != NULL; s++) {
        buf_addf(&known, "%s/MODEL, ", s->id);
    }
    int code = err_set(err, LW_ERR_USAGE,
                       "no provider is called \"%.*s\"; known are "
                       "%shttp(s)://host:port/v1#MODEL",
                       (int)strcspn(name, "/"), name, known.data);
    buf_release(&known);
    return code;
}

/* "provider/model": the first slash divides, models may have more. */
static int split_name(struct endpoint *ep, const char *name, struct lw_error *err)
{
    size_t len = strcspn(name, "/");
    ep->spec = provider_spec_of(name);
    if (ep->spec == NULL) {
        return unknown_provider(name, err);
    }
    if (name[len] == '\0' || name[len + 1] == '\0') {
        return err_set(err, LW_ERR_USAGE, "%s: which model? Write %s/MODEL", name,
                       ep->spec->id);
    }
    ep->model = mem_strdup(name + len + 1);
    return 0;
}

/* "http://host/v1#model": the address goes to url. */
static int split_url(struct endpoint *ep, const char *name, char url[URL_BYTES],
                     struct lw_error *err)
{
    size_t len = strcspn(name, "#");
    if (len >= URL_BYTES) {
        return err_set(err, LW_ERR_USAGE, "the URL of the model is too long");
    }
    memcpy(url, name, len);
    url[len] = '\0';
    ep->spec = provider_spec_of_urls();
    if (name[len] == '#' && name[len + 1] != '\0') {
        ep->model = mem_strdup(name + len + 1);
    }
    return 0;
}

/* --- The address ------------------------------------------------------------ */

/* OLLAMA_HOST and the like: "host", "host:port", "[::1]" or ":port" without a scheme, any
 * of them with a path. */
static int complete_url(char out[URL_BYTES], const char *given, const char *id,
                        struct lw_error *err)
{
    bool has_scheme = strstr(given, "://") != NULL;
    size_t end = strcspn(given, "/"), host = strcspn(given, "]");
    host = host < end ? host : 0; /* colons in brackets are the address's own */
    bool has_port = memchr(given + host, ':', end - host) != NULL;
    char port[16] = "";
    if (!has_port && strcmp(id, "ollama") == 0) {
        snprintf(port, sizeof port, ":%d", OLLAMA_PORT);
    }
    int n = has_scheme ? snprintf(out, URL_BYTES, "%s", given)
                       : snprintf(out, URL_BYTES, "http://%s%.*s%s%s",
                                  given[0] == ':' ? "127.0.0.1" : "", (int)end, given,
                                  port, given + end);
    return n < URL_BYTES ? 0
                         : err_set(err, LW_ERR_USAGE, "the URL for %s is too long", id);
}

/* A server told to listen everywhere is reached on this machine. */
static const char *reached_at(const char *host)
{
    if (strcmp(host, "0.0.0.0") == 0) {
        return "127.0.0.1";
    }
    return strcmp(host, "::") == 0 ? "::1" : host;
}

static bool is_default_port(const struct url *url)
{
    return url->port == (url->https ? 443 : 80);
}

/* A path is what it is, but OLLAMA_HOST names where all of Ollama is, not its /v1. */
static bool lacks_version(const struct endpoint *ep, const char *path)
{
    size_t len = strlen(path);
    bool has = len >= 3 && strcmp(path + len - 3, "/v1") == 0;
    return len == 0 || (!has && strcmp(ep->spec->id, "ollama") == 0);
}

static void set_address(struct endpoint *ep, const struct url *url)
{
    const char *host = reached_at(url->host);
    bool v6 = strchr(host, ':') != NULL;
    char where[300], base[URL_BYTES];
    snprintf(where, sizeof where, "%s%s%s:%d", v6 ? "[" : "", host, v6 ? "]" : "",
             url->port);
    int host_len = (int)(strrchr(where, ':') - where);
    snprintf(base, sizeof base, "%s://%.*s%s%s", url->https ? "https" : "http",
             is_default_port(url) ? host_len : (int)strlen(where), where, url->path,
             lacks_version(ep, url->path) ? "/v1" : "");
    ep->where = mem_strdup(where);
    ep->base_url = mem_strdup(base);
    ep->on_device = url_host_is_loopback(host);
    ep->is_ollama = strcmp(ep->spec->id, "ollama") == 0 || url->port == OLLAMA_PORT;
}

static int resolve_address(struct endpoint *ep, const char *given, struct lw_error *err)
{
    char text[URL_BYTES];
    struct url url;
    if (complete_url(text, given, ep->spec->id, err) || url_parse(&url, text, err)) {
        return LW_ERR_USAGE;
    }
    if (url.has_credentials) {
        return err_set(err, LW_ERR_USAGE,
                       "the URL for %s holds a user name or password; "
                       "give the key apart from it",
                       url.host);
    }
    if (url.has_query) {
        return err_set(err, LW_ERR_USAGE,
                       "the URL for %s has a ? in it; give the "
                       "address up to /v1 only",
                       url.host);
    }
    set_address(ep, &url);
    return 0;
}

/* --- The key ---------------------------------------------------------------- */

static int missing_key(const struct endpoint *ep, struct lw_error *err)
{
    return err_set(err, LW_ERR_AUTH, "%s needs a key: set %s", ep->spec->id,
                   ep->spec->key_variable);
}

/* Files and variables often end in a newline; inside a key one is an attack or a
 * mistake. */
static int set_key(struct endpoint *ep, const char *key, struct lw_error *err)
{
    static const char space[] = " \t\r\n";
    size_t start = key != NULL ? strspn(key, space) : 0;
    size_t len = key != NULL ? strlen(key) : 0;
    while (len > start && strchr(space, key[len - 1]) != NULL) {
        len--;
    }
    if (len == start) {
        return ep->spec->key_required ? missing_key(ep, err) : 0;
    }
    for (size_t i = start; i < len; i++) {
        if (key[i] <= ' ' || key[i] == 127) {
            return err_set(err, LW_ERR_AUTH,
                           "the key for %s is malformed: it holds white "
                           "space or bytes that are no characters",
                           ep->where);
        }
    }
    if (!ep->on_device && strncmp(ep->base_url, "https:", 6) != 0) {
        return err_set(err, LW_ERR_POLICY,
                       "the key is not sent to %s over http, where "
                       "anyone on the way could read it; use https",
                       ep->where);
    }
    ep->key = mem_strndup(key + start, len - start);
    return 0;
}

/* --- All together ----------------------------------------------------------- */

static bool ends_with(const char *s, const char *end)
{
    size_t len = strlen(s), n = strlen(end);
    return len >= n && strcasecmp(s + len - n, end) == 0;
}

bool endpoint_is_cloud_tag(const char *model)
{
    return ends_with(model, ":cloud") || ends_with(model, "-cloud");
}

static void set_name(struct endpoint *ep, const char *given)
{
    struct buf name;
    buf_init(&name, 2 * URL_BYTES);
    if (ep->spec != provider_spec_of_urls()) {
        buf_add_str(&name, given);
    } else {
        buf_addf(&name, "%s at %s", ep->model != NULL ? ep->model : "the model",
                 ep->where);
    }
    ep->name = buf_take(&name, NULL);
    buf_release(&name);
}

static int find(struct endpoint *ep, const struct provider_options *opt,
                struct lw_error *err)
{
    char url[URL_BYTES] = "";
    int code = strstr(opt->model, "://") != NULL ? split_url(ep, opt->model, url, err)
                                                 : split_name(ep, opt->model, err);
    if (code) {
        return code;
    }
    const char *own = url[0] != '\0' ? url : ep->spec->base_url;
    return resolve_address(ep, opt->base_url != NULL ? opt->base_url : own, err);
}

static bool stays_on_device(const struct endpoint *ep)
{
    return ep->on_device && (ep->model == NULL || !endpoint_is_cloud_tag(ep->model));
}

int provider_find(struct provider_place *out, const struct provider_options *opt,
                  struct lw_error *err)
{
    struct endpoint ep = { .spec = NULL };
    int code = find(&ep, opt, err);
    if (code == 0) {
        snprintf(out->where, sizeof out->where, "%s", ep.where);
        out->on_device = stays_on_device(&ep);
    }
    endpoint_release(&ep);
    return code;
}

static int fill(struct endpoint *ep, const struct provider_options *opt,
                struct lw_error *err)
{
    int code = find(ep, opt, err);
    if (code == 0) {
        code = set_key(ep, opt->key, err);
    }
    if (code == 0) {
        ep->on_device = stays_on_device(ep);
        set_name(ep, opt->model);
    }
    return code;
}

int endpoint_init(struct endpoint *ep, const struct provider_options *opt,
                  struct lw_error *err)
{
    *ep = (struct endpoint){ .spec = NULL };
    int code = fill(ep, opt, err);
    if (code) {
        endpoint_release(ep);
    }
    return code;
}

void endpoint_release(struct endpoint *ep)
{
    mem_free(ep->name);
    mem_free(ep->base_url);
    mem_free(ep->where);
    mem_free(ep->model);
    mem_free(ep->key);
    *ep = (struct endpoint){ .spec = NULL };
}
