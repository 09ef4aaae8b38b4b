/* man.c - legwork(1), written by legwork itself so that it cannot lag behind.
 *
 * Options and commands come from their tables; the tables of this file are
 * what nothing else in the program needs: exit statuses and the fields of the
 * JSON in words. Run `legwork man > legwork.1`. */
#include "cli/command.h"
#include "cli/output.h"

#include <ctype.h>

struct entry {
    const char *term, *text;
};

/* ORDER ENDS */
static const struct entry statuses[] = {
    { "0", "an answer was given" },
    { "1", "anything that has no number of its own, such as a full disk" },
    { "2", "a wrong command line, option or value" },
    { "3", "the documents do not hold an answer" },
    { "4", "the worker cannot be loaded or reached" },
    { "5", "the supervisor cannot be reached or refuses" },
    { "6", "a key is missing or refused" },
    { "7", "the provider's quota is spent" },
    { "8", "your policy forbids it (see \\fB\\-\\-allow\\-worker\\fP)" },
    { "9", "no document could be read" },
    { "10", "the answer is partial, or a file that was named could not be read; what was "
            "cut short or left out is said" },
    { "124", "the time limit ended the run; what was found is printed" },
    { "130", "interrupted, before anything was found or twice" },
};

/* ORDER JSON: result.c */
static const struct entry fields[] = {
    { "schema",
      "\\fBlegwork.answer/1\\fP. Fields may be added under this name, none is removed "
      "and none changes its meaning." },
    { "run", "a name for this run: date and time (UTC), and six hexadecimal digits" },
    { "protocol", "the protocol that was used" },
    { "status", "\\fBanswered\\fP, \\fBpartial\\fP or \\fBnot_found\\fP" },
    { "answer", "the answer, with marks like [1] for its citations; with "
                "\\fB\\-\\-schema\\fP a string that holds JSON of that schema" },
    { "structured", "the value of that string, ready to use; null without "
                    "\\fB\\-\\-schema\\fP, or where nothing was found or the answer "
                    "could not be put into the schema" },
    { "citations",
      "a list, in the order of their numbers. \\fBn\\fP is the number; \\fBdoc\\fP "
      "the document's name; \\fBpage\\fP its page, from 1, null where there are none; "
      "\\fBstart\\fP and \\fBend\\fP the place, in bytes of what \\fBlegwork text\\fP "
      "prints; \\fBquote\\fP the words; \\fBmatch\\fP is \\fBexact\\fP when the quote "
      "equals the bytes from start to end, \\fBfolded\\fP when it does but for white "
      "space, hyphenation, case and the like, \\fBnone\\fP when it stands nowhere" },
    { "coverage",
      "of the \\fBchunks\\fP that the documents were cut into: how many were "
      "\\fBread\\fP, in how many something was \\fBfound\\fP or was \\fBabsent\\fP, "
      "how many \\fBfailed\\fP, how many were \\fBskipped\\fP. Found, absent, failed "
      "and skipped add up to chunks." },
    { "usage",
      "by side, \\fBlocal\\fP (the worker) and \\fBremote\\fP (the supervisor): "
      "\\fBrequests\\fP, \\fBprompt_tokens\\fP, of these \\fBcached_tokens\\fP that "
      "were not computed again, \\fBcompletion_tokens\\fP, and \\fBseconds\\fP of "
      "work" },
    { "egress",
      "what was sent to a supervisor behind HTTP, or a worker on another machine: "
      "\\fBcalls\\fP, the requests, every try counted; \\fBbytes\\fP of their bodies, as "
      "they were written to the connection; \\fBdocument_chars\\fP, the characters of "
      "it that stand verbatim in a document in runs of 20 or more; \\fBto\\fP lists the "
      "machines, and is empty when all were this one" },
    { "seconds", "from the question to the answer" },
    { "warnings", "sentences" },
};

/* Of commands other than ask. */
static const struct entry schemas[] = {
    { "legwork.index/1",
      "of the \\fBparts\\fP how many were \\fBthere\\fP before and how many this call "
      "\\fBkept\\fP; \\fBtokens\\fP that were read, \\fBbytes\\fP that were written, "
      "\\fBseconds\\fP" },
    { "legwork.cache/1",
      "the \\fBfolder\\fP; \\fBdocuments\\fP, each with \\fBname\\fP, \\fBid\\fP, "
      "\\fBparts\\fP, \\fBtokens\\fP, \\fBbytes\\fP and when it was last "
      "\\fBused\\fP (UTC); the sums \\fBparts\\fP and \\fBbytes\\fP, and \\fBroom\\fP, "
      "the most that may be taken" },
    { "legwork.models/1",
      "the \\fBfolder\\fP; \\fBmodels\\fP, each with \\fBname\\fP, \\fBpath\\fP, "
      "\\fBarchitecture\\fP, \\fBquantisation\\fP, \\fBbytes\\fP, \\fBcontext\\fP, "
      "\\fBproblem\\fP (null if it can be used), and \\fBreads\\fP and \\fBwrites\\fP, "
      "tokens a second as tune measured them, or null" },
    { "legwork.tuning/1", "\\fBmodels\\fP, each what was measured "
                          "(\\fBlegwork.tune/2\\fP, as it is kept) with "
                          "\\fBkept\\fP, or \\fBname\\fP and \\fBproblem\\fP" },
    { "legwork.quality/1",
      "the \\fBfile\\fP; \\fBmodels\\fP, each with \\fBname\\fP, \\fBlines\\fP, of these "
      "\\fBfailed\\fP; \\fBpresent\\fP lines that have an answer and of these "
      "\\fBfound\\fP and \\fBright\\fP; \\fBmissing\\fP ones that have none and of these "
      "\\fBabsent\\fP; \\fBseconds\\fP, \\fBproblem\\fP" },
};

static const struct entry files[] = {
    { "$XDG_CONFIG_HOME/legwork/config.ini",
      "the configuration (~/.config without the variable)" },
    { "$XDG_DATA_HOME/legwork/models/",
      "the model folder (~/.local/share without the variable; without a home, too, "
      "models/ in the current folder)" },
    { "$XDG_DATA_HOME/legwork/tune/",
      "what \\fBlegwork tune\\fP measured, a file for each model and machine" },
    { "$XDG_CACHE_HOME/legwork/kv/",
      "the states of what was read (~/.cache without the variable); it may be removed "
      "at any time" },
};

static const struct entry examples[] = {
    { "legwork ask \"For how long is an offer of source valid?\" licence.txt",
      "One question of one document; nothing leaves the machine." },
    { "legwork ask --remote openai/gpt-5 \"Why did the margin fall?\" reports/",
      "OpenAI's model plans and concludes, the small one on this machine reads." },
    { "legwork ask --remote self --read all --json \"Which deadlines are set?\" *.pdf",
      "The whole of MinionS on this machine, every part read, as JSON." },
    { "pdftotext a.pdf - | legwork ask \"Who signed?\" -", "From standard input." },
};

static const char description[] =
    "legwork answers questions about long, private documents. A small model on this "
    "machine, the worker, reads them part by part. If you name a large model, the "
    "supervisor, it plans the reading and concludes from what was found, and does not "
    "see the documents themselves. Each quote in an answer is taken from the document "
    "by the program, and the place where it stands is given.";

static const char configuration[] =
    "Options are taken from the command line, else from the environment, else from "
    "the configuration file, else they have their default. The file has lines of the "
    "form NAME = VALUE, where NAME is that of an option without the dashes; a line "
    "that begins with # or ; is a comment, elsewhere both belong to the value. A name "
    "that legwork does not know is an "
    "error.";

static const char environment[] =
    "Each option is also a variable: LEGWORK_ and its name in capitals, with _ for "
    "\\-, as LEGWORK_ALLOW_WORKER. MINIONS_LOCAL and MINIONS_REMOTE stand for "
    "LEGWORK_LOCAL and LEGWORK_REMOTE. Keys of providers are read from the variables "
    "that their own programs use (OPENAI_API_KEY, TOGETHER_API_KEY, "
    "OPENROUTER_API_KEY, GROQ_API_KEY, DEEPSEEK_API_KEY, MISTRAL_API_KEY), each for "
    "its own provider only. A server that is named by its URL gets LEGWORK_LOCAL_API_KEY "
    "as the worker, LEGWORK_REMOTE_API_KEY as the supervisor, else LEGWORK_API_KEY, "
    "which the worker's does not get where another server supervises. A key alone "
    "never makes legwork send anything. Another address of a provider is read from "
    "OPENAI_BASE_URL, TOGETHER_BASE_URL, OPENROUTER_BASE_URL, GROQ_BASE_URL, "
    "DEEPSEEK_BASE_URL, MISTRAL_BASE_URL and OLLAMA_HOST (with OLLAMA_API_KEY where "
    "that wants one): key and requests then go there. HTTPS_PROXY, NO_PROXY and "
    "ALL_PROXY are honoured.";

/* --- troff --------------------------------------------------------------- */

/* A line of text in which a leading dot or quote, or a backslash, means itself. */
static void put_plain(struct output *o, const char *text)
{
    if (*text == '.' || *text == '\'') output_text(o, "\\&");
    for (; *text; text++) {
        if (*text == '\\') {
            output_text(o, "\\e");
        } else if (*text == '-') {
            output_text(o, "\\-");
        } else {
            output_write(o, text, 1);
        }
    }
}

static void put_section(struct output *o, const char *title)
{
    output_format(o, ".SH %s\n", title);
}

static void put_entries(struct output *o, const struct entry *entries, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        output_text(o, ".TP\n.B ");
        put_plain(o, entries[i].term);
        output_text(o, "\n");
        output_text(o, entries[i].text);
        output_text(o, "\n");
    }
}

static void put_option(struct output *o, const struct option_spec *spec)
{
    output_text(o, ".TP\n");
    if (spec->letter) output_format(o, "\\fB\\-%c\\fP, ", spec->letter);
    output_text(o, "\\fB\\-\\-");
    put_plain(o, spec->name);
    output_text(o, "\\fP");
    if (spec->argument) output_format(o, " \\fI%s\\fP", spec->argument);
    output_text(o, "\n");
    if (spec->man) {
        output_text(o, spec->man);
    } else {
        output_format(o, "%c", toupper((unsigned char)spec->help[0]));
        put_plain(o, spec->help + 1);
        output_text(o, ".");
    }
    if (spec->fallback) output_format(o, " The default is %s.", spec->fallback);
    if (spec->type == OPTION_INT)
        output_format(o, " From %ld to %ld.", spec->min, spec->max);
    output_text(o, "\n");
}

static void put_commands(struct output *o)
{
    put_section(o, "COMMANDS");
    for (const struct command *c = command_table(); c->name; c++) {
        output_format(o, ".TP\n\\fBlegwork %s\\fP", c->name);
        if (c->arguments) output_format(o, " \\fI%s\\fP", c->arguments);
        output_format(o, "\n%s\n", c->man);
    }
    output_text(o, ".PP\n\\fB\\-\\-help\\fP after a command prints its options.\n");
}

/* Of a command other than ask. */
static void put_options_of(struct output *o, const struct command *c)
{
    output_format(o, "\\fBlegwork %s\\fP has", c->name);
    for (size_t i = 0; i < c->n_options; i++) {
        bool last = i > 0 && i == c->n_options - 1;
        output_format(o, "%s \\fB\\-\\-", last ? " and" : i > 0 ? "," : "");
        put_plain(o, option_table()[c->options[i]].name);
        output_text(o, "\\fP");
    }
    output_text(o, ".\n");
}

static void put_options(struct output *o)
{
    put_section(o, "OPTIONS");
    output_text(o, "\\fBlegwork ask\\fP has all where no other command is named.\n");
    for (const struct command *c = command_table() + 1; c->name; c++) {
        if (c->n_options > 0) put_options_of(o, c);
    }
    for (int i = 0; i < OPTION_COUNT; i++) put_option(o, &option_table()[i]);
}

static void put_examples(struct output *o)
{
    put_section(o, "EXAMPLES");
    for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
        output_format(o, "%s%s\n.PP\n.nf\n.RS\n", i ? ".PP\n" : "", examples[i].text);
        put_plain(o, examples[i].term);
        output_text(o, "\n.RE\n.fi\n");
    }
}

static void put_page(struct output *o)
{
    output_format(o, ".TH LEGWORK 1 \"\" \"legwork %s\"\n", lw_version());
    put_section(o, "NAME");
    output_text(o, "legwork \\- answer questions from long, private documents\n");
    put_section(o, "SYNOPSIS");
    output_text(
        o, "\\fBlegwork ask\\fP [\\fIOPTION\\fP...] \\fIQUESTION\\fP [\\fIFILE\\fP...]\n"
           ".br\n\\fBlegwork index\\fP [\\fIOPTION\\fP...] \\fIFILE\\fP...\n"
           ".br\n\\fBlegwork cache\\fP [\\fB\\-\\-prune\\fP \\fISIZE\\fP]\n"
           ".br\n\\fBlegwork forget\\fP \\fINAME\\fP|\\fIFILE\\fP...|\\fB\\-\\-all\\fP\n"
           ".br\n\\fBlegwork text\\fP \\fIFILE\\fP\n.br\n\\fBlegwork models\\fP\n.br\n"
           "\\fBlegwork tune\\fP [\\fIOPTION\\fP...] [\\fIMODEL\\fP...]\n.br\n"
           "\\fBlegwork quantize\\fP [\\fIOPTION\\fP...] \\fIMODEL OUT\\fP\n");
    put_section(o, "DESCRIPTION");
    output_format(o, "%s\n", description);
    put_commands(o);
    put_options(o);
    put_section(o, "CONFIGURATION");
    output_format(o, "%s\n", configuration);
    put_section(o, "ENVIRONMENT");
    output_format(o, "%s\n", environment);
    put_section(o, "EXIT STATUS");
    put_entries(o, statuses, sizeof statuses / sizeof *statuses);
    put_section(o, "JSON");
    output_text(
        o, "With \\fB\\-\\-json\\fP one object is printed, or, on an error, nothing: "
           "the sentence on standard error and the exit status tell what is wrong. "
           "That of \\fBlegwork ask\\fP has these fields:\n");
    put_entries(o, fields, sizeof fields / sizeof *fields);
    output_text(o, ".PP\nThe other commands print objects of these schemas:\n");
    put_entries(o, schemas, sizeof schemas / sizeof *schemas);
    put_section(o, "FILES");
    put_entries(o, files, sizeof files / sizeof *files);
    put_examples(o);
    put_section(o, "SEE ALSO");
    output_text(o, "\\fBpdftotext\\fP(1)\n");
}

int cmd_man(const struct command *self, struct args *args)
{
    (void)self;
    (void)args;
    struct lw_error err;
    struct output o = output_to(stdout);
    o.harmless = false;
    put_page(&o);
    int code = output_end(&o, &err);
    if (code) say_error(&err);
    return code;
}
