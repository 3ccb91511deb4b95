/* Bootstrap progress: "Bootstrapped N% (tag): summary", with tor's numbers, tags and words, because
 * programs read them; and a warning when it is stuck that says why.
 *
 * It listens to what happens to OR connections, directory and circuits (events.h) and makes of it
 * log lines and records of the kind EVENT_BOOTSTRAP. Once all is done it hears of links only. */
#ifndef TUNIC_CLIENT_BOOTSTRAP_H
#define TUNIC_CLIENT_BOOTSTRAP_H

#include "client/events.h"

/* Whether the DIRECTORY is enough to build paths with; a CIRCUIT for streams has been built. */
typedef void bootstrap_look_fn(void *arg, bool *directory, bool *circuit);

struct bootstrap {
    struct env *env;
    struct event_listener listener;
    struct bootstrap_step step;
    bool connected;              /* a link has stood; before, the directory's steps wait for one */
    struct bootstrap_step dir;   /* the last of these; percent 0: there is none */
    struct event_bootstrap last; /* what was told last; of no problem once it was done */
    unsigned problems;           /* failed links since the last progress */
    uint64_t next_warn_us;       /* not to warn more often */
    bootstrap_look_fn *look;
    void *arg;
};

/* B listens to EV until that is freed. LOOK is asked how far things are when events were lost. */
void bootstrap_init(struct bootstrap *b, struct env *env, struct events *ev,
                    bootstrap_look_fn *look, void *arg);
/* A clock differs from ours, which is told as a problem while it is not done. WARNING is for
 * people; PEER and ID are whose clock it is, or NULL. */
void bootstrap_clock_skewed(struct bootstrap *b, const char *warning, const struct reach *peer,
                            const struct rsa_id *id);
/* The client starts: 0%. Progress never goes back. */
void bootstrap_start(struct bootstrap *b);

#endif
