/* request.c - requests are written straight into a buffer.
 *
 * A tree of JSON values would be built only to be printed: with hundreds of
 * small requests in a second that costs more than everything else here. */
#include "providers/request.h"

#include <math.h>
#include <string.h>

static const char schema_words[] =
    "\n\nReply with one JSON object that follows this JSON schema, and nothing else:\n";

/* --- Messages --------------------------------------------------------------- */

static void add_parts(struct buf *out, const struct llm_message *m)
{
    for (size_t i = 0; i < m->n_parts; i++) {
        buf_add(out, m->parts[i].text, m->parts[i].len);
    }
}

static const char *role_name(enum llm_role role)
{
    switch (role) {
    case LLM_SYSTEM: return "system";
    case LLM_USER: return "user";
    case LLM_ASSISTANT: return "assistant";
    }
    return "user";
}

/* Closes a message whose text stands in scratch. */
static void add_message(struct buf *out, const char *role, struct buf *scratch,
                        bool first)
{
    buf_addf(out, "%s{\"role\":\"%s\",\"content\":", first ? "" : ",", role);
    json_write_string(scratch->data, scratch->len, out);
    buf_add_char(out, '}');
    buf_clear(scratch);
}

static size_t last_user(const struct llm_request *req)
{
    size_t last = req->n_messages - 1;
    for (size_t i = 0; i < req->n_messages; i++) {
        last = req->messages[i].role == LLM_USER ? i : last;
    }
    return last;
}

/* Where no other way to tell is there, or is any good, the schema stands at the end of
 * the question. */
static bool says_schema(const struct request_writer *w, const struct llm_request *req)
{
    return req->schema != NULL &&
           (req->say_schema || w->caps->level[CAPS_FORMAT] != FORMAT_SCHEMA);
}

static void add_messages(const struct request_writer *w, const struct llm_request *req,
                         struct buf *out)
{
    bool merge_system = w->caps->level[CAPS_SYSTEM] > 0, first = true;
    size_t asks = says_schema(w, req) ? last_user(req) : req->n_messages;
    buf_clear(w->scratch);
    for (size_t i = 0; i < req->n_messages; i++) {
        const struct llm_message *m = &req->messages[i];
        add_parts(w->scratch, m);
        if (i == asks) {
            buf_add_str(w->scratch, schema_words);
            json_write(req->schema, w->scratch);
        }
        if (m->role == LLM_SYSTEM && merge_system && i + 1 < req->n_messages) {
            buf_add_str(w->scratch, "\n\n");
            continue;
        }
        bool as_user = m->role == LLM_SYSTEM && merge_system;
        add_message(out, as_user ? "user" : role_name(m->role), w->scratch, first);
        first = false;
    }
}

/* --- Parameters ------------------------------------------------------------- */

/* By hand: printf() would write a comma for the point in some locales. */
static void add_temperature(struct buf *out, double temperature)
{
    long milli = lround(temperature * 1000);
    if (milli % 1000 == 0) {
        buf_addf(out, ",\"temperature\":%ld", milli / 1000);
    } else {
        buf_addf(out, ",\"temperature\":%ld.%03ld", milli / 1000, milli % 1000);
    }
}

static void add_limit(const struct caps *caps, const struct llm_request *req,
                      struct buf *out)
{
    static const char *const names[] = { "max_tokens", "max_completion_tokens" };
    int level = caps->level[CAPS_MAX_TOKENS];
    if (level < 2) {
        /* Servers refuse 0; scoring reads the first token of a reply of one. */
        buf_addf(out, ",\"%s\":%d", names[level],
                 req->max_tokens > 0 ? req->max_tokens : 1);
    }
}

static void add_stop(const struct llm_request *req, struct buf *out)
{
    buf_add_str(out, ",\"stop\":[");
    json_write_string(req->stop, strlen(req->stop), out);
    buf_add_char(out, ']');
}

static void add_logprobs(const struct caps *caps, struct buf *out)
{
    static const int asked[] = { 20, 5 };
    int level = caps->level[CAPS_LOGPROBS];
    if (level < 2) {
        buf_addf(out, ",\"logprobs\":true,\"top_logprobs\":%d", asked[level]);
    }
}

/* --- Formats ---------------------------------------------------------------- */

static bool is_strict(const json_t *schema);

static bool all_strict(const json_t *values)
{
    const char *key;
    json_t *value;
    size_t i;
    json_object_foreach((json_t *)values, key, value) {
        if (!is_strict(value)) {
            return false;
        }
    }
    json_array_foreach(values, i, value) {
        if (!is_strict(value)) {
            return false;
        }
    }
    return true;
}

/* OpenAI's strict mode takes only objects that are closed and require all they have;
 * asked for with any other schema it refuses the request. */
static bool is_strict(const json_t *schema)
{
    const json_t *properties = json_object_get(schema, "properties");
    const json_t *items = json_object_get(schema, "items");
    size_t n = json_object_size(properties);
    bool open = !json_is_false(json_object_get(schema, "additionalProperties"));
    if (properties != NULL &&
        (open || json_array_size(json_object_get(schema, "required")) != n)) {
        return false;
    }
    return all_strict(properties) && all_strict(json_object_get(schema, "anyOf")) &&
           all_strict(json_object_get(schema, "$defs")) &&
           (items == NULL || is_strict(items));
}

static void add_format(const struct caps *caps, const json_t *schema, struct buf *out)
{
    switch (caps->level[CAPS_FORMAT]) {
    case FORMAT_SCHEMA:
        buf_addf(out,
                 ",\"response_format\":{\"type\":\"json_schema\",\"json_schema\":"
                 "{\"name\":\"reply\",\"strict\":%s,\"schema\":",
                 is_strict(schema) ? "true" : "false");
        json_write(schema, out);
        buf_add_str(out, "}}");
        break;
    case FORMAT_OBJECT:
        buf_add_str(out, ",\"response_format\":{\"type\":\"json_object\"}");
        break;
    default: break;
    }
}

/* --- All together ----------------------------------------------------------- */

static caps_set features(const struct request_writer *w, const struct llm_request *req)
{
    caps_set set = 1u << CAPS_MAX_TOKENS | 1u << CAPS_TEMPERATURE | 1u << CAPS_SEED;
    set |= req->schema != NULL ? 1u << CAPS_FORMAT : 0;
    set |= req->n_alt > 0 ? 1u << CAPS_LOGPROBS : 0;
    set |= req->stop != NULL ? 1u << CAPS_STOP : 0;
    set |= w->stream ? 1u << CAPS_STREAM | 1u << CAPS_STREAM_USAGE : 0;
    for (size_t i = 0; i < req->n_messages; i++) {
        set |= req->messages[i].role == LLM_SYSTEM ? 1u << CAPS_SYSTEM : 0;
    }
    return set;
}

static void add_parameters(const struct request_writer *w, const struct llm_request *req,
                           struct buf *out)
{
    const struct caps *caps = w->caps;
    add_limit(caps, req, out);
    if (caps->level[CAPS_TEMPERATURE] == 0) {
        add_temperature(out, req->temperature);
    }
    if (caps->level[CAPS_SEED] == 0) {
        /* Many servers read it as a signed number of 32 bits. */
        buf_addf(out, ",\"seed\":%lu", (unsigned long)(req->seed & 0x7fffffff));
    }
    if (req->stop != NULL && caps->level[CAPS_STOP] == 0) {
        add_stop(req, out);
    }
    if (req->n_alt > 0) {
        add_logprobs(caps, out);
    }
    if (req->schema != NULL) {
        add_format(caps, req->schema, out);
    }
    if (w->stream) {
        buf_add_str(out, ",\"stream\":true");
    }
    if (w->stream && caps->level[CAPS_STREAM_USAGE] == 0) {
        buf_add_str(out, ",\"stream_options\":{\"include_usage\":true}");
    }
}

int request_write(const struct request_writer *w, const struct llm_request *req,
                  struct buf *out, caps_set *sent, struct lw_error *err)
{
    buf_clear(out);
    buf_add_str(out, "{\"model\":");
    json_write_string(w->model, strlen(w->model), out);
    buf_add_str(out, ",\"messages\":[");
    add_messages(w, req, out);
    buf_add_char(out, ']');
    add_parameters(w, req, out);
    buf_add_char(out, '}');
    *sent = features(w, req);
    if (buf_failed(out) || buf_failed(w->scratch)) {
        return err_set(err, LW_ERR_INPUT, "the request is larger than %zu MiB",
                       out->max / (1024 * 1024));
    }
    return 0;
}
