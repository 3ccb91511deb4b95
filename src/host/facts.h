/* Facts: what controllers ask of the process. */
#ifndef TUNIC_HOST_FACTS_H
#define TUNIC_HOST_FACTS_H

#include "base/env.h"
#include "control/world.h"

enum { FACTS_USER_MAX = 64 };

struct facts {
    uint64_t begun_us; /* monotonic */
    long uid;
    char user[FACTS_USER_MAX]; /* "" : has no name */
};

/* The process has the user that it will run as. Who that is is looked up now: a sandbox that is
 * closed later does not let the ways of finding out through. */
void facts_settle(struct facts *f, const struct env *env);
/* What it points to is F's. */
void facts_tell(const struct facts *f, const struct env *env, struct control_process *out);

#endif
