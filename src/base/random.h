/* random.h - numbers that nobody outside can guess.
 *
 * For seeds that keep what strangers wrote from choosing where it lands in a table, and
 * for names of files that nobody else has. No answer may depend on them. Never fails.
 * Threads: any. */
#ifndef LW_BASE_RANDOM_H
#define LW_BASE_RANDOM_H

#include <stdint.h>

uint64_t random_number(void);

#endif
