/* Bootstrap progress: "Bootstrapped N% (tag): summary", with tor's numbers, tags and words, because
 * programs read them; and a warning when it is stuck that says why. */
#ifndef TUNIC_CLIENT_BOOTSTRAP_H
#define TUNIC_CLIENT_BOOTSTRAP_H

#include "base/env.h"
#include "link/link.h"

enum bootstrap_phase {
    BOOTSTRAP_STARTING,
    BOOTSTRAP_CONN,
    BOOTSTRAP_HANDSHAKE_DONE,
    BOOTSTRAP_ONEHOP_CREATE,
    BOOTSTRAP_AP_CONN,
    BOOTSTRAP_AP_HANDSHAKE_DONE,
    BOOTSTRAP_CIRCUIT_CREATE,
    BOOTSTRAP_DONE,
};

/* Called from the middle of things: may not call back. Any of them may be NULL. */
struct bootstrap_watch {
    void (*progress)(void *arg);
    void (*problem)(void *arg, const struct link_end *end); /* no link to a relay could be had */
    /* The network requires what this version lacks (logged): the client is of no use any more, and
     * its tunnels end after this call. */
    void (*obsolete)(void *arg, const char *missing);
};

struct bootstrap {
    struct env *env;
    const struct bootstrap_watch *watch; /* or NULL */
    void *watch_arg;
    int percent; /* -1: not started */
    char tag[40], summary[100];
    unsigned problems;     /* failed links since the last progress */
    uint64_t next_warn_us; /* not to warn more often */
};

void bootstrap_init(struct bootstrap *b, struct env *env);

/* Progress never goes back: a phase that is behind is not logged. */
void bootstrap_reached(struct bootstrap *b, enum bootstrap_phase phase);
void bootstrap_progress(struct bootstrap *b, int percent, const char *tag, const char *summary);

/* A link could not be had while bootstrapping. */
void bootstrap_problem(struct bootstrap *b, const struct link_target *peer,
                       const struct link_end *end);

#endif
