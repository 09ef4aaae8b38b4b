/* catalogue.h - the models that legwork knows by a short name. */
#ifndef LW_MODELS_CATALOGUE_H
#define LW_MODELS_CATALOGUE_H

#include <stdbool.h>

enum { CATALOGUE_FILES = 2 };

struct catalogue_entry {
    const char *name;                   /* "qwen2.5-1.5b" */
    const char *files[CATALOGUE_FILES]; /* any of these is it; the first is what to get */
    bool packaged;                      /* tools/get-model brings the first file */
    const char *repository; /* on Hugging Face; of the first file if not packaged */
    bool reader;            /* good enough to be chosen by itself */
};

/* Best reader first; ends with a NULL name. */
extern const struct catalogue_entry catalogue[];

#endif
