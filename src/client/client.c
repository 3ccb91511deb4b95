#include "client/client_int.h"

#include <stdio.h>
#include <stdlib.h>

#include "link/tls.h"

/* ---- circuits ---- */

static void exits_changed(void *arg, const struct isolation_key who[ISOLATION_KEYS])
{
    struct client *c = arg;
    if (who)
        attach_pool_look_these(tunnels_pool(c->tunnels), who);
    else
        attach_pool_look(tunnels_pool(c->tunnels));
}

static const struct exits_ops exits_ops = {
    .changed = exits_changed,
};

/* ---- the end of circuits that have served ---- */

static void expire_due(void *arg)
{
    struct client *c = arg;
    exits_expire(c->exits);
    dirfetch_expire(c->dirfetch);
    uint64_t s = habits_expire_s(c->settings->config.new_circuit_period_s);
    timerq_arm(&c->env->timers, &c->expire,
               habits_seen_us(c->env, c->env->mono_us, s, c->look_point_us));
}

/* ---- life ---- */

/* For the bootstrap messages, of which some may have missed their cause. */
static void look_how_far(void *arg, bool *directory, bool *circuit)
{
    const struct client *c = arg;
    *directory = c->nd != NULL;
    *circuit = circuits_established(c->circuits);
}

static err_t make_events(struct client *c)
{
    c->events = events_new(c->env);
    if (!c->events)
        return ERR_NOMEM;
    bootstrap_init(&c->bootstrap, c->env, c->events, look_how_far, c);
    return OK;
}

/* OTHER: whose directory it uses, or NULL. */
static err_t make_core(struct client *c, const struct client *other)
{
    TRY(tls_ctx_new_client(&c->tls));
    client_set_look_point(c);
    struct linkpool_config links_config = client_link_config(c);
    struct dirmgr_options options = settings_dirmgr(c->settings);
    c->links = linkpool_new(c->env, c->events, &links_config, c->world_ops, c->world,
                            &client_linkpool_ops, c);
    c->state = state_new();
    c->guards = guards_new(c->env);
    c->vanguards = vanguards_new(c->env);
    c->chooser = c->guards ? chooser_new(c->env, c->guards) : NULL;
    c->cbt = cbt_new(c->env);
    if (!c->links || !c->state || !c->vanguards || !c->chooser || !c->cbt)
        return ERR_NOMEM;
    client_watch_way(c);
    client_listen_below(c);
    client_configure_chooser(c);
    pathbias_set_times(c->guards, c->cbt);
    cbt_configure(c->cbt, c->settings->config.learn_circuit_build_timeout,
                  c->settings->config.circuit_build_timeout_s, NULL);
    c->member =
        (struct directory_member){.ops = &client_dirmgr_ops, .carrier = &client_carrier, .arg = c};
    c->directory_is_mine = !other;
    if (!other)
        return directory_new(c->env, &options, &c->directory);
    c->directory = directory_ref(other->directory);
    return OK;
}

static err_t make_users(struct client *c)
{
    struct exits_config exits_config = settings_exits(c->settings);
    struct tunnels_config tunnels_config = settings_tunnels(c->settings);
    c->circuits = circuits_new(c->env, c->links, c->events);
    c->streams = ostreams_new(c->events);
    if (!c->circuits || !c->streams)
        return ERR_NOMEM;
    meter_init(&c->meter, c->env, c->events, c->links, c->circuits, c->streams);
    c->dirfetch =
        dirfetch_new(c->circuits, c->streams, directory_mgr(c->directory), &client_dirfetch_ops, c);
    c->exits =
        exits_new(c->circuits, c->guards, c->vanguards, c->cbt, &exits_config, &exits_ops, c);
    c->map = addrmap_new(c->env, client_tell_map, c);
    if (!c->dirfetch || !c->exits || !c->map)
        return ERR_NOMEM;
    c->tunnels = tunnels_new(c->circuits, c->streams, c->exits, c->map, &tunnels_config);
    return c->tunnels ? OK : ERR_NOMEM;
}

void client_free(struct client *c)
{
    if (!c)
        return;
    if (c->started)
        client_save_state(c); /* also for how long nobody has used it: that changes always */
    env_unwatch_clocks(c->env, &c->watch);
    env_disarm(c->env, &c->save);
    env_disarm(c->env, &c->fetch);
    env_disarm(c->env, &c->expire);
    env_disarm(c->env, &c->dormancy.look);
    doubt_end(&c->doubt);
    meter_stop(&c->meter);
    tunnels_free(c->tunnels);
    addrmap_free(c->map);
    exits_free(c->exits);
    dirfetch_free(c->dirfetch);
    directory_leave(&c->member);
    directory_unref(&c->directory);
    circuits_free(c->circuits);
    ostreams_free(c->streams);
    linkpool_free(c->links);
    events_free(c->events);
    cbt_free(&c->cbt);
    chooser_free(c->chooser);
    guards_free(&c->guards);
    vanguards_free(&c->vanguards);
    state_free(&c->state);
    netdir_unref(&c->nd);
    netdir_unref(&c->told);
    tls_ctx_free(c->tls);
    client_settings_drop(c->settings);
    client_drop_files(c);
    free(c);
}

err_t client_new(struct env *env, const struct client_config *config,
                 const struct client_world *ops, void *world, struct client **out,
                 char why[CLIENT_WHY_MAX])
{
    return client_new_sharing(NULL, env, config, ops, world, out, why);
}

err_t client_new_sharing(const struct client *other, struct env *env,
                         const struct client_config *config, const struct client_world *ops,
                         void *world, struct client **out, char why[CLIENT_WHY_MAX])
{
    snprintf(why, CLIENT_WHY_MAX, "%s", err_text(ERR_NOMEM));
    struct client *c = calloc(1, sizeof *c);
    if (!c)
        return ERR_NOMEM;
    *c = (struct client){
        .env = env, .world_ops = ops, .world = world, .last_session = SESSION_CONTROL};
    timer_init(&c->save, client_save_due, c);
    timer_init(&c->fetch, client_fetch_due, c);
    timer_init(&c->expire, expire_due, c);
    client_init_dormancy(c);
    err_t e = client_settings_new(config, &c->settings, why);
    if (e == OK)
        e = make_events(c);
    if (e == OK)
        e = make_core(c, other);
    if (e == OK)
        e = make_users(c);
    if (e == OK)
        client_apply_maps(c, config, NULL);
    if (e != OK) {
        if (!why[0])
            snprintf(why, CLIENT_WHY_MAX, "%s", err_text(e));
        client_free(c);
        return e;
    }
    *out = c;
    return OK;
}

static void load_directory(struct client *c)
{
    struct text files[DIR_FILE_N];
    for (size_t i = 0; i < DIR_FILE_N; i++)
        files[i] = c->files[i].text;
    if (dirmgr_load(directory_mgr(c->directory), files) != OK)
        log_warn(c->env->log, "Out of memory while loading the cached directory");
    struct netdir *known = dirmgr_known(directory_mgr(c->directory));
    if (known)
        c->loaded_s = netdir_consensus(known)->valid_after_s;
}

static void begin(struct client *c)
{
    c->started = true;
    bootstrap_start(&c->bootstrap);
    client_watch_clocks(c);
    client_begin_dormancy(c);
    expire_due(c); /* C tor's first look is at its start, too */
    client_arm_save(c);
}

void client_start(struct client *c)
{
    if (c->running)
        return;
    c->running = true;
    if (!c->dormancy.dormant)
        directory_join(c->directory, &c->member);
    if (c->started) { /* what failed before may have failed for want of a network */
        dirmgr_retry_now(directory_mgr(c->directory));
    } else {
        begin(c);
        if (!directory_started(c->directory)) {
            load_directory(c);
            directory_start(c->directory);
        }
    }
    client_drop_files(c);
    env_arm_ms(c->env, &c->fetch, 0);
}

void client_stop(struct client *c)
{
    if (!c->running)
        return;
    c->running = false;
    tunnels_end_all(c->tunnels, "the network is disabled (DisableNetwork)");
    exits_stop(c->exits);
    dirfetch_stop(c->dirfetch);
    directory_leave(&c->member);
    doubt_end(&c->doubt);
    linkpool_drop_all(c->links);
    env_disarm(c->env, &c->fetch);
    if (c->nd)
        client_tell_dir_info(c, false);
    netdir_unref(&c->nd);
}

void client_listen(struct client *c, struct event_listener *l, unsigned kinds)
{
    events_listen(c->events, l, kinds);
}

const char *client_obsolete(const struct client *c)
{
    return c->missing[0] ? c->missing : NULL;
}

int32_t client_new_session(struct client *c)
{
    return --c->last_session;
}

void client_new_identity(struct client *c)
{
    ostreams_next_epoch(c->streams);
    exits_retire_dirty(c->exits);
    addrmap_clear(c->map, ADDRMAP_EXIT);
    vanguards_drop_all(c->vanguards);
    if (c->nd)
        vanguards_update(c->vanguards, c->nd, &c->settings->path);
    client_tell_signal(c, SIGNAL_NEWNYM);
}

void client_forget_answers(struct client *c)
{
    addrmap_clear(c->map, ADDRMAP_EXIT);
    client_tell_signal(c, SIGNAL_CLEARDNSCACHE);
}

void client_refresh(struct client *c)
{
    exits_retire_dirty(c->exits);
    dirmgr_retry_now(directory_mgr(c->directory));
}

struct tunnel *tunnel_open(struct client *client, const struct tunnel_request *req,
                           const struct tunnel_ops *ops, void *arg)
{
    client_wake(client);
    doubt_wanted(&client->doubt);
    return tunnels_open(client->tunnels, req, ops, arg);
}

void client_set_attach(struct client *c, const struct attach_policy *policy)
{
    tunnels_set_attach(c->tunnels, policy);
}

enum attach_result client_attach(struct client *c, uint64_t stream, uint64_t circuit, unsigned hop)
{
    return tunnels_attach(c->tunnels, stream, circuit, hop);
}

bool client_is_running(const struct client *c)
{
    return c->running;
}

bool client_is_ready(const struct client *c)
{
    return c->bootstrap.step.percent >= 100;
}

unsigned client_bootstrap_percent(const struct client *c)
{
    return c->bootstrap.step.percent < 0 ? 0 : (unsigned)c->bootstrap.step.percent;
}

const struct bootstrap_step *client_bootstrap_step(const struct client *c)
{
    return &c->bootstrap.step;
}

size_t client_circuits(const struct client *c)
{
    return circuits_count(c->circuits);
}

/* ---- SIGUSR1 ---- */

static void dump_line(void *arg, const char *line)
{
    struct client *c = arg;
    log_notice(c->env->log, "%s", line);
}

static void dump_link(void *arg, struct link *l)
{
    static const char *const states[] = {
        [LINK_CONNECTING] = "connecting",   [LINK_TLS] = "TLS handshake",
        [LINK_HANDSHAKING] = "handshaking", [LINK_OPEN] = "open",
        [LINK_CLOSED] = "closed",
    };
    struct client *c = arg;
    char addr[REACH_TEXT_MAX];
    log_notice(c->env->log,
               "Link to %s: %s, version %u, %zu circuits, %llu bytes read, %llu written",
               reach_text(&link_target(l)->reach, addr), states[link_state(l)], link_version(l),
               link_circuits(l), (unsigned long long)link_bytes_in(l),
               (unsigned long long)link_bytes_out(l));
}

void client_dump(struct client *c)
{
    log_notice(c->env->log, "Bootstrapped %u%%; %zu tunnels, %zu of them waiting for a circuit",
               client_bootstrap_percent(c), tunnels_count(c->tunnels), tunnels_waiting(c->tunnels));
    linkpool_each(c->links, dump_link, c);
    exits_describe(c->exits, dump_line, c);
}
