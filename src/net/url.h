/* url.h - the parts of an http(s) URL, checked once where a user gave it.
 *
 * What is let through is plain: a host, a port, a path. Credentials and
 * queries are seen, so that the caller can refuse them with its own sentence. */
#ifndef LW_NET_URL_H
#define LW_NET_URL_H

#include "base/err.h"

#include <stdbool.h>

struct url {
    bool https;
    char host[256]; /* lower case; an IPv6 address without brackets */
    int port;
    char path[512];       /* without slashes at its end: "" or "/v1" */
    bool has_credentials; /* user:password@ */
    bool has_query;
};

/* LW_ERR_USAGE for anything but a whole http or https URL; the sentence repeats no
 * part of the URL, since it may hold a password. A fragment (#...) is not part of a
 * URL here. */
int url_parse(struct url *out, const char *text, struct lw_error *err);

/* "localhost", 127/8, ::1, and 127/8 as an IPv4-mapped IPv6 address; nothing else. */
bool url_host_is_loopback(const char *host);

#endif
