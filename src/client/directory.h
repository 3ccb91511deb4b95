/* Directory: what a client knows of the network, or what several clients know together. One
 * directory manager, told about to all members; one of them, the carrier, fetches what it wants
 * with its own guards and links, and keeps its files. When the carrier leaves, the next member
 * takes over.
 *
 * Counted: every client holds one from its making on, and is a member while it runs. */
#ifndef TUNIC_CLIENT_DIRECTORY_H
#define TUNIC_CLIENT_DIRECTORY_H

#include "base/env.h"
#include "base/later.h"
#include "dir/dirmgr.h"

struct directory;

/* Part of whoever joins. OPS and CARRIER as in dirmgr.h, none of OPS NULL. */
struct directory_member {
    const struct dirmgr_ops *ops;
    const struct dirmgr_carrier *carrier;
    void *arg;
    struct directory *on; /* NULL: no member */
    struct later tell;    /* asked for: is to hear what the others know already */
    struct directory_member *prev, *next;
};

/* The caller holds it. ERR_NOMEM. */
MUST_USE err_t directory_new(struct env *env, const struct dirmgr_options *o,
                             struct directory **out);
struct directory *directory_ref(struct directory *d);
void directory_unref(struct directory **d); /* NULL in *D is fine */

struct dirmgr *directory_mgr(const struct directory *d);

/* M (its ops and arg are set) hears of the network from now on: at the end of the wake-up of what
 * the others know already. */
void directory_join(struct directory *d, struct directory_member *m);
/* Requests that it carried are given up; free the dirfetch first. No member: nothing happens. */
void directory_leave(struct directory_member *m);
bool directory_carried_by(const struct directory *d, const struct directory_member *m);

/* Files are loaded by the first member, between joining and this. */
void directory_start(struct directory *d);
bool directory_started(const struct directory *d);

#endif
