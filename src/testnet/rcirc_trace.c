/* What a relay logs at debug of a circuit: for who wants to see what a client asks of which hop.
 * Where it goes on and where it came from have the same circuit id, so the lines of several relays
 * tell its whole path. */
#include <stdio.h>

#include "testnet/node_int.h"

static bool is_traced(const struct rcirc *c)
{
    return c->back.lc.link && c->node->env->log && c->node->env->log->least == LOG_DEBUG;
}

static void trace(const struct rcirc *c, const char *what, const char *how)
{
    char addr[IPPORT_TEXT_MAX];
    log_debug(c->node->env->log, "%s: at %s: %s %u%s", c->node->config.plan->nickname,
              ipport_text(&link_target(c->back.lc.link)->reach.addr, addr), what, c->back.lc.id,
              how);
}

void rcirc_trace_handshake(const struct rcirc *c, const struct create_reply *r)
{
    char how[8 + 4 * EXTS_MAX + 1];
    if (!is_traced(c))
        return;
    int n = snprintf(how, sizeof how, " %s", c->fast ? "fast" : r->opened ? "ntor-v3" : "ntor");
    for (size_t i = 0; i < r->n_asked; i++)
        n += snprintf(how + n, sizeof how - (size_t)n, " %u", r->asked[i]);
    trace(c, "HANDSHAKE", how);
}

void rcirc_trace_extend(const struct rcirc *c)
{
    char addr[IPPORT_TEXT_MAX], how[16 + IPPORT_TEXT_MAX];
    if (!is_traced(c))
        return;
    snprintf(how, sizeof how, " %u %s", c->fwd.lc.id,
             ipport_text(&link_target(c->fwd.lc.link)->reach.addr, addr));
    trace(c, "EXTEND", how);
}

void rcirc_trace_message(const struct rcirc *c, const struct relay_msg *m)
{
    char how[48];
    const char *name = relay_cmd_name(m->cmd);
    if (!is_traced(c))
        return;
    snprintf(how, sizeof how, " %s %u %zu", name ? name : "?", m->stream_id, m->len);
    trace(c, "MESSAGE", how);
}
