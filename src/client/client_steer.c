#include "client/steer.h"

#include "cell/reason.h"
#include "client/client_int.h"
#include "client/ocirc.h"

struct netdir *client_known(const struct client *c)
{
    return dirmgr_known(directory_mgr(c->directory));
}

void client_drop_guards(struct client *c)
{
    guards_drop_all(c->guards);
    client_configure_chooser(c);
    client_arm_save(c);
}

void client_drop_timeouts(struct client *c)
{
    cbt_forget(c->cbt);
}

/* ---- circuits ---- */

bool client_has_circuit(const struct client *c, uint64_t id)
{
    return circuits_find(c->circuits, id) != NULL;
}

err_t client_build_circuit(struct client *c, const struct router *const *path, size_t n,
                           enum circuit_purpose purpose, uint64_t *id)
{
    struct exit_circ *circ = NULL;
    if (!c->running)
        return ERR_STATE;
    if (n)
        TRY(exits_build(c->exits, client_known(c), path, n, purpose, &circ));
    else
        TRY(exits_build_any(c->exits, &circ));
    *id = exit_circ_id(circ);
    return OK;
}

err_t client_extend_circuit(struct client *c, uint64_t id, const struct router *const *more,
                            size_t n)
{
    struct exit_circ *circ = exits_by_id(c->exits, id);
    if (!circuits_find(c->circuits, id))
        return ERR_NOT_FOUND;
    return circ ? exit_circ_extend(circ, client_known(c), more, n) : ERR_STATE;
}

void client_set_circuit_purpose(struct client *c, uint64_t id, enum circuit_purpose purpose)
{
    struct ocirc *oc = circuits_find(c->circuits, id);
    struct exit_circ *circ = exits_by_id(c->exits, id);
    if (circ)
        exit_circ_set_purpose(circ, purpose);
    else if (oc && oc->purpose != purpose)
        circuits_set_purpose(oc, purpose);
}

struct use {
    uint64_t circuit;
    bool found;
};

static void look_at_circuit(void *arg, struct ostream *s)
{
    struct use *u = arg;
    u->found |= s->circuit == u->circuit;
}

static bool is_used(const struct client *c, uint64_t circuit)
{
    struct use u = {.circuit = circuit};
    ostreams_each(c->streams, look_at_circuit, &u);
    return u.found;
}

void client_close_circuit(struct client *c, uint64_t id, bool if_unused)
{
    struct ocirc *oc = circuits_find(c->circuits, id);
    struct exit_circ *circ = exits_by_id(c->exits, id);
    if (!oc || (if_unused && is_used(c, id)))
        return;
    if (circ)
        exit_circ_close(circ, DESTROY_REQUESTED);
    else
        ocirc_close(oc, OK, DESTROY_REQUESTED);
}

/* ---- streams ---- */

size_t client_streams_left(const struct client *c)
{
    return tunnels_left(c->tunnels);
}

bool client_has_stream(const struct client *c, uint64_t id)
{
    return ostreams_find(c->streams, id) != NULL;
}

void client_close_stream(struct client *c, uint64_t id, uint8_t reason)
{
    if (!tunnels_close_stream(c->tunnels, id, reason))
        dirfetch_close_stream(c->dirfetch, id, reason);
}

void client_redirect_stream(struct client *c, uint64_t id, const char *host, uint16_t port)
{
    tunnels_redirect(c->tunnels, id, host, port);
}
