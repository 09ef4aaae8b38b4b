/* identity.c - the hash of a model's header and of samples of its weights.
 *
 *     [ header ............ ][ tensor 1        ][ tensor 2        ] ...
 *       all of it              ##     ##          ##     ##
 *
 * A hash of all weights would take a second for each gigabyte, at each start. What
 * makes one model differ from another changes whole matrices, so a piece from the
 * start and one from the middle of each tells them apart, small tensors (norms,
 * biases, adapters merged into one kind of matrix) included, which samples at even
 * distances would miss. */
#include "engine/identity.h"

#include "engine/gguf_info.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { SAMPLE_BYTES = 16 * 1024 };

struct reading {
    FILE *file;
    struct hash hash;
    unsigned char piece[SAMPLE_BYTES];
};

static int add_range(struct reading *r, uint64_t start, uint64_t bytes)
{
    if (fseeko(r->file, (off_t)start, SEEK_SET) != 0) {
        return -1;
    }
    while (bytes > 0) {
        size_t want = bytes < sizeof r->piece ? (size_t)bytes : sizeof r->piece;
        if (fread(r->piece, 1, want, r->file) != want) {
            return -1;
        }
        hash_add(&r->hash, r->piece, want);
        bytes -= want;
    }
    return 0;
}

static int add_samples(struct reading *r, const struct gguf_place *tensor)
{
    uint64_t middle = tensor->bytes / 2;

    if (tensor->bytes <= 2 * SAMPLE_BYTES) {
        return add_range(r, tensor->start, tensor->bytes);
    }
    int rc = add_range(r, tensor->start, SAMPLE_BYTES);
    return rc ? rc : add_range(r, tensor->start + middle, SAMPLE_BYTES);
}

static int add_all(struct reading *r, const struct gguf_places *places)
{
    int rc = add_range(r, 0, places->data_start);

    for (size_t i = 0; i < places->n && rc == 0; i++) {
        rc = add_samples(r, &places->tensors[i]);
    }
    return rc;
}

static void name(struct hash *hash, char out[IDENTITY_BYTES])
{
    unsigned char digest[HASH_BYTES];

    hash_end(hash, digest);
    hash_hex(digest, HASH_NAME_CHARS, out);
}

/* parts: how many files the model lies in. */
static int add_file(struct reading *r, const char *path, int *parts, struct lw_error *err)
{
    struct gguf_places places;
    int rc = gguf_places_read(path, &places, err);

    if (rc) {
        goto fail_places;
    }
    *parts = places.parts;
    errno = 0;
    r->file = fopen(path, "rbe");
    if (!r->file || add_all(r, &places) != 0) {
        rc = err_set(err, LW_ERR_LOCAL, "cannot read the model %s: %s", path,
                     errno ? strerror(errno) : "it is cut short");
    }
    if (r->file) {
        fclose(r->file);
    }
fail_places:
    gguf_places_release(&places);
    return rc;
}

int identity_of_file(const char *path, char out[IDENTITY_BYTES], struct lw_error *err)
{
    struct reading r;
    int parts, others;

    hash_init(&r.hash);
    int rc = add_file(&r, path, &parts, err);
    for (int part = 1; rc == 0 && part < parts; part++) {
        char other[PATH_MAX];
        rc = gguf_part_path(path, part, parts, other, err);
        rc = rc ? rc : add_file(&r, other, &others, err);
    }
    if (rc == 0) {
        name(&r.hash, out);
    }
    return rc;
}

/* --- The file ------------------------------------------------------------- */

struct identity_stamp identity_stamp_of(const char *path)
{
    struct stat st;

    if (stat(path, &st) != 0) {
        return (struct identity_stamp){ .there = false };
    }
    return (struct identity_stamp){
        .there = true,
        .device = (uint64_t)st.st_dev,
        .inode = (uint64_t)st.st_ino,
        .bytes = (uint64_t)st.st_size,
        .changed_seconds = (int64_t)st.st_mtim.tv_sec,
        .changed_nanoseconds = st.st_mtim.tv_nsec,
    };
}

bool identity_same_file(const struct identity_stamp *a, const struct identity_stamp *b)
{
    return a->there && b->there && a->device == b->device && a->inode == b->inode &&
           a->bytes == b->bytes && a->changed_seconds == b->changed_seconds &&
           a->changed_nanoseconds == b->changed_nanoseconds;
}

int identity_of_loaded(const char *path, const struct identity_stamp *loaded,
                       char out[IDENTITY_BYTES], struct lw_error *err)
{
    int rc = identity_of_file(path, out, err);
    struct identity_stamp now = identity_stamp_of(path);

    if (rc || identity_same_file(loaded, &now)) {
        return rc;
    }
    return err_set(
        err, LW_ERR_LOCAL,
        "what is read is not kept on disk: the model's file was replaced since "
        "it was loaded: %s",
        path);
}
