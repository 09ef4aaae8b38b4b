/* cpu.c - /proc/cpuinfo for the name, /proc/stat for the time.
 *
 * Only the cores of the affinity mask count: on a large machine of which we may
 * use two cores, what the other cores do disturbs nobody. Where these files are
 * not there (no Linux), nobody disturbs as far as we know. */
#if defined(__linux__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE /* sched_getaffinity */
#endif

#include "engine/cpu.h"

#include "base/clock.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

enum { LINE_BYTES = 1024 };

static const double DISTURBED_SHARE = 0.1; /* of the threads at work */
static const double TICK_SECONDS = 0.01;

/* --- The name ------------------------------------------------------------- */

static bool take_name(const char *line, char out[CPU_NAME_BYTES])
{
    const char *colon = strchr(line, ':');

    if (strncmp(line, "model name", 10) != 0 || !colon) {
        return false;
    }
    const char *name = colon + 1 + strspn(colon + 1, " \t");
    snprintf(out, CPU_NAME_BYTES, "%.*s", (int)strcspn(name, "\n"), name);
    return out[0] != '\0';
}

void cpu_name(char out[CPU_NAME_BYTES])
{
    char line[LINE_BYTES];
    FILE *f = fopen("/proc/cpuinfo", "re");
    struct utsname system;
    bool found = false;

    while (f && !found && fgets(line, sizeof line, f)) {
        found = take_name(line, out);
    }
    if (f) {
        fclose(f);
    }
    if (!found) {
        snprintf(out, CPU_NAME_BYTES, "%s",
                 uname(&system) == 0 ? system.machine : "unknown");
    }
}

/* --- The time ------------------------------------------------------------- */

/* Time that a hypervisor took (steal) is lost to us too. The line of all cores
 * together, "cpu  4705 ...", is another one. */
int cpu_read_line(const char *line, double *busy_ticks)
{
    int core;
    double user, nice, system, idle, wait, irq, softirq, steal;

    if (strncmp(line, "cpu ", 4) == 0 ||
        sscanf(line, "cpu%d %lf %lf %lf %lf %lf %lf %lf %lf", &core, &user, &nice,
               &system, &idle, &wait, &irq, &softirq, &steal) != 9) {
        return -1;
    }
    *busy_ticks = user + nice + system + irq + softirq + steal;
    return core;
}

#ifdef __linux__
static double busy_seconds(int *cores)
{
    char line[LINE_BYTES];
    cpu_set_t mine;
    double ticks = 0, sum = 0;
    FILE *f = fopen("/proc/stat", "re");

    if (!f || sched_getaffinity(0, sizeof mine, &mine) != 0) {
        if (f) {
            fclose(f);
        }
        return -1;
    }
    while (fgets(line, sizeof line, f)) {
        int core = cpu_read_line(line, &ticks);
        if (core >= 0 && core < CPU_SETSIZE && CPU_ISSET((size_t)core, &mine)) {
            sum += ticks;
            (*cores)++;
        }
    }
    fclose(f);
    return sum / (double)sysconf(_SC_CLK_TCK);
}
#else
static double busy_seconds(int *cores)
{
    *cores = 0;
    return -1;
}
#endif

static double seconds_of(struct timeval t)
{
    return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

struct cpu_times cpu_look(void)
{
    struct rusage own;
    int cores = 0;
    double busy = busy_seconds(&cores);

    getrusage(RUSAGE_SELF, &own);
    return (struct cpu_times){
        .wall = clock_seconds(),
        .busy = busy,
        .own = seconds_of(own.ru_utime) + seconds_of(own.ru_stime),
        .cores = cores,
    };
}

double cpu_others(const struct cpu_times *before, const struct cpu_times *after)
{
    double wall = after->wall - before->wall;
    double others = after->busy - before->busy - (after->own - before->own);

    if (before->busy < 0 || after->busy < 0 || wall <= 0 || others < 0) {
        return 0;
    }
    return others / wall;
}

bool cpu_disturbed(double others, double wall, int cores, int threads)
{
    double spare = cores > threads ? cores - threads : 0;
    double forgiven = wall > 0 ? TICK_SECONDS * cores / wall : 0;

    return others > spare + DISTURBED_SHARE * threads + forgiven;
}
