/* kv_file.h - the format of one file of the store on disk (kv_disk.h).
 *
 *   offset  bytes
 *        0      8  "lw-kv\r\n\x1a"
 *        8      4  version of the format: 1
 *       12      4  n, the number of tokens
 *       16      8  what the model takes for a token (a double)
 *       24      4  bytes of the origin
 *       28      4  0
 *       32      8  bytes of the state
 *       40     32  BLAKE2b-256 of all other bytes, from the first to the last
 *       72      o  origin: model, engine, layout; no NUL
 *      72+o    4n  tokens
 *   72+o+4n      s  state, as libllama wrote it
 *
 * There it ends. Numbers are in the byte order of the machine, since the state is
 * too: on a machine of the other order it is of a version that nobody knows.
 *
 * The first 24 bytes mean the same in every version, so that any version can judge
 * what a file of another is worth. The key is not in the file: it is the hash of
 * version, origin and tokens, which stand there whole and are compared whole. */
#ifndef LW_ENGINE_KV_FILE_H
#define LW_ENGINE_KV_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { KV_FILE_KEY_CHARS = 32 };

struct kv_file {
    const char *origin;
    double token_cost;
    const int32_t *tokens;
    int n_tokens; /* at least 1 */
    const unsigned char *state;
    size_t state_bytes;
};

/* The key of origin and tokens, which names the file. */
void kv_file_key(const struct kv_file *file, char key[KV_FILE_KEY_CHARS + 1]);
/* Of the whole file. */
uint64_t kv_file_bytes(const struct kv_file *file);
/* Write it all from where fd is. 0, or the errno of what failed. */
int kv_file_write(int fd, const struct kv_file *file);

enum kv_file_result {
    KV_FILE_GOOD,
    KV_FILE_WRONG,    /* damaged, foreign or no such file at all: it will never be good */
    KV_FILE_NO_MEMORY /* to load it now */
};

/* Read the file fd, at its start, which has to be of wanted's origin and tokens. When
 * it is good: *state, of malloc(), is the caller's. When it is wrong: *why is the end
 * of a sentence. Nothing is allocated before the sizes are known to be true. */
enum kv_file_result kv_file_read(int fd, const struct kv_file *wanted,
                                 unsigned char **state, size_t *state_bytes,
                                 const char **why);

/* What the start of a file says, unchecked: enough to judge its worth. False if it is
 * none of ours. */
bool kv_file_peek(int fd, int *n_tokens, double *token_cost);

#endif
