/* request.h - an llm_request as the JSON body of POST /chat/completions.
 *
 *     {"model":"m","messages":[{"role":"system","content":"..."},...],
 *      "max_tokens":28,"temperature":0,"seed":1,"stop":["\n"],
 *      "logprobs":true,"top_logprobs":20,
 *      "response_format":{"type":"json_schema","json_schema":{...}},
 *      "stream":true,"stream_options":{"include_usage":true}}
 *
 * The same request makes the same bytes, on any locale. Not sent, as servers have nothing
 * for it: prefill, forbid_alt, copy_from, the verbatim mark of parts. */
#ifndef LW_PROVIDERS_REQUEST_H
#define LW_PROVIDERS_REQUEST_H

#include "llm/llm.h"
#include "providers/caps.h"

struct request_writer {
    const char *model;
    const struct caps *caps;
    bool stream;         /* the reply is to come in pieces */
    struct buf *scratch; /* any buffer; its content is lost */
};

/* Replaces what out held. *sent: the features that the body has. LW_ERR_INPUT if the
 * request is larger than out may be. */
int request_write(const struct request_writer *w, const struct llm_request *req,
                  struct buf *out, caps_set *sent, struct lw_error *err);

#endif
