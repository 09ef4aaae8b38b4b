/* html_tags.h - tags in the bytes of a page that no parser has seen yet.
 *
 * For what must be known or done before the parser runs: whether it is a page at all,
 * which encoding it declares, what of it the parser is to see. Bytes are those of any
 * encoding that has ASCII where ASCII has it. Nothing here reads at or past end. */
#ifndef LW_TEXT_HTML_TAGS_H
#define LW_TEXT_HTML_TAGS_H

#include <stdbool.h>

struct html_attribute {
    const char *name, *name_end;
    const char *value, *value_end; /* without its quote marks; both NULL: there is no = */
    bool quoted;                   /* it had such marks, one at each end */
};

/* Does the word (in lower case) stand at s, whatever its case there? */
bool html_starts_with(const char *s, const char *end, const char *word);
/* Behind the white space at s. */
const char *html_skip_blanks(const char *s, const char *end);
/* Behind the name of an element or of an attribute that begins at s. */
const char *html_skip_name(const char *s, const char *end);

/* Is that its name (in lower case)? */
bool html_is_named(const struct html_attribute *a, const char *name);

/* Behind the comment whose <!-- begins at s; end where nothing closes it. */
const char *html_skip_comment(const char *s, const char *end);

/* The </name (in lower case) at or behind s that ends an element whose inside is text to
 * browsers, like that of a script; NULL where there is none. */
const char *html_find_end_tag(const char *s, const char *end, const char *name);

/* The next attribute of a tag, from anywhere behind the tag's name; *s moves behind
 * it. False at the end of the tag, *s then at its > or at end. A quote mark that is
 * never closed is part of its value, which then ends as if there were none. */
bool html_next_attribute(const char **s, const char *end, struct html_attribute *a);

#endif
