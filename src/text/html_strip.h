/* html_strip.h - a page without what its parser need not see.
 *
 * The parser compares each attribute of a tag with all before it, so that a tag of many
 * could keep it busy for hours; and it leaves comments, scripts and quoted values by
 * rules of its own, so that no count of attributes in front of it is safe. Therefore it
 * gets only what means something here: text, the names of tags, and of each
 * attribute in HTML_ATTRIBUTES the first of a tag. Comments, declarations, processing
 * instructions, and what is inside of scripts and styles are gone; so are the marks
 * <![CDATA[, whose content is text. What is what is told as browsers do: a title, a
 * textarea, an iframe and their like hold text, no tags, and none of it is shown; in an
 * xmp it is. Only where such an element has no end what follows is the page again. */
#ifndef LW_TEXT_HTML_STRIP_H
#define LW_TEXT_HTML_STRIP_H

#include <stddef.h>

/* The ones that load_html.c reads. */
#define HTML_ATTRIBUTES "hidden", "style", "colspan", "rowspan"

/* What a < of an xmp becomes: a byte that the parser passes on and no page uses. */
#define HTML_LESS '\x7f'

/* In place; returns the new length. Takes time linear in len. */
size_t html_strip(char *page, size_t len);

#endif
