#include "app/measure/upkeep.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/measure/bwmake.h"
#include "app/measure/resultsfile.h"
#include "net/chore.h"

enum { HOUR_S = 3600, LOOK_AGAIN_MS = 20 * 1000 };

struct upkeep {
    struct net *net;
    struct mconf_coord conf;
    const struct listing *listing;
    struct upkeep_ops ops;
    struct chore *chore; /* NULL: nothing is being done */
    unsigned number;     /* of the newest work */
    bool asked;          /* for a file by what is being done */
    bool again;          /* somebody has asked meanwhile */
    int64_t started_s;
    int64_t waits_since_s; /* for what the directory has to say */
    unsigned failures;
    struct timer look;
};

/* ---- in the other process ---- */

static void tidy_results(struct upkeep *u, int64_t now_s)
{
    struct files *folder;
    const struct resultsfile_keep keep = {u->conf.compress_days, u->conf.keep_days};
    if (resultsfile_folder(u->conf.resultsdir, net_env(u->net)->log, &folder) != OK)
        return; /* the next beginning of a run says so */
    resultsfile_tidy(folder, now_s, &keep);
    files_close(folder);
}

static err_t make_file(struct upkeep *u, int64_t now_s, struct bwmade *made)
{
    const struct mconf_v3bw *v = &u->conf.v3bw;
    struct log log = *net_env(u->net)->log;
    struct bwmake m = {.listing = u->listing,
                       .link = v->path,
                       .now_s = now_s,
                       .started_s = u->started_s,
                       .log = &log};
    m.from = (struct offline_options){.results = u->conf.resultsdir,
                                      .country = v->country[0] ? v->country : NULL,
                                      .digits = v->digits,
                                      .max_age_s = v->max_age_s};
    err_t e = bwmake(&m, made);
    bwmake_tidy(v->path, now_s, v->keep_days, &log);
    return e;
}

static void write_all(int to, const char *text)
{
    size_t len = strlen(text);
    while (len) {
        ssize_t n = write(to, text, len);
        if (n <= 0)
            return;
        text += n;
        len -= (size_t)n;
    }
}

/* The event for whoever asked: a file, or why there is none. */
static void say(int to, err_t e, const struct bwmade *made)
{
    const struct bwfile_sum *sum = &made->sum;
    const char *why = made->why[0] ? made->why : err_text(e);
    json_t *o = e == OK ? json_pack("{sssssIsIsIsIsb}", "event", "bwfile", "path", made->path,
                                    "measured", (json_int_t)sum->measured, "listed",
                                    (json_int_t)sum->listed, "capped", (json_int_t)sum->capped,
                                    "unknown", (json_int_t)sum->unknown, "votes", sum->votes)
                        : json_pack("{sssssb}", "event", "error", "why", why, "nothing",
                                    e == ERR_NOT_FOUND);
    char *text = o ? json_dumps(o, JSON_COMPACT) : NULL;
    json_decref(o);
    if (text)
        write_all(to, text);
    free(text);
}

static bool work(void *arg, int to)
{
    struct upkeep *u = arg;
    struct bwmade made = {.path = ""};
    int64_t now_s = env_wall_s(net_env(u->net));
    err_t e = OK;
    if (u->asked) {
        e = make_file(u, now_s, &made);
        say(to, e, &made);
    }
    tidy_results(u, now_s);
    return e == OK;
}

/* ---- in this one ---- */

/* Whether it failed. */
static bool tell(const struct upkeep *u, bool good, const json_t *o)
{
    struct log *log = net_env(u->net)->log;
    const char *why = json_string_value(json_object_get(o, "why"));
    long long measured = json_integer_value(json_object_get(o, "measured"));
    long long listed = json_integer_value(json_object_get(o, "listed"));
    bool nothing = json_is_true(json_object_get(o, "nothing")); /* is measured yet */
    if (!good)
        LOG_AT(log, nothing ? LOG_INFO : LOG_WARN, "There is no new bandwidth file: %.300s",
               why ? why : "the process that made it was killed");
    else
        log_notice(log, "Bandwidth file %.300s: %lld relays, of %lld%s",
                   json_string_value(json_object_get(o, "path")), measured, listed,
                   json_is_true(json_object_get(o, "votes"))
                       ? ""
                       : "; nobody is to vote by it, since it is less than 60% of the consensus, "
                         "or there is none");
    return !good && !nothing;
}

static bool start(struct upkeep *u, bool asked);

static void done(void *arg, bool good, struct text said)
{
    struct upkeep *u = arg;
    json_error_t error;
    json_t *o = u->asked ? json_loadb(said.s, said.len, 0, &error) : NULL;
    u->chore = NULL;
    good = good && o;
    if (u->asked) {
        char *json = o ? json_dumps(o, JSON_COMPACT) : NULL;
        u->failures += tell(u, good, o) ? 1 : 0;
        u->ops.done(
            u->ops.arg, u->number,
            json ? json : "{\"event\":\"error\",\"why\":\"the bandwidth file could not be made\"}");
        free(json);
    }
    json_decref(o);
    if (u->again && !start(u, true))
        u->ops.done(u->ops.arg, u->number,
                    "{\"event\":\"error\",\"why\":\"no process could be made\"}");
}

/* False: nothing is being done, and nobody was told. */
static bool start(struct upkeep *u, bool asked)
{
    const struct chore_work of = {.work = work, .done = done, .arg = u};
    u->number++;
    u->asked = asked;
    u->again = false;
    if (chore_start(u->net, &of, &u->chore) == OK)
        return true;
    u->chore = NULL;
    u->failures += asked ? 1 : 0;
    log_warn(net_env(u->net)->log, "Files are not looked after now: no process could be made");
    return false;
}

unsigned upkeep_ask(struct upkeep *u)
{
    if (!u->chore)
        return start(u, true) ? u->number : 0;
    u->again = true; /* what is being done may have read the results already */
    return u->number + 1;
}

/* ---- each hour ---- */

static void arm(struct upkeep *u)
{
    unsigned every_s = u->conf.v3bw.every_s ? u->conf.v3bw.every_s : HOUR_S;
    env_arm_ms(net_env(u->net), &u->look, (uint64_t)every_s * MS_PER_SEC);
}

/* A file that is made before the network is known would replace one that authorities vote by with
 * one that nobody does; and without descriptors figures stand in it that should be cut. */
static bool knows_network(const struct upkeep *u)
{
    int64_t now_s = env_wall_s(net_env(u->net));
    if (strcmp(u->conf.directory, "none") == 0)
        return true;
    if (!listing_is_live(u->listing, now_s))
        return false;
    return listing_is_told(u->listing, now_s) || now_s - u->waits_since_s > HOUR_S;
}

static void look(void *upkeep)
{
    struct upkeep *u = upkeep;
    bool can = knows_network(u);
    if (!u->chore)
        (void)start(u, u->conf.v3bw.every_s > 0 && can);
    if (can || !u->conf.v3bw.every_s)
        arm(u);
    else
        env_arm_ms(net_env(u->net), &u->look, LOOK_AGAIN_MS);
}

struct upkeep *upkeep_new(struct net *n, const struct mconf_coord *conf, const struct listing *l,
                          const struct upkeep_ops *ops)
{
    struct upkeep *u = calloc(1, sizeof *u);
    if (!u)
        return NULL;
    *u = (struct upkeep){
        .net = n, .conf = *conf, .listing = l, .ops = *ops, .started_s = env_wall_s(net_env(n))};
    u->waits_since_s = u->started_s;
    timer_init(&u->look, look, u);
    env_arm_ms(net_env(n), &u->look, 0);
    return u;
}

/* Results are written where they were at the start, and authorities read the link that was there. A
 * service that is told to reload each quarter of an hour makes its file all the same. */
void upkeep_reconfigure(struct upkeep *u, const struct mconf_coord *conf)
{
    bool other_pace = u->conf.v3bw.every_s != conf->v3bw.every_s;
    u->conf.v3bw.max_age_s = conf->v3bw.max_age_s;
    u->conf.v3bw.every_s = conf->v3bw.every_s;
    u->conf.v3bw.keep_days = conf->v3bw.keep_days;
    u->conf.v3bw.digits = conf->v3bw.digits;
    memcpy(u->conf.v3bw.country, conf->v3bw.country, sizeof u->conf.v3bw.country);
    if (strcmp(u->conf.directory, conf->directory) != 0 || strcmp(u->conf.torrc, conf->torrc) != 0)
        u->waits_since_s = env_wall_s(net_env(u->net));
    memcpy(u->conf.directory, conf->directory, sizeof u->conf.directory);
    memcpy(u->conf.torrc, conf->torrc, sizeof u->conf.torrc);
    u->conf.keep_days = conf->keep_days;
    u->conf.compress_days = conf->compress_days;
    if (other_pace)
        arm(u);
}

void upkeep_free(struct upkeep *u)
{
    if (!u)
        return;
    env_disarm(net_env(u->net), &u->look);
    chore_stop(u->chore);
    free(u);
}

unsigned upkeep_failures(const struct upkeep *u)
{
    return u->failures;
}
