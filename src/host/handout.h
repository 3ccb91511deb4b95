/* Handouts: what is laid down for controllers to find, each a file of its own that is written aside
 * and renamed, and is taken away at the end as tor does: the cookie, and the file that says which
 * ports are open. */
#ifndef TUNIC_HOST_HANDOUT_H
#define TUNIC_HOST_HANDOUT_H

#include "base/env.h"
#include "conf/options.h"
#include "control/auth.h"
#include "net/ports.h"

struct handout {
    struct env *env;
    char *cookie_path; /* where the cookie lies; NULL: there is none */
    bool cookie_group_readable;
    uint8_t cookie[COOKIE_LEN];
    char *coming_path; /* handout_prepare(): where it will; NULL: nothing changes */
    char *ports_path;  /* where the list of ports lies; NULL: there is none */
};

/* A change of the cookie in two steps; the first writes its file, anew only if it is wanted and was
 * not, or elsewhere, or for others. ERR_IO: E says it in tor's words, the log why; ERR_NOMEM. */
MUST_USE err_t handout_prepare(struct handout *h, const struct options *fresh, struct conf_err *e);
void handout_commit(struct handout *h, const struct options *fresh);
void handout_roll_back(struct handout *h);
const uint8_t *handout_cookie(const struct handout *h); /* NULL: there is none */

/* ControlPortWriteToFile: what of P is open for controllers. A failure is logged. */
void handout_ports(struct handout *h, const struct options *o, const struct ports *p);

/* Takes the files away, and forgets them. */
void handout_end(struct handout *h);

#endif
