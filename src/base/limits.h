/* limits.h - the maxima of everything that comes from outside, in one list.
 *
 * A number here is a promise: no input of any kind makes legwork hold more.
 * Names carry their unit. */
#ifndef LW_BASE_LIMITS_H
#define LW_BASE_LIMITS_H

enum {
    LIMIT_QUESTION_BYTES = 32 * 1024,
    LIMIT_ABOUT_BYTES = 16 * 1024,
    LIMIT_SCHEMA_BYTES = 256 * 1024,
    LIMIT_JSON_DEPTH = 64,
    LIMIT_JSON_VALUES = 1000000,         /* in one JSON text */
    LIMIT_FILE_BYTES = 64 * 1024 * 1024, /* one input file */
    LIMIT_TEXT_BYTES = 64 * 1024 * 1024, /* the text of one document */
    LIMIT_TEXT_TOTAL_BYTES = 512 * 1024 * 1024,
    LIMIT_DOCS = 20000,
    LIMIT_FOLDER_DEPTH = 64,
    LIMIT_PAGES = 20000,
    LIMIT_PDF_SECONDS = 60, /* CPU of the extractor */
    LIMIT_PDF_WALL_SECONDS = 90,
    LIMIT_PDF_MEMORY_BYTES = 1024 * 1024 * 1024,
    LIMIT_REQUEST_BYTES = 64 * 1024 * 1024,    /* one request to a model server */
    LIMIT_HTTP_REPLY_BYTES = 16 * 1024 * 1024, /* one reply of a model server */
    LIMIT_SSE_EVENT_BYTES = 1024 * 1024,
    LIMIT_HTTP_HEADER_BYTES = 64 * 1024,
    LIMIT_TASKS = 32, /* tasks in one plan */
    LIMIT_TERMS = 32, /* search terms in one task */
    LIMIT_CHOICES = 64,
    LIMIT_SAMPLES = 16,
    LIMIT_ROUNDS = 32,
    LIMIT_JOBS = 100000,       /* jobs in one round */
    LIMIT_REPLY_TOKENS = 4096, /* one reply of a model */
    LIMIT_CONFIG_BYTES = 1024 * 1024,
    LIMIT_KV_STATE_BYTES = 1024 * 1024 * 1024, /* one state on disk */
    LIMIT_KV_FILES = 200000,                   /* states in one folder on disk */
    LIMIT_KV_NAME_BYTES = 1024,                /* the name of a document there */
    LIMIT_VECTOR_BYTES = 1024 * 1024 * 1024    /* what all chunks mean, as vectors */
};

#endif
