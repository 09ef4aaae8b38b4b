/* machine.h - what this process may use of the machine: cores and memory.
 *
 * Both heed what was set from outside: the affinity mask, and the limits of
 * the control group (version 2) and of the groups around it. */
#ifndef LW_ENGINE_MACHINE_H
#define LW_ENGINE_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

/* Cores that this process may keep busy; at least 1. */
int machine_cores(void);
/* Has the memory several nodes (NUMA)? */
bool machine_has_nodes(void);
/* Bytes that can be taken without swapping; 0: unknown. */
uint64_t machine_memory_free(void);

#endif
