/* file.c - reading and replacing whole files.
 *
 * A replacement is written beside the file under a name that nobody has or could know
 * before: where others may write to the folder, no link of theirs is followed. It is
 * brought to the disk and renamed; it is removed again where any of that fails. */
#include "base/file.h"

#include "base/mem.h"
#include "base/random.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_BYTES_MAX = 4096 };

const char *file_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

int file_read(const char *path, struct buf *out, struct lw_error *err)
{
    FILE *in = fopen(path, "re");
    if (!in) {
        return err_set(err, LW_ERR_INPUT, "cannot read %s: %s", path, strerror(errno));
    }
    char piece[16 * 1024];
    size_t n;
    int code = 0;
    while (!code && (n = fread(piece, 1, sizeof piece, in)) > 0) {
        if (buf_add(out, piece, n)) {
            code =
                err_set(err, LW_ERR_INPUT, "%s is larger than %zu bytes", path, out->max);
        }
    }
    if (!code && ferror(in)) {
        code = err_set(err, LW_ERR_INPUT, "cannot read %s: %s", path, strerror(errno));
    }
    fclose(in);
    return code;
}

int file_make_folders(const char *path, struct lw_error *err)
{
    char *folder = mem_strdup(path);
    int failed = 0;
    for (char *at = strchr(folder + 1, '/'); at && !failed; at = strchr(at + 1, '/')) {
        *at = '\0';
        if (mkdir(folder, 0700) != 0 && errno != EEXIST) failed = errno;
        if (failed)
            err_set(err, LW_ERR, "cannot make the folder %s: %s", folder,
                    strerror(failed));
        *at = '/';
    }
    mem_free(folder);
    return failed ? LW_ERR : 0;
}

void file_random(char out[FILE_RANDOM_BYTES])
{
    snprintf(out, FILE_RANDOM_BYTES, "%016" PRIx64, random_number());
}

static int write_all(int fd, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, data, len);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return errno;
        data += n;
        len -= (size_t)n;
    }
    return fsync(fd) == 0 ? 0 : errno;
}

int file_open_beside(const char *path, unsigned mode, char *temp, size_t temp_bytes)
{
    char random[FILE_RANDOM_BYTES];
    file_random(random);
    int n = snprintf(temp, temp_bytes, "%s.%s.tmp", path, random);
    if (n < 0 || (size_t)n >= temp_bytes) {
        errno = ENAMETOOLONG;
        return -1;
    }
    return open(temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
}

int file_replace(const char *path, const char *data, size_t len, struct lw_error *err)
{
    char temp[PATH_BYTES_MAX];
    int fd = file_open_beside(path, 0600, temp, sizeof temp);
    if (fd < 0) return err_set(err, LW_ERR, "cannot write %s: %s", path, strerror(errno));
    int failed = write_all(fd, data, len);
    if (close(fd) != 0 && !failed) failed = errno;
    if (!failed && rename(temp, path) != 0) failed = errno;
    if (!failed) return 0;
    unlink(temp);
    return err_set(err, LW_ERR, "cannot write %s: %s", path, strerror(failed));
}
