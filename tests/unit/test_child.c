/* test_child.c - every limit of a child, and that nothing leaks into it. */
#include "base/clock.h"
#include "text/child.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

static const struct child_limits roomy = {
    .cpu_seconds = 10,
    .wall_seconds = 20,
    .memory_bytes = 1u << 30,
    .output_bytes = 1 << 20,
};

/* Run a script of the shell. */
static struct child_result run(const char *script, const char *input, size_t len,
                               struct child_limits limits)
{
    const char *argv[] = { "/bin/sh", "-c", script, NULL };
    struct child_job job = { .argv = argv,
                             .input = input,
                             .input_len = len,
                             .limits = limits,
                             .processes = JAIL_STARTS_OTHERS };
    struct child_result result;
    assert_int_equal(child_run(&job, &result, NULL), 0);
    return result;
}

static void test_streams_and_status(void **state)
{
    (void)state;
    struct child_result r = run("cat; echo problem >&2; exit 3", "hello", 5, roomy);
    assert_int_equal(r.end, CHILD_EXITED);
    assert_int_equal(r.status, 3);
    assert_string_equal(r.out.data, "hello");
    assert_string_equal(r.errors, "problem\n");
    child_result_release(&r);
}

static void test_much_input(void **state)
{
    (void)state;
    size_t len = 1000 * 1000;
    char *input = malloc(len);
    assert_non_null(input);
    memset(input, 'x', len);
    struct child_result r = run("cat", input, len, roomy);
    assert_int_equal(r.out.len, len);
    child_result_release(&r);
    r = run("exit 0", input, len, roomy); /* dies without reading: no SIGPIPE here */
    assert_int_equal(r.end, CHILD_EXITED);
    child_result_release(&r);
    free(input);
}

static void test_many_errors_do_not_block(void **state)
{
    (void)state;
    struct child_result r =
        run("i=0; while [ $i -lt 4000 ]; do echo 'one long line of complaint' >&2; "
            "i=$((i+1)); done; echo done",
            "", 0, roomy);
    assert_string_equal(r.out.data, "done\n");
    assert_int_equal(strlen(r.errors), CHILD_ERRORS_BYTES - 1);
    child_result_release(&r);
}

static void test_missing_program(void **state)
{
    (void)state;
    static const char *const argv[] = { "/nowhere/program", NULL };
    struct child_job job = { .argv = argv, .limits = roomy };
    struct child_result r;
    assert_int_equal(child_run(&job, &r, NULL), 0);
    assert_int_equal(r.status, 127);
    child_result_release(&r);
    assert_null(child_find(argv));
}

static void test_nothing_leaks_in(void **state)
{
    (void)state;
    if (access("/proc/self/fd", R_OK) != 0) {
        printf("skip: this system has no /proc\n");
        skip();
    }
    int fd = open("/dev/null", O_RDONLY); /* on purpose without O_CLOEXEC */
    setenv("LEGWORK_SECRET", "key", 1);
    struct child_result r =
        run("echo \"[$LEGWORK_SECRET]\"; for i in 0 1 2 3 4 5 6 7 8 9; do "
            "[ -e /proc/self/fd/$i ] && echo -n \"$i \"; done; pwd",
            "", 0, roomy);
    unsetenv("LEGWORK_SECRET");
    close(fd);
    assert_non_null(strstr(r.out.data, "[]\n"));
    assert_non_null(strstr(r.out.data, "0 1 2 /\n"));
    child_result_release(&r);
}

static void test_no_files_written(void **state)
{
    (void)state;
    struct child_result r = run("echo text > /tmp/legwork-test-child", "", 0, roomy);
    assert_true(r.end == CHILD_SIGNALLED || r.status != 0);
    child_result_release(&r);
    unlink("/tmp/legwork-test-child");
}

/* --- The jail ------------------------------------------------------------- */

/* Which Landlock this kernel has; 0: none. */
static long landlock_version(void)
{
#ifdef SYS_landlock_create_ruleset
    long version = syscall(SYS_landlock_create_ruleset, NULL, (size_t)0, 1U);
    return version > 0 ? version : 0;
#else
    return 0;
#endif
}

/* Those that jail.c has a filter for. */
static bool has_filter(void)
{
#if defined(__linux__) && \
    (defined(__x86_64__) || defined(__aarch64__) || defined(__riscv))
    return true;
#else
    return false;
#endif
}

static void need_landlock(long version)
{
    if (landlock_version() < version) {
        printf("skip: this kernel has Landlock %ld, not %ld\n", landlock_version(),
               version);
        skip();
    }
}

/* A file of the user's, in a folder of his: neither read nor changed nor removed. */
static void test_private_files_are_out_of_reach(void **state)
{
    (void)state;
    need_landlock(3);
    char folder[] = "/tmp/legwork-child-XXXXXX", path[64], script[512], text[16] = "";
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/key", folder);
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
    assert_int_equal(write(fd, "secret", 6), 6);
    snprintf(script, sizeof script,
             "cd %s; cat key; ls; (read x < key; echo $x); (: > key); (: >> key); "
             "truncate -s 0 key; rm -f key; mv key other; ln key other; mkdir new; "
             "rmdir %s; echo over",
             folder, folder);
    struct child_result r = run(script, "", 0, roomy);
    assert_string_equal(r.out.data, "\nover\n"); /* the line: what was read of the key */
    assert_non_null(strstr(r.errors, "denied"));
    child_result_release(&r);
    assert_int_equal(pread(fd, text, sizeof text, 0), 6);
    assert_string_equal(text, "secret");
    close(fd);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0); /* nothing else came into it */
}

static void test_others_are_out_of_reach(void **state)
{
    (void)state;
    need_landlock(6);
    struct child_result r = run("kill -0 $PPID && echo reached; sleep 9 & kill $! && "
                                "echo own",
                                "", 0, roomy);
    assert_string_equal(r.out.data, "own\n");
    child_result_release(&r);
}

/* Neither TCP nor UDP nor a socket of this machine. */
static void test_no_sockets(void **state)
{
    (void)state;
    if (access("/usr/bin/perl", X_OK) != 0 || !has_filter()) {
        printf("skip: no perl to try it with, or no filter on this system\n");
        skip();
    }
    static const char *const argv[] = {
        "/usr/bin/perl", "-e",
        "for (2, 10, 1, 16) { for my $type (1, 2, 3) {"
        "  print socket(S, $_, $type, 0) ? 'open' : 0 + $!, ' ' } }"
        "print socketpair(A, B, 1, 1, 0) ? 'open' : 0 + $!;"
        "setpgrp(0, 0); print ' ', 0 + $!;",
        NULL
    };
    struct child_job job = { .argv = argv, .limits = roomy };
    struct child_result r;
    assert_int_equal(child_run(&job, &r, NULL), 0);
    assert_string_equal(r.out.data, "1 1 1 1 1 1 1 1 1 1 1 1 1 1");
    child_result_release(&r);
}

/* The first thing that the shell would start another process for is the last it does. */
static void test_no_processes(void **state)
{
    (void)state;
    if (!has_filter()) {
        printf("skip: no filter on this system\n");
        skip();
    }
    static const char *const argv[] = {
        "/bin/sh", "-c", "echo alone; cat /dev/null; echo $?; (echo another)", NULL
    };
    struct child_job job = { .argv = argv, .limits = roomy };
    struct child_result r;
    assert_int_equal(child_run(&job, &r, NULL), 0);
    assert_null(strstr(r.out.data, "another"));
    assert_non_null(strstr(r.out.data, "alone"));
    child_result_release(&r);
}

/* Every way to another process, and none to another thread. */
static void test_threads_but_no_processes(void **state)
{
    (void)state;
    if (access("/usr/bin/python3", X_OK) != 0 || !has_filter()) {
        printf("skip: no python3 to try it with, or no filter on this system\n");
        skip();
    }
    static const char *const argv[] = {
        "/usr/bin/python3", "-S", "-c",
        "import os, threading\n"
        "t = threading.Thread(target=lambda: print('thread', end=''))\n"
        "t.start(); t.join()\n"
        "def spawn(): os.posix_spawn('/bin/true', ['true'], {})\n"
        "for start in os.fork, spawn:\n"
        "    try: start(); print(' process', end='')\n"
        "    except OSError as e: print('', e.errno, end='')\n",
        NULL
    };
    struct child_job job = { .argv = argv, .limits = roomy };
    struct child_result r;
    assert_int_equal(child_run(&job, &r, NULL), 0);
    assert_string_equal(r.out.data, "thread 1 1");
    child_result_release(&r);
}

static void test_cpu_limit(void **state)
{
    (void)state;
    struct child_limits limits = roomy;
    limits.cpu_seconds = 1;
    struct child_result r = run("while :; do :; done", "", 0, limits);
    assert_int_equal(r.end, CHILD_CPU);
    child_result_release(&r);
}

static void test_wall_limit(void **state)
{
    (void)state;
    struct child_limits limits = roomy;
    limits.wall_seconds = 1;
    struct child_result r = run("sleep 30", "", 0, limits);
    assert_int_equal(r.end, CHILD_WALL);
    child_result_release(&r);
    r = run("exec >&- 2>&-; sleep 30", "", 0, limits); /* streams closed, still there */
    assert_int_equal(r.end, CHILD_WALL);
    child_result_release(&r);
}

static void test_output_limit(void **state)
{
    (void)state;
    struct child_result r =
        run("while :; do echo xxxxxxxxxxxxxxxxxxxxxxxx; done", "", 0, roomy);
    assert_int_equal(r.end, CHILD_OUTPUT);
    child_result_release(&r);
}

static void test_memory_limit(void **state)
{
    (void)state;
    struct child_limits limits = roomy;
    limits.memory_bytes = 64u << 20;
    struct child_result r =
        run("x=xxxxxxxxxxxxxxxx; while :; do x=$x$x; done", "", 0, limits);
    assert_true(r.end == CHILD_SIGNALLED || r.end == CHILD_EXITED);
    assert_true(r.status != 0);
    child_result_release(&r);
}

static void expect_cancelled(const char *script)
{
    const char *argv[] = { "/bin/sh", "-c", script, NULL };
    struct cancel cancel;
    struct child_job job = { .argv = argv, .limits = roomy, .cancel = &cancel };
    struct child_result r;
    cancel_init(&cancel, clock_ms() + 50);
    assert_int_equal(child_run(&job, &r, NULL), 0);
    assert_int_equal(r.end, CHILD_CANCELLED);
    child_result_release(&r);
}

static void test_cancel(void **state)
{
    (void)state;
    expect_cancelled("exec sleep 30");
    expect_cancelled(
        "exec sleep 30 >&- 2>&-"); /* has closed its streams, and sleeps on */
}

/* What the child started dies with it. */
static void test_grandchildren(void **state)
{
    (void)state;
    struct child_result r = run("sleep 300 >&- 2>&- & echo $!", "", 0, roomy);
    pid_t pid = (pid_t)strtol(r.out.data, NULL, 10);
    assert_true(pid > 0);
    for (int i = 0; i < 1000 && kill(pid, 0) == 0; i++) clock_sleep_ms(1);
    char path[64], text[64] = "";
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    int fd = open(path, O_RDONLY);
    if (fd >= 0 && read(fd, text, sizeof text - 1) > 0) {
        assert_non_null(strstr(text, ") Z")); /* dead; nobody has reaped it yet */
    }
    if (fd >= 0) close(fd);
    child_result_release(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_streams_and_status),
        cmocka_unit_test(test_much_input),
        cmocka_unit_test(test_many_errors_do_not_block),
        cmocka_unit_test(test_missing_program),
        cmocka_unit_test(test_nothing_leaks_in),
        cmocka_unit_test(test_no_files_written),
        cmocka_unit_test(test_private_files_are_out_of_reach),
        cmocka_unit_test(test_others_are_out_of_reach),
        cmocka_unit_test(test_no_sockets),
        cmocka_unit_test(test_no_processes),
        cmocka_unit_test(test_threads_but_no_processes),
        cmocka_unit_test(test_cpu_limit),
        cmocka_unit_test(test_wall_limit),
        cmocka_unit_test(test_output_limit),
        cmocka_unit_test(test_memory_limit),
        cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_grandchildren),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
