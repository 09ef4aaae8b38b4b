/* progress.c - one line on the terminal: stage, jobs, found, speed, time left.
 *
 * The line is cut to the width of the terminal, since a line that wraps cannot
 * be taken back. No colours, so NO_COLOR has nothing to turn off. */
#include "cli/progress.h"

#include "base/utf8.h"
#include "cli/output.h"
#include "run/options.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { COLUMNS_ASSUMED = 80, LINE_BYTES = 512 };

void progress_init(struct progress *p, bool quiet, bool verbose)
{
    bool redraws = !quiet && isatty(STDERR_FILENO) && !options_terminal_is_dumb();
    *p = (struct progress){ .redraws = redraws,
                            .verbose = verbose && !quiet,
                            .quiet = quiet };
}

void progress_clear(struct progress *p)
{
    if (!p->drawn) return;
    fputs("\r\033[K", stderr);
    fflush(stderr);
    p->drawn = false;
}

static size_t columns(void)
{
    struct winsize size;
    bool known = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
    return known ? size.ws_col : COLUMNS_ASSUMED;
}

static void draw(struct progress *p, const char *line)
{
    struct output o = output_to(stderr);
    progress_clear(p);
    output_write(&o, line, utf8_floor(line, strlen(line), columns() - 1));
    fflush(stderr);
    p->drawn = true;
}

static void append(char line[LINE_BYTES], const char *fmt, double number)
{
    size_t len = strlen(line);
    snprintf(line + len, LINE_BYTES - len, fmt, number);
}

static void draw_progress(struct progress *p, const struct lw_event *e)
{
    char line[LINE_BYTES];
    snprintf(line, sizeof line, "%s %d/%d", p->stage[0] ? p->stage : "reading",
             e->jobs_done, e->jobs_total);
    if (e->jobs_found >= 0) append(line, ", %.0f found", e->jobs_found);
    if (e->tokens_per_second > 0) append(line, ", %.0f tokens/s", e->tokens_per_second);
    if (e->seconds_left >= 90) {
        append(line, ", %.0f min left", e->seconds_left / 60);
    } else if (e->seconds_left >= 0) {
        append(line, ", %.0f s left", e->seconds_left);
    }
    draw(p, line);
}

static void say_line(struct progress *p, const char *text)
{
    progress_clear(p);
    say(text);
}

void progress_event(void *user, const struct lw_event *event)
{
    struct progress *p = user;
    if (p->quiet) return;
    switch (event->kind) {
    case LW_EVENT_STAGE:
        snprintf(p->stage, sizeof p->stage, "%s", event->text);
        if (p->verbose) {
            say_line(p, event->text);
        } else if (p->redraws) {
            draw(p, event->text);
        }
        break;
    case LW_EVENT_PROGRESS:
        if (p->redraws) draw_progress(p, event);
        break;
    case LW_EVENT_NOTICE: say_line(p, event->text); break;
    case LW_EVENT_TRACE:
        if (p->verbose) say_line(p, event->text);
        break;
    }
}
