#include "app/measure/relaysource.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/measure/relaysource_int.h"

enum { LOOK_MS = 5000 };

static void taken(void *arg, struct text descriptor)
{
    struct relaysource *r = arg;
    if (r->fetch)
        relayfetch_taken(r, descriptor);
}

static void over(void *arg, const struct listing_sum *sum)
{
    struct relaysource *r = arg;
    int64_t now_s = env_wall_s(net_env(r->config.net));
    if (sum->bad)
        log_warn(r->config.log,
                 "%zu server descriptors of %s do not verify, and do not count; of the first: %s",
                 sum->bad, r->reading, sum->first_bad);
    if (sum->unread)
        log_warn(r->config.log, "%zu server descriptors of %s were not verified: out of memory",
                 sum->unread, r->reading);
    if (sum->taken)
        log_notice(r->config.log, "%zu server descriptors are new; %zu of %zu relays are described",
                   sum->taken, listing_n_described(r->config.listing, now_s),
                   listing_n(r->config.listing));
}

static const struct listing_reader_ops ops = {.taken = taken, .over = over};

static void look(void *arg)
{
    struct relaysource *r = arg;
    if (r->fetch)
        relayfetch_look(r);
    else
        relaysource_folder_look(r);
    env_arm_ms(net_env(r->config.net), &r->look, LOOK_MS);
}

static err_t know_network(struct relaysource *r)
{
    char why[SOURCES_WHY];
    err_t e = OK;
    if (*r->config.torrc)
        e = sources_read_torrc(&r->network, r->config.torrc, why);
    if (e == OK)
        e = sources_complete(&r->network, true, why);
    r->trust = (struct listing_trust){r->network.auths, r->network.n_auths};
    if (e == ERR_NOMEM)
        return e;
    if (e != OK)
        log_err(r->config.log, "torrc = %s %s", r->config.torrc, why);
    return e;
}

err_t relaysource_check(const struct relaysource_config *config)
{
    struct relaysource r = {.config = *config};
    if (strcmp(config->directory, "none") == 0)
        return OK;
    err_t e = know_network(&r);
    sources_free(&r.network);
    return e;
}

static err_t begin(struct relaysource *r)
{
    struct env *env = net_env(r->config.net);
    r->reader = listing_reader_new(env, r->config.listing, &ops, r);
    if (!r->reader)
        return ERR_NOMEM;
    TRY(know_network(r));
    if (strcmp(r->config.directory, "fetch") == 0)
        TRY(relayfetch_begin(r));
    env_arm_ms(env, &r->look, 0);
    return OK;
}

err_t relaysource_open(const struct relaysource_config *config, struct relaysource **out)
{
    *out = NULL;
    if (strcmp(config->directory, "none") == 0)
        return OK;
    struct relaysource *r = calloc(1, sizeof *r);
    if (!r)
        return ERR_NOMEM;
    *r = (struct relaysource){.config = *config, .reading = "that folder"};
    timer_init(&r->look, look, r);
    err_t e = begin(r);
    if (e == OK)
        *out = r;
    else
        relaysource_close(r);
    return e;
}

/* ---- another one ---- */

static bool has(const struct sources *s, const struct rsa_id *id)
{
    size_t i = 0;
    while (i < s->n_auths && !rsa_id_equal(&s->auths[i], id))
        i++;
    return i < s->n_auths;
}

static bool is_network(const struct sources *a, const struct sources *b)
{
    bool all = a->n_auths == b->n_auths;
    for (size_t i = 0; all && i < a->n_auths; i++)
        all = has(b, &a->auths[i]) && has(a, &b->auths[i]);
    return all;
}

/* Of lists that end in NULL, or are it. */
static bool are_same(char *const *a, char *const *b)
{
    size_t i = 0;
    if (!a || !b)
        return a == b;
    while (a[i] && b[i] && strcmp(a[i], b[i]) == 0)
        i++;
    return !a[i] && !b[i];
}

static enum relaysource_change compare(const struct relaysource *r, const struct relaysource *other)
{
    const struct sources *a = &r->network, *b = &other->network;
    if (!is_network(a, b))
        return RELAYSOURCE_NETWORK;
    return strcmp(r->config.directory, other->config.directory) == 0 && a->testing == b->testing &&
                   are_same(a->authority_lines, b->authority_lines) &&
                   are_same(a->fallback_lines, b->fallback_lines)
               ? RELAYSOURCE_SAME
               : RELAYSOURCE_ELSEWHERE;
}

enum relaysource_change relaysource_compare(const struct relaysource *r,
                                            const struct relaysource_config *config)
{
    struct relaysource other = {.config = *config};
    bool is_none = strcmp(config->directory, "none") == 0;
    if (!r || is_none)
        return !r && is_none ? RELAYSOURCE_SAME : RELAYSOURCE_NETWORK;
    enum relaysource_change change =
        know_network(&other) == OK ? compare(r, &other) : RELAYSOURCE_WRONG;
    sources_free(&other.network);
    return change;
}

/* ---- life ---- */

void relaysource_close(struct relaysource *r)
{
    if (!r)
        return;
    env_disarm(net_env(r->config.net), &r->look);
    relayfetch_end(r);
    listing_reader_free(r->reader);
    sources_free(&r->network);
    free(r);
}
