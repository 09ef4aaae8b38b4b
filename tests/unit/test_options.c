/* test_options.c - the option table: values, sources, the environment, the file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/nearest.h"
#include "proto/proto.h"
#include "run/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int setup(void **state)
{
    struct options *o = test_malloc(sizeof *o);
    for (int i = 0; i < OPTION_COUNT; i++) {
        char variable[OPTION_VARIABLE_BYTES];
        option_variable(&option_table()[i], variable);
        unsetenv(variable);
    }
    unsetenv("MINIONS_LOCAL");
    unsetenv("MINIONS_REMOTE");
    options_init(o);
    *state = o;
    return 0;
}

static int teardown(void **state)
{
    options_release(*state);
    test_free(*state);
    return 0;
}

static void assert_error(struct options *o, const char *name, const char *value,
                         const char *part)
{
    struct lw_error err = { .message = "" };
    const struct option_spec *spec = option_find(name);
    const char *had = spec ? options_string(o, spec->id) : NULL;
    char *before = had ? mem_strdup(had) : NULL;
    assert_int_equal(options_set(o, name, value, SOURCE_SET, &err), LW_ERR_USAGE);
    if (!strstr(err.message, part)) fail_msg("\"%s\" lacks \"%s\"", err.message, part);
    if (before) assert_string_equal(options_string(o, spec->id), before);
    mem_free(before);
}

static void test_table(void **state)
{
    (void)state;
    for (int i = 0; i < OPTION_COUNT; i++) {
        const struct option_spec *spec = &option_table()[i];
        assert_int_equal(spec->id, i);
        assert_non_null(spec->help);
        assert_ptr_equal(option_find(spec->name), spec);
        assert_int_equal(spec->argument == NULL, spec->type == OPTION_FLAG);
        if (spec->letter) assert_ptr_equal(option_find_letter(spec->letter), spec);
    }
    assert_null(option_find("nothing"));
    assert_null(option_find_letter(0));
}

/* ORDER PROTOCOLS */
static void test_protocols_of_the_table_exist(void **state)
{
    (void)state;
    size_t n = 0;
    for (const char *const *c = option_find("protocol")->choices; *c; c++, n++) {
        assert_non_null(protocol_find(*c));
    }
    for (const struct protocol *p = protocol_table(); p->name; p++) n--;
    assert_int_equal(n, 0);
}

static void test_defaults(void **state)
{
    struct options *o = *state;
    assert_null(options_string(o, OPT_LOCAL));
    assert_null(options_string(o, OPT_PROTOCOL));
    assert_int_equal(options_int(o, OPT_ROUNDS), 3);
    assert_int_equal(options_int(o, OPT_TIMEOUT), 0);
    assert_false(options_flag(o, OPT_JSON));
    for (int i = 0; i < OPTION_COUNT; i++) assert_int_equal(o->source[i], SOURCE_DEFAULT);
}

static void test_values(void **state)
{
    struct options *o = *state;
    static const struct {
        const char *name, *value;
        enum option_id id;
        long number;
    } good[] = {
        { "rounds", "1", OPT_ROUNDS, 1 },
        { "rounds", "32", OPT_ROUNDS, 32 },
        { "read", "all", OPT_READ, 0 },
        { "read", "auto", OPT_READ, OPTIONS_AUTO },
        { "read", "7", OPT_READ, 7 },
        { "timeout", "90", OPT_TIMEOUT, 90 },
        { "timeout", "90s", OPT_TIMEOUT, 90 },
        { "timeout", "5m", OPT_TIMEOUT, 300 },
        { "timeout", "2h", OPT_TIMEOUT, 7200 },
        { "json", "yes", OPT_JSON, 1 },
        { "json", "FALSE", OPT_JSON, 0 },
        { "json", "on", OPT_JSON, 1 },
        { "json", "0", OPT_JSON, 0 },
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_int_equal(options_set(o, good[i].name, good[i].value, SOURCE_SET, NULL),
                         0);
        assert_int_equal(options_int(o, good[i].id), good[i].number);
    }
}

static void test_bad_values(void **state)
{
    struct options *o = *state;
    assert_error(o, "rounds", "0", "from 1 to 32");
    assert_error(o, "rounds", "33", "from 1 to 32");
    assert_error(o, "rounds", "-1", "whole number");
    assert_error(o, "rounds", "", "whole number");
    assert_error(o, "rounds", "2x", "whole number");
    assert_error(o, "rounds", "2s", "whole number");
    assert_error(o, "rounds", " 2", "whole number");
    assert_error(o, "rounds", "99999999999999999999", "whole number");
    assert_error(o, "timeout", "9223372036854775807h", "time");
    assert_error(o, "timeout", "5d", "time");
    assert_error(o, "timeout", "0", "time");
    assert_error(o, "read", "none", "\"auto\", \"all\" or a number");
    assert_error(o, "json", "perhaps", "yes or no");
    assert_error(o, "protocol", "mini", "local, remote, minion, minions");
    assert_error(o, "local", "", "empty");
    assert_error(o, "rmote", "x", "did you mean \"remote\"?");
    assert_error(o, "xyzzy", "x", "no option \"xyzzy\"");
}

static void test_sizes(void **state)
{
    struct options *o = *state;
    static const struct {
        const char *value;
        uint64_t bytes;
    } good[] = {
        { "0", 0 },
        { "1", 1 },
        { "10k", 10 * 1024 },
        { "500M", UINT64_C(500) << 20 },
        { "4G", UINT64_C(4) << 30 },
        { "2T", UINT64_C(2) << 40 },
        { "16777215T", UINT64_C(16777215) << 40 },
    };
    static const char *const bad[] = { "",   "G",    "4X",        "4GB",
                                       "-1", "1.5G", "16777216T", "0x1" };
    assert_int_equal(options_size(o, OPT_KV_CACHE), UINT64_C(4) << 30);
    assert_int_equal(options_size(o, OPT_PRUNE), 0);
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_int_equal(options_set(o, "kv-cache", good[i].value, SOURCE_SET, NULL), 0);
        assert_int_equal(options_size(o, OPT_KV_CACHE), good[i].bytes);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(options_set(o, "kv-cache", bad[i], SOURCE_SET, NULL),
                         LW_ERR_USAGE);
    }
}

/* --no-kv-cache is --kv-cache 0, and yields to a stronger source like it. */
static void test_a_flag_that_stands_for_another_option(void **state)
{
    struct options *o = *state;
    assert_int_equal(options_set(o, "no-kv-cache", "no", SOURCE_SET, NULL), 0);
    assert_int_equal(options_size(o, OPT_KV_CACHE), UINT64_C(4) << 30);
    assert_int_equal(o->source[OPT_KV_CACHE], SOURCE_DEFAULT);
    assert_int_equal(options_set(o, "no-kv-cache", "maybe", SOURCE_SET, NULL),
                     LW_ERR_USAGE);
    assert_int_equal(options_set(o, "no-kv-cache", "yes", SOURCE_ENVIRONMENT, NULL), 0);
    assert_int_equal(options_size(o, OPT_KV_CACHE), 0);
    assert_int_equal(options_set(o, "kv-cache", "1G", SOURCE_SET, NULL), 0);
    assert_int_equal(options_set(o, "no-kv-cache", "yes", SOURCE_FILE, NULL), 0);
    assert_int_equal(options_size(o, OPT_KV_CACHE), UINT64_C(1) << 30);
}

/* Nobody wants to find everything forgotten because of a line in a file. */
static void test_some_are_flags_only(void **state)
{
    struct options *o = *state;
    struct lw_error err = { .code = 0 };
    assert_int_equal(options_set(o, "all", "yes", SOURCE_FILE, &err), LW_ERR_USAGE);
    assert_non_null(strstr(err.message, "command line"));
    setenv("LEGWORK_ALL", "yes", 1);
    assert_int_equal(options_from_environment(o, &err), 0);
    unsetenv("LEGWORK_ALL");
    assert_false(options_flag(o, OPT_ALL));
    assert_int_equal(options_set(o, "all", "yes", SOURCE_SET, NULL), 0);
    assert_true(options_flag(o, OPT_ALL));
}

static void test_about_has_a_limit(void **state)
{
    char *text = test_malloc(LIMIT_ABOUT_BYTES + 2);
    memset(text, 'x', LIMIT_ABOUT_BYTES + 1);
    text[LIMIT_ABOUT_BYTES + 1] = '\0';
    assert_error(*state, "about", text, "longer");
    text[LIMIT_ABOUT_BYTES] = '\0';
    assert_int_equal(options_set(*state, "about", text, SOURCE_SET, NULL), 0);
    test_free(text);
}

static void test_sources(void **state)
{
    struct options *o = *state;
    assert_int_equal(options_set(o, "rounds", "5", SOURCE_ENVIRONMENT, NULL), 0);
    assert_int_equal(options_set(o, "rounds", "4", SOURCE_FILE, NULL), 0);
    assert_int_equal(options_int(o, OPT_ROUNDS), 5);
    assert_int_equal(options_set(o, "rounds", "6", SOURCE_SET, NULL), 0);
    assert_int_equal(options_set(o, "rounds", "7", SOURCE_SET, NULL), 0);
    assert_int_equal(options_set(o, "rounds", "8", SOURCE_ENVIRONMENT, NULL), 0);
    assert_int_equal(options_int(o, OPT_ROUNDS), 7);
    /* Wrong is wrong, also where it would not have mattered. */
    assert_int_equal(options_set(o, "rounds", "no", SOURCE_FILE, NULL), LW_ERR_USAGE);
}

static void test_lists_append_within_a_source(void **state)
{
    struct options *o = *state;
    options_set(o, "allow-worker", "a", SOURCE_FILE, NULL);
    options_set(o, "allow-worker", "b", SOURCE_FILE, NULL);
    assert_string_equal(options_string(o, OPT_ALLOW_WORKER), "a,b");
    options_set(o, "allow-worker", "c", SOURCE_SET, NULL);
    options_set(o, "allow-worker", "d", SOURCE_SET, NULL);
    options_set(o, "allow-worker", "e", SOURCE_FILE, NULL);
    assert_string_equal(options_string(o, OPT_ALLOW_WORKER), "c,d");
}

static void test_environment(void **state)
{
    struct options *o = *state;
    struct lw_error err;
    setenv("LEGWORK_CHUNK_TOKENS", "100", 1);
    setenv("LEGWORK_QUIET", "1", 1);
    setenv("LEGWORK_ROUNDS", "", 1);
    setenv("MINIONS_LOCAL", "old", 1);
    setenv("MINIONS_REMOTE", "old", 1);
    setenv("LEGWORK_REMOTE", "new", 1);
    assert_int_equal(options_from_environment(o, &err), 0);
    assert_int_equal(options_int(o, OPT_CHUNK_TOKENS), 100);
    assert_true(options_flag(o, OPT_QUIET));
    assert_int_equal(options_int(o, OPT_ROUNDS), 3);
    assert_string_equal(options_string(o, OPT_LOCAL), "old");
    assert_string_equal(options_string(o, OPT_REMOTE), "new");
    setenv("LEGWORK_ROUNDS", "many", 1);
    assert_int_equal(options_from_environment(o, &err), LW_ERR_USAGE);
    assert_non_null(strstr(err.message, "LEGWORK_ROUNDS"));
}

/* Reads text as a configuration file. */
static int configure(struct options *o, const char *text, size_t len,
                     struct lw_error *err)
{
    char path[] = "/tmp/legwork-test-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, len), (ssize_t)len);
    close(fd);
    int code = options_from_file(o, path, err);
    unlink(path);
    return code;
}

static void test_file(void **state)
{
    struct options *o = *state;
    struct lw_error err;
    static const char text[] = "# a comment\n\n"
                               "rounds = 2\n"
                               "  protocol = local\n"
                               "\tread=all\n"
                               "remote = http://127.0.0.1:1/v1#m\n"
                               "allow-worker = a\n"
                               "allow-worker = b\r\n"
                               "about = two words ; and # more\t\r\n"
                               "  ; another comment = x\n"
                               "models-dir : /m:n = o";
    assert_int_equal(configure(o, text, sizeof text - 1, &err), 0);
    assert_int_equal(options_int(o, OPT_ROUNDS), 2);
    assert_string_equal(options_string(o, OPT_PROTOCOL), "local");
    assert_int_equal(options_int(o, OPT_READ), 0);
    assert_string_equal(options_string(o, OPT_REMOTE), "http://127.0.0.1:1/v1#m");
    assert_string_equal(options_string(o, OPT_ALLOW_WORKER), "a,b");
    assert_string_equal(options_string(o, OPT_ABOUT), "two words ; and # more");
    assert_string_equal(options_string(o, OPT_MODELS_DIR), "/m:n = o");
}

/* As long as an option may be, and so may a comment. */
static void test_long_lines(void **state)
{
    struct options *o = *state;
    struct lw_error err;
    char text[5000], xs[3001] = "";
    memset(xs, 'x', sizeof xs - 1);
    snprintf(text, sizeof text, "#%.1000s\nabout = %s\nrounds = 2", xs, xs);
    assert_int_equal(configure(o, text, strlen(text), &err), 0);
    assert_int_equal(strlen(options_string(o, OPT_ABOUT)), 3000);
    assert_int_equal(options_int(o, OPT_ROUNDS), 2);
}

static void test_bad_files(void **state)
{
    static const struct {
        const char *text, *part;
    } bad[] = {
        { "rounds = 2\nruonds = 3\n",
          "line 2: there is no option \"ruonds\"; did you mean" },
        { "\n\nrounds = x\n", "line 3: rounds is \"x\"" },
        { "rounds\n", "line 1: not of the form" },
        { "rounds ; = 2\n", "line 1: not of the form" },
        { "rounds = 2 ; not 3\n", "line 1: rounds is \"2 ; not 3\"" },
        { "about =\n", "line 1: about is empty" },
        { "[section]\nrounds = 2\n", "sections" },
    };
    struct lw_error err;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(configure(*state, bad[i].text, strlen(bad[i].text), &err),
                         LW_ERR_USAGE);
        if (!strstr(err.message, bad[i].part)) fail_msg("%s", err.message);
    }
    assert_int_equal(configure(*state, "a\0b", 3, &err), LW_ERR_USAGE);
    char line[5000];
    memset(line, 'x', sizeof line);
    assert_int_equal(configure(*state, line, sizeof line, &err), LW_ERR_USAGE);
    assert_non_null(strstr(err.message, "line 1: not of the form"));
    assert_int_equal(options_from_file(*state, "/nonexistent/config", &err),
                     LW_ERR_USAGE);
}

/* A home that may not be entered, as systemd's ProtectHome makes it, holds no file. */
static void test_closed_home(void **state)
{
    char home[] = "/tmp/legwork-test-XXXXXX";
    if (geteuid() == 0) skip(); /* to whom nothing is closed */
    assert_non_null(mkdtemp(home));
    setenv("HOME", home, 1);
    setenv("XDG_CONFIG_HOME", "", 1);
    assert_int_equal(chmod(home, 0), 0);
    int code = options_from_file(*state, NULL, NULL);
    rmdir(home);
    assert_int_equal(code, 0);
}

static void test_file_has_a_limit(void **state)
{
    size_t len = LIMIT_CONFIG_BYTES + 2;
    char *text = test_malloc(len);
    memset(text, '\n', len);
    struct lw_error err;
    assert_int_equal(configure(*state, text, len, &err), LW_ERR_USAGE);
    assert_non_null(strstr(err.message, "larger"));
    test_free(text);
}

static void test_paths(void **state)
{
    struct options *o = *state;
    setenv("XDG_DATA_HOME", "/data", 1);
    setenv("XDG_CONFIG_HOME", "relative", 1);
    setenv("HOME", "/home/x", 1);
    char *dir = options_models_dir(o), *config = options_config_path();
    assert_string_equal(dir, "/data/legwork/models");
    assert_string_equal(config, "/home/x/.config/legwork/config.ini");
    mem_free(dir);
    mem_free(config);
    unsetenv("HOME");
    assert_null(options_config_path());
    assert_int_equal(options_from_file(o, NULL, NULL), 0);
    setenv("HOME", "/nonexistent", 1);
    assert_int_equal(options_from_file(o, NULL, NULL), 0);
    setenv("HOME", "/dev/null", 1); /* of users that only run services */
    assert_int_equal(options_from_file(o, NULL, NULL), 0);
    options_set(o, "models-dir", "/m", SOURCE_SET, NULL);
    dir = options_models_dir(o);
    assert_string_equal(dir, "/m");
    mem_free(dir);
}

static void test_secret(void **state)
{
    (void)state;
    setenv("SOME_KEY", "", 1);
    assert_null(options_secret("SOME_KEY"));
    setenv("SOME_KEY", "k", 1);
    assert_string_equal(options_secret("SOME_KEY"), "k");
    unsetenv("SOME_KEY");
    assert_null(options_secret("SOME_KEY"));
}

static void test_nearest(void **state)
{
    (void)state;
    static const char *const names[] = { "ask", "text", "models", "help" };
    assert_int_equal(nearest_distance("", "abc"), 3);
    assert_int_equal(nearest_distance("kitten", "sitting"), 3);
    assert_int_equal(nearest_distance("aks", "ASK"), 1);
    assert_string_equal(nearest_name("ak", names, 4), "ask");
    assert_string_equal(nearest_name("mod", names, 4), "models");
    assert_string_equal(nearest_name("modles", names, 4), "models");
    assert_null(nearest_name("xyzzy", names, 4));
    assert_null(nearest_name("", names, 4));
    char longest[300];
    memset(longest, 'a', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    assert_int_equal(nearest_distance(longest, "a"), NEAREST_FAR);
    assert_null(nearest_name(longest, names, 4));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_protocols_of_the_table_exist),
        cmocka_unit_test_setup_teardown(test_defaults, setup, teardown),
        cmocka_unit_test_setup_teardown(test_values, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bad_values, setup, teardown),
        cmocka_unit_test_setup_teardown(test_sizes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_flag_that_stands_for_another_option, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_some_are_flags_only, setup, teardown),
        cmocka_unit_test_setup_teardown(test_about_has_a_limit, setup, teardown),
        cmocka_unit_test_setup_teardown(test_sources, setup, teardown),
        cmocka_unit_test_setup_teardown(test_lists_append_within_a_source, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_environment, setup, teardown),
        cmocka_unit_test_setup_teardown(test_file, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bad_files, setup, teardown),
        cmocka_unit_test_setup_teardown(test_long_lines, setup, teardown),
        cmocka_unit_test_setup_teardown(test_closed_home, setup, teardown),
        cmocka_unit_test_setup_teardown(test_file_has_a_limit, setup, teardown),
        cmocka_unit_test_setup_teardown(test_paths, setup, teardown),
        cmocka_unit_test(test_secret),
        cmocka_unit_test(test_nearest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
