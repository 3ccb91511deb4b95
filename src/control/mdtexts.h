/* Mdtexts: the texts of microdescriptors, for as long as somebody asks for them. A client keeps
 * none in memory; the cache files are read when the first is wanted and let go some seconds later,
 * so that who asks for one after the other has them read once. */
#ifndef TUNIC_CONTROL_MDTEXTS_H
#define TUNIC_CONTROL_MDTEXTS_H

#include "client/client.h"
#include "dir/netdir.h"

struct mdtexts {
    struct env *env;
    struct blob files[2];
    struct netdir *nd;  /* held; NULL: nothing is read */
    uint32_t changes;   /* of ND, when it was */
    struct text *texts; /* by the first row of ND that lists one; empty: not in the files */
    struct timer drop;
};

void mdtexts_init(struct mdtexts *m, struct env *env);
void mdtexts_end(struct mdtexts *m);

/* That of R, a row of C's newest consensus ND; empty if there is none. Good during this wake-up's
 * calls. ERR_NOMEM. */
MUST_USE err_t mdtexts_get(struct mdtexts *m, const struct client *c, struct netdir *nd,
                           const struct router *r, struct text *out);

#endif
