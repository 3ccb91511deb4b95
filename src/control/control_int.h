/* Control's own: control.c keeps sessions and what they want; control_new.c puts the parts
 * together, and alone knows who writes events. */
#ifndef TUNIC_CONTROL_CONTROL_INT_H
#define TUNIC_CONTROL_CONTROL_INT_H

#include "base/pace.h"
#include "base/ratelim.h"
#include "control/auth.h"
#include "control/control.h"
#include "control/mdtexts.h"
#include "control/told.h"

struct control {
    struct env *env;
    struct client *client;
    const struct control_world *ops;
    void *world;
    bool has_cookie;
    uint8_t cookie[COOKIE_LEN];
    struct session *sessions;
    struct ratelim opened;  /* the line that somebody has connected */
    struct ratelim crowded; /* the warning that no more are let in */
    uint64_t wanted;        /* events that any of them wants */
    struct pace pace;       /* of events, of all sessions at once */
    struct teller teller;
    struct steering steering;
    struct mdtexts mdtexts;
};

/* All sessions send what has waited: what PACE calls. */
void control_send_waiting(void *control);

#endif
