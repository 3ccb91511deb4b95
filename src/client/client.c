#include "client/client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ratelim.h"
#include "client/bootstrap.h"
#include "client/circuits.h"
#include "client/directory.h"
#include "client/dirfetch.h"
#include "client/exits.h"
#include "client/linkpool.h"
#include "client/offline.h"
#include "client/settings.h"
#include "client/tunnels.h"
#include "dir/doc.h"
#include "link/tls.h"
#include "path/chooser.h"
#include "path/state.h"

/* As tor: FAST_GUARD_STATE_FLUSH_TIME, SLOW_GUARD_STATE_FLUSH_TIME. */
enum { SAVE_STATE_MS = 30000, SAVE_STATE_SELDOM_MS = 600000 };

enum { CLOCK_WORDS_S = 600 };

#define STATE_FILE "state"

struct client {
    struct env *env;
    const struct client_world *world_ops;
    void *world;
    struct settings *settings;
    struct bootstrap bootstrap;
    struct offline offline;
    struct ratelim clock_words;
    struct tls_ctx *tls;
    struct linkpool *links;
    struct events *events;
    struct circuits *circuits;
    struct directory *directory;
    bool directory_is_mine; /* made by and for this client: its options are the directory's */
    struct directory_member member;
    struct dirfetch *dirfetch;
    struct state *state;
    struct guards *guards;
    struct chooser *chooser;
    struct cbt *cbt;
    struct exits *exits;
    struct tunnels *tunnels;
    struct netdir *nd; /* what paths are built from; NULL: not enough is known */
    int32_t last_session;
    struct text files[DIR_FILE_N]; /* loaded, until client_start() */
    struct timer save, fetch, expire;
    uint32_t look_point_us; /* of each second, when what is in whole seconds is looked at */
    struct clock_watch watch;
    bool started; /* once; only then is a state worth keeping */
    bool running; /* and not stopped since */
};

/* ---- links ---- */

static void link_opened(void *arg, const struct link_target *peer)
{
    struct client *c = arg;
    (void)peer;
    offline_link_stood(&c->offline, c->env);
    bootstrap_reached(&c->bootstrap, BOOTSTRAP_HANDSHAKE_DONE);
}

/* One wrong clock is found by each relay and each document. */
static bool may_warn_of_clock(struct client *c)
{
    unsigned held_back;
    return ratelim_pass(&c->clock_words, c->env, CLOCK_WORDS_S, &held_back);
}

/* Certificates that are good, at another time than ours: our own fault, most likely. */
static void warn_dates(struct client *c, const struct link_target *peer)
{
    char addr[IPPORT_TEXT_MAX], now[DOC_TIME_TEXT_MAX];
    if (may_warn_of_clock(c))
        log_warn(c->env->log,
                 "The certificates of the relay at %s are not valid at the time of this computer, "
                 "%s UTC. If that is wrong, please check your time and date settings!",
                 ipport_text(&peer->addr, addr), doc_time_text(env_wall_s(c->env), now));
}

static void link_failed(void *arg, const struct link_target *peer, const struct link_end *end)
{
    struct client *c = arg;
    bootstrap_problem(&c->bootstrap, peer, end);
    if (end->why == ERR_LINK_DATES)
        warn_dates(c, peer);
    offline_dial_failed(&c->offline, c->env, end);
    if (offline_is(&c->offline, c->env))
        tunnels_no_network(c->tunnels);
}

static void warn_clock(struct client *c, int64_t skew_s, const char *source)
{
    if (!may_warn_of_clock(c))
        return;
    log_warn(c->env->log,
             "Our clock is %lld seconds %s the time published by %s. Tor needs an accurate clock "
             "to work: please check your time and date settings!",
             (long long)(skew_s < 0 ? -skew_s : skew_s), skew_s < 0 ? "behind" : "ahead of",
             source);
}

static void link_clock_skew(void *arg, int64_t skew_s, const struct link_target *peer)
{
    char addr[IPPORT_TEXT_MAX];
    warn_clock(arg, skew_s, ipport_text(&peer->addr, addr));
}

static const struct linkpool_ops linkpool_ops = {
    .clock_skew = link_clock_skew,
    .opened = link_opened,
    .failed = link_failed,
};

static void set_look_point(struct client *c)
{
    c->look_point_us = (uint32_t)(c->env->wall_us % (int64_t)US_PER_SEC);
}

static void use_look_point(const struct client *c, struct link_config *links)
{
    links->by_looks = true;
    links->look_point_us = c->look_point_us;
}

/* ---- circuits ---- */

static void exits_began(void *arg)
{
    struct client *c = arg;
    bootstrap_reached(&c->bootstrap, BOOTSTRAP_AP_HANDSHAKE_DONE);
    bootstrap_reached(&c->bootstrap, BOOTSTRAP_CIRCUIT_CREATE);
}

static void exits_opened(void *arg)
{
    struct client *c = arg;
    bootstrap_reached(&c->bootstrap, BOOTSTRAP_DONE);
}

static void exits_changed(void *arg, const struct isolation_key who[ISOLATION_KEYS])
{
    struct client *c = arg;
    if (who)
        tunnels_attach_these(c->tunnels, who);
    else
        tunnels_attach(c->tunnels);
}

static const struct exits_ops exits_ops = {
    .changed = exits_changed,
    .began = exits_began,
    .opened = exits_opened,
};

/* ---- directory ---- */

static void dir_progress(void *arg, int percent, const char *tag, const char *summary)
{
    struct client *c = arg;
    bootstrap_progress(&c->bootstrap, percent, tag, summary);
}

static void configure_chooser(struct client *c)
{
    chooser_configure(c->chooser, &c->settings->path, c->settings->config.testing_network);
}

static void apply_settings(struct client *c, struct netdir *nd)
{
    struct linkpool_config links_config = settings_links(c->settings, c->tls, nd);
    use_look_point(c, &links_config.link);
    linkpool_set_config(c->links, &links_config);
    exits_set_habits(c->exits, &links_config.habits);
    cbt_configure(c->cbt, c->settings->config.learn_circuit_build_timeout,
                  c->settings->config.circuit_build_timeout_s, nd ? netdir_consensus(nd) : NULL);
    if (nd)
        bootstrap_reached(&c->bootstrap, BOOTSTRAP_AP_CONN);
}

static void dir_netdir(void *arg, struct netdir *nd)
{
    struct client *c = arg;
    if (!c->nd) /* circuits are begun now, and by looks that follow from this one */
        set_look_point(c);
    netdir_unref(&c->nd);
    c->nd = nd ? netdir_ref(nd) : NULL;
    chooser_know(c->chooser, dirmgr_known(directory_mgr(c->directory)));
    if (nd)
        apply_settings(c, nd);
    exits_set_netdir(c->exits, nd);
}

static void dir_want(void *arg)
{
    struct client *c = arg;
    env_arm_ms(c->env, &c->fetch, 0);
}

static void fetch_due(void *arg)
{
    struct client *c = arg;
    if (!directory_carried_by(c->directory, &c->member) || !c->settings->config.fetch_documents ||
        dirmgr_lacks(directory_mgr(c->directory)))
        return;
    bootstrap_reached(&c->bootstrap, BOOTSTRAP_CONN);
    dirfetch_run(c->dirfetch);
}

static void dir_store(void *arg, enum dir_file file, const void *bytes, size_t len, bool append)
{
    struct client *c = arg;
    c->world_ops->store(c->world, dir_file_name(file), bytes, len, append);
}

static err_t dir_read_back(void *arg, enum dir_file file, uint8_t **out, size_t *len)
{
    struct client *c = arg;
    return c->world_ops->read_back(c->world, dir_file_name(file), out, len);
}

static void dir_set_aside(void *arg, enum dir_file file)
{
    struct client *c = arg;
    /* One that stays where it is will be written over. */
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

static void dir_clock_skew(void *arg, int64_t skew_s, const char *text)
{
    (void)text; /* the directory manager has it in its own line */
    warn_clock(arg, skew_s, "the directory");
}

/* tor-spec 9: "it must not connect to the network". */
static void dir_obsolete(void *arg, const char *missing)
{
    struct client *c = arg;
    char why[160];
    snprintf(why, sizeof why, "the network requires protocols that this version lacks: %.90s",
             missing);
    if (c->bootstrap.watch && c->bootstrap.watch->obsolete)
        c->bootstrap.watch->obsolete(c->bootstrap.watch_arg, missing);
    tunnels_refuse_all(c->tunnels, why);
    exits_stop(c->exits);
    linkpool_drop_all(c->links);
}

static const struct dirmgr_ops dirmgr_ops = {
    .progress = dir_progress,
    .netdir = dir_netdir,
    .want = dir_want,
    .store = dir_store,
    .read_back = dir_read_back,
    .set_aside = dir_set_aside,
    .choose = dir_choose,
    .judge = dir_judge,
    .forgive = dir_forgive,
    .cancel = dir_cancel,
    .clock_skew = dir_clock_skew,
    .obsolete = dir_obsolete,
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

static const struct dirfetch_ops dirfetch_ops = {
    .reached = dir_reached,
    .build_timeout_ms = dir_build_timeout_ms,
    .max_dirtiness_ms = dir_max_dirtiness_ms,
};

/* ---- state file ---- */

static void save_state(struct client *c)
{
    char *text;
    size_t len;
    if (!guards_dirty(c->guards) && !cbt_dirty(c->cbt))
        return;
    err_t e = guards_save(c->guards, c->state);
    if (e == OK)
        e = cbt_save(c->cbt, c->state);
    if (e == OK)
        e = state_write(c->state, env_wall_s(c->env), TUNIC_VERSION, &text, &len);
    if (e != OK) {
        log_warn(c->env->log, "The state file was not written: %s", err_text(e));
        return;
    }
    c->world_ops->store(c->world, STATE_FILE, (const uint8_t *)text, len, false);
    free(text);
}

static void arm_save(struct client *c)
{
    env_arm_ms(c->env, &c->save,
               c->settings->config.avoid_disk_writes ? SAVE_STATE_SELDOM_MS : SAVE_STATE_MS);
}

static void save_due(void *arg)
{
    struct client *c = arg;
    save_state(c);
    arm_save(c);
}

/* A file whose guards are all damaged is kept: somebody may mend it. */
static err_t keep_damaged_state(struct client *c, size_t damaged_lines, size_t damaged_guards)
{
    if (damaged_lines)
        log_warn(c->env->log, "%zu lines of the state file are damaged and left out",
                 damaged_lines);
    if ((!damaged_lines && !damaged_guards) || guards_remembered(c->guards))
        return OK;
    log_warn(c->env->log,
             "No entry guard of the damaged state file can be read: new ones are chosen");
    err_t e = c->world_ops->set_aside(c->world, STATE_FILE);
    return e == ERR_NOT_FOUND ? OK : e;
}

static err_t load_state(struct client *c, struct text text)
{
    struct state *state;
    size_t damaged_lines, damaged_guards;
    TRY(state_parse(text, &state, &damaged_lines));
    state_free(&c->state);
    c->state = state;
    TRY(guards_load(c->guards, state, &damaged_guards));
    if (cbt_load(c->cbt, state) != OK)
        log_warn(c->env->log, "The circuit build times of the state file contradict each other: "
                              "they are learnt afresh");
    return keep_damaged_state(c, damaged_lines, damaged_guards);
}

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

/* ---- time that did not pass ---- */

/* Circuits that stood while the machine slept are mostly gone at the other end, and a stream of the
 * morning is not to share one with those of the evening. The words are C tor's. */
static void clock_jumped(void *arg, int64_t seconds, bool late)
{
    struct client *c = arg;
    if (late)
        log_notice(c->env->log,
                   "Tunic has been idle for %lld seconds (asleep, or stopped); assuming "
                   "established circuits no longer work.",
                   (long long)seconds);
    else
        log_notice(c->env->log,
                   "Your system clock just jumped %lld seconds %s; assuming established circuits "
                   "no longer work.",
                   (long long)(seconds < 0 ? -seconds : seconds),
                   seconds < 0 ? "backward" : "forward");
    exits_retire_all(c->exits);
    dirfetch_retire_all(c->dirfetch);
    dirmgr_retry_now(directory_mgr(c->directory));
    configure_chooser(c); /* guards may have grown too old */
}

/* ---- life ---- */

/* OTHER: whose directory it uses, or NULL. */
static err_t make_core(struct client *c, const struct client *other)
{
    TRY(tls_ctx_new_client(&c->tls));
    set_look_point(c);
    struct linkpool_config links_config = settings_links(c->settings, c->tls, NULL);
    struct dirmgr_options options = settings_dirmgr(c->settings);
    use_look_point(c, &links_config.link);
    c->events = events_new(c->env);
    c->links = linkpool_new(c->env, &links_config, c->world_ops, c->world, &linkpool_ops, c);
    c->state = state_new();
    c->guards = guards_new(c->env);
    c->chooser = c->guards ? chooser_new(c->env, c->guards) : NULL;
    c->cbt = cbt_new(c->env);
    if (!c->events || !c->links || !c->state || !c->chooser || !c->cbt)
        return ERR_NOMEM;
    configure_chooser(c);
    cbt_configure(c->cbt, c->settings->config.learn_circuit_build_timeout,
                  c->settings->config.circuit_build_timeout_s, NULL);
    c->member = (struct directory_member){.ops = &dirmgr_ops, .arg = c};
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
    if (!c->circuits)
        return ERR_NOMEM;
    c->dirfetch = dirfetch_new(c->circuits, directory_mgr(c->directory), &dirfetch_ops, c);
    c->exits = exits_new(c->circuits, c->guards, c->cbt, &exits_config, &exits_ops, c);
    if (!c->dirfetch || !c->exits)
        return ERR_NOMEM;
    c->tunnels = tunnels_new(c->env, c->exits, &tunnels_config);
    return c->tunnels ? OK : ERR_NOMEM;
}

static err_t settings_new(const struct client_config *config, struct settings **out,
                          char why[CLIENT_WHY_MAX])
{
    struct settings *s = calloc(1, sizeof *s);
    if (!s) {
        snprintf(why, CLIENT_WHY_MAX, "%s", err_text(ERR_NOMEM));
        return ERR_NOMEM;
    }
    err_t e = settings_init(s, config, why);
    if (e != OK) {
        free(s);
        return e;
    }
    *out = s;
    return OK;
}

static void settings_drop(struct settings *s)
{
    if (!s)
        return;
    settings_free(s);
    free(s);
}

static void drop_files(struct client *c)
{
    for (size_t i = 0; i < DIR_FILE_N; i++) {
        free((void *)(uintptr_t)c->files[i].s);
        c->files[i] = (struct text){NULL, 0};
    }
}

void client_free(struct client *c)
{
    if (!c)
        return;
    if (c->started)
        save_state(c);
    env_unwatch_clocks(c->env, &c->watch);
    env_disarm(c->env, &c->save);
    env_disarm(c->env, &c->fetch);
    env_disarm(c->env, &c->expire);
    tunnels_free(c->tunnels);
    exits_free(c->exits);
    dirfetch_free(c->dirfetch);
    directory_leave(&c->member);
    directory_unref(&c->directory);
    circuits_free(c->circuits);
    linkpool_free(c->links);
    events_free(c->events);
    cbt_free(&c->cbt);
    chooser_free(c->chooser);
    guards_free(&c->guards);
    state_free(&c->state);
    netdir_unref(&c->nd);
    tls_ctx_free(c->tls);
    settings_drop(c->settings);
    drop_files(c);
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
    *c = (struct client){.env = env, .world_ops = ops, .world = world, .last_session = -1};
    timer_init(&c->save, save_due, c);
    timer_init(&c->fetch, fetch_due, c);
    timer_init(&c->expire, expire_due, c);
    bootstrap_init(&c->bootstrap, env);
    err_t e = settings_new(config, &c->settings, why);
    if (e == OK)
        e = make_core(c, other);
    if (e == OK)
        e = make_users(c);
    if (e != OK) {
        if (!why[0])
            snprintf(why, CLIENT_WHY_MAX, "%s", err_text(e));
        client_free(c);
        return e;
    }
    *out = c;
    return OK;
}

const struct client_file *client_files(void)
{
    static const struct client_file files[] = {
        {STATE_FILE, true},
        {"cached-certs", false},
        {"cached-microdesc-consensus", false},
        {"cached-microdescs", false},
        {"cached-microdescs.new", false},
        {NULL, false},
    };
    return files;
}

const struct client_file *client_file(const char *name)
{
    const struct client_file *file = client_files();
    while (file->name && strcmp(file->name, name) != 0)
        file++;
    return file->name ? file : NULL;
}

err_t client_load(struct client *c, const char *name, uint8_t *gift_bytes, size_t len)
{
    struct text text = {(const char *)gift_bytes, len};
    for (enum dir_file file = 0; file < DIR_FILE_N; file++)
        if (strcmp(name, dir_file_name(file)) == 0) {
            free((void *)(uintptr_t)c->files[file].s);
            c->files[file] = text;
            return OK;
        }
    err_t e = strcmp(name, STATE_FILE) == 0 ? load_state(c, text) : OK;
    free(gift_bytes);
    return e;
}

static void load_directory(struct client *c)
{
    if (dirmgr_load(directory_mgr(c->directory), c->files) != OK)
        log_warn(c->env->log, "Out of memory while loading the cached directory");
}

static void begin(struct client *c)
{
    c->started = true;
    bootstrap_reached(&c->bootstrap, BOOTSTRAP_STARTING);
    c->watch = (struct clock_watch){.jumped = clock_jumped, .arg = c};
    env_watch_clocks(c->env, &c->watch);
    expire_due(c); /* C tor's first look is at its start, too */
    arm_save(c);
}

void client_start(struct client *c)
{
    if (c->running)
        return;
    c->running = true;
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
    drop_files(c);
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
    linkpool_drop_all(c->links);
    env_disarm(c->env, &c->fetch);
    netdir_unref(&c->nd);
}

void client_set_watch(struct client *c, const struct bootstrap_watch *watch, void *arg)
{
    c->bootstrap.watch = watch;
    c->bootstrap.watch_arg = arg;
}

const struct bootstrap *client_bootstrap(const struct client *c)
{
    return &c->bootstrap;
}

err_t client_reconfigure(struct client *c, const struct client_config *config,
                         char why[CLIENT_WHY_MAX])
{
    struct settings *fresh = NULL, *old = c->settings;
    TRY(settings_new(config, &fresh, why));
    struct dirmgr_options options = settings_dirmgr(fresh);
    if (c->directory_is_mine && dirmgr_set_options(directory_mgr(c->directory), &options) != OK) {
        settings_drop(fresh);
        snprintf(why, CLIENT_WHY_MAX, "%s", err_text(ERR_NOMEM));
        return ERR_NOMEM;
    }
    c->settings = fresh;
    struct exits_config exits_config = settings_exits(fresh);
    struct tunnels_config tunnels_config = settings_tunnels(fresh);
    exits_set_config(c->exits, &exits_config);
    tunnels_set_config(c->tunnels, &tunnels_config);
    configure_chooser(c);
    apply_settings(c, c->nd);
    if (settings_abandon_circuits(old, fresh)) {
        log_info(c->env->log, "Changed preferred or excluded node lists. Abandoning previous "
                              "circuits.");
        exits_retire_all(c->exits);
        dirfetch_retire_all(c->dirfetch);
    }
    if (c->started && old->config.avoid_disk_writes != fresh->config.avoid_disk_writes)
        arm_save(c);
    if (c->running)
        env_arm_ms(c->env, &c->fetch, 0); /* documents may be fetched now */
    settings_drop(old);
    return OK;
}

int32_t client_new_session(struct client *c)
{
    return --c->last_session;
}

void client_new_identity(struct client *c)
{
    exits_retire_dirty(c->exits);
}

void client_refresh(struct client *c)
{
    exits_retire_dirty(c->exits);
    dirmgr_retry_now(directory_mgr(c->directory));
}

struct tunnel *tunnel_open(struct client *client, const struct tunnel_request *req,
                           const struct tunnel_ops *ops, void *arg)
{
    return tunnels_open(client->tunnels, req, ops, arg);
}

bool client_is_running(const struct client *c)
{
    return c->running;
}

bool client_is_ready(const struct client *c)
{
    return c->bootstrap.percent >= 100;
}

unsigned client_bootstrap_percent(const struct client *c)
{
    return c->bootstrap.percent < 0 ? 0 : (unsigned)c->bootstrap.percent;
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

static void dump_link(void *arg, const struct link *l)
{
    static const char *const states[] = {
        [LINK_CONNECTING] = "connecting",   [LINK_TLS] = "TLS handshake",
        [LINK_HANDSHAKING] = "handshaking", [LINK_OPEN] = "open",
        [LINK_CLOSED] = "closed",
    };
    struct client *c = arg;
    char addr[IPPORT_TEXT_MAX];
    log_notice(c->env->log,
               "Link to %s: %s, version %u, %zu circuits, %llu bytes read, %llu written",
               ipport_text(&link_target(l)->addr, addr), states[link_state(l)], link_version(l),
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
