/* The rules of paths and of isolation, from path-spec and guard-spec, written without looking at
 * src/path and src/client: what the simulated network is, only the plan says. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "circuit/circ.h"
#include "crypto/encode.h"
#include "sim/sim.h"

enum {
    FIRST_HOPS_CALM = 1,
    FIRST_HOPS_RELATED = 3,
    FIRST_HOPS_MOST = 12,
    EXIT_CIRCUITS = 512,
    BIRTHS = 1024,
    CIRCUIT_APPS = 16
};

/* A circuit as its exit sees it, and the applications that came by it. */
struct exit_circuit {
    size_t wire;
    uint32_t id;
    const struct app *app[CIRCUIT_APPS];
    size_t n;
    uint64_t first_us; /* by its client's clock: a stream was on it then */
};

static struct {
    struct exit_circuit of[EXIT_CIRCUITS];
    size_t n;
} exits;

/* When circuits began on their last wire, the latest ones. */
static struct {
    struct birth {
        size_t wire;
        uint32_t id;
        uint64_t at_us;
    } of[BIRTHS];
    size_t next;
} births;

void oracle_reset(void)
{
    exits.n = 0;
    memset(&births, 0, sizeof births);
}

/* ---- paths ---- */

static size_t node_of(const struct sim *s, const struct rsa_id *id)
{
    const struct identity *ids = keys_identities(s->plan.n_nodes);
    size_t i = 0;
    while (i < s->plan.n_nodes && !rsa_id_equal(&ids[i].rsa_id, id))
        i++;
    return i;
}

static bool same_16(const struct plan_node *a, const struct plan_node *b)
{
    return a->or_port.ip.b[0] == b->or_port.ip.b[0] && a->or_port.ip.b[1] == b->or_port.ip.b[1];
}

/* Whether nothing happens that speaks against a guard, or loses what is known of it. */
static bool guards_stay(const struct sim *s)
{
    for (size_t i = 0; i < s->sc->n_troubles; i++) {
        enum trouble_kind k = s->sc->trouble[i].kind;
        if (k != TROUBLE_RESTART && k != TROUBLE_NEWNYM)
            return false;
    }
    return true;
}

static void check_first_hop(struct sim *s, struct sim_client *c, const struct rsa_id *id)
{
    /* A guard that is related to an exit makes room for the next (guard-spec 4.6). */
    size_t calm = s->sc->families || s->sc->same_subnet ? FIRST_HOPS_RELATED : FIRST_HOPS_CALM;
    /* The second leg of a conflux set goes by the second guard. */
    calm += s->sc->conflux;
    size_t most = guards_stay(s) ? calm : FIRST_HOPS_MOST;
    for (size_t i = 0; i < c->n_guards; i++)
        if (rsa_id_equal(&c->guard[i], id))
            return;
    if (c->n_guards < SIM_GUARDS)
        c->guard[c->n_guards++] = *id;
    /* guard-spec 1: "clients choose a few relays ... and use them as the first hop" */
    if (c->n_guards > most)
        sim_breach(s, "path-guard", "client %zu goes in by a %zuth first hop", c->id, c->n_guards);
}

static void check_pair(struct sim *s, size_t a, size_t b)
{
    const struct plan_node *x = &s->plan.node[a], *y = &s->plan.node[b];
    if (a == b) /* path-spec 2.2: "We do not choose the same router twice for the same path." */
        sim_breach(s, "path-twice", "%s is twice in a path", x->nickname);
    /* "We do not choose any router in the same family as another in the same path." */
    else if (s->sc->families && x->family && x->family == y->family)
        sim_breach(s, "path-family", "%s and %s of one family are in a path", x->nickname,
                   y->nickname);
    /* "We do not choose more than one router in a given /16 subnet" */
    else if (s->sc->distinct_subnets && same_16(x, y))
        sim_breach(s, "path-subnet", "%s and %s of one /16 are in a path", x->nickname,
                   y->nickname);
}

/* ---- who is dialled ---- */

static bool is_in(uint32_t set, size_t node)
{
    return set >> node & 1;
}

/* What the user's options say of a first hop, whatever it is asked for. */
static bool options_allow(const struct sim *s, const struct sim_client *c, size_t node, bool server)
{
    const struct sim_lists *l = &s->lists;
    if (!c->lists_on)
        return true;
    /* tor(1), ReachableAddresses: "your firewall allows you to connect to" these only */
    if (is_in(l->unreachable, node))
        return false;
    /* tor(1), StrictNodes: 0 "tells Tor that it is okay to use an excluded node when it is
     * necessary to [...] download directory information" */
    if (is_in(l->exclude, node))
        return server && !l->strict;
    return server || !l->entry || is_in(l->entry, node);
}

/* guard-spec 1, 4.12, dir-spec 4.1: a client's own connections go to its guards, for documents
 * too, and else to the directory servers that it was told of. So few relays have the Guard flag
 * here that all of them are sampled. */
void oracle_dial(struct sim *s, struct sim_client *c, const struct ipport *to)
{
    size_t node = 0;
    if (c->stopped)
        sim_breach(s, "disabled", "client %zu dials though DisableNetwork is set", c->id);
    while (node < s->plan.n_nodes && !ipport_equal(&s->plan.node[node].or_port, to))
        node++;
    if (node == s->plan.n_nodes) {
        sim_breach(s, "dials", "client %zu dials what is no node of this network", c->id);
        return;
    }
    const struct plan_node *n = &s->plan.node[node];
    bool server = n->role == PLAN_AUTHORITY || node == s->lists.fallback;
    if (!server)
        c->dialled |= UINT32_C(1) << node;
    if (!server && n->role != PLAN_GUARD)
        sim_breach(s, "dials", "client %zu dials %s, a stranger", c->id, n->nickname);
    else if (!options_allow(s, c, node, server))
        sim_breach(s, "dials", "client %zu dials %s, which its options forbid", c->id, n->nickname);
}

/* Whether the client has forgotten guards of its own for a good reason. */
static bool guards_may_go(const struct sim *s)
{
    for (size_t i = 0; i < s->sc->n_troubles; i++)
        if (s->sc->trouble[i].kind == TROUBLE_CLOCK || s->sc->trouble[i].kind == TROUBLE_LEAP)
            return true; /* their time is over */
    return memory.failed > 0;
}

void oracle_stopped(struct sim *s, struct sim_client *c)
{
    const struct identity *ids = keys_identities(s->plan.n_nodes);
    char line[sizeof "rsa_id=" + HEX_SIZE(sizeof ids->rsa_id.b)], hex[HEX_SIZE(20)];
    const struct sim_file *state = NULL;
    for (size_t i = 0; i < c->n_files; i++)
        if (strcmp(c->file[i].name, "state") == 0)
            state = &c->file[i];
    for (size_t i = 0; i < s->plan.n_nodes && !guards_may_go(s); i++) {
        snprintf(line, sizeof line, "rsa_id=%s",
                 hex_upper(ids[i].rsa_id.b, sizeof ids[i].rsa_id.b, hex));
        if (is_in(c->dialled, i) &&
            (!state || !state->bytes || !memmem(state->bytes, state->len, line, strlen(line))))
            sim_breach(s, "dials", "client %zu dialled %s, and keeps no such guard", c->id,
                       s->plan.node[i].nickname);
    }
}

/* proposal 333: all internal circuits go on by a few relays, whoever they are related to; the guard
 * may be the end, too. */
static void check_internal(struct sim *s, struct sim_client *c, const size_t node[3])
{
    enum { VANGUARDS = 4 };
    if (node[0] == node[1] || node[1] == node[2])
        sim_breach(s, "path-twice", "%s is twice in a row", s->plan.node[node[1]].nickname);
    c->vanguards |= UINT32_C(1) << node[1];
    if (guards_stay(s) && __builtin_popcount(c->vanguards) > VANGUARDS)
        sim_breach(s, "path-vanguard", "client %zu goes on by a %dth second hop", c->id,
                   __builtin_popcount(c->vanguards));
}

static void check_to_exit(struct sim *s, const size_t *node, size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < i; j++)
            check_pair(s, node[j], node[i]);
    if (s->plan.node[node[n - 1]].role != PLAN_EXIT)
        sim_breach(s, "path-flags", "%s is no exit", s->plan.node[node[n - 1]].nickname);
}

void oracle_path(struct sim *s, struct sim_client *c, const struct circ_hop_target *hops, size_t n,
                 bool internal)
{
    size_t node[CIRC_MAX_HOPS];
    s->circuits++;
    if (n == 1 && node_of(s, &hops[0].rsa) < s->plan.n_nodes)
        return; /* for directory requests; none of another kind ends at its first hop, see below */
    if (n != 3 && (n != 4 || internal)) { /* four: to an exit that somebody asked for */
        sim_breach(s, "path-length", "a circuit of %zu hops", n);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        node[i] = node_of(s, &hops[i].rsa);
        if (node[i] == s->plan.n_nodes) {
            sim_breach(s, "path-flags", "hop %zu of a circuit is no relay of this network", i + 1);
            return;
        }
        if (s->plan.node[node[i]].role == PLAN_AUTHORITY)
            sim_breach(s, "path-flags", "an authority is hop %zu of a circuit", i + 1);
    }
    sim_note(s, "client %zu: circuit through %s %s %s", c->id, s->plan.node[node[0]].nickname,
             s->plan.node[node[1]].nickname, s->plan.node[node[2]].nickname);
    if (s->plan.node[node[0]].role != PLAN_GUARD)
        sim_breach(s, "path-flags", "%s is no guard", s->plan.node[node[0]].nickname);
    if (internal)
        check_internal(s, c, node);
    else
        check_to_exit(s, node, n);
    check_first_hop(s, c, &hops[0].rsa);
}

/* ---- what exits see ---- */

/* The policies that gen.c uses, read anew: words "accept *:P[-Q]" and "reject *:P[-Q]". */
static bool policy_allows(const char *policy, uint16_t port)
{
    for (const char *at = policy; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL) {
        const char *colon = strchr(at, ':');
        char *end;
        if (!colon)
            return false;
        unsigned long first = 1, last = 65535;
        if (colon[1] != '*') {
            first = last = strtoul(colon + 1, &end, 10);
            if (*end == '-')
                last = strtoul(end + 1, NULL, 10);
        }
        if (port >= first && port <= last)
            return strncmp(at, "accept", 6) == 0;
    }
    return false;
}

/* tor(1), isolation flags of SocksPort: what either wants to be equal must be. */
static bool may_share(const struct app *a, const struct app *b)
{
    const struct app_plan *x = &a->plan, *y = &b->plan;
    if (a == b)
        return true;
    if (a->client != b->client || x->isolation != y->isolation)
        return false;
    /* SessionGroup: only lines that say the same one share; else what came by one listener. */
    if (a->listener != b->listener && (a->group < 0 || a->group != b->group))
        return false;
    if ((x->by_port || y->by_port) && x->port != y->port)
        return false;
    return !x->by_addr && !y->by_addr; /* each has a host of its own */
}

static uint64_t mono_us(const struct sim *s, const struct app *app)
{
    return s->now_us + s->client[app->client].mono_off_us;
}

static uint64_t dirtiness_us(const struct sim *s)
{
    return (s->sc->dirtiness_s ? s->sc->dirtiness_s : 600) * SIM_SECOND;
}

static void check_isolation(struct sim *s, size_t exit, const struct app *app)
{
    struct exit_circuit *c = exits.of;
    size_t i = 0;
    while (i < exits.n && (c[i].wire != s->at_wire->id || c[i].id != s->at_circ))
        i++;
    if (i == EXIT_CIRCUITS || s->client[app->client].attached)
        return;
    if (i == exits.n)
        c[exits.n++] = (struct exit_circuit){
            .wire = s->at_wire->id, .id = s->at_circ, .first_us = mono_us(s, app)};
    /* tor(1), MaxCircuitDirtiness: "never attach a new stream to a circuit that is too old". */
    if (app->opened_mono_us >= c[i].first_us + dirtiness_us(s))
        sim_breach(s, "dirtiness", "app %zu was opened %llu s after the first of its circuit",
                   app->id,
                   (unsigned long long)((app->opened_mono_us - c[i].first_us) / SIM_SECOND));
    for (size_t k = 0; k < c[i].n; k++)
        if (!may_share(c[i].app[k], app))
            sim_breach(s, "isolation", "apps %zu and %zu share a circuit at %s", c[i].app[k]->id,
                       app->id, s->plan.node[exit].nickname);
    if (c[i].n < CIRCUIT_APPS)
        c[i].app[c[i].n++] = app;
}

/* A tunnel that was asked for after its client's clocks jumped rides no circuit from before. */
static void check_age(struct sim *s, size_t exit, const struct app *app)
{
    uint64_t jumped_us = s->client[app->client].jumped_us;
    if (!jumped_us || app->opened_us < jumped_us)
        return;
    for (size_t i = 0; i < BIRTHS; i++) {
        const struct birth *b = &births.of[i];
        if (b->wire == s->at_wire->id && b->id == s->at_circ && b->at_us < jumped_us)
            sim_breach(s, "old-circuit",
                       "app %zu came out of %s by a circuit from before the clocks of its client "
                       "jumped",
                       app->id, s->plan.node[exit].nickname);
    }
}

static void note_birth(const struct sim *s, size_t wire, uint32_t id)
{
    struct birth *at = NULL;
    for (size_t i = 0; i < BIRTHS; i++)
        if (births.of[i].wire == wire && births.of[i].id == id)
            at = &births.of[i];
    if (!at)
        at = &births.of[births.next++ % BIRTHS];
    *at = (struct birth){.wire = wire, .id = id, .at_us = s->now_us};
}

void oracle_circuit_begins(struct sim *s, size_t wire, uint32_t id)
{
    note_birth(s, wire, id);
    for (size_t i = 0; i < exits.n; i++)
        if (exits.of[i].wire == wire && exits.of[i].id == id) {
            exits.of[i] = exits.of[--exits.n];
            return;
        }
}

void oracle_exit(struct sim *s, size_t exit, struct app *app, const struct ipport *to)
{
    const struct plan_node *n = exit < s->plan.n_nodes ? &s->plan.node[exit] : NULL;
    if (!n || n->role != PLAN_EXIT || !policy_allows(n->policy, to->port))
        sim_breach(s, "path-exit", "app %zu was let out to port %u by a relay that is not to",
                   app->id, to->port);
    else if (to->port != app->plan.port)
        sim_breach(s, "path-exit", "app %zu was let out to port %u", app->id, to->port);
    else if (s->at_wire && s->at_wire->end[0].client >= 0)
        sim_breach(s, "path-length", "app %zu was let out by its first hop", app->id);
    else if (s->at_wire)
        check_isolation(s, exit, app);
    if (n && s->at_wire)
        check_age(s, exit, app);
    s->exits_seen += s->at_wire != NULL;
}
