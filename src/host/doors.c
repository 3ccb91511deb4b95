#include "host/doors.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>

#include "host/apply.h"
#include "net/locals.h"
#include "socks/socks.h"

struct doors {
    const struct host_place *place;
    const struct options *options; /* those that hold; borrowed */
    struct client *client;
    struct front_warnings warnings;
    struct ports *ports;
    bool serves[PORT_KINDS];
    struct locals *socks; /* connections that came in through SocksPorts */
};

/* Asked for each connection, so a new SocksPolicy holds for the next one. */
static bool socks_policy(void *arg, const struct ipport *peer)
{
    const struct doors *d = arg;
    return addr_policy_accepts(&d->options->is.socks_policy, &peer->ip, peer->port);
}

static int32_t new_session(void *arg)
{
    const struct doors *d = arg;
    return client_new_session(d->client);
}

/* What stands behind each kind of port. */
static err_t make_ports(struct doors *d, struct port_front control)
{
    const struct host_place *place = d->place;
    d->socks = locals_new(place->net, d->client, socks_new, socks_policy, d);
    if (!d->socks)
        return ERR_NOMEM;
    struct port_front fronts[PORT_KINDS] = {
        [PORT_SOCKS] = {"Socks", locals_accept, d->socks},
        [PORT_CONTROL] = control,
    };
    for (size_t i = 0; i < PORT_KINDS; i++) {
        if (!fronts[i].what && place->fronts)
            fronts[i] = place->fronts[i];
        d->serves[i] = fronts[i].what;
    }
    d->ports = ports_new(place->net, fronts, new_session, d);
    return d->ports ? OK : ERR_NOMEM;
}

/* Unix sockets are made while there are rights, for the user whom the process will be. */
static err_t set_owner(struct net *net, const char *user, struct conf_err *e)
{
    const struct passwd *pw = user ? getpwnam(user) : NULL;
    if (user && !pw)
        return conf_fail(e, ERR_IO, "Unable to look up user \"%s\".", user);
    if (pw)
        net_set_owner(net, pw->pw_uid, pw->pw_gid);
    return OK;
}

err_t doors_new(const struct host_place *place, struct client *client, const struct options *o,
                struct port_front control, struct doors **out, struct conf_err *e)
{
    TRY(set_owner(place->net, o->user, e));
    struct doors *d = calloc(1, sizeof *d);
    if (!d)
        return conf_fail(e, ERR_NOMEM, "Out of memory");
    *d = (struct doors){.place = place, .options = o, .client = client};
    if (make_ports(d, control) != OK) {
        doors_free(d);
        return conf_fail(e, ERR_NOMEM, "Out of memory");
    }
    *out = d;
    return OK;
}

void doors_free(struct doors *d)
{
    if (!d)
        return;
    ports_free(d->ports);
    locals_free(d->socks);
    free(d);
}

/* DisableNetwork closes all but some kinds: tor "will not make or accept non-control network
 * connections". */
static bool opens(const struct doors *d, const struct options *o, enum port_kind kind)
{
    return d->serves[kind] && (!o->disable_network || !port_kind_is_closed(kind));
}

err_t doors_prepare(struct doors *d, const struct options *o, struct conf_err *e)
{
    const struct front_rules rules = apply_rules(o, &d->warnings);
    const struct port_list *list = &o->is.ports;
    struct port_spec *open = calloc(list->n + 1, sizeof *open);
    size_t n = 0;
    if (!open)
        return conf_fail(e, ERR_NOMEM, "Out of memory");
    for (size_t i = 0; i < list->n; i++)
        if (opens(d, o, list->of[i].kind))
            open[n++] = list->of[i];
    errno = 0;
    err_t err = ports_prepare(d->ports, open, n, &rules);
    free(open);
    return err == OK ? OK : conf_fail(e, err, "Failed to bind one of the listener ports.");
}

void doors_commit(struct doors *d, const struct options *o)
{
    d->options = o;
    ports_commit(d->ports);
}

void doors_roll_back(struct doors *d)
{
    ports_roll_back(d->ports);
}

void doors_close(struct doors *d)
{
    ports_close(d->ports);
}

void doors_hang_up(struct doors *d)
{
    locals_hang_up(d->socks);
}

const struct ports *doors_ports(const struct doors *d)
{
    return d->ports;
}

size_t doors_connections(const struct doors *d)
{
    return locals_count(d->socks);
}
