#include "app/measure/past.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/measure/resultsfile.h"
#include "measure/consent.h"
#include "measure/history.h"

enum { LOOK_DAYS = 3 }; /* files: a period may lie in two days, and clocks are set back */

PRINTF_LIKE(3, 4)
static err_t refuse(char why[PAST_WHY], err_t err, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(why, PAST_WHY, fmt, args);
    va_end(args);
    return err;
}

/* ---- what was ---- */

struct recalling {
    struct history history;
    struct polite *polite;
    bool no_memory;
};

/* A line that is none, or torn, says nothing. */
static void recall(void *arg, struct text line)
{
    struct recalling *r = arg;
    err_t e = history_read(&r->history, line, r->polite);
    r->no_memory |= e == ERR_NOMEM || e == ERR_LIMIT;
}

static err_t read_all(struct past *p, int64_t now_s, char why[PAST_WHY])
{
    struct recalling r = {.polite = p->polite};
    history_init(&r.history);
    err_t e = resultsdir_each(p->dir, now_s, LOOK_DAYS, recall, &r);
    if (history_read_end(&r.history, p->polite) != OK || r.no_memory)
        e = e == OK ? ERR_NOMEM : e;
    history_free(&r.history);
    return e == OK ? OK : refuse(why, e, "what was measured cannot be read: %s", err_text(e));
}

/* As a coordinator's are: so that the folder does not grow for ever. */
static void tidy(const char *path, struct log *log, int64_t now_s)
{
    static const struct resultsfile_keep keep = {.compress_days = 7, .keep_days = 60};
    struct files *folder;
    if (resultsfile_folder(path, log, &folder) != OK)
        return;
    resultsfile_tidy(folder, now_s, &keep);
    files_close(folder);
}

static err_t take(struct past *p, struct log *log, int64_t now_s, char why[PAST_WHY])
{
    char path[FOLDER_PATH_MAX], polite[POLITE_WHY_MAX];
    TRY(pastfolder_take(path, &p->lock, why));
    tidy(path, log, now_s);
    p->polite = polite_new(POLITE_BYTES_A_DAY);
    err_t e = p->polite ? resultsdir_open(path, log, &p->dir) : ERR_NOMEM;
    if (e != OK)
        return refuse(why, e, "what was measured cannot be read: %s", err_text(e));
    TRY(read_all(p, now_s, why));
    e = polite_begin(p->polite, &p->relay, now_s, polite, &p->run);
    return e == OK ? OK : refuse(why, e, "%s", polite);
}

err_t past_take(struct past *p, struct log *log, const struct meas_relay *relay, int64_t now_s,
                char why[PAST_WHY])
{
    *p = (struct past){.lock = -1, .relay = *relay};
    if (consent_is_free(&relay->addrs[0]))
        return OK;
    err_t e = take(p, log, now_s, why);
    if (e != OK)
        past_leave(p);
    return e;
}

/* ---- what is ---- */

/* Files are this user's alone. */
static err_t append(struct past *p, char *gift_line, int64_t now_s)
{
    mode_t before = umask(077);
    err_t e = gift_line ? resultsdir_append(p->dir, gift_line, true, now_s) : ERR_NOMEM;
    umask(before);
    free(gift_line);
    return e;
}

err_t past_begin(struct past *p, const struct results_of *of, int64_t now_s, char why[PAST_WHY])
{
    char polite[POLITE_WHY_MAX];
    if (!p->dir || p->began_s)
        return OK;
    err_t e = polite_learn(p->polite, p->run, &of->config->relay, polite);
    if (e != OK)
        return refuse(why, e, "%s", polite);
    e = append(p, results_begin(of, now_s), now_s);
    if (e != OK)
        return refuse(why, e, "that it begins could not be written down");
    p->relay = of->config->relay;
    p->began_s = now_s;
    polite_counts(p->run);
    return OK;
}

/* Without its end it counts as one that was cut short. That a relay has sent us away is remembered
 * of what never began, too. */
void past_end(struct past *p, const struct results_of *of, const struct run_result *result,
              int64_t now_s)
{
    bool away = result->state == RUN_FAILED && result->failure.code == MEAS_RELAY_LOST;
    if (p->dir && (p->began_s || away))
        (void)!append(p, results_end(of, result, p->began_s, now_s), now_s);
}

uint64_t past_bytes_left(const struct past *p, int64_t now_s)
{
    return p->polite ? polite_bytes_left(p->polite, &p->relay, now_s) : 0;
}

void past_leave(struct past *p)
{
    resultsdir_close(p->dir);
    polite_free(p->polite);
    if (p->lock >= 0)
        close(p->lock);
    *p = (struct past){.lock = -1};
}
