/* kv_file.c - write and read one state, and believe nothing that was read.
 *
 * Not compressed. Measured on states of four excerpts of 329 to 350 tokens (contract,
 * patient record, encyclopedia, quarterly report; Qwen2.5-Coder-0.5B Q4_K_M, 12,301
 * bytes a token; SmolLM2-135M gives the same within a point), one thread:
 *
 *                                            of raw   pack MB/s   unpack MB/s
 *     as it is (f16)                        100.0 %
 *     zstd -1                                91.7 %         398           478
 *     lz4                                    99.5 %        3738          5052
 *     low and high bytes apart, zstd -1      85.3 %         469           947
 *     the same, zstd -3                      85.1 %         352           929
 *     the same, a column a token, zstd -3    84.2 %         150           568
 *     low and high bytes apart, lz4          99.0 %         916          1746
 *     q8_0                                   53.2 %
 *
 * Sign and mantissa are noise, 11 bits of 16, so no general compressor gets far below
 * 85 %. A seventh of the room is not worth a library and loading at half the speed.
 * q8_0 would be worth it, but answers from rounded states differ from those of the
 * model, and keeping a state must not change an answer. */
#include "engine/kv_file.h"

#include "base/hash.h"
#include "base/limits.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { VERSION = 1, PIECE_BYTES = 1024 * 1024 };

/* As it stands in the file: kv_file.h draws it. */
struct head {
    char magic[8];
    uint32_t version;
    uint32_t n_tokens;
    double token_cost;
    uint32_t origin_bytes;
    uint32_t zero;
    uint64_t state_bytes;
    unsigned char checksum[HASH_BYTES];
};

static const char magic[8] = { 'l', 'w', '-', 'k', 'v', '\r', '\n', '\x1a' };

enum { CHECKSUM_AT = offsetof(struct head, checksum) };

_Static_assert(offsetof(struct head, origin_bytes) == 24, "24 bytes for every version");
_Static_assert(CHECKSUM_AT == 40 && sizeof(struct head) == 72, "no padding");

static size_t tokens_bytes(const struct kv_file *file)
{
    return (size_t)file->n_tokens * sizeof *file->tokens;
}

static struct head head_of(const struct kv_file *file, size_t state_bytes)
{
    struct head head = {
        .version = VERSION,
        .n_tokens = (uint32_t)file->n_tokens,
        .token_cost = file->token_cost,
        .origin_bytes = (uint32_t)strlen(file->origin),
        .state_bytes = state_bytes,
    };

    assert(file->n_tokens > 0);
    memcpy(head.magic, magic, sizeof magic);
    return head;
}

/* Of what stands before the state. */
static void hash_start(struct hash *h, const struct head *head,
                       const struct kv_file *file)
{
    hash_init(h);
    hash_add(h, head, CHECKSUM_AT);
    hash_add(h, file->origin, head->origin_bytes);
    hash_add(h, file->tokens, tokens_bytes(file));
}

void kv_file_key(const struct kv_file *file, char key[KV_FILE_KEY_CHARS + 1])
{
    const uint32_t version = VERSION;
    unsigned char digest[HASH_BYTES];
    struct hash h;

    hash_init(&h);
    hash_add(&h, &version, sizeof version);
    hash_add(&h, file->origin, strlen(file->origin) + 1);
    hash_add(&h, file->tokens, tokens_bytes(file));
    hash_end(&h, digest);
    hash_hex(digest, KV_FILE_KEY_CHARS, key);
}

static uint64_t whole_bytes(const struct kv_file *file, uint64_t state_bytes)
{
    return sizeof(struct head) + strlen(file->origin) + tokens_bytes(file) + state_bytes;
}

uint64_t kv_file_bytes(const struct kv_file *file)
{
    return whole_bytes(file, file->state_bytes);
}

/* --- Writing ---------------------------------------------------------------- */

static int write_all(int fd, const void *data, size_t len)
{
    const unsigned char *at = data;

    while (len > 0) {
        ssize_t n = write(fd, at, len);
        if (n < 0 && errno != EINTR) {
            return errno;
        }
        if (n > 0) {
            at += n;
            len -= (size_t)n;
        }
    }
    return 0;
}

int kv_file_write(int fd, const struct kv_file *file)
{
    struct head head = head_of(file, file->state_bytes);
    struct hash h;

    hash_start(&h, &head, file);
    hash_add(&h, file->state, file->state_bytes);
    hash_end(&h, head.checksum);

    int rc = write_all(fd, &head, sizeof head);
    rc = rc ? rc : write_all(fd, file->origin, head.origin_bytes);
    rc = rc ? rc : write_all(fd, file->tokens, tokens_bytes(file));
    return rc ? rc : write_all(fd, file->state, file->state_bytes);
}

/* --- Reading ---------------------------------------------------------------- */

static bool read_all(int fd, void *data, size_t len)
{
    unsigned char *at = data;

    while (len > 0) {
        ssize_t n = read(fd, at, len);
        if (n == 0 || (n < 0 && errno != EINTR)) {
            return false;
        }
        if (n > 0) {
            at += n;
            len -= (size_t)n;
        }
    }
    return true;
}

/* Are the next bytes of the file these? */
static bool next_is(int fd, const void *expected, size_t len)
{
    const unsigned char *at = expected;
    unsigned char piece[4096];

    while (len > 0) {
        size_t n = len < sizeof piece ? len : sizeof piece;
        if (!read_all(fd, piece, n) || memcmp(piece, at, n) != 0) {
            return false;
        }
        at += n;
        len -= n;
    }
    return true;
}

/* What is wrong with a head, compared with what the file has to be; NULL: nothing. */
static const char *head_fault(const struct head *head, const struct kv_file *wanted,
                              uint64_t file_bytes)
{
    if (memcmp(head->magic, magic, sizeof magic) != 0) {
        return "it holds something else";
    }
    if (head->version != VERSION) {
        return "it is of another version";
    }
    if (head->n_tokens != (uint32_t)wanted->n_tokens ||
        head->origin_bytes != strlen(wanted->origin)) {
        return "it is of another model or text";
    }
    if (head->state_bytes == 0 || head->state_bytes > LIMIT_KV_STATE_BYTES ||
        whole_bytes(wanted, head->state_bytes) != file_bytes) {
        return "it is not as long as it says";
    }
    return NULL;
}

static bool read_hashed(int fd, unsigned char *data, size_t len, struct hash *h)
{
    /* In pieces that are still in the processor's cache when they are hashed. */
    for (size_t at = 0; at < len; at += PIECE_BYTES) {
        size_t n = len - at < PIECE_BYTES ? len - at : PIECE_BYTES;
        if (!read_all(fd, data + at, n)) {
            return false;
        }
        hash_add(h, data + at, n);
    }
    return true;
}

/* The head of a file whose sizes are true and which is of these tokens; NULL, or what
 * is wrong with it. */
static const char *read_head(int fd, const struct kv_file *wanted, struct head *head)
{
    struct stat st;

    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        return "it is no file";
    }
    if (!read_all(fd, head, sizeof *head)) {
        return "it cannot be read to its end";
    }
    const char *fault = head_fault(head, wanted, (uint64_t)st.st_size);
    if (fault) {
        return fault;
    }
    if (!next_is(fd, wanted->origin, head->origin_bytes) ||
        !next_is(fd, wanted->tokens, tokens_bytes(wanted))) {
        return "it is of another model or text";
    }
    return NULL;
}

enum kv_file_result kv_file_read(int fd, const struct kv_file *wanted,
                                 unsigned char **state, size_t *state_bytes,
                                 const char **why)
{
    unsigned char digest[HASH_BYTES];
    struct head head;
    struct hash h;

    *why = read_head(fd, wanted, &head);
    if (*why) {
        return KV_FILE_WRONG;
    }
    size_t bytes = (size_t)head.state_bytes;
    unsigned char *data = malloc(bytes);
    if (!data) {
        return KV_FILE_NO_MEMORY;
    }
    hash_start(&h, &head, wanted);
    if (!read_hashed(fd, data, bytes, &h)) {
        *why = "it cannot be read to its end";
        goto wrong;
    }
    hash_end(&h, digest);
    if (memcmp(digest, head.checksum, sizeof digest) != 0) {
        *why = "its checksum is wrong";
        goto wrong;
    }
    *state = data;
    *state_bytes = bytes;
    return KV_FILE_GOOD;

wrong:
    free(data);
    return KV_FILE_WRONG;
}

bool kv_file_peek(int fd, int *n_tokens, double *token_cost)
{
    struct head head;

    if (!read_all(fd, &head, offsetof(struct head, origin_bytes)) ||
        memcmp(head.magic, magic, sizeof magic) != 0 || head.n_tokens > INT32_MAX) {
        return false;
    }
    *n_tokens = (int)head.n_tokens;
    *token_cost = head.token_cost;
    return true;
}
