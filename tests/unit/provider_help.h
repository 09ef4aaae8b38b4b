/* provider_help.h - what the tests of models behind HTTP share: a fake server with such a
 * model, what it was sent, and short requests. */
#ifndef LW_TESTS_PROVIDER_HELP_H
#define LW_TESTS_PROVIDER_HELP_H

#include "fake_server.h"

#include "base/buf.h"
#include "llm/llm.h"
#include "providers/provider.h"

#include <stdbool.h>

/* The key that models are opened with. */
extern const char fixture_key[];

struct fixture {
    struct fake_server server;
    struct http *http;
    struct llm *llm;    /* a test may close it and open another one */
    char log[64];       /* a file: the requests as they came */
    struct buf notices; /* what the model told the user, a line each */
};

/* A server of the script and the model http://SERVER/v1#m. The test fails if there is
 * none; fixture_close() ends both. */
void fixture_open(struct fixture *x, const char *script);
/* The same with options of the test's own; those that are 0 are as above. */
void fixture_open_with(struct fixture *x, const char *script,
                       struct provider_options opt);
void fixture_close(struct fixture *x);

/* All that the server was sent; the caller releases it. */
struct buf fixture_log(const struct fixture *x);
bool fixture_log_has(const struct fixture *x, const char *part);
/* How many requests have come. */
int fixture_requests(const struct fixture *x);

struct asked {
    int code;
    struct llm_reply reply;
    char *text; /* the caller's, if code is 0 */
    struct lw_error err;
};

/* Two messages and 16 tokens. The messages are the same array each time. */
struct llm_request request_plain(void);
/* The test fails if the key stands in the error. */
struct asked ask(struct fixture *x, const struct llm_request *req);
struct asked ask_plain(struct fixture *x);

#endif
