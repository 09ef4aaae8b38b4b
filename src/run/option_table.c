/* option_table.c - every option there is.
 *
 * A line here is a flag, a LEGWORK_* variable, a line of the configuration
 * file, a name for lw_set(), an entry of --help and of the man page. help is
 * a phrase that says what the value is; man, where that is not enough, a
 * paragraph in troff. */
#include "run/options.h"

#include "base/limits.h"
#include "base/nearest.h"

#include <string.h>

enum { SECONDS_MAX = 7 * 24 * 3600 };

/* ORDER PROTOCOLS */
static const char *const protocol_choices[] = { "local", "remote", "minion", "minions",
                                                NULL };
/* ORDER: enum engine_mmap, enum engine_repack; enum engine_numa */
static const char *const auto_choices[] = { "auto", "yes", "no", NULL };
static const char *const numa_choices[] = { "off", "distribute", "isolate", NULL };
static const char *const kv_type_choices[] = { "f16", "q8_0", NULL };

/* ORDER OPTIONS: enum option_id */
static const struct option_spec table[OPTION_COUNT] = {
    { .id = OPT_LOCAL,
      .name = "local",
      .letter = 'l',
      .type = OPTION_STRING,
      .argument = "MODEL",
      .help = "the worker that reads: a GGUF file or its name, PROVIDER/MODEL, or a URL",
      .man = "The model that reads the documents. A path to a GGUF file, the name of one "
             "in the model folder (see \\fBlegwork models\\fP), PROVIDER/MODEL, or the "
             "URL of an OpenAI-compatible server, http://host:port/v1#MODEL. Without it "
             "legwork takes the best reader in the model folder. A worker on another "
             "machine sees the documents and needs \\fB\\-\\-allow\\-worker\\fP." },
    { .id = OPT_REMOTE,
      .name = "remote",
      .letter = 'r',
      .type = OPTION_STRING,
      .argument = "MODEL",
      .help = "the supervisor that plans and concludes: PROVIDER/MODEL, a URL, a GGUF "
              "file or its name, or self",
      .man = "The model that plans the reading and writes the answer: PROVIDER/MODEL, a "
             "URL, a GGUF file or its name, or \\fBself\\fP, which lets the worker play "
             "both parts with no network. It is sent the question, what "
             "\\fB\\-\\-about\\fP says, and the findings with their quotes. Nothing is "
             "sent to anyone unless this option, or \\fB\\-\\-local\\fP, names a server, "
             "here, as a variable or in the configuration file." },
    { .id = OPT_PROTOCOL,
      .name = "protocol",
      .letter = 'p',
      .type = OPTION_CHOICE,
      .argument = "NAME",
      .choices = protocol_choices,
      .help = "local, minions, minion or remote",
      .man = "\\fBlocal\\fP: the worker alone. \\fBminions\\fP: the supervisor plans "
             "small tasks, the worker does them over every part of the documents, the "
             "supervisor concludes from what was found. \\fBminion\\fP: the supervisor "
             "asks the worker, one question at a time. \\fBremote\\fP: the supervisor is "
             "sent the documents whole. The default is local, with \\fB\\-\\-remote\\fP "
             "minions." },
    { .id = OPT_EMBED,
      .name = "embed",
      .type = OPTION_STRING,
      .argument = "MODEL",
      .help = "embedding model that finds parts by meaning: a GGUF file or its name",
      .man =
          "A model that makes embeddings, as a GGUF file or the name of one in the "
          "model folder. Parts of the documents are then ranked by what they mean as "
          "well as by their words, so that those that say it in other words are read "
          "earlier. What the parts mean is computed once and kept on disk with what "
          "was read (\\fB\\-\\-kv\\-cache\\fP). The model works in this process, never "
          "on another machine. Without it words alone rank the parts." },
    { .id = OPT_ROUNDS,
      .name = "rounds",
      .type = OPTION_INT,
      .argument = "N",
      .fallback = "3",
      .min = 1,
      .max = LIMIT_ROUNDS,
      .help = "rounds of planning and reading at most" },
    { .id = OPT_TASKS,
      .name = "tasks",
      .type = OPTION_INT,
      .argument = "N",
      .fallback = "8",
      .min = 1,
      .max = LIMIT_TASKS,
      .help = "tasks that a plan may have; what is more is dropped with a warning" },
    { .id = OPT_SAMPLES,
      .name = "samples",
      .type = OPTION_INT,
      .argument = "N",
      .fallback = "1",
      .min = 1,
      .max = LIMIT_SAMPLES,
      .help =
          "times that each job is done, where the plan does not say; the samples vote" },
    { .id = OPT_READ,
      .name = "read",
      .type = OPTION_READ,
      .argument = "auto|all|N",
      .fallback = "auto",
      .min = 1,
      .max = LIMIT_JOBS,
      .help = "parts of the documents to read for a question, best first",
      .man = "Parts of the documents that are read for a question. They are ranked by "
             "search and read best first. \\fBauto\\fP goes by the question: one that "
             "looks something up reads the best 10 parts at most (one that a "
             "supervisor plans, as many as it says), and fewer when the "
             "answer is clearly found; one for all there is (\\(lqname all\\(rq, "
             "\\(lqlist the\\(rq, \\(lqhow many times\\(rq, \\(lqhow much in "
             "all\\(rq, \\(lqis there anything about\\(rq) reads everything, and its "
             "items are joined, counted or added up by the program; so does "
             "\\(lqsummarize\\(rq, with a few points in the end, and \\(lqcompare\\(rq "
             "or \\(lqthe difference between\\(rq, which tells both sides, and "
             "\\(lqin the end\\(rq, of something that changes; "
             "\\(lqin each document\\(rq looks the answer up in each of them. A number "
             "is another "
             "limit for looking up, \\fBall\\fP reads everything for every "
             "question." },
    { .id = OPT_SCHEMA,
      .name = "schema",
      .type = OPTION_FILE,
      .argument = "FILE",
      .help = "JSON schema that the answer follows; it is then printed as JSON",
      .man = "A JSON schema. The answer is then JSON that follows it. Understood are "
             "type, properties, required, additionalProperties, items, minItems, "
             "maxItems, enum, const, minimum, maximum, minLength, maxLength, anyOf, "
             "$defs and local $ref; anything else is refused by name." },
    { .id = OPT_ABOUT,
      .name = "about",
      .type = OPTION_STRING,
      .argument = "TEXT",
      .help = "what the supervisor may be told of the documents",
      .man = "A few words on the documents for the supervisor, which otherwise learns "
             "only their kind, pages and length. File names are never sent." },
    { .id = OPT_TIMEOUT,
      .name = "timeout",
      .letter = 't',
      .type = OPTION_SECONDS,
      .argument = "SECONDS",
      .min = 1,
      .max = SECONDS_MAX,
      .help =
          "time for the question, once the documents are loaded (30, 5m, 1h); what was "
          "found by then is the answer" },
    { .id = OPT_ALLOW_WORKER,
      .name = "allow-worker",
      .type = OPTION_LIST,
      .argument = "HOST",
      .help = "machine whose model may read the documents (may be given again)",
      .man = "Host, or host:port, that may be the worker although it is another machine. "
             "May be given more than once, or as a list with commas. The text of the "
             "documents is sent there." },
    { .id = OPT_MODELS_DIR,
      .name = "models-dir",
      .type = OPTION_STRING,
      .argument = "FOLDER",
      .help = "folder of the GGUF files" },
    { .id = OPT_CONTEXT,
      .name = "context",
      .type = OPTION_INT,
      .argument = "TOKENS",
      .min = 512,
      .max = 1024 * 1024,
      .help =
          "context of a model in this process, for one request (4096, or the model's)" },
    { .id = OPT_THREADS,
      .name = "threads",
      .type = OPTION_INT,
      .argument = "N",
      .min = 1,
      .max = 1024,
      .help = "threads of a model in this process (the cores there are)",
      .man =
          "At most so many threads of a model in this process; otherwise as many as "
          "\\fBlegwork tune\\fP found best, or as there are cores. While other programs "
          "keep cores busy, fewer of them compute." },
    { .id = OPT_GPU_LAYERS,
      .name = "gpu-layers",
      .type = OPTION_INT,
      .argument = "N",
      .min = 0,
      .max = 10000,
      .help =
          "layers of a model in this process to put on a GPU, if there is one (all)" },
    { .id = OPT_MMAP,
      .name = "mmap",
      .type = OPTION_CHOICE,
      .argument = "auto|yes|no",
      .choices = auto_choices,
      .fallback = "auto",
      .help = "map the file of a model instead of reading it",
      .man =
          "Map the file of a model in this process instead of reading it, which shares "
          "its pages between processes. Where weights are rearranged for the processor "
          "while they are loaded (\\fB\\-\\-repack\\fP) a mapped file would stand in "
          "memory "
          "a second time: \\fBauto\\fP reads those and maps others, but leaves the "
          "choice to libllama where there is a GPU. \\fByes\\fP also computes with the "
          "weights as they are, where a model of Q5_0 would else be read as Q8_0: "
          "faster, the same numbers, more memory." },
    { .id = OPT_REPACK,
      .name = "repack",
      .type = OPTION_CHOICE,
      .argument = "auto|yes|no",
      .choices = auto_choices,
      .fallback = "auto",
      .help = "rearrange a model's weights for the processor",
      .man =
          "Let the weights of a model in this process be rearranged for the processor "
          "while they are loaded. It makes writing faster; reading, which is most of the "
          "work, becomes slower for K-quants on x86: \\fBauto\\fP leaves those as they "
          "are and rearranges others." },
    { .id = OPT_NUMA,
      .name = "numa",
      .type = OPTION_CHOICE,
      .argument = "off|distribute|isolate",
      .choices = numa_choices,
      .fallback = "off",
      .help = "where threads run on a machine with several memory nodes",
      .man =
          "On a machine with several memory nodes: \\fBdistribute\\fP spreads the "
          "threads of a model in this process over all of them, \\fBisolate\\fP keeps "
          "them on the one where loading began. The first model that is loaded decides "
          "for all of the process." },
    { .id = OPT_KV_TYPE,
      .name = "kv-type",
      .type = OPTION_CHOICE,
      .argument = "f16|q8_0",
      .choices = kv_type_choices,
      .fallback = "f16",
      .help = "format of the KV cache of a model in this process",
      .man = "Format of the live KV cache of a model in this process, and of the states "
             "that are kept. \\fBq8_0\\fP takes about half the memory and the disk, and "
             "computes more slowly." },
    { .id = OPT_UNLOAD_AFTER,
      .name = "unload-after",
      .type = OPTION_SECONDS,
      .argument = "SECONDS",
      .fallback = "300",
      .min = 0,
      .max = SECONDS_MAX,
      .help = "take a model in this process out of memory when idle so long (0: never)",
      .man = "Time without a request after which a model in this process is taken out of "
             "memory, as while a supervisor elsewhere thinks for long, or between the "
             "questions of a program that uses the library. The next request loads it "
             "again. 0: never. Where two models of a run do not fit into memory "
             "together, they take turns, whatever this says." },
    { .id = OPT_CHUNK_TOKENS,
      .name = "chunk-tokens",
      .type = OPTION_INT,
      .argument = "TOKENS",
      .fallback = "320",
      .min = 32,
      .max = 32768,
      .help =
          "size of the parts that the documents are read in, in tokens of the worker" },
    { .id = OPT_PARALLEL,
      .name = "parallel",
      .type = OPTION_INT,
      .argument = "N",
      .min = 1,
      .max = 256,
      .help = "requests in flight at the worker (12 in process, else the server's)" },
    { .id = OPT_KV_CACHE,
      .name = "kv-cache",
      .type = OPTION_SIZE,
      .argument = "SIZE",
      .fallback = "4G",
      .help = "disk space for what a model in this process has read (500M, 4G; 0: none)",
      .man = "Disk space for the states of parts that a model in this process has read, "
             "so that the next question over the same text reads only itself, also "
             "after a restart and from another process. Bytes, or with K, M, G or T; 0 "
             "keeps nothing and uses nothing. When the space is used up, what saves the "
             "least for its bytes goes first, and what was not used for weeks before "
             "that. However much is allowed, never more than half of the disk space that "
             "is free is taken, and never so much that less than 2 GiB stay free. The "
             "states are in the user's cache folder and as private as the documents: "
             "\\fBlegwork cache\\fP lists them, \\fBlegwork forget\\fP removes them." },
    { .id = OPT_NO_KV_CACHE,
      .name = "no-kv-cache",
      .type = OPTION_FLAG,
      .stands_for = "kv-cache",
      .stands_for_value = "0",
      .help = "keep nothing of what was read on disk, and use nothing of it" },
    { .id = OPT_JSON,
      .name = "json",
      .type = OPTION_FLAG,
      .scope = SCOPE_CLI,
      .help = "print one JSON object" },
    { .id = OPT_QUIET,
      .name = "quiet",
      .letter = 'q',
      .type = OPTION_FLAG,
      .scope = SCOPE_CLI,
      .help = "nothing on stderr but errors" },
    { .id = OPT_VERBOSE,
      .name = "verbose",
      .letter = 'v',
      .type = OPTION_FLAG,
      .scope = SCOPE_CLI,
      .help = "say on stderr what is done" },
    { .id = OPT_TYPE,
      .name = "type",
      .type = OPTION_STRING,
      .scope = SCOPE_CLI,
      .argument = "TYPE",
      .fallback = "Q4_0",
      .help = "format to quantise to, for example Q4_0, Q4_K_M or Q8_0",
      .man =
          "The format that \\fBlegwork quantize\\fP writes: one of those that libllama "
          "knows, by its usual name." },
    { .id = OPT_FORCE,
      .name = "force",
      .type = OPTION_FLAG,
      .scope = SCOPE_CLI,
      .help = "do it all the same: the error says what speaks against it",
      .man = "Of \\fBquantize\\fP: replace the file if it is there, and quantise a model "
             "that is quantised already. Of \\fBtune\\fP: keep a measurement although "
             "other programs disturbed it." },
    { .id = OPT_SECONDS,
      .name = "seconds",
      .type = OPTION_SECONDS,
      .scope = SCOPE_CLI,
      .argument = "SECONDS",
      .fallback = "60",
      .min = 1,
      .max = 3600,
      .help = "time to measure one model, without loading it" },
    { .id = OPT_QUALITY,
      .name = "quality",
      .type = OPTION_FILE,
      .scope = SCOPE_CLI,
      .argument = "FILE",
      .help =
          "compare answers instead of speed: questions of short excerpts, as JSON lines",
      .man = "Compare how well models read instead of how fast. Each line of the file is "
             "a JSON object with \\fBexcerpt\\fP, \\fBquestion\\fP and "
             "\\fBanswer\\fP, a string or null where the excerpt holds none." },
    { .id = OPT_PRUNE,
      .name = "prune",
      .type = OPTION_SIZE,
      .scope = SCOPE_FLAG,
      .argument = "SIZE",
      .help = "remove the least valuable states until no more than this is left",
      .man = "Of \\fBlegwork cache\\fP: remove the least valuable states until no more "
             "than this is left." },
    { .id = OPT_ALL,
      .name = "all",
      .type = OPTION_FLAG,
      .scope = SCOPE_FLAG,
      .help = "the states of all documents",
      .man = "Of \\fBlegwork forget\\fP: the states of all documents." },
};

const struct option_spec *option_table(void)
{
    return table;
}

const struct option_spec *option_find(const char *name)
{
    for (int i = 0; i < OPTION_COUNT; i++) {
        if (strcmp(table[i].name, name) == 0) return &table[i];
    }
    return NULL;
}

const struct option_spec *option_find_letter(char letter)
{
    for (int i = 0; i < OPTION_COUNT; i++) {
        if (letter && table[i].letter == letter) return &table[i];
    }
    return NULL;
}

const char *option_nearest(const char *name)
{
    const char *names[OPTION_COUNT];
    for (int i = 0; i < OPTION_COUNT; i++) names[i] = table[i].name;
    return nearest_name(name, names, OPTION_COUNT);
}
