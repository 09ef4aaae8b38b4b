/* final.c - the names of how a run can end, as --json shows them. */
#include "flow/final.h"

const char *final_status_name(enum final_status status)
{
    static const char *const names[] = {
        [FINAL_ANSWERED] = "answered",
        [FINAL_PARTIAL] = "partial",
        [FINAL_NOT_FOUND] = "not_found",
    };
    return names[status];
}
