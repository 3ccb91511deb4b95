/* Between the directory and the rest of a client: what the manager says and asks for, and what came
 * of asking relays for documents. */
#include <stdio.h>

#include "client/client_int.h"

enum { FIRST_HOPS_MOST = 4 };

/* From when on it is valid. */
static int64_t begin_of(const struct netdir *nd)
{
    return netdir_consensus(nd)->valid_after_s;
}

/* Every new consensus is told once, whether it is enough or not. */
static void tell_consensus(struct client *c)
{
    struct netdir *known = dirmgr_known(directory_mgr(c->directory));
    if (!known || (c->told && begin_of(c->told) == begin_of(known)))
        return;
    const struct event_record e = {.kind = EVENT_DIRECTORY,
                                   .directory = {.status = DIRECTORY_NEWCONSENSUS,
                                                 .from_file = begin_of(known) == c->loaded_s,
                                                 .nd = known,
                                                 .old = c->told}};
    events_tell(c->events, &e);
    netdir_unref(&c->told);
    c->told = netdir_ref(known);
    client_apply_settings(c);
}

static void dir_progress(void *arg, int percent, const char *tag, const char *summary)
{
    struct client *c = arg;
    struct event_record e = {
        .kind = EVENT_DIRECTORY,
        .directory = {.status = DIRECTORY_PROGRESS, .step = {.percent = percent}}};
    tell_consensus(c);
    snprintf(e.directory.step.tag, sizeof e.directory.step.tag, "%s", tag);
    snprintf(e.directory.step.summary, sizeof e.directory.step.summary, "%s", summary);
    events_tell(c->events, &e);
}

static void dir_netdir(void *arg, struct netdir *nd)
{
    struct client *c = arg;
    struct netdir *known = dirmgr_known(directory_mgr(c->directory));
    if (!c->nd) /* the first circuits are begun now, and later looks follow from this one */
        client_set_look_point(c);
    tell_consensus(c);
    if (!c->nd != !nd)
        client_tell_dir_info(c, nd != NULL);
    netdir_unref(&c->nd);
    c->nd = nd ? netdir_ref(nd) : NULL;
    chooser_know(c->chooser, known);
    if (nd)
        vanguards_update(c->vanguards, nd, &c->settings->path);
    exits_set_netdir(c->exits, nd);
}

static void dir_want(void *arg)
{
    struct client *c = arg;
    tell_consensus(c);
    env_arm_ms(c->env, &c->fetch, 0);
}

/* Once a consensus says who they are, the guards that circuits will begin at are dialled, while
 * microdescriptors are still under way: to whom these are asked of need not be one of them. */
static void dial_first_hops(struct client *c)
{
    struct dir_choice to[FIRST_HOPS_MOST];
    if (c->nd || c->dialled_for == c->told)
        return;
    c->dialled_for = c->told;
    size_t n = chooser_first_hops(c->chooser, to, FIRST_HOPS_MOST);
    for (size_t i = 0; i < n; i++) {
        const struct link_target target = {.reach = to[i].reach,
                                           .rsa = to[i].rsa,
                                           .ed = to[i].ed,
                                           .has_rsa = true,
                                           .has_ed = to[i].has_ed};
        linkpool_prepare(c->links, &target);
    }
}

void client_fetch_due(void *arg)
{
    struct client *c = arg;
    if (!directory_carried_by(c->directory, &c->member) || !c->settings->config.fetch_documents ||
        dirmgr_lacks(directory_mgr(c->directory)))
        return;
    const struct event_record e = {.kind = EVENT_DIRECTORY,
                                   .directory = {.status = DIRECTORY_FETCHING}};
    events_tell(c->events, &e);
    dirfetch_run(c->dirfetch);
    dial_first_hops(c);
}

static err_t dir_store(void *arg, enum dir_file file, const struct text *parts, size_t n,
                       bool append)
{
    struct client *c = arg;
    return c->world_ops->store(c->world, dir_file_name(file), parts, n, append);
}

err_t client_read_back(const struct client *c, enum dir_file file, struct blob *out)
{
    return c->world_ops->read_back(c->world, dir_file_name(file), out);
}

static err_t dir_read_back(void *arg, enum dir_file file, struct blob *out)
{
    return client_read_back(arg, file, out);
}

static void dir_set_aside(void *arg, enum dir_file file)
{
    struct client *c = arg;
    /* A damaged file that stays where it is will be written over. */
    err_t e = c->world_ops->set_aside(c->world, dir_file_name(file));
    (void)e;
}

static bool dir_choose(void *arg, const struct dir_wish *wish, struct dir_choice *out,
                       uint64_t *again_us)
{
    struct client *c = arg;
    return chooser_for_documents(c->chooser, wish, out, again_us);
}

static void dir_judge(void *arg, const struct rsa_id *rsa, bool good)
{
    struct client *c = arg;
    chooser_judge(c->chooser, rsa, good);
}

static void dir_forgive(void *arg)
{
    struct client *c = arg;
    chooser_forgive(c->chooser);
}

static void dir_cancel(void *arg, uint32_t id)
{
    struct client *c = arg;
    dirfetch_cancel(c->dirfetch, id);
}

static void dir_clock_skew(void *arg, const struct dir_skew *skew)
{
    const struct reach from = {.addr = skew->addr};
    const struct clock_word word = {.skew_s = skew->skew_s,
                                    .trusted = skew->trusted,
                                    .source = skew->document ? "CONSENSUS" : "DIRSERV",
                                    .received =
                                        skew->document ? "microdesc flavor consensus" : "directory",
                                    .peer = skew->document ? NULL : &from,
                                    .whose = skew->whose};
    client_hear_of_clock(arg, &word);
}

/* tor-spec 9: "it must not connect to the network". */
static void dir_obsolete(void *arg, const char *missing)
{
    struct client *c = arg;
    char why[160];
    snprintf(why, sizeof why, "the network requires protocols that this version lacks: %.90s",
             missing);
    struct event_record e = {.kind = EVENT_STATUS, .status = {.what = STATUS_OBSOLETE}};
    snprintf(c->missing, sizeof c->missing, "%s", missing);
    snprintf(e.status.text, sizeof e.status.text, "%s", missing);
    events_tell(c->events, &e);
    tunnels_refuse_all(c->tunnels, why);
    exits_stop(c->exits);
    linkpool_drop_all(c->links);
}

const struct dirmgr *client_dirmgr(const struct client *c)
{
    return directory_mgr(c->directory);
}

const struct dirmgr_ops client_dirmgr_ops = {
    .progress = dir_progress,
    .netdir = dir_netdir,
    .obsolete = dir_obsolete,
};

const struct dirmgr_carrier client_carrier = {
    .want = dir_want,
    .store = dir_store,
    .read_back = dir_read_back,
    .set_aside = dir_set_aside,
    .choose = dir_choose,
    .judge = dir_judge,
    .forgive = dir_forgive,
    .cancel = dir_cancel,
    .clock_skew = dir_clock_skew,
};

static void dir_reached(void *arg, const struct rsa_id *relay, enum dirfetch_reach reach)
{
    struct client *c = arg;
    if (reach == DIRFETCH_REACHED)
        guards_succeeded(c->guards, relay);
    else if (reach == DIRFETCH_UNREACHED)
        guards_failed(c->guards, relay);
    else
        guards_dropped(c->guards, relay);
}

static uint64_t dir_build_timeout_ms(void *arg)
{
    struct client *c = arg;
    return cbt_close_ms(c->cbt, 1);
}

static uint64_t dir_max_dirtiness_ms(void *arg)
{
    struct client *c = arg;
    return c->settings->config.max_circuit_dirtiness_s * (uint64_t)MS_PER_SEC;
}

const struct dirfetch_ops client_dirfetch_ops = {
    .reached = dir_reached,
    .build_timeout_ms = dir_build_timeout_ms,
    .max_dirtiness_ms = dir_max_dirtiness_ms,
};
