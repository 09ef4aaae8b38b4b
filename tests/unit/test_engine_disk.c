/* test_engine_disk.c - states on disk, with a real, very small model.
 *
 * What is promised: a state comes back byte for byte, so that what is computed behind
 * it is what would have been computed behind the state in memory. Prompts computed whole
 * differ in the last bits, since batches have other shapes; that is ggml's, with or
 * without a store. */
#include "engine_help.h"

#include "base/clock.h"
#include "base/mem.h"
#include "documents.h"
#include "engine/gguf_info.h"
#include "engine/kv_file.h"
#include "kv_help.h"

#include <dirent.h>
#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct llm_source lease = { .id = "00112233445566778899aabbccddeeff",
                                         .name = "lease.txt" };
static const struct llm_source garden = { .id = "ffeeddccbbaa99887766554433221100",
                                          .name = "garden.txt" };

/* Every engine of a test has its store in here. */
static int make_folder(void **state)
{
    *state = documents_folder();
    return 0;
}

static int remove_folder(void **state)
{
    documents_remove(*state);
    return 0;
}

static struct llm *open_as(const char *folder, uint64_t bytes, bool kv_q8)
{
    struct llm *llm = help_open(&(struct engine_options){ .context = HELP_CONTEXT,
                                                          .kv_q8 = kv_q8,
                                                          .kv_folder = folder,
                                                          .kv_bytes = bytes });

    if (!llm) {
        skip();
    }
    return llm;
}

static struct llm *open_on(const char *folder, uint64_t bytes)
{
    return open_as(folder, bytes, false);
}

/* One question over an excerpt, scored: yes or no. */
static struct llm_reply screen(struct llm *llm, const char *excerpt, const char *question,
                               const struct llm_source *source)
{
    static const char *const yes[] = { "Yes" }, *const no[] = { "No" };
    struct ask ask;

    ask_init(&ask, "Excerpt:\n", excerpt, question);
    ask.req.alt = yes;
    ask.req.alt2 = no;
    ask.req.n_alt = ask.req.n_alt2 = 1;
    ask.req.source = source;
    struct kept *kept = help_run(llm, &ask.req, 1);
    struct llm_reply reply = kept->reply;
    mem_free(kept);
    assert_int_equal(reply.finish, LLM_STOP);
    reply.text = "";
    return reply;
}

static const char rent[] = "\nIs a rent named?", pets[] = "\nMay pets be kept?";

static void test_found_by_the_next_process(void **state)
{
    struct llm *llm = open_on(*state, 1 << 30);

    assert_true(llm_info(llm)->kept_token_bytes > 0);
    struct llm_reply first = screen(llm, help_lease, rent, &lease);
    struct llm_reply in_memory = screen(llm, help_lease, pets, &lease);
    llm_close(llm);
    llm = open_on(*state, 1 << 30);
    struct llm_reply from_disk = screen(llm, help_lease, pets, &lease);
    llm_close(llm);

    assert_int_equal(first.usage.cached_tokens, 0);
    assert_true(in_memory.usage.cached_tokens >= 48);
    assert_int_equal(from_disk.usage.cached_tokens, in_memory.usage.cached_tokens);
    assert_int_equal(from_disk.usage.prompt_tokens, in_memory.usage.prompt_tokens);
    /* To the last bit: the same state, then the same tokens in the same batch. */
    assert_memory_equal(&from_disk.logprob_alt, &in_memory.logprob_alt, sizeof(double));
    assert_memory_equal(&from_disk.logprob_alt2, &in_memory.logprob_alt2, sizeof(double));
}

/* The state goes on as it would have, token by token. */
static void test_the_same_text(void **state)
{
    static const char question[] = "\nWho is the landlord?";
    char texts[2][HELP_TEXT_MAX];
    struct ask ask;

    ask_init(&ask, "Excerpt:\n", help_lease, question);
    ask.req.prefill = "The landlord is";
    ask.req.max_tokens = 6;
    ask.req.source = &lease;
    for (int i = 0; i < 2; i++) {
        struct llm *llm = open_on(*state, 1 << 30);
        screen(llm, help_lease, rent, &lease);
        struct kept *kept = help_run(llm, &ask.req, 1);
        snprintf(texts[i], sizeof texts[i], "%s", kept->text);
        mem_free(kept);
        llm_close(llm);
    }
    assert_true(strlen(texts[0]) > 0);
    assert_string_equal(texts[0], texts[1]);
}

enum damage { HALVED, NO_NUMBERS };

static void damage_state(struct kv_file *file, unsigned char *state, enum damage damage)
{
    static const unsigned char nan_f16[] = { 0x00, 0x7e };

    if (damage == HALVED) {
        file->state_bytes /= 2;
        return;
    }
    /* Within the values of the last of 30 layers, which stand at the end. */
    for (size_t i = 1; i <= file->state_bytes / 64 / 2; i++) {
        memcpy(state + file->state_bytes - 2 * i, nan_f16, 2);
    }
}

/* Change the state in each file of the folder and write it anew, so that all that the
 * file says of itself is true. */
static int damage_states(const char *folder, enum damage damage)
{
    char path[HELP_PATH_MAX];
    int n = 0;
    snprintf(path, sizeof path, "%s/%s", folder, lease.id);
    DIR *dir = opendir(path);
    for (struct dirent *d; dir && (d = readdir(dir));) {
        size_t len = strlen(d->d_name);
        if (len < 3 || strcmp(d->d_name + len - 3, ".kv") != 0) continue;
        static unsigned char bytes[1 << 25];
        int fd = openat(dirfd(dir), d->d_name, O_RDWR);
        ssize_t size = read(fd, bytes, sizeof bytes);
        assert_in_range(size, 73, sizeof bytes - 1);
        uint32_t n_tokens, n_origin; /* kv_file.h draws it */
        memcpy(&n_tokens, bytes + 12, 4);
        memcpy(&n_origin, bytes + 24, 4);
        char *origin = mem_strndup((char *)bytes + 72, n_origin);
        struct kv_file file = { .origin = origin, .n_tokens = (int)n_tokens };
        int32_t *tokens = mem_array(n_tokens, sizeof *tokens);
        memcpy(tokens, bytes + 72 + n_origin, 4 * n_tokens);
        size_t start = 72 + n_origin + 4 * n_tokens;
        file.tokens = tokens;
        memcpy(&file.token_cost, bytes + 16, 8);
        file.state = bytes + start;
        file.state_bytes = (size_t)size - start;
        damage_state(&file, bytes + start, damage);
        assert_int_equal(ftruncate(fd, 0), 0);
        lseek(fd, 0, SEEK_SET);
        assert_int_equal(kv_file_write(fd, &file), 0);
        close(fd);
        mem_free(tokens);
        mem_free(origin);
        n++;
    }
    closedir(dir);
    return n;
}

struct warnings {
    const char *words; /* of each */
    int n;
};

static void count_warning(void *user, const char *sentence)
{
    struct warnings *w = user;

    w->n += strstr(sentence, w->words) ? 1 : 100; /* not ours to fail: another thread */
}

static struct llm *open_warned(const char *folder, struct warnings *warnings)
{
    return help_open(&(struct engine_options){ .context = HELP_CONTEXT,
                                               .kv_folder = folder,
                                               .kv_bytes = 1 << 30,
                                               .warning = count_warning,
                                               .user = warnings });
}

/* A file that is whole, of a state that is not: told once, computed and kept anew. */
static void test_a_state_that_is_refused_goes(void **state)
{
    struct llm *llm = open_on(*state, 1 << 30);
    screen(llm, help_lease, rent, &lease);
    llm_close(llm);
    assert_int_equal(damage_states(*state, HALVED), 1);

    struct warnings warnings = { .words = "does not take it" };
    for (int i = 0; i < 2; i++) {
        llm = open_warned(*state, &warnings);
        struct llm_reply reply = screen(llm, help_lease, rent, &lease);
        assert_int_equal(warnings.n, 1);
        assert_int_equal(reply.usage.cached_tokens >= 48, i == 1);
        llm_close(llm);
    }
}

static int count_states(const char *folder, const struct llm_source *source)
{
    char path[HELP_PATH_MAX];

    snprintf(path, sizeof path, "%s/%s", folder, source->id);
    return kv_help_count(path, ".kv");
}

/* Nothing is computed from the state, or the model computes nothing at all. */
static void expect_no_numbers(struct llm *llm, bool keep_only)
{
    struct ask ask;

    ask_init(&ask, "Excerpt:\n", help_lease, keep_only ? NULL : rent);
    ask.req.source = &lease;
    ask.req.keep_only = keep_only;
    struct kept *kept = help_run(llm, &ask.req, 1);
    assert_int_equal(kept->reply.finish, LLM_FAILED);
    assert_non_null(strstr(kept->reply.error.message, "no numbers"));
    mem_free(kept);
}

/* One question pays for it, and not every question from then on; in the process that
 * met it neither. */
static void test_a_state_without_numbers_goes(void **state)
{
    struct warnings warnings = { .words = "no numbers" };
    struct llm *llm = open_on(*state, 1 << 30);
    screen(llm, help_lease, rent, &lease);
    llm_close(llm);
    assert_int_equal(damage_states(*state, NO_NUMBERS), 1);

    llm = open_warned(*state, &warnings);
    expect_no_numbers(llm, false);
    assert_int_equal(warnings.n, 1);
    assert_int_equal(count_states(*state, &lease), 0);
    assert_int_equal(screen(llm, help_lease, rent, &lease).usage.cached_tokens, 0);
    llm_close(llm);
    llm = open_warned(*state, &warnings);
    assert_true(screen(llm, help_lease, rent, &lease).usage.cached_tokens >= 48);
    assert_int_equal(warnings.n, 1);
    llm_close(llm);
}

/* Norms that are no numbers; they are the tensors of one row. */
static void spoil_norms(const char *path)
{
    enum { ROW_BYTES = 64 * sizeof(float) };
    float none[64];
    struct gguf_places places;

    for (size_t i = 0; i < 64; i++) {
        none[i] = NAN;
    }
    assert_int_equal(gguf_places_read(path, &places, NULL), 0);
    int fd = open(path, O_WRONLY);
    for (size_t i = 0; i < places.n; i++) {
        const struct gguf_place *tensor = &places.tensors[i];
        if (tensor->bytes == ROW_BYTES) {
            assert_int_equal(pwrite(fd, none, ROW_BYTES, (off_t)tensor->start),
                             ROW_BYTES);
        }
    }
    close(fd);
    gguf_places_release(&places);
}

static void test_what_is_no_number_is_not_kept(void **state)
{
    const uint32_t context = HELP_CONTEXT;
    char path[HELP_PATH_MAX];
    struct llm *llm = NULL;

    help_tiny_changed("qwen2", "qwen2.context_length", &context, 4, path);
    spoil_norms(path);
    struct engine_options opt = {
        .path = path, .threads = 1, .kv_folder = *state, .kv_bytes = 1 << 30
    };
    assert_int_equal(engine_open(&llm, &opt, NULL), 0);
    unlink(path);
    for (int i = 0; i < 2; i++) {
        expect_no_numbers(llm, true);
        expect_no_numbers(llm, false);
    }
    llm_close(llm);
    assert_int_equal(count_states(*state, &lease), 0);
}

/* On disk goes the excerpt alone, whatever was screened behind it: another question of
 * another process finds it. What it finds goes on from its own screening in turn. */
static void test_questions_stay_off_the_disk(void **state)
{
    static const char *const absent[] = { " not" };
    struct ask ask;

    for (int process = 0; process < 2; process++) {
        struct llm *llm = open_on(*state, UINT64_C(1) << 30);
        ask_init(&ask, "Excerpt:\n", help_garden,
                 process == 0 ? "\nWho planted the roses?" : "\nHow wide is the pond?");
        ask.req.alt = absent;
        ask.req.n_alt = 1;
        ask.req.source = &garden;
        struct kept *screened = help_run(llm, &ask.req, 1);
        const struct usage *u = &screened->reply.usage;
        if (process == 1) {
            assert_true(u->cached_tokens > help_tokens(llm, help_garden));
            assert_true(u->cached_tokens < u->prompt_tokens - 1);
        }
        ask.req.max_tokens = 4;
        struct kept *answer = help_run(llm, &ask.req, 1);
        u = &answer->reply.usage;
        assert_int_equal(u->cached_tokens, u->prompt_tokens - 1);
        assert_true(fabs(answer->reply.logprob_alt - screened->reply.logprob_alt) < 0.02);
        mem_free(screened);
        mem_free(answer);
        llm_close(llm);
    }
}

static void test_without_a_source_nothing_is_kept(void **state)
{
    struct llm *llm = open_on(*state, 1 << 30);

    screen(llm, help_lease, rent, NULL);
    llm_close(llm);
    llm = open_on(*state, 1 << 30);
    assert_int_equal(screen(llm, help_lease, pets, &lease).usage.cached_tokens, 0);
    llm_close(llm);
    llm = open_on(*state, 1 << 30);
    /* Nor found, by a request that does not say whose text it is. */
    assert_int_equal(screen(llm, help_lease, pets, NULL).usage.cached_tokens, 0);
    llm_close(llm);
}

/* q8_0: about half as large, about the same scores, and nothing of the other is used. */
static void test_another_type_of_cache(void **state)
{
    struct llm *f16 = open_on(*state, 1 << 30);
    struct llm_reply as_f16 = screen(f16, help_lease, rent, &lease);
    uint64_t f16_bytes = llm_info(f16)->kept_token_bytes;

    llm_close(f16);
    struct llm *q8 = open_as(*state, 1 << 30, true);
    struct llm_reply as_q8 = screen(q8, help_lease, rent, &lease);
    assert_int_equal(llm_info(q8)->kept_token_bytes, f16_bytes / 32 * 17);
    assert_int_equal(as_q8.usage.cached_tokens, 0);
    assert_true(fabs(as_q8.logprob_alt - as_f16.logprob_alt) < 0.5);
    llm_close(q8);
    q8 = open_as(*state, 1 << 30, true);
    struct llm_reply again = screen(q8, help_lease, pets, &lease);
    assert_true(again.usage.cached_tokens > 0);
    llm_close(q8);
}

static void test_without_a_store(void **state)
{
    struct llm *llm = open_on(*state, 0);

    assert_int_equal(llm_info(llm)->kept_token_bytes, 0);
    screen(llm, help_lease, rent, &lease);
    llm_close(llm);
    assert_int_equal(rmdir(*state), 0); /* empty */
    assert_int_equal(mkdir(*state, 0700), 0);
}

static void keep(struct llm *llm, const char *excerpt, const struct llm_source *source,
                 struct usage *usage)
{
    struct ask ask;

    ask_init(&ask, "Excerpt:\n", excerpt, NULL);
    ask.req.source = source;
    ask.req.keep_only = true;
    struct kept *kept = help_run(llm, &ask.req, 1);
    assert_int_equal(kept->reply.finish, LLM_STOP);
    *usage = kept->reply.usage;
    mem_free(kept);
}

/* What was kept without a question serves every question. */
static void test_kept_beforehand(void **state)
{
    struct usage first, again, other;
    struct llm *llm = open_on(*state, 1 << 30);

    keep(llm, help_lease, &lease, &first);
    keep(llm, help_lease, &lease, &again);
    keep(llm, help_garden, &garden, &other);
    llm_close(llm);
    assert_int_equal(first.cached_tokens, 0);
    assert_int_equal(again.cached_tokens, again.prompt_tokens);
    assert_true(other.cached_tokens < other.prompt_tokens);
    llm = open_on(*state, 1 << 30);
    struct llm_reply reply = screen(llm, help_lease, rent, &lease);
    assert_true(reply.usage.cached_tokens >= 48);
    assert_true(reply.usage.prompt_tokens - reply.usage.cached_tokens < 24);
    llm_close(llm);
}

/* The same words in two documents are kept under both, however they are asked for: one of
 * them may be forgotten. n_there: under how many of them they were. */
static void keep_both(const char *folder, bool keep_only, int n_there)
{
    const struct llm_source *sources[] = { &lease, &garden };
    struct llm *llm = open_on(folder, 1 << 30);
    struct llm_request reqs[2];
    struct ask asks[2];

    for (int i = 0; i < 2; i++) {
        ask_init(&asks[i], "Excerpt:\n", help_lease, keep_only ? NULL : rent);
        asks[i].req.source = sources[i];
        asks[i].req.keep_only = keep_only;
        reqs[i] = asks[i].req;
    }
    struct kept *kept = help_run(llm, reqs, 2);
    for (int i = 0; i < 2; i++) {
        const struct usage *u = &kept[i].reply.usage;
        bool was_there = u->cached_tokens == u->prompt_tokens;
        assert_true(!keep_only || was_there == (i < n_there));
    }
    mem_free(kept);
    llm_close(llm);
    assert_int_equal(count_states(folder, &lease), 1);
    assert_int_equal(count_states(folder, &garden), 1);
}

static void test_kept_under_each_document(void **state)
{
    struct usage usage;
    struct lw_error err;

    keep_both(*state, true, 0);
    keep_both(*state, true, 2);
    assert_int_equal(kv_disk_forget(*state, garden.id, NULL, &err), 0);
    keep_both(*state, true, 1);
    assert_int_equal(kv_disk_forget(*state, garden.id, NULL, &err), 0);
    keep_both(*state, false, 1);
    assert_int_equal(kv_disk_forget(*state, lease.id, NULL, &err), 0);
    assert_int_equal(kv_disk_forget(*state, garden.id, NULL, &err), 0);
    keep_both(*state, false, 0);
    struct llm *llm = open_on(*state, 1 << 30);
    keep(llm, help_lease, &garden, &usage);
    assert_int_equal(usage.cached_tokens, usage.prompt_tokens);
    llm_close(llm);
}

/* Read before under another of its documents is read before. */
static void test_found_under_any_document(void **state)
{
    const struct llm_source *sources[] = { &lease, &garden };
    struct usage usage;
    struct llm_request reqs[2];
    struct ask asks[2];
    struct llm *llm = open_on(*state, 1 << 30);

    keep(llm, help_lease, &garden, &usage);
    llm_close(llm);
    llm = open_on(*state, 1 << 30);
    for (int i = 0; i < 2; i++) {
        ask_init(&asks[i], "Excerpt:\n", help_lease, i == 0 ? rent : pets);
        asks[i].req.source = sources[i];
        reqs[i] = asks[i].req;
    }
    struct kept *kept = help_run(llm, reqs, 2);
    for (int i = 0; i < 2; i++) {
        assert_true(kept[i].reply.usage.cached_tokens >= 48);
    }
    mem_free(kept);
    llm_close(llm);
    assert_int_equal(count_states(*state, &lease), 1);
}

/* "... (0 tokens, 0.0 MiB), N more to keep (..." */
static void hear_kept(void *user, const char *sentence)
{
    const char *rest = strstr(sentence, "), ");

    if (rest) {
        sscanf(rest, "), %d more to keep", (int *)user);
    }
}

/* However often two documents take turns in the questions about the same words: each is
 * written, and counted, once. */
static void test_kept_once_under_each_document(void **state)
{
    enum { ASKS = 6 };
    const struct llm_source *sources[] = { &lease, &garden };
    int n_kept = 0;
    struct llm_request reqs[ASKS];
    struct ask asks[ASKS];
    struct llm *llm = help_open(&(struct engine_options){ .context = HELP_CONTEXT,
                                                          .kv_folder = *state,
                                                          .kv_bytes = 1 << 30,
                                                          .trace = hear_kept,
                                                          .user = &n_kept });

    if (!llm) {
        skip();
    }
    for (int i = 0; i < ASKS; i++) {
        ask_init(&asks[i], "Excerpt:\n", help_lease, i < 2 ? rent : pets);
        asks[i].req.source = sources[i % 2];
        reqs[i] = asks[i].req;
    }
    mem_free(help_run(llm, reqs, ASKS));
    llm_close(llm);
    assert_int_equal(n_kept, 2);
    assert_int_equal(count_states(*state, &lease), 1);
    assert_int_equal(count_states(*state, &garden), 1);
}

/* More states than there is room for: the first stay, and none is pushed out by a later
 * one of the same run. */
static void test_a_run_does_not_push_out_its_own(void **state)
{
    const char *const excerpts[] = { help_lease, help_garden };
    const struct llm_source *sources[] = { &lease, &garden };
    struct llm *llm = open_on(*state, 1 << 30);
    uint64_t bytes = llm_info(llm)->kept_token_bytes * 150;
    struct llm_request reqs[2];
    struct ask asks[2];

    llm_close(llm);
    llm = open_on(*state, bytes); /* one of them, of about a hundred tokens each */
    for (int i = 0; i < 2; i++) {
        ask_init(&asks[i], "Excerpt:\n", excerpts[i], rent);
        asks[i].req.source = sources[i];
        reqs[i] = asks[i].req;
    }
    mem_free(help_run(llm, reqs, 2));
    llm_close(llm);
    llm = open_on(*state, bytes);
    assert_true(screen(llm, help_lease, pets, &lease).usage.cached_tokens >= 48);
    llm_close(llm);
}

/* Three long excerpts are asked for replies, and the run ends at any moment: while one
 * is read, while others are out of the cache, while they reply. */
enum { LONG_TEXTS = 3, LONG_CONTEXT = 2048 };
static char long_texts[LONG_TEXTS][4096];

static struct llm *open_long(const char *folder, uint64_t bytes)
{
    return help_open_tiny("qwen2", &(struct engine_options){ .context = LONG_CONTEXT,
                                                             .kv_folder = folder,
                                                             .kv_bytes = bytes });
}

static void ask_for_a_while(const char *folder, int milliseconds)
{
    struct llm *llm = open_long(folder, 1 << 30);
    struct llm_request reqs[LONG_TEXTS];
    struct ask asks[LONG_TEXTS];
    struct kept kept[LONG_TEXTS] = { { .times = 0 } };
    struct cancel cancel;

    for (int i = 0; i < LONG_TEXTS; i++) {
        ask_init(&asks[i], "Excerpt:\n", long_texts[i], "\nWhat is it about?");
        asks[i].req.source = &lease;
        asks[i].req.max_tokens = 8;
        reqs[i] = asks[i].req;
    }
    cancel_init(&cancel, clock_ms() + milliseconds);
    llm_chat_many(llm, reqs, LONG_TEXTS, keep_reply, kept, &cancel, NULL);
    for (int i = 0; i < LONG_TEXTS; i++) {
        assert_int_equal(kept[i].times, 1);
    }
    llm_close(llm);
}

static void test_cancelled_at_any_moment(void **state)
{
    struct llm *llm = open_long(*state, 0);
    double fresh[LONG_TEXTS];
    struct lw_error err;

    for (int i = 0; i < LONG_TEXTS; i++) {
        size_t len = 0;
        for (int k = 0; k < 10; k++) {
            len += (size_t)snprintf(long_texts[i] + len, sizeof long_texts[i] - len,
                                    "%d. %s\n", k + 10 * i,
                                    i % 2 ? help_garden : help_lease);
        }
        assert_true(len < sizeof long_texts[i]);
        fresh[i] = screen(llm, long_texts[i], pets, &lease).logprob_alt;
    }
    llm_close(llm);
    for (int round = 1; round <= 40; round++) {
        ask_for_a_while(*state, (round + 1) / 2);
        llm = open_long(*state, 1 << 30);
        for (int i = 0; i < LONG_TEXTS; i++) {
            struct llm_reply again = screen(llm, long_texts[i], pets, &lease);
            assert_true(fabs(again.logprob_alt - fresh[i]) < 0.01);
        }
        llm_close(llm);
        assert_int_equal(kv_disk_forget(*state, lease.id, NULL, &err), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_found_by_the_next_process, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(test_the_same_text, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_a_state_that_is_refused_goes, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(test_a_state_without_numbers_goes, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(test_what_is_no_number_is_not_kept, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(test_questions_stay_off_the_disk, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(test_without_a_source_nothing_is_kept,
                                        make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_another_type_of_cache, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(test_without_a_store, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_kept_beforehand, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_kept_under_each_document, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(test_found_under_any_document, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(test_kept_once_under_each_document, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(test_cancelled_at_any_moment, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(test_a_run_does_not_push_out_its_own, make_folder,
                                        remove_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
