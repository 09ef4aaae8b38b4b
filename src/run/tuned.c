/* tuned.c - reading and writing the files that tuned.h draws.
 *
 * Nobody's run depends on them: what cannot be read is as if it had never been
 * measured. Only a number that a machine can have is believed, since a file may
 * have been edited or half overwritten by something else. */
#include "run/tuned.h"

#include "base/file.h"
#include "base/mem.h"
#include "engine/machine.h"
#include "run/options.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum { RECORD_BYTES_MAX = 64 * 1024, KEY_BYTES_MAX = 1024, STEM_CHARS = 80 };

/* The number goes up when a model is computed with otherwise than before. */
static const char schema[] = "legwork.tune/2";
/* No machine is so fast. */
static const double SPEED_MAX = 1e7;

/* --- Names ---------------------------------------------------------------- */

bool tuned_key_of(struct tuned_key *key, const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0) return false;
    *key = (struct tuned_key){ .bytes = (uint64_t)st.st_size, .cores = machine_cores() };
    snprintf(key->model, sizeof key->model, "%s", file_name(path));
    snprintf(key->library, sizeof key->library, "%s", measure_library());
    cpu_name(key->cpu);
    return true;
}

char *tuned_folder(void)
{
    char *data = options_data_dir();
    if (!data) return NULL;
    struct buf path;
    buf_init(&path, PATH_MAX);
    buf_addf(&path, "%s/tune", data);
    mem_free(data);
    char *out = buf_failed(&path) ? NULL : buf_take(&path, NULL);
    buf_release(&path);
    return out;
}

static uint64_t hash_text(const char *text)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (; *text; text++) {
        hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
    }
    return hash;
}

static bool is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '-' || c == '_' || c == '.';
}

/* FOLDER/MODEL-HASH.json, fit for any file system. */
static char *path_of(const char *folder, const struct tuned_key *key)
{
    struct buf all, path;
    buf_init(&all, KEY_BYTES_MAX);
    buf_init(&path, PATH_MAX);
    buf_addf(&all, "%s\n%llu\n%s\n%d\n%s", key->model, (unsigned long long)key->bytes,
             key->cpu, key->cores, key->library);
    buf_addf(&path, "%s/", folder);
    for (int i = 0; key->model[i] && i < STEM_CHARS; i++) {
        buf_add_char(&path, is_plain(key->model[i]) ? key->model[i] : '_');
    }
    buf_addf(&path, "-%016llx.json", (unsigned long long)hash_text(all.data));
    char *out = buf_failed(&path) ? NULL : buf_take(&path, NULL);
    buf_release(&path);
    buf_release(&all);
    return out;
}

/* --- Reading -------------------------------------------------------------- */

static bool is_about(const json_t *record, const struct tuned_key *key)
{
    const json_t *model = json_object_get(record, "model");
    const json_t *machine = json_object_get(record, "machine");
    return strcmp(json_str(record, "schema", ""), schema) == 0 &&
           strcmp(json_str(model, "name", ""), key->model) == 0 &&
           json_num(model, "bytes", -1) == (double)key->bytes &&
           strcmp(json_str(machine, "cpu", ""), key->cpu) == 0 &&
           json_int(machine, "cores", 0, 0, INT_MAX) == key->cores &&
           strcmp(json_str(machine, "libllama", ""), key->library) == 0;
}

static bool is_speed(double speed)
{
    return speed > 0 && speed < SPEED_MAX;
}

/* The most threads that were tried; a user may have asked for fewer than all. */
static int most_threads(const json_t *record)
{
    const json_t *first = json_array_get(json_object_get(record, "speeds"), 0);
    return (int)json_int(first, "threads", 0, 0, INT_MAX);
}

/* None at all if one of them cannot be, or the machine was busy with other things. */
static void take_checks(const json_t *record, struct tuned *t)
{
    const json_t *list = json_object_get(record, "checks");
    if (json_is_true(json_object_get(record, "disturbed"))) return;
    for (size_t i = 0; i < json_array_size(list) && i < MEASURE_CHECKS; i++) {
        const json_t *item = json_array_get(list, i);
        struct lw_point p = { (int)json_int(item, "tokens", 0, 0, INT_MAX),
                              json_num(item, "cost", 0) };
        if (p.n <= (i > 0 ? t->checks[i - 1].n : 0) || !is_speed(p.value)) {
            t->n_checks = 0;
            return;
        }
        t->checks[t->n_checks++] = p;
    }
}

static bool take_record(const json_t *record, const struct tuned_key *key,
                        struct tuned *out)
{
    struct tuned t = {
        .threads = (int)json_int(record, "threads", 0, 0, INT_MAX),
        .reads = json_num(record, "reads", 0),
        .writes = json_num(record, "writes", 0),
    };
    if (!is_about(record, key) || t.threads < 1 || t.threads > key->cores ||
        !is_speed(t.reads) || !is_speed(t.writes)) {
        return false;
    }
    if (most_threads(record) < key->cores) t.threads = 0;
    take_checks(record, &t);
    *out = t;
    return true;
}

bool tuned_find(const char *folder, const struct tuned_key *key, struct tuned *out)
{
    char *path = folder ? path_of(folder, key) : NULL;
    if (!path) return false;
    struct buf text;
    buf_init(&text, RECORD_BYTES_MAX);
    json_t *record = NULL;
    if (file_read(path, &text, NULL) == 0) record = json_parse(text.data, text.len, NULL);
    bool found = record && take_record(record, key, out);
    json_decref(record);
    buf_release(&text);
    mem_free(path);
    return found;
}

bool tuned_of_model(const char *path, struct tuned *out)
{
    struct tuned_key key;
    char *folder = tuned_folder();
    bool found = tuned_key_of(&key, path) && tuned_find(folder, &key, out);
    mem_free(folder);
    return found;
}

/* --- Writing -------------------------------------------------------------- */

static json_t *points_json(const struct lw_point *points, size_t n, const char *what,
                           const char *value)
{
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++) {
        json_array_append_new(
            list, json_pack("{s:i, s:f}", what, points[i].n, value, points[i].value));
    }
    return list;
}

static json_t *speeds_json(const struct measure *m)
{
    json_t *list = json_array();
    for (size_t i = 0; i < m->n_speeds; i++) {
        const struct lw_speed *s = &m->speeds[i];
        json_array_append_new(list, json_pack("{s:i, s:f, s:f}", "threads", s->threads,
                                              "reads", s->reads, "writes", s->writes));
    }
    return list;
}

/* Names of files and processors need not be UTF-8. */
static json_t *text_json(const char *text)
{
    json_t *value = json_string(text);
    return value ? value : json_string("?");
}

static json_t *now_json(void)
{
    char text[32] = "";
    time_t now = time(NULL);
    struct tm utc;
    if (gmtime_r(&now, &utc)) strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
    return json_string(text);
}

json_t *tuned_json(const struct tuned_key *key, const char *quantisation,
                   const struct measure *m)
{
    const struct lw_speed *best = &m->speeds[m->best];
    return json_pack(
        "{s:s, s:o, s:{s:o, s:I, s:o}, s:{s:o, s:i, s:o}, s:f, s:f, s:b, s:i, s:i, s:f, "
        "s:f, s:o, s:o, s:o}",
        "schema", schema, "when", now_json(), "model", "name", text_json(key->model),
        "bytes", (json_int_t)key->bytes, "quantisation", text_json(quantisation),
        "machine", "cpu", text_json(key->cpu), "cores", key->cores, "libllama",
        text_json(key->library), "seconds", m->seconds, "others", m->others, "disturbed",
        m->disturbed, "prompt_tokens", m->prompt_tokens, "threads", best->threads,
        "reads", best->reads, "writes", best->writes, "speeds", speeds_json(m), "batches",
        points_json(m->batches, m->n_batches, "replies", "writes"), "checks",
        points_json(m->checks, MEASURE_CHECKS, "tokens", "cost"));
}

int tuned_keep(const char *folder, const struct tuned_key *key, const json_t *record,
               struct lw_error *err)
{
    char *path = path_of(folder, key);
    struct buf text;
    buf_init(&text, RECORD_BYTES_MAX);
    int code = path && json_write(record, &text) == 0 && buf_add_char(&text, '\n') == 0
                   ? 0
                   : err_set(err, LW_ERR, "the measurement cannot be kept in %s", folder);
    if (!code) code = file_make_folders(path, err);
    if (!code) code = file_replace(path, text.data, text.len, err);
    buf_release(&text);
    mem_free(path);
    return code;
}
