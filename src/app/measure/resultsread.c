#include "app/measure/resultsread.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/measure/resultsfile.h"
#include "base/buf.h"
#include "measure/whose.h"
#include "net/chore.h"

enum { DAY_S = 24 * 3600, DAYS = 8 };

struct resultsread {
    struct net *net;
    struct resultsread_of of;
    struct whose whose;
    struct chore *chore;
    struct buf torn; /* the beginning of a line whose end is still to come */
    bool failed;
};

/* ---- in the other process ---- */

struct asked {
    bool all;
    struct whose whose;
    FILE *to;
};

static err_t learn_line(void *arg, struct text line)
{
    struct asked *a = arg;
    struct result r;
    if (whose_may(&a->whose, line) && results_parse(line, &r) == OK)
        whose_learn(&a->whose, &r);
    return OK;
}

static err_t tell_line(void *arg, struct text line)
{
    const struct asked *a = arg;
    struct result r;
    if (!(a->all || whose_may(&a->whose, line)) || results_parse(line, &r) != OK || !r.is_end ||
        !(a->all || whose_is(&a->whose, &r)))
        return OK;
    bool good = fwrite(line.s, 1, line.len, a->to) == line.len && fputc('\n', a->to) == '\n';
    return good ? OK : ERR_IO;
}

static err_t tell(const struct resultsread *r, struct asked *a)
{
    struct files *folder;
    int64_t now_s = env_wall_s(net_env(r->net));
    int64_t oldest_s = now_s - now_s % DAY_S - (DAYS - 1) * DAY_S;
    err_t e = OK;
    TRY(resultsfile_folder(r->of.dir, net_env(r->net)->log, &folder));
    if (*a->whose.fp)
        e = resultsfile_each(folder, oldest_s, learn_line, a);
    if (e == OK)
        e = resultsfile_each(folder, oldest_s, tell_line, a);
    files_close(folder);
    return e;
}

static bool work(void *arg, int to)
{
    const struct resultsread *r = arg;
    struct asked a = {.all = !r->of.relay, .whose = r->whose, .to = fdopen(to, "w")};
    if (!a.to)
        return false;
    err_t e = tell(r, &a);
    return fclose(a.to) == 0 && e == OK;
}

/* ---- in this one ---- */

static void resultsread_free(struct resultsread *r)
{
    buf_free(&r->torn);
    free(r);
}

/* Other answers may come between two of its lines, and not into one. */
static void heard(void *arg, struct text piece)
{
    struct resultsread *r = arg;
    if (r->failed || buf_add(&r->torn, piece.s, piece.len) != OK) {
        r->failed = true; /* a line that is missing would not be seen to be */
        return;
    }
    const char *all = (const char *)buf_at(&r->torn);
    const char *last = memrchr(all, '\n', r->torn.len);
    size_t whole = last ? (size_t)(last + 1 - all) : 0;
    if (!whole)
        return;
    r->of.lines(r->of.arg, (struct text){all, whole});
    buf_drain(&r->torn, whole);
}

static void done(void *arg, bool good, struct text said)
{
    struct resultsread *r = arg;
    (void)said;
    r->of.done(r->of.arg, good && !r->failed && !r->torn.len);
    resultsread_free(r);
}

err_t resultsread_start(struct net *n, const struct resultsread_of *of, struct resultsread **out)
{
    const char *relay = of->relay;
    struct whose whose = {.n_at = 0};
    if (relay && whose_init(&whose, text_of(relay)) != OK)
        return ERR_ARG;
    struct resultsread *r = calloc(1, sizeof *r);
    if (!r)
        return ERR_NOMEM;
    *r = (struct resultsread){.net = n, .of = *of, .whose = whose};
    buf_init(&r->torn, 2 * RESULTS_LINE_MOST);
    const struct chore_work chore = {.work = work, .done = done, .arg = r, .heard = heard};
    err_t e = chore_start(n, &chore, &r->chore);
    if (e == OK)
        *out = r;
    else
        resultsread_free(r);
    return e;
}

void resultsread_hold(struct resultsread *r, bool held)
{
    chore_hold(r->chore, held);
}

void resultsread_stop(struct resultsread *r)
{
    chore_stop(r->chore);
    resultsread_free(r);
}
