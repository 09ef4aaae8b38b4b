/* size.c - bytes as people read them. */
#include "base/size.h"

#include <stdio.h>

const char *size_text(uint64_t bytes, char out[SIZE_TEXT_BYTES])
{
    static const char *const units[] = { "bytes", "KiB", "MiB", "GiB", "TiB" };
    size_t unit = 0;
    double n = (double)bytes;
    while (n >= 1024 && unit + 1 < sizeof units / sizeof *units) {
        n /= 1024;
        unit++;
    }
    snprintf(out, SIZE_TEXT_BYTES, unit ? "%.1f %s" : "%.0f %s", n, units[unit]);
    return out;
}
