/* quantize.c - check, let a child write, look at what it wrote, give it its name.
 *
 *     here                          the child
 *     fork ------------------------> libllama, first without writing: how large?
 *                                    is there room?
 *     progress() <--- P 12 272 ----- libllama again, writing OUT.RANDOM.tmp
 *     notice()   <--- W 170 290 ---- tensors that got another type
 *     sentence   <--- E why -------- what it complains of
 *     wait, look at the file, rename
 *
 * The child is forked and not a program of its own, since a library has none.
 * Its standard error is the pipe: whatever libllama, ggml or the C++ run-time
 * print before they give up arrives here too. A child whose parent is gone finds
 * that out at the next tensor, removes its file and ends. */
#include "engine/quantize.h"

#include "base/buf.h"
#include "base/file.h"
#include "engine/format.h"
#include "engine/gguf_info.h"
#include "engine/machine.h"

#include <errno.h>
#include <fcntl.h>
#include <llama.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    PATH_BYTES_MAX = 4096,
    LINE_BYTES = 1200,
    POLL_MS = 50,
    CHILD_FAILED = 1, /* exit statuses of the child */
    CHILD_NO_ROOM = 2
};

/* Rows of a tensor that libllama holds at once; its own default is 8 GiB. */
static const size_t ROWS_BYTES_MAX = (size_t)512 << 20;
/* Metadata that is added, and padding. */
static const uint64_t ROOM_MORE_BYTES = 1 << 20;

/* --- In the child --------------------------------------------------------- */

struct writer {
    const struct quantize_job *job;
    const char *temp;
    bool dry;       /* only counting */
    double new_mib; /* of all tensors, counted */
    bool complained;
};

/* Nobody listens any more: leave nothing behind. */
static void tell(const struct writer *w, const char *line, size_t len)
{
    if (write(STDERR_FILENO, line, len) < 0) {
        unlink(w->temp);
        _exit(CHILD_FAILED);
    }
}

static void tell_error(const struct writer *w, const char *what)
{
    char line[LINE_BYTES];
    int n = snprintf(line, sizeof line, "E %.*s\n", (int)strcspn(what, "\n"), what);

    if (n > 0) {
        tell(w, line, (size_t)n < sizeof line ? (size_t)n : sizeof line - 1);
    }
}

static void tell_numbers(const struct writer *w, char kind, int a, int b)
{
    char line[LINE_BYTES];
    int n = snprintf(line, sizeof line, "%c %d %d\n", kind, a, b);

    tell(w, line, (size_t)n);
}

/* "function_name: what happened\n"; several lines may follow a rule of ===. */
static const char *complaint_of(const char *text)
{
    const char *failed = strstr(text, "failed to quantize: ");

    return failed ? failed + strlen("failed to quantize: ") : text + strspn(text, "\n= ");
}

/* ORDER LOG: the words of libllama's log that are understood here. */
static void on_log(enum ggml_log_level level, const char *text, void *user)
{
    struct writer *w = user;
    const char *size = strstr(text, "quant size  = ");
    const char *warning = strstr(text, "WARNING: ");
    int a, b;

    if (sscanf(text, "[%d/%d]", &a, &b) == 2) {
        if (!w->dry) {
            tell_numbers(w, 'P', a, b);
        }
    } else if (size) {
        sscanf(size, "quant size  = %lf MiB", &w->new_mib);
    } else if (warning && strstr(warning, "fallback quantization") &&
               sscanf(warning, "WARNING: %d of %d", &a, &b) == 2) {
        if (!w->dry) {
            tell_numbers(w, 'W', a, b);
        }
    } else if (level == GGML_LOG_LEVEL_ERROR && *complaint_of(text)) {
        tell_error(w, complaint_of(text));
    }
}

/* ggml's last words, which the C library would print after its own. */
static void on_abort(const char *message)
{
    char line[LINE_BYTES];
    int n = snprintf(line, sizeof line, "E %.*s\n", (int)strcspn(message, "\n"), message);

    if (n > 0 && write(STDERR_FILENO, line, strnlen(line, sizeof line)) < 0) {
        _exit(CHILD_FAILED);
    }
}

static void folder_of(const char *path, char folder[PATH_BYTES_MAX])
{
    const char *slash = strrchr(path, '/');

    snprintf(folder, PATH_BYTES_MAX, "%.*s", slash ? (int)(slash - path + 1) : 1,
             slash ? path : ".");
}

static bool has_room(const struct writer *w, uint64_t header_bytes)
{
    struct statvfs fs;
    struct lw_error why;
    char folder[PATH_BYTES_MAX];
    uint64_t need = (uint64_t)(w->new_mib * 1024 * 1024) + header_bytes + ROOM_MORE_BYTES;

    folder_of(w->temp, folder);
    if (statvfs(folder, &fs) != 0 || (uint64_t)fs.f_bavail * fs.f_frsize >= need) {
        return true;
    }
    err_set(&why, LW_ERR,
            "the new file will have about %.0f MB, and %s has room for %.0f",
            (double)need / 1e6, folder, (double)fs.f_bavail * (double)fs.f_frsize / 1e6);
    tell_error(w, why.message);
    return false;
}

/* What the child writes in place of standard output is the library's chatter, and
 * what was waiting in buffers of the parent. */
static void become_writer(int pipe_fd)
{
    const struct rlimit none = { .rlim_cur = 0, .rlim_max = 0 };
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    setrlimit(RLIMIT_CORE, &none);
    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a failed write, found out when it is over */
    dup2(null, STDIN_FILENO);
    dup2(null, STDOUT_FILENO);
    dup2(pipe_fd, STDERR_FILENO);
}

static int write_model(struct writer *w, int type, uint64_t header_bytes)
{
    const struct quantize_job *job = w->job;
    struct llama_model_quantize_params params = llama_model_quantize_default_params();

    params.nthread = job->threads > 0 ? job->threads : machine_cores();
    params.ftype = (enum llama_ftype)type;
    params.allow_requantize = job->force;
    params.max_buf_size = ROWS_BYTES_MAX;
    params.dry_run = w->dry = true;
    if (llama_model_quantize(job->in, w->temp, &params) != 0) {
        return CHILD_FAILED;
    }
    if (!has_room(w, header_bytes)) {
        return CHILD_NO_ROOM;
    }
    params.dry_run = w->dry = false;
    return llama_model_quantize(job->in, w->temp, &params) == 0 ? 0 : CHILD_FAILED;
}

static void run_child(const struct quantize_job *job, const char *temp, int type,
                      uint64_t header_bytes, int pipe_fd)
{
    struct writer w = { .job = job, .temp = temp };

    become_writer(pipe_fd);
    llama_log_set(on_log, &w);
    ggml_set_abort_callback(on_abort);
    llama_backend_init();
    _exit(write_model(&w, type, header_bytes));
}

/* --- Beside the child ----------------------------------------------------- */

struct child {
    const struct quantize_job *job;
    pid_t pid;
    int fd; /* the pipe's end here */
    bool cancelled;
    char line[LINE_BYTES];
    size_t line_len;
    char complaint[LINE_BYTES];
};

static void note_fallback(const struct quantize_job *job, int n, int of)
{
    char text[200];

    snprintf(text, sizeof text,
             "%d of %d tensors got another type: their rows cannot be cut as %s wants", n,
             of, job->type);
    if (job->notice) {
        job->notice(job->user, text);
    }
}

/* Lines without a letter of ours are what other parts print before they give up. */
static void take_line(struct child *c)
{
    int a, b;

    if (sscanf(c->line, "P %d %d", &a, &b) == 2) {
        if (c->job->progress) {
            c->job->progress(c->job->user, a, b);
        }
    } else if (sscanf(c->line, "W %d %d", &a, &b) == 2) {
        note_fallback(c->job, a, b);
    } else if (strncmp(c->line, "E ", 2) == 0) {
        snprintf(c->complaint, sizeof c->complaint, "%s", c->line + 2);
    } else if (c->complaint[0] == '\0') {
        snprintf(c->complaint, sizeof c->complaint, "%s", c->line);
    }
}

static void take_bytes(struct child *c, const char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (bytes[i] != '\n') {
            c->line_len += c->line_len < sizeof c->line - 1;
            c->line[c->line_len - 1] = bytes[i];
        } else {
            c->line[c->line_len] = '\0';
            take_line(c);
            c->line_len = 0;
        }
    }
}

/* Until the child has closed its end, which only its end does. */
static void listen_to_child(struct child *c)
{
    struct pollfd p = { .fd = c->fd, .events = POLLIN };
    char bytes[4096];

    for (;;) {
        if (!c->cancelled && cancel_level(c->job->cancel) != CANCEL_NONE) {
            c->cancelled = true;
            kill(c->pid, SIGKILL);
        }
        int ready = poll(&p, 1, POLL_MS);
        if (ready == 0 || (ready < 0 && errno == EINTR)) {
            continue;
        }
        ssize_t n = ready < 0 ? -1 : read(c->fd, bytes, sizeof bytes);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return;
        }
        take_bytes(c, bytes, (size_t)n);
    }
}

static int wait_for(pid_t pid)
{
    int status = 0;

    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return status;
}

static int not_whole(const char *why, struct lw_error *err)
{
    return err_set(err, LW_ERR, "the new file could not be written whole: %s", why);
}

/* ORDER LOG */
static int explain_failure(const struct child *c, struct lw_error *err)
{
    const struct quantize_job *job = c->job;

    if (strstr(c->complaint, "imatrix") || strstr(c->complaint, "importance matrix")) {
        return err_set(
            err, LW_ERR_LOCAL,
            "the type %s needs an importance matrix, which legwork cannot make: "
            "choose Q2_K or a larger one",
            job->type);
    }
    if (strstr(c->complaint, "requantizing")) {
        return err_set(err, LW_ERR_USAGE,
                       "%s holds tensors that are quantised already; --force quantises "
                       "them again, which loses more than from F16",
                       job->in);
    }
    if (strstr(c->complaint, "iostream")) {
        return not_whole("the disk is full, or failing", err);
    }
    return err_set(err, LW_ERR_LOCAL, "cannot quantise %s to %s: %s", job->in, job->type,
                   c->complaint[0] ? c->complaint : "libllama does not say why");
}

/* How it ended, as a code. */
static int judge(const struct child *c, int status, struct lw_error *err)
{
    if (c->cancelled) {
        return err_set(err, LW_CANCELLED, "quantising was stopped; nothing was written");
    }
    if (WIFSIGNALED(status)) {
        bool killed = WTERMSIG(status) == SIGKILL;
        return err_set(err, LW_ERR_LOCAL, "libllama gave up on %s (signal %d): %s",
                       c->job->in, WTERMSIG(status),
                       c->complaint[0] ? c->complaint
                       : killed        ? "it was killed, most likely for want of memory"
                                       : "it does not say why");
    }
    switch (WEXITSTATUS(status)) {
    case 0: return 0;
    case CHILD_NO_ROOM: return err_set(err, LW_ERR, "%s", c->complaint);
    default: return explain_failure(c, err);
    }
}

static int run_apart(const struct quantize_job *job, const char *temp, int type,
                     uint64_t header_bytes, struct lw_error *err)
{
    struct child c = { .job = job };
    int fds[2];

    if (pipe(fds) != 0) {
        return err_set(err, LW_ERR, "cannot make a pipe: %s", strerror(errno));
    }
    fcntl(fds[0], F_SETFD, FD_CLOEXEC);
    fcntl(fds[1], F_SETFD, FD_CLOEXEC);
    c.fd = fds[0];
    c.pid = fork();
    if (c.pid == 0) {
        close(fds[0]);
        run_child(job, temp, type, header_bytes, fds[1]);
    }
    close(fds[1]);
    int code = c.pid < 0
                   ? err_set(err, LW_ERR, "cannot start a process: %s", strerror(errno))
                   : 0;
    if (!code) {
        listen_to_child(&c);
        code = judge(&c, wait_for(c.pid), err);
    }
    close(fds[0]);
    return code;
}

/* --- Before and after ----------------------------------------------------- */

static int check_paths(const struct quantize_job *job, struct lw_error *err)
{
    struct stat in, out;

    if (stat(job->out, &out) != 0) {
        return 0;
    }
    if (stat(job->in, &in) == 0 && in.st_dev == out.st_dev && in.st_ino == out.st_ino) {
        return err_set(err, LW_ERR_USAGE,
                       "%s is the model itself; give the new one another name", job->out);
    }
    if (!S_ISREG(out.st_mode)) {
        return err_set(err, LW_ERR_USAGE, "%s is there and is not a file", job->out);
    }
    return job->force ? 0
                      : err_set(err, LW_ERR_USAGE,
                                "%s is there already; --force replaces it", job->out);
}

/* --force was said: it is done, but not without a word. */
static int check_format(const struct quantize_job *job, const char *was,
                        struct lw_error *err)
{
    char text[300];

    if (format_is_whole(was)) {
        return 0;
    }
    if (!job->force) {
        return err_set(
            err, LW_ERR_USAGE,
            "%s is quantised already (%s): quantising it again loses more than "
            "quantising the model's F16 file would; --force does it all the same",
            job->in, was);
    }
    snprintf(
        text, sizeof text,
        "The model is quantised already (%s); again loses more than from F16. Compare "
        "with legwork tune --quality before you switch.",
        was);
    if (job->notice) {
        job->notice(job->user, text);
    }
    return 0;
}

/* A full disk may have cut the file short without a word from libllama. */
static int name_file(const struct quantize_job *job, const char *temp,
                     struct quantize_result *result, struct lw_error *err)
{
    struct gguf_info info;
    int fd = open(temp, O_RDONLY | O_CLOEXEC);
    int failed = fd < 0 || fsync(fd) != 0 ? errno : 0;

    if (fd >= 0) {
        close(fd);
    }
    if (failed || gguf_info_read(temp, &info, NULL) != 0) {
        return not_whole(failed ? strerror(failed) : "the disk is full, or failing", err);
    }
    int code = check_paths(job, err); /* it took a while */
    if (code) {
        return code;
    }
    if (rename(temp, job->out) != 0) {
        return err_set(err, LW_ERR, "cannot write %s: %s", job->out, strerror(errno));
    }
    result->bytes_out = info.file_bytes;
    return 0;
}

/* Can a file be made there at all? Said before minutes of work, and by name. */
static int make_temp(const char *out, char temp[PATH_BYTES_MAX], struct lw_error *err)
{
    int fd = file_open_beside(out, 0666, temp, PATH_BYTES_MAX);

    if (fd < 0 && errno == ENAMETOOLONG) {
        return err_set(err, LW_ERR_USAGE, "the name of the new file is too long");
    }
    if (fd < 0) {
        return err_set(err, LW_ERR, "cannot write %s: %s", out, strerror(errno));
    }
    close(fd);
    return 0;
}

int quantize_file(const struct quantize_job *job, struct quantize_result *result,
                  struct lw_error *err)
{
    const struct format *format;
    struct gguf_info info;
    char temp[PATH_BYTES_MAX];
    int code;

    if ((code = format_find(job->type, &format, err)) ||
        (code = gguf_info_read(job->in, &info, err)) || (code = check_paths(job, err)) ||
        (code = check_format(job, info.quantisation, err)) ||
        (code = make_temp(job->out, temp, err))) {
        return code;
    }
    *result = (struct quantize_result){ .bytes_in = info.file_bytes };
    snprintf(result->was, sizeof result->was, "%s", info.quantisation);
    code = run_apart(job, temp, format->type, info.file_bytes - info.tensor_bytes, err);
    if (!code) {
        code = name_file(job, temp, result, err);
    }
    if (code) {
        unlink(temp);
    }
    return code;
}
