/* size.h - a number of bytes for people. */
#ifndef LW_BASE_SIZE_H
#define LW_BASE_SIZE_H

#include <stdint.h>

enum { SIZE_TEXT_BYTES = 32 };

/* "12.3 MiB", "1.0 KiB", "17 bytes"; returns out. */
const char *size_text(uint64_t bytes, char out[SIZE_TEXT_BYTES]);

#endif
