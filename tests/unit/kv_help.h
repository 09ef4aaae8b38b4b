/* kv_help.h - states that tests put on disk and know again. */
#ifndef LW_TESTS_KV_HELP_H
#define LW_TESTS_KV_HELP_H

#include "engine/kv_disk.h"
#include "engine/kv_file.h"

#include <stdbool.h>

enum { KV_HELP_TOKENS = 20, KV_HELP_STATE = 3000 };

#define KV_HELP_ORIGIN "a model; an engine; a layout"
#define KV_HELP_DOC_1 "00112233445566778899aabbccddeeff"
#define KV_HELP_DOC_2 "ffeeddccbbaa99887766554433221100"

/* Notices, counted, and the last one. */
struct kv_help_notices {
    int n;
    char last[1024];
};

/* A store of the folder that counts its notices there. */
struct kv_disk *kv_help_open(const char *folder, uint64_t bytes_max,
                             struct kv_help_notices *notices);

/* The tokens of state number i, and the byte of its state at a place. */
void kv_help_tokens(int i, int32_t tokens[KV_HELP_TOKENS]);
unsigned char kv_help_byte(int i, size_t at);
void kv_help_state(int i, unsigned char *state, size_t bytes);

void kv_help_save(struct kv_disk *d, const char *document, int i, size_t bytes);
bool kv_help_has(struct kv_disk *d, const char *document, int i);
/* 1: loaded and right, 0: not there, -1: loaded and wrong. */
int kv_help_load(struct kv_disk *d, const char *document, int i);

/* FOLDER/DOCUMENT/KEY.kv of state number i. */
void kv_help_path(const char *folder, const char *document, int i, char path[1024]);
/* Set the time of last use to so many seconds ago. */
void kv_help_age(const char *path, double seconds);
/* Files below the folder whose name ends so. */
int kv_help_count(const char *folder, const char *ending);
uint64_t kv_help_bytes(const char *folder); /* of all states */

/* Run fn in a child of its own; returns its exit status, or minus its signal. */
int kv_help_in_child(int (*fn)(void *arg), void *arg);

#endif
