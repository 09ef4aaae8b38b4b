/* nearest.c - edit distance (optimal string alignment), for "did you mean".
 *
 * Names are short and typed by people, so three rows of a table on the stack
 * do; anything longer than they hold counts as far. */
#include "base/nearest.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

enum { NAME_MAX_BYTES = 63 };

static int fold(char c)
{
    return tolower((unsigned char)c);
}

static int least(int a, int b, int c)
{
    int m = a < b ? a : b;
    return m < c ? m : c;
}

int nearest_distance(const char *a, const char *b)
{
    size_t la = strlen(a), lb = strlen(b);
    if (la > NAME_MAX_BYTES || lb > NAME_MAX_BYTES) return NEAREST_FAR;
    int rows[3][NAME_MAX_BYTES + 1];
    int *before = rows[0], *last = rows[1], *row = rows[2];
    for (size_t j = 0; j <= lb; j++) last[j] = (int)j;
    for (size_t i = 1; i <= la; i++) {
        row[0] = (int)i;
        for (size_t j = 1; j <= lb; j++) {
            int change = fold(a[i - 1]) != fold(b[j - 1]);
            row[j] = least(last[j] + 1, row[j - 1] + 1, last[j - 1] + change);
            if (i > 1 && j > 1 && fold(a[i - 1]) == fold(b[j - 2]) &&
                fold(a[i - 2]) == fold(b[j - 1]) && before[j - 2] + 1 < row[j]) {
                row[j] = before[j - 2] + 1;
            }
        }
        int *oldest = before;
        before = last;
        last = row;
        row = oldest;
    }
    return last[lb];
}

static const char *only_with_beginning(const char *beginning, const char *const *names,
                                       size_t n)
{
    const char *found = NULL;
    size_t len = strlen(beginning);
    for (size_t i = 0; i < n && len > 0; i++) {
        if (strncasecmp(names[i], beginning, len) != 0) continue;
        if (found) return NULL;
        found = names[i];
    }
    return found;
}

const char *nearest_name(const char *wrong, const char *const *names, size_t n)
{
    const char *best = NULL;
    size_t len = strlen(wrong);
    int best_distance = len < 3 || len > NAME_MAX_BYTES ? 2 : 1 + (int)len / 3;
    for (size_t i = 0; i < n; i++) {
        int d = nearest_distance(wrong, names[i]);
        if (d < best_distance) {
            best = names[i];
            best_distance = d;
        }
    }
    return best ? best : only_with_beginning(wrong, names, n);
}
