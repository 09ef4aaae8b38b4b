/* test_guard.c - what left the machine, counted: guard/guard.c and index.c.
 *
 * The index is held against a counter that tries every place of every
 * document, over random documents of few letters, of repeated rows and of
 * characters of two to four bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "flow/doc.h"
#include "guard/guard.h"
#include "llm/fake.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

static void add_doc(struct doc_set *set, const char *text, size_t len)
{
    doc_set_take(set, doc_new("secret-name.txt", DOC_TEXT, mem_strndup(text, len), len));
}

/* --- The slow counter ------------------------------------------------------ */

static size_t agree(const char *a, size_t a_len, const char *b, size_t b_len)
{
    size_t n = 0;
    while (n < a_len && n < b_len && a[n] == b[n]) n++;
    return n;
}

static bool is_boundary(const char *s, size_t len, size_t at)
{
    return at == len || ((unsigned char)s[at] & 0xc0) != 0x80;
}

/* Longest match that begins at text[at], in bytes and whole characters. */
static size_t longest_at(const struct doc_set *set, const char *text, size_t len,
                         size_t at)
{
    size_t best = 0;
    for (size_t d = 0; d < set->n_docs; d++) {
        const struct doc *doc = set->docs[d];
        for (size_t i = 0; i < doc->len; i++) {
            size_t n = agree(text + at, len - at, doc->text + i, doc->len - i);
            while (!is_boundary(text, len, at + n)) n--;
            if (n > best) best = n;
        }
    }
    return best;
}

static int64_t slow_count(const struct doc_set *set, const char *text, size_t len)
{
    unsigned char *marked = mem_alloc(len + 1);
    for (size_t at = 0; at < len; at++) {
        if (!is_boundary(text, len, at)) continue;
        size_t n = longest_at(set, text, len, at);
        if (utf8_count(text + at, n) >= GUARD_RUN_CHARS) memset(marked + at, 1, n);
    }
    int64_t count = 0;
    for (size_t i = 0; i < len; i++) count += marked[i] && is_boundary(text, len, i);
    mem_free(marked);
    return count;
}

/* --- Random texts ---------------------------------------------------------- */

static const char *const alphabets[][8] = {
    { "a", "b", "a", "b", "a", "b", "a", "a" },
    { " ", " ", " ", " ", " ", " ", " ", "|" },
    { "e", "t", "\n", " ", "n", ".", "o", "7" },
    { "\u00e9", "\u20ac", "a", "\U0001f600", "\u4e2d", "b", "\u00e8", " " },
};

static size_t random_text(uint32_t *state, size_t chars, char *out)
{
    const char *const *alphabet = alphabets[next_random(state) % 4];
    size_t len = 0;
    for (size_t i = 0; i < chars; i++) {
        const char *c = alphabet[next_random(state) % 8];
        memcpy(out + len, c, strlen(c));
        len += strlen(c);
    }
    return len;
}

/* Pieces of documents, cut anywhere at characters, with noise between. */
static size_t random_message(uint32_t *state, const struct doc_set *set, char *out,
                             size_t room)
{
    size_t len = 0;
    for (int piece = 0; piece < 6; piece++) {
        const struct doc *doc = set->docs[next_random(state) % set->n_docs];
        size_t from =
            utf8_floor(doc->text, doc->len, next_random(state) % (doc->len + 1));
        size_t to = utf8_floor(doc->text, doc->len, from + next_random(state) % 70);
        if (to > doc->len) to = doc->len;
        if (len + (to - from) + 64 > room) break;
        memcpy(out + len, doc->text + from, to - from);
        len += to - from;
        len += random_text(state, next_random(state) % 9, out + len);
    }
    return len;
}

static void test_index_counts_as_slow_counter(void **state)
{
    (void)state;
    uint32_t seed = 7;
    char *text = mem_alloc(8192), message[1024];
    for (int round = 0; round < 300; round++) {
        struct doc_set set;
        doc_set_init(&set);
        size_t n_docs = 1 + next_random(&seed) % 3;
        for (size_t i = 0; i < n_docs; i++) {
            add_doc(&set, text, random_text(&seed, next_random(&seed) % 500, text));
        }
        struct guard_index *ix = guard_index_new(&set);
        size_t len = random_message(&seed, &set, message, sizeof message);
        int64_t got = guard_index_count(ix, message, len);
        int64_t want = slow_count(&set, message, len);
        if (got != want) fail_msg("round %d: %ld, not %ld", round, (long)got, (long)want);
        guard_index_free(ix);
        doc_set_release(&set);
    }
    mem_free(text);
}

/* Rows that differ only in a number, as tables do: long chains of like windows. */
static void test_index_in_repeated_rows(void **state)
{
    (void)state;
    uint32_t seed = 11;
    char text[6000];
    size_t len = 0;
    for (int row = 0; row < 120; row++) {
        len += (size_t)snprintf(text + len, sizeof text - len, "| %*s | %03d |\n",
                                20 + row % 3, "", row / 7);
    }
    struct doc_set set;
    doc_set_init(&set);
    add_doc(&set, text, len);
    struct guard_index *ix = guard_index_new(&set);
    char message[1024];
    for (int i = 0; i < 100; i++) {
        size_t n = random_message(&seed, &set, message, sizeof message);
        assert_int_equal(guard_index_count(ix, message, n), slow_count(&set, message, n));
    }
    guard_index_free(ix);
    doc_set_release(&set);
}

static int64_t count_in(const char *document, const char *text)
{
    struct doc_set set;
    doc_set_init(&set);
    add_doc(&set, document, strlen(document));
    struct guard_index *ix = guard_index_new(&set);
    int64_t n = guard_index_count(ix, text, strlen(text));
    guard_index_free(ix);
    doc_set_release(&set);
    return n;
}

static void test_runs_of_twenty_characters(void **state)
{
    (void)state;
    const char *document = "The written offer is valid for at least three years.";
    assert_int_equal(count_in(document, "written offer is va"), 0); /* 19 */
    assert_int_equal(count_in(document, "written offer is val"), 20);
    assert_int_equal(count_in(document, "He said: written offer is valid!"), 23);
    assert_int_equal(count_in(document, document), (int64_t)strlen(document));
    assert_int_equal(count_in(document, ""), 0);
    assert_int_equal(count_in("", "anything at all that is long enough"), 0);
    assert_int_equal(count_in("short", "short short short short short"), 0);
}

static void test_characters_are_counted_not_bytes(void **state)
{
    (void)state;
    const char *document = "\u00e9\u00e8\u20ac\u4e2d\u6587\u00e9\u00e8\u20ac\u4e2d\u6587"
                           "\u00e8\u00e8\u20ac\u4e2d\u6587\u00e9\u00e8\u20ac\u4e2d\u4e2d";
    assert_int_equal(count_in(document, document), 20);
    assert_int_equal(count_in(document, document + 2), 0); /* 19 characters, 49 bytes */
}

static int64_t count_in_body(const char *document, const char *body)
{
    struct doc_set set;
    doc_set_init(&set);
    add_doc(&set, document, strlen(document));
    struct guard_index *ix = guard_index_new(&set);
    int64_t n = guard_body_count(ix, body, strlen(body));
    guard_index_free(ix);
    doc_set_release(&set);
    return n;
}

static void test_body_is_read_without_its_escapes(void **state)
{
    (void)state;
    const char *document = "He said:\n\"\\ is\ta bar\x01\"\u00e9 it is.";
    const char *whole =
        "{\"a\":\"He said:\\n\\\"\\\\ is\\ta bar\\u0001\\\"\u00e9 it is.\"}";
    assert_int_equal(count_in_body(document, whole),
                     (int64_t)utf8_count(document, strlen(document)));
    /* No run goes from one string to the next. */
    assert_int_equal(
        count_in_body("abcdefghijklmnopqrstuvwx", "[\"abcdefghijkl\",\"mnopqrstuvwx\"]"),
        0);
    assert_int_equal(count_in_body("abcdefghijklmnopqrstuvwx",
                                   "[\"\",\"abcdefghijklmnopqrst\",{\"x\":1}]"),
                     20);
}

static void test_broken_body_is_no_trap(void **state)
{
    (void)state;
    static const char *const bodies[] = { "",         "\"",        "\"\\",
                                          "\"\\u",    "\"\\u12",   "\"\\ud800\"",
                                          "\"\\x\"",  "no string", "\"a\"\"",
                                          "\"\\uzzzz" };
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        char *exact = mem_strndup(bodies[i], strlen(bodies[i]));
        assert_int_equal(count_in_body("some text that is long enough", exact), 0);
        mem_free(exact);
    }
}

static void test_malformed_text_is_no_trap(void **state)
{
    (void)state;
    assert_int_equal(count_in("abcdefghijklmnopqrstuvwxyz",
                              "\x80\xffgarbage abcdefghijklmnopqrstuvw\xe2"),
                     23);
}

/* --- The guard ------------------------------------------------------------- */

static const char document_text[] =
    "The patient was admitted on 3 March. Haemoglobin was 9.1 g/dl on admission.";

struct guarded {
    struct doc_set set;
    struct egress egress;
    struct llm *fake, *llm;
};

static void guarded_open(struct guarded *g, const struct fake_options *opt)
{
    struct lw_error err = { 0 };
    doc_set_init(&g->set);
    add_doc(&g->set, document_text, strlen(document_text));
    g->egress = (struct egress){ 0 };
    assert_int_equal(fake_open(&g->fake, "when any contains \"\"\nsay ok\n", opt, &err),
                     0);
    g->llm = guard_wrap(g->fake, &g->set, &g->egress);
}

static void guarded_close(struct guarded *g)
{
    llm_close(g->llm);
    doc_set_release(&g->set);
}

static void send_request(struct guarded *g, struct llm_request *req)
{
    struct llm_reply reply;
    struct lw_error err = { 0 };
    req->max_tokens = 8;
    assert_int_equal(llm_chat(g->llm, req, &reply, NULL, NULL, &err), 0);
}

static void test_guard_counts_bytes_and_calls(void **state)
{
    (void)state;
    struct guarded g;
    guarded_open(&g, &(struct fake_options){ .context = 0, .parallel = 1 });
    struct llm_message messages[] = { llm_message_text(LLM_SYSTEM, "Be brief."),
                                      llm_message_text(LLM_USER, "Why?") };
    struct llm_request req = { .messages = messages, .n_messages = 2 };
    send_request(&g, &req);
    assert_int_equal(g.egress.calls, 1);
    assert_int_equal(g.egress.bytes, strlen("Be brief.") + strlen("Why?"));
    assert_int_equal(g.egress.document_chars, 0);
    send_request(&g, &req);
    assert_int_equal(g.egress.calls, 2);
    guarded_close(&g);
}

static void test_guard_counts_schema_and_honoured_prefill(void **state)
{
    (void)state;
    struct guarded g;
    guarded_open(&g, &(struct fake_options){ .in_process = true, .parallel = 1 });
    struct llm_message message = llm_message_text(LLM_USER, "Why?");
    json_t *schema = json_pack("{s:s}", "type", "object");
    struct llm_request req = {
        .messages = &message,
        .n_messages = 1,
        .prefill = "Answer:",
        .schema = schema,
    };
    send_request(&g, &req);
    assert_int_equal(g.egress.bytes, strlen("Why?Answer:{\"type\":\"object\"}"));
    json_decref(schema);
    guarded_close(&g);
}

static void test_guard_sees_runs_over_part_seams(void **state)
{
    (void)state;
    struct guarded g;
    guarded_open(&g, &(struct fake_options){ .parallel = 1 });
    struct llm_message message = {
        .role = LLM_USER,
        .parts = { { .text = "quote: admitted on", .len = 18 },
                   { .text = " 3 March. Haemo", .len = 15, .verbatim = true } },
        .n_parts = 2,
    };
    struct llm_request req = { .messages = &message, .n_messages = 1 };
    send_request(&g, &req);
    assert_int_equal(g.egress.document_chars, strlen(" admitted on 3 March. Haemo"));
    guarded_close(&g);
}

/* A model with a wire that needs three tries and loses half of one. */
struct wired {
    struct llm llm;
    struct llm_meter meter;
};

static void wired_meter(struct llm *llm, const struct llm_meter *meter)
{
    ((struct wired *)llm)->meter = *meter;
}

static int wired_chat_many(struct llm *llm, const struct llm_request *reqs, size_t n,
                           llm_reply_fn on_reply, void *user, const struct cancel *cancel,
                           struct lw_error *err)
{
    (void)reqs, (void)cancel, (void)err;
    const struct llm_meter *m = &((struct wired *)llm)->meter;
    const char *body = "[\"was admitted on 3 March\"]";
    int64_t len = (int64_t)strlen(body);
    m->sent(m->user, body, (size_t)len, 3, 3 * len - len / 2);
    for (size_t i = 0; i < n; i++) on_reply(user, i, &(struct llm_reply){ .text = "" });
    return 0;
}

static void wired_close(struct llm *llm)
{
    (void)llm;
}

static void test_guard_counts_what_the_wire_tells(void **state)
{
    (void)state;
    static const struct llm_ops ops = { .close = wired_close,
                                        .chat_many = wired_chat_many,
                                        .meter = wired_meter };
    struct wired wired = { .llm = { .ops = &ops } };
    struct guarded g;
    doc_set_init(&g.set);
    add_doc(&g.set, document_text, strlen(document_text));
    g.egress = (struct egress){ 0 };
    g.llm = guard_wrap(&wired.llm, &g.set, &g.egress);
    struct llm_message message = llm_message_text(LLM_USER, "Why?");
    struct llm_request req = { .messages = &message, .n_messages = 1 };
    send_request(&g, &req);
    assert_int_equal(g.egress.calls, 3);
    assert_int_equal(g.egress.bytes, 3 * 27 - 13);
    assert_int_equal(g.egress.document_chars, 3 * 23);
    guarded_close(&g);
}

static void test_guard_passes_info_and_counts(void **state)
{
    (void)state;
    struct guarded g;
    guarded_open(&g, &(struct fake_options){ .context = 4096, .parallel = 3 });
    assert_int_equal(llm_info(g.llm)->context, 4096);
    assert_int_equal(llm_info(g.llm)->parallel, 3);
    assert_int_equal(llm_count_tokens(g.llm, "12345678", 8), 2);
    assert_int_equal(g.egress.calls, 0);
    guarded_close(&g);
}

/* --- Threads --------------------------------------------------------------- */

enum { SENDERS = 4, SENT_EACH = 50 };

static void *send_many(void *user)
{
    struct llm *llm = user;
    struct llm_message message = llm_message_text(LLM_USER, document_text);
    struct llm_request req = { .messages = &message, .n_messages = 1, .max_tokens = 1 };
    struct llm_reply reply;
    for (int i = 0; i < SENT_EACH; i++) llm_chat(llm, &req, &reply, NULL, NULL, NULL);
    return NULL;
}

static void test_guard_counts_for_many_threads(void **state)
{
    (void)state;
    struct guarded g;
    pthread_t threads[SENDERS];
    guarded_open(&g, &(struct fake_options){ .parallel = SENDERS });
    for (int i = 0; i < SENDERS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, send_many, g.llm), 0);
    }
    for (int i = 0; i < SENDERS; i++) pthread_join(threads[i], NULL);
    int64_t chars = (int64_t)strlen(document_text);
    assert_int_equal(g.egress.calls, SENDERS * SENT_EACH);
    assert_int_equal(g.egress.bytes, SENDERS * SENT_EACH * chars);
    assert_int_equal(g.egress.document_chars, SENDERS * SENT_EACH * chars);
    guarded_close(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_index_counts_as_slow_counter),
        cmocka_unit_test(test_index_in_repeated_rows),
        cmocka_unit_test(test_runs_of_twenty_characters),
        cmocka_unit_test(test_characters_are_counted_not_bytes),
        cmocka_unit_test(test_body_is_read_without_its_escapes),
        cmocka_unit_test(test_broken_body_is_no_trap),
        cmocka_unit_test(test_malformed_text_is_no_trap),
        cmocka_unit_test(test_guard_counts_bytes_and_calls),
        cmocka_unit_test(test_guard_counts_schema_and_honoured_prefill),
        cmocka_unit_test(test_guard_sees_runs_over_part_seams),
        cmocka_unit_test(test_guard_counts_what_the_wire_tells),
        cmocka_unit_test(test_guard_passes_info_and_counts),
        cmocka_unit_test(test_guard_counts_for_many_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
