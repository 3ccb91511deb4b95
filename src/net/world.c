#include "net/world.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "link/link.h"
#include "net/conn.h"
#include "net/linksock.h"

/* ---- a link's socket ---- */

static void not_through(void *link, err_t why, int errno_, const char *text)
{
    link_not_through(link, why, errno_, text);
}

static void stalled(void *link, bool stalled)
{
    link_stall(link, stalled);
}

static size_t held(void *link)
{
    return link_held(link);
}

/* C tor reads 32 cells a turn, which is a record of TLS and a little of the next, and then the rest
 * of that (connection_bucket_get_share, connection_buf_read_from_socket); what they brought about
 * is sent before the next turn. Else rows of SENDMEs would tell us from it. */
enum { TLS_RECORD = 16 * 1024 + 22, LINK_TURN = 2 * TLS_RECORD };

static const struct conn_machine link_machine = {
    .turn = LINK_TURN,
    .in_room = linksock_in_room,
    .in_done = linksock_in_done,
    .held = held,
    .in_end = linksock_in_end,
    .out = linksock_out,
    .sent = linksock_sent,
    .connected = linksock_connected,
    .not_through = not_through,
    .stalled = stalled,
};

/* NULL: straight to its address. */
static const struct dial_way *way_to(const struct world *w, const struct reach *to)
{
    for (size_t i = 0; i < w->n_ways; i++)
        if (strcmp(w->ways[i].transport, to->transport) == 0)
            return &w->ways[i];
    return NULL;
}

/* tor(1), OutboundBindAddress: "This setting will be ignored for connections to the loopback
 * addresses". */
static const struct ip *bind_for(const struct world *w, const struct ip *to)
{
    if (ip_is_loopback(to))
        return NULL;
    return to->family == IP_V6 ? &w->bind_v6 : &w->bind_v4;
}

static struct conn *dial_way(const struct world *w, struct link *l, const struct dial_way *way,
                             const struct reach *to)
{
    char whom[DIAL_WAY_TEXT_MAX + sizeof "the "], text[DIAL_WAY_TEXT_MAX];
    snprintf(whom, sizeof whom, "the %s", dial_way_text(way, text));
    link_await(l, whom);
    return dial_by(w->net, way, to, bind_for(w, &way->at.ip), &link_machine, l);
}

static void dial(void *world, struct link *l, const struct reach *to)
{
    struct world *w = world;
    const struct dial_way *way = way_to(w, to);
    char text[REACH_TEXT_MAX + 32];
    if (!way && (to->transport[0] || to->addr.ip.family == IP_NONE)) {
        char where[REACH_TEXT_MAX];
        snprintf(text, sizeof text, "there is no way to %s", reach_text(to, where));
        link_close(l, ERR_LINK_PROXY, OR_PT_MISSING, text);
        return;
    }
    struct conn *c =
        way ? dial_way(w, l, way, to)
            : conn_dial(w->net, &to->addr, bind_for(w, &to->addr.ip), &link_machine, l);
    link_set_io(l, c);
    if (!c)
        link_close(l, ERR_NOMEM, OR_RESOURCELIMIT, "out of memory");
    else if (w->limit)
        conn_limit(c, w->limit, ip_is_internal(&to->addr.ip));
}

static bool has_address(void *world, struct link *l)
{
    (void)world;
    return !link_io(l) || conn_has_address(link_io(l));
}

/* ---- files ---- */

/* NULL: nothing is kept, or it is another process's to keep. */
static struct files *folder_for(const struct world *w, const char *name)
{
    if (net_is_forked(w->net))
        return NULL;
    const struct client_file *file = client_file(name);
    return file && file->vital ? w->files : w->cache;
}

static err_t store(void *world, const char *name, const struct text *parts, size_t n, bool append)
{
    struct files *files = folder_for(world, name);
    if (!files)
        return OK;
    return append ? files_append(files, name, parts, n) : files_replace(files, name, parts, n);
}

static err_t read_back(void *world, const char *name, struct blob *out)
{
    struct files *files = folder_for(world, name);
    return files ? files_load(files, name, out) : ERR_NOT_FOUND;
}

static err_t set_aside(void *world, const char *name)
{
    const struct world *w = world;
    struct files *files = folder_for(w, name);
    if (!files)
        return OK;
    return files_set_aside(files, name, files == w->files ? ASIDE_BESIDE_OLDER : ASIDE_OVER_OLDER);
}

const struct client_world world_ops = {
    .dial = dial,
    .output = linksock_output,
    .hangup = linksock_hangup,
    .has_address = has_address,
    .store = store,
    .read_back = read_back,
    .set_aside = set_aside,
};

static err_t load_file(struct world *w, struct client *c, const struct client_file *file)
{
    struct files *files = folder_for(w, file->name);
    struct blob bytes;
    err_t e = files_load(files, file->name, &bytes);
    if (e == OK)
        e = client_load(c, file->name, bytes);
    if (e == ERR_LIMIT && !file->vital)
        e = files_set_aside(files, file->name, ASIDE_OVER_OLDER);
    if (e == OK || e == ERR_NOT_FOUND || !file->vital)
        return OK;
    /* The words are C tor's: or_state_load(). */
    log_warn(net_env(w->net)->log,
             "Unable to read state file \"%s/%s\". It remembers your entry guards, so it is not "
             "overwritten: make it readable, or move it away to begin with new guards.",
             files_dir(files), file->name);
    return e;
}

err_t world_load(struct world *w, struct client *c)
{
    if (!w->files)
        return OK;
    for (const struct client_file *file = client_files(); file->name; file++)
        TRY(load_file(w, c, file));
    return OK;
}
