/* cpu.h - the processor's name, and who keeps it busy.
 *
 * A measurement is worth something only while no other program wants the same
 * cores. What others took is the time that the cores of this process were busy,
 * less what this process took itself. */
#ifndef LW_ENGINE_CPU_H
#define LW_ENGINE_CPU_H

#include <stdbool.h>

enum { CPU_NAME_BYTES = 128 };

/* As the system calls it; "unknown" where it does not say. */
void cpu_name(char out[CPU_NAME_BYTES]);

/* Seconds since some start. */
struct cpu_times {
    double wall;
    double busy; /* of all cores that this process may use together; < 0: not known */
    double own;  /* of this process */
    int cores;   /* that this process may use; 0: not known */
};

struct cpu_times cpu_look(void);

/* Cores' worth of work of others between two looks; 0 where that is not known. */
double cpu_others(const struct cpu_times *before, const struct cpu_times *after);

/* Did others take so much of `cores` that `threads` of ours were slower for it? Times
 * are counted in steps of 10 ms a core, which a short time must forgive. */
bool cpu_disturbed(double others, double wall, int cores, int threads);

/* A line of /proc/stat, "cpu3 4705 356 584 3699 ...": which core (-1: another line), and
 * how many ticks it was busy. */
int cpu_read_line(const char *line, double *busy_ticks);

#endif
