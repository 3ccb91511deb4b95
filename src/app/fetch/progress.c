#include "app/fetch/progress.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { LINE_MAX_ = 512 };

static const char *amount(double bytes, char out[32])
{
    if (bytes < 10000)
        snprintf(out, 32, "%.0f bytes", bytes);
    else if (bytes < 1e6)
        snprintf(out, 32, "%.0f kB", bytes / 1e3);
    else
        snprintf(out, 32, "%.2f MB", bytes / 1e6);
    return out;
}

static double seconds_of(const struct job *j)
{
    return (double)(net_env(j->hub->net)->mono_us - j->begun_us) / US_PER_SEC;
}

void progress_wipe(struct progress *p)
{
    if (p->line_shown)
        fputs("\r\033[K", stderr);
    p->line_shown = false;
}

void progress_show(struct progress *shown, const struct job *j)
{
    char so_far[32], all[32], rate[32], percent[80] = "", line[LINE_MAX_];
    struct job_progress p;
    struct winsize size;
    double seconds = seconds_of(j);
    if (!shown->is_tty || j->args->quiet)
        return;
    job_progress(j, &p);
    if (p.all_expected && p.expected > p.received)
        snprintf(percent, sizeof percent, " of %s (%.0f %%)", amount((double)p.expected, all),
                 100.0 * (double)p.received / (double)p.expected);
    snprintf(line, sizeof line, "%s%s, %s/s, %zu of %zu done%s%s",
             amount((double)p.received, so_far), percent,
             amount(seconds > 0 ? (double)p.received / seconds : 0, rate), p.over, j->args->n_wants,
             p.source ? ", asking " : "", p.source ? p.source : "");
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1 &&
        strlen(line) >= size.ws_col)
        line[size.ws_col - 1] = 0;
    fprintf(stderr, "\r%s\033[K", line);
    shown->line_shown = true;
}

void progress_end(struct progress *shown, const struct job *j, size_t written)
{
    char bytes[32], rate[32];
    struct job_progress p;
    double seconds = seconds_of(j);
    progress_wipe(shown);
    if (!j->args->verbose && (!shown->is_tty || j->args->quiet))
        return;
    job_progress(j, &p);
    fprintf(stderr, "tunic fetch: %zu documents, %s on the wire in %.2f s (%s/s)\n", written,
            amount((double)p.received, bytes), seconds,
            amount(seconds > 0 ? (double)p.received / seconds : 0, rate));
}
