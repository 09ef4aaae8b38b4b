/* machine.c - read from /proc and /sys what this process may use.
 *
 * ggml's threads spin while they wait for each other, so one thread more than
 * there are cores costs a factor, not a percent: in a container the quota
 * counts, not what the machine has. Where a file is not there (no Linux, no
 * control groups) its limit does not exist. */
#if defined(__linux__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE /* sched_getaffinity */
#endif

#include "engine/machine.h"

#include <inttypes.h>
#include <limits.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PATH_BYTES = 4096, LINE_BYTES = 512 };

static const char cgroup_root[] = "/sys/fs/cgroup";

static bool read_line(const char *path, char *line, int bytes)
{
    FILE *f = fopen(path, "r");

    if (!f) {
        return false;
    }
    bool ok = fgets(line, bytes, f) != NULL;
    fclose(f);
    return ok;
}

/* The number after "name" at the start of a line of a file; false if there is none. */
static bool read_field(const char *path, const char *name, uint64_t *value)
{
    char line[LINE_BYTES];
    FILE *f = fopen(path, "r");
    bool found = false;
    size_t len = strlen(name);

    if (!f) {
        return false;
    }
    while (!found && fgets(line, sizeof line, f)) {
        found =
            strncmp(line, name, len) == 0 && sscanf(line + len, " %" SCNu64, value) == 1;
    }
    fclose(f);
    return found;
}

/* The folder of this process's control group; false without version 2. */
static bool cgroup_folder(char *path, size_t bytes)
{
    char line[PATH_BYTES];
    FILE *f = fopen("/proc/self/cgroup", "r");
    bool found = false;

    if (!f) {
        return false;
    }
    while (!found && fgets(line, sizeof line, f)) {
        line[strcspn(line, "\n")] = '\0';
        if (strncmp(line, "0::/", 4) == 0) {
            int len = snprintf(path, bytes, "%s%s", cgroup_root, line + 3);
            found = len > 0 && (size_t)len < bytes;
        }
    }
    fclose(f);
    return found;
}

/* Cut the last folder off; false at the top. */
static bool go_up(char *folder)
{
    char *slash = strrchr(folder, '/');

    if (!slash || strlen(folder) <= sizeof cgroup_root - 1) {
        return false;
    }
    *slash = '\0';
    return strlen(folder) >= sizeof cgroup_root - 1;
}

static void cores_of_group(const char *folder, int *cores)
{
    char path[PATH_BYTES + 32], line[LINE_BYTES];
    double quota, period;

    snprintf(path, sizeof path, "%s/cpu.max", folder);
    if (read_line(path, line, sizeof line) &&
        sscanf(line, "%lf %lf", &quota, &period) == 2 && period > 0) {
        int allowed = quota / period < 1 ? 1 : (int)(quota / period);
        *cores = allowed < *cores ? allowed : *cores;
    }
}

static bool read_bytes(const char *folder, const char *name, uint64_t *bytes)
{
    char path[PATH_BYTES + 32], line[LINE_BYTES];

    snprintf(path, sizeof path, "%s/%s", folder, name);
    return read_line(path, line, sizeof line) && sscanf(line, "%" SCNu64, bytes) == 1;
}

static void memory_of_group(const char *folder, uint64_t *bytes)
{
    char path[PATH_BYTES + 32];
    uint64_t max, current, cache = 0;

    if (!read_bytes(folder, "memory.max", &max) ||
        !read_bytes(folder, "memory.current", &current)) {
        return;
    }
    snprintf(path, sizeof path, "%s/memory.stat", folder);
    read_field(path, "inactive_file", &cache);
    current = current > cache ? current - cache : 0;
    uint64_t left = max > current ? max - current : 1; /* 0 would be: unknown */
    *bytes = left < *bytes ? left : *bytes;
}

static int cores_of_mask(void)
{
#ifdef __linux__
    cpu_set_t set;

    if (sched_getaffinity(0, sizeof set, &set) == 0) {
        return CPU_COUNT(&set);
    }
#endif
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online > INT_MAX ? INT_MAX : (int)online;
}

int machine_cores(void)
{
    char folder[PATH_BYTES];
    int cores = cores_of_mask();

    if (cores < 1) {
        cores = 1;
    }
    if (cgroup_folder(folder, sizeof folder)) {
        do {
            cores_of_group(folder, &cores);
        } while (go_up(folder));
    }
    return cores;
}

bool machine_has_nodes(void)
{
    return access("/sys/devices/system/node/node1", F_OK) == 0;
}

uint64_t machine_memory_free(void)
{
    char folder[PATH_BYTES];
    uint64_t kib, bytes;

    if (!read_field("/proc/meminfo", "MemAvailable:", &kib)) {
        return 0;
    }
    bytes = kib * 1024;
    if (cgroup_folder(folder, sizeof folder)) {
        do {
            memory_of_group(folder, &bytes);
        } while (go_up(folder));
    }
    return bytes;
}
