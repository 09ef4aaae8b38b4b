/* load_code.c - source code, kept as it is, with its top-level definitions
 * marked so that a chunk holds whole functions where it can.
 *
 * No parser a language: in the languages people write, what begins at the
 * left margin begins something, and what is indented, or closes it, belongs to
 * it. Comments and attributes right above a definition belong to it too, since
 * only a blank line ends a run of lines at the margin. */
#include "text/loaders.h"

#include "base/file.h"
#include "text/lines.h"
#include "text/normal.h"
#include "text/words.h"

#include <string.h>

static const char extensions[] =
    "c h cc cpp cxx hh hpp hxx m mm cs java kt kts scala groovy go rs swift zig d "
    "py pyi pyx rb pl pm php lua r jl hs ml mli fs fsx ex exs erl clj cljs lisp el scm "
    "js jsx mjs cjs ts tsx vue svelte css scss less sh bash zsh fish ps1 bat "
    "sql proto thrift graphql tf hcl nix cmake mk make gradle dart nim v vhd sv "
    "asm s f f90 f95 for pas ada adb ads cob tcl awk vim json yaml yml toml ini cfg";

static int sniff(const char *path, const unsigned char *head, size_t len)
{
    if (normal_is_binary(head, len)) return 0;
    if (len > 2 && head[0] == '#' && head[1] == '!') return 50;
    const char *name = file_name(path);
    if (strcmp(name, "Makefile") == 0 || strcmp(name, "Dockerfile") == 0) return 50;
    return load_has_extension(path, extensions) ? 50 : 0;
}

/* Does a definition begin at this line of the left margin? */
static bool begins_definition(const char *text, const struct line *line)
{
    if (line->kind == LINE_BLANK || line->body != line->start) return false;
    if (strchr("})];{", text[line->body])) return false;
    size_t len = strcspn(text + line->body, " \t\n:;({");
    return !words_listed("end else elif except finally catch fi done esac then",
                         text + line->body, len);
}

static void mark_definitions(struct doc *doc)
{
    size_t start = 0;
    bool after_blank = true;
    for (size_t pos = 0; pos < doc->len;) {
        struct line line = line_at(doc->text, doc->len, pos);
        if (after_blank && line.start > start && begins_definition(doc->text, &line)) {
            doc_add_span(doc, (struct span){
                                  .kind = SPAN_CODE, .start = start, .end = line.start });
            start = line.start;
        }
        after_blank = line.kind == LINE_BLANK;
        pos = line.next;
    }
    if (start < doc->len) {
        doc_add_span(doc,
                     (struct span){ .kind = SPAN_CODE, .start = start, .end = doc->len });
    }
}

static int load(const char *path, char *bytes, size_t len, const struct load_options *opt,
                struct doc **out, struct lw_error *err)
{
    int code = load_normal(path, &bytes, &len, opt, err);
    if (code) return code;
    struct doc *doc = doc_new(path, DOC_CODE, bytes, len);
    mark_definitions(doc);
    doc_sort_spans(doc);
    *out = doc;
    return 0;
}

const struct loader load_as_code = {
    .name = "code",
    .kind = DOC_CODE,
    .sniff = sniff,
    .load = load,
};
