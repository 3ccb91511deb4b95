/* The clients' world: their links, files, and their starts and ends. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/sim.h"

static void dial(void *world, struct link *l, const struct reach *to)
{
    struct sim_client *c = world;
    bool in_client = memory.in_client;
    memory.in_client = false;
    oracle_dial(c->sim, c, &to->addr);
    wire_dial(c->sim, (int)c->id, 0, l, &to->addr);
    memory.in_client = in_client;
}

static void output(void *world, struct link *l)
{
    (void)world;
    wire_output(l);
}

static void hangup(void *world, struct link *l)
{
    bool in_client = memory.in_client;
    (void)world;
    memory.in_client = false;
    wire_hangup(l);
    memory.in_client = in_client;
}

/* ---- files ---- */

static struct sim_file *file_of(struct sim_client *c, const char *name)
{
    for (size_t i = 0; i < c->n_files; i++)
        if (strcmp(c->file[i].name, name) == 0)
            return &c->file[i];
    if (c->n_files == SIM_FILES) {
        sim_breach(c->sim, "files", "%s is one file too many", name);
        return NULL;
    }
    struct sim_file *f = &c->file[c->n_files++];
    *f = (struct sim_file){.bytes = NULL};
    snprintf(f->name, sizeof f->name, "%s", name);
    return f;
}

static size_t length_of(const struct text *parts, size_t n)
{
    size_t len = 0;
    for (size_t i = 0; i < n; i++)
        len += parts[i].len;
    return len;
}

static err_t store(void *world, const char *name, const struct text *parts, size_t n, bool append)
{
    struct sim_client *c = world;
    size_t len = length_of(parts, n);
    bool in_client = memory.in_client;
    memory.in_client = false;
    struct sim_file *f = c->deaf ? NULL : file_of(c, name);
    sim_note(c->sim, "client %zu stores %s, %zu bytes", c->id, name, len);
    if (f) {
        size_t kept = append ? f->len : 0;
        uint8_t *fresh = realloc(f->bytes, kept + len + 1);
        if (!fresh)
            abort();
        for (size_t i = 0, at = kept; i < n; at += parts[i++].len)
            memcpy(fresh + at, parts[i].s, parts[i].len);
        f->bytes = fresh;
        f->len = kept + len;
        news_stored(c, name, (struct text){(const char *)f->bytes, f->len});
    }
    memory.in_client = in_client;
    return OK;
}

static const struct sim_file *kept_file(const struct sim_client *c, const char *name)
{
    for (size_t i = 0; i < c->n_files; i++)
        if (strcmp(c->file[i].name, name) == 0 && c->file[i].bytes)
            return &c->file[i];
    return NULL;
}

/* The memory is the client's, as far as the count of allocations goes. */
static err_t read_back(void *world, const char *name, struct blob *out)
{
    struct sim_client *c = world;
    const struct sim_file *f = c->deaf ? NULL : kept_file(c, name);
    if (!f)
        return ERR_NOT_FOUND;
    *out = blob_copy((struct text){(const char *)f->bytes, f->len});
    return out->release ? OK : ERR_NOMEM;
}

static err_t set_aside(void *world, const char *name)
{
    struct sim_client *c = world;
    bool in_client = memory.in_client;
    memory.in_client = false;
    struct sim_file *f = file_of(c, name);
    sim_note(c->sim, "client %zu sets %s aside", c->id, name);
    if (!c->files_may_be_bad && !memory.failed)
        sim_breach(c->sim, "files", "client %zu cannot read its own %s", c->id, name);
    if (f) {
        free(f->bytes);
        f->bytes = NULL;
        f->len = 0;
    }
    memory.in_client = in_client;
    return OK;
}

void host_free_files(struct sim_client *c)
{
    for (size_t i = 0; i < c->n_files; i++)
        free(c->file[i].bytes);
    c->n_files = 0;
}

static const struct client_world world_ops = {
    .dial = dial,
    .output = output,
    .hangup = hangup,
    .store = store,
    .read_back = read_back,
    .set_aside = set_aside,
};

/* ---- start and end ---- */

static void log_sink(void *arg, enum log_level level, const char *line)
{
    struct sim_client *c = arg;
    if (c->sim->trace)
        printf("%12.6f    client %zu [%s] %s\n", (double)c->sim->now_us / 1e6, c->id,
               log_level_name(level), line);
    if (c->sim->sc->says && strstr(line, c->sim->sc->says))
        c->sim->said = true;
    if (strstr(line, err_text(ERR_BUG)))
        sim_breach(c->sim, "no-bug", "client %zu says: %.300s", c->id, line);
}

/* A client's options and their texts. */
struct options {
    struct client_config config;
    char line[SIM_AUTHORITIES][TESTNET_LINE_MAX];
    const char *lines[SIM_AUTHORITIES + 1];
    struct sim_lists_text lists;
};

static void fill_options(struct sim *s, bool lists_on, bool unattached, struct options *o)
{
    *o = (struct options){.config = client_config_defaults(true)};
    for (size_t i = 0; i < s->sc->authorities; i++)
        o->lines[i] = testnet_authority_line(s->net, i, o->line[i]);
    o->config.dir_authorities = o->lines;
    o->config.distinct_subnets = s->sc->distinct_subnets;
    if (s->sc->dirtiness_s)
        o->config.max_circuit_dirtiness_s = s->sc->dirtiness_s;
    o->config.conflux = s->sc->conflux ? CONFIG_YES : CONFIG_NO;
    o->config.leave_streams_unattached = unattached;
    lists_apply(s, lists_on, &o->config, &o->lists);
}

static err_t make(struct sim_client *c, char why[CLIENT_WHY_MAX])
{
    static struct options o;
    fill_options(c->sim, c->lists_on, false, &o);
    sim_enter_client(c);
    err_t e = client_new(&c->env, &o.config, &world_ops, c, &c->client, why);
    sim_leave(c->sim);
    return e;
}

void host_set_lists(struct sim *s, size_t client, bool on)
{
    static struct options o;
    struct sim_client *c = &s->client[client];
    char why[CLIENT_WHY_MAX];
    bool were_on = c->lists_on;
    fill_options(s, on, c->unattached, &o);
    c->lists_on = on;
    if (!c->client)
        return;
    sim_enter_client(c);
    err_t e = client_reconfigure(c->client, &o.config, why);
    sim_leave(s);
    if (e == OK)
        return;
    c->lists_on = were_on;
    if (!memory.failed || e != ERR_NOMEM)
        sim_breach(s, "starts", "client %zu takes no new options: %s", client, why);
}

err_t host_set_unattached(struct sim *s, size_t client, bool on)
{
    static struct options o;
    struct sim_client *c = &s->client[client];
    char why[CLIENT_WHY_MAX];
    if (!c->client || c->unattached == on)
        return OK;
    fill_options(s, c->lists_on, on, &o);
    sim_enter_client(c);
    err_t e = client_reconfigure(c->client, &o.config, why);
    sim_leave(s);
    if (e == OK)
        c->unattached = on;
    return e;
}

static err_t load_files(struct sim_client *c)
{
    err_t e = OK;
    for (const struct client_file *file = client_files(); file->name && e == OK; file++) {
        const struct sim_file *f = kept_file(c, file->name);
        if (!f)
            continue;
        struct blob copy = blob_copy((struct text){(const char *)f->bytes, f->len});
        if (!copy.release)
            abort();
        sim_enter_client(c);
        e = client_load(c->client, file->name, copy);
        sim_leave(c->sim);
    }
    return e;
}

static void try_again(struct sim *s, void *arg, uint64_t x)
{
    (void)arg;
    host_start(s, (size_t)x);
}

void host_start(struct sim *s, size_t client)
{
    struct sim_client *c = &s->client[client];
    char why[CLIENT_WHY_MAX] = "";
    c->log = (struct log){.least = s->trace || s->sc->says ? LOG_DEBUG : LOG_WARN,
                          .unsafe = true,
                          .sink = log_sink,
                          .arg = c};
    c->env.log = &c->log;
    sim_note(s, "client %zu starts", client);
    err_t e = make(c, why);
    if (e == OK)
        e = load_files(c);
    if (e != OK) {
        sim_note(s, "client %zu did not start: %s", client, why);
        if (!memory.failed || e != ERR_NOMEM)
            sim_breach(s, "starts", "client %zu: %s", client, why);
        sim_enter_client(c);
        client_free(c->client);
        sim_leave(s);
        c->client = NULL;
        sim_after(s, SIM_SECOND, try_again, NULL, client);
        return;
    }
    c->starts++;
    c->dialled = 0;
    c->stopped = false;
    ports_started(c);
    c->started_us = s->now_us;
    c->vanguards = 0;
    told_begins(s, client);
    c->unattached = false;
    sim_enter_client(c);
    client_start(c->client);
    sim_leave(s);
    steer_begins(s, client);
}

void host_disable(struct sim *s, size_t client, bool disabled)
{
    struct sim_client *c = &s->client[client];
    if (!c->client || c->stopped == disabled)
        return;
    c->stopped = disabled;
    sim_enter_client(c);
    if (disabled)
        client_stop(c->client);
    else
        client_start(c->client);
    sim_leave(s);
}

void host_stop(struct sim *s, size_t client, bool kill)
{
    struct sim_client *c = &s->client[client];
    if (!c->client)
        return;
    sim_note(s, "client %zu %s", client, kill ? "is killed" : "stops");
    app_client_gone(s, client);
    steer_ends(s, client);
    c->deaf = kill;
    sim_enter_client(c);
    client_free(c->client);
    sim_leave(s);
    c->deaf = false;
    c->client = NULL;
    if (!kill)
        oracle_stopped(s, c);
    if (c->env.queues.tally.held || c->env.queues.holding)
        sim_breach(s, "nothing-left", "client %zu has ended, but %zu bytes count as held", client,
                   c->env.queues.tally.held);
    if (c->env.timers.root)
        sim_breach(s, "nothing-left", "client %zu has ended, but a timer of its is armed", client);
}
