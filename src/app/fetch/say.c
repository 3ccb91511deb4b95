/* Messages, one a line, on standard error. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app/fetch/job.h"

enum { WORD_SHOWN = 100 };

void job_wipe_line(void)
{
    if (isatty(STDERR_FILENO))
        fputs("\r\033[K", stderr);
}

void job_say(const struct job *j, const char *word, const char *fmt, ...)
{
    va_list args;
    if (j->args->quiet)
        return;
    job_wipe_line();
    if (word)
        fprintf(stderr, "tunic fetch: %.*s%s: ", WORD_SHOWN, word,
                strlen(word) > WORD_SHOWN ? "..." : "");
    else
        fputs("tunic fetch: ", stderr);
    va_start(args, fmt);
    vfprintf(stderr, fmt, args);
    va_end(args);
    fputc('\n', stderr);
}
