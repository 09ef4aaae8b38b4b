/* ignore.h - what .gitignore files name.
 *
 * Patterns are kept in a stack: the walk pushes the file of a folder when it
 * enters and cuts back to the mark when it leaves. The last pattern that
 * matches decides; one that begins with ! takes the path back in. As in git a
 * path below an ignored folder cannot be taken back: do not descend.
 *
 * Paths are relative to one root, with / and without ./ in front.
 * Matching takes time linear in path x pattern, whatever they are. */
#ifndef LW_TEXT_IGNORE_H
#define LW_TEXT_IGNORE_H

#include <stdbool.h>
#include <stddef.h>

struct ignore {
    struct ignore_pattern *patterns;
    size_t n, cap;
};

void ignore_release(struct ignore *ig);
/* Add the patterns of a file that stands in folder (relative, "" the root). */
void ignore_push(struct ignore *ig, const char *folder, const char *text, size_t len);
/* Forget all but the first n patterns. */
void ignore_cut(struct ignore *ig, size_t n);

enum ignore_entry { IGNORE_FILE, IGNORE_FOLDER };
bool ignore_matches(const struct ignore *ig, const char *path, enum ignore_entry entry);

#endif
