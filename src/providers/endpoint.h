/* endpoint.h - which server, which model, with which key: a model's name taken apart.
 *
 * Life: endpoint_init() copies what it is given; the result is not changed any
 * more, so any thread may read it. */
#ifndef LW_PROVIDERS_ENDPOINT_H
#define LW_PROVIDERS_ENDPOINT_H

#include "providers/provider.h"

struct endpoint {
    const struct provider_spec *spec; /* of the table, or the one for plain URLs */
    char *name;                       /* "openai/gpt-5", "m at host:8000" */
    char *base_url;                   /* no slash at its end */
    char *where;                      /* "host:port" */
    char *model;                      /* NULL: the server has to be asked */
    char *key;                        /* NULL: none */
    bool on_device;                   /* loopback, and model is no cloud tag */
    bool is_ollama;                   /* by its name, or by its port in a URL */
};

/* Does a server on this device pass a model of this name on to another one? Ollama does
 * so with its cloud tags ("gpt-oss:120b-cloud"), in any case of letters. */
bool endpoint_is_cloud_tag(const char *model);

/* The entry for http(s) URLs, which stands in no table. */
const struct provider_spec *provider_spec_of_urls(void);

int endpoint_init(struct endpoint *ep, const struct provider_options *opt,
                  struct lw_error *err);
void endpoint_release(struct endpoint *ep);

#endif
