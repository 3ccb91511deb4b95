#include "control/mdtexts.h"

#include <stdlib.h>

enum { KEEP_MS = 5000 };

static void drop(void *arg)
{
    struct mdtexts *m = arg;
    blob_drop(&m->files[0]);
    blob_drop(&m->files[1]);
    free(m->texts);
    m->texts = NULL;
    netdir_unref(&m->nd);
}

void mdtexts_init(struct mdtexts *m, struct env *env)
{
    *m = (struct mdtexts){.env = env};
    timer_init(&m->drop, drop, m);
}

void mdtexts_end(struct mdtexts *m)
{
    env_disarm(m->env, &m->drop);
    drop(m);
}

static size_t row_of(const struct netdir *nd, const struct sha256 *digest)
{
    const struct router *r = netdir_by_md(nd, digest);
    return r ? (size_t)(r - netdir_at(nd, 0)) : netdir_n(nd);
}

/* What ND lists of BYTES. What cannot be read is skipped: anything may stand in a file. */
static void look_through(struct mdtexts *m, struct text bytes)
{
    struct microdesc md;
    err_t e;
    while ((e = microdesc_next(&bytes, &md)) != ERR_NOT_FOUND) {
        size_t row = e == OK ? row_of(m->nd, &md.digest) : netdir_n(m->nd);
        if (row < netdir_n(m->nd))
            m->texts[row] = md.body;
    }
}

static err_t read_files(struct mdtexts *m, const struct client *c, struct netdir *nd)
{
    static const enum dir_file files[] = {DIR_FILE_MICRODESCS, DIR_FILE_MICRODESCS_NEW};
    mdtexts_end(m);
    m->texts = calloc(netdir_n(nd) + 1, sizeof *m->texts);
    if (!m->texts)
        return ERR_NOMEM;
    m->nd = netdir_ref(nd);
    m->changes = netdir_changes(nd);
    for (size_t i = 0; i < 2; i++)
        if (client_read_back(c, files[i], &m->files[i]) == OK)
            look_through(m, m->files[i].text);
    env_arm_ms(m->env, &m->drop, KEEP_MS);
    return OK;
}

err_t mdtexts_get(struct mdtexts *m, const struct client *c, struct netdir *nd,
                  const struct router *r, struct text *out)
{
    *out = (struct text){NULL, 0};
    if (!r->has_md)
        return OK;
    if (m->nd != nd || m->changes != netdir_changes(nd))
        TRY(read_files(m, c, nd));
    *out = m->texts[row_of(nd, &r->md_digest)];
    return OK;
}
