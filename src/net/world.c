#include "net/world.h"

#include <errno.h>
#include <stdlib.h>

#include "link/link.h"
#include "net/conn.h"

/* ---- a link's socket ---- */

static uint8_t *in_room(void *link, size_t *room)
{
    return link_in_room(link, room);
}

static void in_done(void *link, size_t len)
{
    link_in_done(link, len);
}

static void in_end(void *link, int errno_)
{
    link_tcp_failed(link, errno_);
}

static const uint8_t *out(void *link, size_t *len)
{
    return link_seal(link, len);
}

static void sent(void *link, size_t len)
{
    link_sent(link, len);
}

static void connected(void *link)
{
    link_tcp_open(link);
}

static const struct conn_machine link_machine = {
    .in_room = in_room,
    .in_done = in_done,
    .in_end = in_end,
    .out = out,
    .sent = sent,
    .connected = connected,
};

static void dial(void *world, struct link *l, const struct ipport *to)
{
    struct world *w = world;
    const struct ip *bind = to->ip.family == IP_V6 ? &w->bind_v6 : &w->bind_v4;
    /* tor(1), OutboundBindAddress: "This setting will be ignored for connections to the loopback
     * addresses". */
    if (ip_is_loopback(&to->ip))
        bind = NULL;
    link_set_io(l, conn_dial(w->net, to, bind, &link_machine, l));
    if (!link_io(l))
        link_close(l, ERR_NOMEM, OR_RESOURCELIMIT, "out of memory");
}

static void output(void *world, struct link *l)
{
    (void)world;
    if (link_io(l))
        conn_output(link_io(l));
}

static void hangup(void *world, struct link *l)
{
    (void)world;
    if (link_io(l))
        conn_close(link_io(l));
    link_set_io(l, NULL);
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

static void store(void *world, const char *name, const uint8_t *bytes, size_t len, bool append)
{
    struct files *files = folder_for(world, name);
    if (!files)
        return;
    /* A failure is logged there; the client does without. */
    err_t e =
        append ? files_append(files, name, bytes, len) : files_replace(files, name, bytes, len);
    (void)e;
}

static err_t read_back(void *world, const char *name, uint8_t **out, size_t *len)
{
    struct files *files = folder_for(world, name);
    return files ? files_load(files, name, out, len) : ERR_NOT_FOUND;
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
    .output = output,
    .hangup = hangup,
    .store = store,
    .read_back = read_back,
    .set_aside = set_aside,
};

static err_t load_file(struct world *w, struct client *c, const struct client_file *file)
{
    struct files *files = folder_for(w, file->name);
    uint8_t *bytes;
    size_t len;
    err_t e = files_load(files, file->name, &bytes, &len);
    if (e == OK)
        e = client_load(c, file->name, bytes, len);
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
