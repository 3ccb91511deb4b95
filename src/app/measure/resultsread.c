#include "app/measure/resultsread.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/measure/resultsfile.h"
#include "base/buf.h"
#include "crypto/encode.h"
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
    const struct listing *listing;
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

/* As the network calls it now; "": it does not know it. */
static const char *name_of(const struct asked *a, const struct result *r)
{
    struct rsa_id rsa;
    const struct listed_relay *listed = NULL;
    if (a->listing && hex_decode_exact(text_of(r->fp), rsa.b, sizeof rsa.b) == OK)
        listed = listing_find(a->listing, &rsa);
    return listed ? listed->nickname : "";
}

/* LINE is an object that is not empty. A nickname is letters and digits. */
static bool put(const struct asked *a, struct text line, const char *nickname)
{
    struct text rest = {line.s + 1, line.len - 1};
    if (*nickname ? fprintf(a->to, "{\"nickname\":\"%s\",", nickname) < 0
                  : fputc('{', a->to) != '{')
        return false;
    return fwrite(rest.s, 1, rest.len, a->to) == rest.len && fputc('\n', a->to) == '\n';
}

static err_t tell_line(void *arg, struct text line)
{
    const struct asked *a = arg;
    struct result r;
    if (!(a->all || whose_may(&a->whose, line)) || results_parse(line, &r) != OK || !r.is_end ||
        !(a->all || whose_is(&a->whose, &r)))
        return OK;
    return put(a, line, name_of(a, &r)) ? OK : ERR_IO;
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
    struct asked a = {
        .all = !r->of.relay, .whose = r->whose, .listing = r->of.listing, .to = fdopen(to, "w")};
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

/* What is no fingerprint and no address may be a name. */
static err_t find(const struct resultsread_of *of, struct whose *out)
{
    const struct listed_relay *listed;
    char fp[HEX_SIZE(sizeof listed->rsa.b)];
    err_t e = whose_init(out, text_of(of->relay));
    if (e == OK || !of->listing)
        return e;
    e = listing_named(of->listing, of->relay, &listed);
    if (e != OK)
        return e == ERR_LIMIT ? e : ERR_ARG;
    return whose_init(out, text_of(hex_upper(listed->rsa.b, sizeof listed->rsa.b, fp)));
}

err_t resultsread_start(struct net *n, const struct resultsread_of *of, struct resultsread **out)
{
    struct whose whose = {.n_at = 0};
    if (of->relay)
        TRY(find(of, &whose));
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
