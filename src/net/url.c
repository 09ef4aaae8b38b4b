/* url.c - URL parsing by curl's own parser, so that what is checked here is
 * what is connected to later. Two parsers that disagree on where the host ends
 * are how a key reaches the wrong machine. */
#include "net/url.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Copies a part into out[cap]; "" where the URL has none. False if it does not fit. */
static bool get_part(CURLU *u, CURLUPart part, unsigned flags, char *out, size_t cap)
{
    char *text = NULL;
    out[0] = '\0';
    if (curl_url_get(u, part, &text, flags) != CURLUE_OK) {
        return true;
    }
    size_t len = strlen(text);
    bool fits = len < cap;
    if (fits) {
        memcpy(out, text, len + 1);
    }
    curl_free(text);
    return fits;
}

static bool has_part(CURLU *u, CURLUPart part)
{
    char *text = NULL;
    bool has = curl_url_get(u, part, &text, 0) == CURLUE_OK;
    curl_free(text);
    return has;
}

static void strip_brackets(char *host)
{
    size_t len = strlen(host);
    if (len > 2 && host[0] == '[' && host[len - 1] == ']') {
        memmove(host, host + 1, len - 2);
        host[len - 2] = '\0';
    }
}

static void lower(char *s)
{
    for (; *s != '\0'; s++) {
        if (*s >= 'A' && *s <= 'Z') {
            *s = (char)(*s - 'A' + 'a');
        }
    }
}

static bool read_parts(struct url *out, CURLU *u)
{
    char scheme[16], port[16];
    if (!get_part(u, CURLUPART_SCHEME, 0, scheme, sizeof scheme) ||
        !get_part(u, CURLUPART_HOST, 0, out->host, sizeof out->host) ||
        !get_part(u, CURLUPART_PORT, CURLU_DEFAULT_PORT, port, sizeof port) ||
        !get_part(u, CURLUPART_PATH, 0, out->path, sizeof out->path)) {
        return false;
    }
    out->https = strcasecmp(scheme, "https") == 0;
    out->port = atoi(port);
    out->has_credentials = has_part(u, CURLUPART_USER) || has_part(u, CURLUPART_PASSWORD);
    out->has_query = has_part(u, CURLUPART_QUERY);
    strip_brackets(out->host);
    lower(out->host);
    size_t len = strlen(out->path);
    while (len > 0 && out->path[len - 1] == '/') {
        out->path[--len] = '\0';
    }
    return out->host[0] != '\0' && (out->https || strcasecmp(scheme, "http") == 0);
}

int url_parse(struct url *out, const char *text, struct lw_error *err)
{
    CURLU *u = curl_url();
    struct url parsed = { .https = false };
    bool good = u != NULL && strchr(text, '#') == NULL &&
                curl_url_set(u, CURLUPART_URL, text, 0) == CURLUE_OK &&
                read_parts(&parsed, u);
    bool has_zone = good && has_part(u, CURLUPART_ZONEID);
    curl_url_cleanup(u);
    if (has_zone) {
        return err_set(err, LW_ERR_USAGE,
                       "the URL has an IPv6 address with a zone (%%25...), which is not "
                       "taken; name the host in another way");
    }
    if (!good) {
        return err_set(err, LW_ERR_USAGE,
                       "the URL is malformed; it should look like http://host:8000/v1");
    }
    *out = parsed;
    return 0;
}

bool url_host_is_loopback(const char *host)
{
    struct in_addr v4;
    struct in6_addr v6;
    if (strcasecmp(host, "localhost") == 0) {
        return true;
    }
    if (inet_pton(AF_INET, host, &v4) == 1) {
        return (ntohl(v4.s_addr) >> 24) == 127;
    }
    if (inet_pton(AF_INET6, host, &v6) == 1) {
        return IN6_IS_ADDR_LOOPBACK(&v6) ||
               (IN6_IS_ADDR_V4MAPPED(&v6) && v6.s6_addr[12] == 127);
    }
    return false;
}
