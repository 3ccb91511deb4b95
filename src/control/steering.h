/* Steering: what goes on longer than the command that asked for it: look-ups (RESOLVE, control-spec
 * 3.20), an identity that is asked for too soon and signals to the process (SIGNAL, 3.7). A member
 * of the struct control. */
#ifndef TUNIC_CONTROL_STEERING_H
#define TUNIC_CONTROL_STEERING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/later.h"
#include "base/ratelim.h"
#include "control/world.h"

struct control;
struct resolve;

enum { STEERING_SIGNALS_MOST = 32 };

struct steering {
    struct control *control;
    struct resolve *resolves;
    unsigned n_resolves;
    struct ratelim left;  /* words about streams that nobody attaches */
    struct ratelim named; /* about relays that are asked for by their nicknames */
    struct timer newnym;  /* armed: an identity is due then */
    uint64_t newnym_us;   /* when the last one was; 0: never */
    struct later signals; /* are carried out when the command that sent them is answered */
    enum signal_what waiting[STEERING_SIGNALS_MOST];
    unsigned n_waiting;
};

void steering_init(struct steering *s, struct control *c);
/* Look-ups end without a word. */
void steering_end(struct steering *s);

/* Looks NAME up, or which name that address has; ADDRMAP tells what comes of it, also if that is
 * that it could not be asked. */
void steering_resolve(struct steering *s, const char *name, bool reverse);
/* The last controller is gone, or the last that heard of streams. Who left them to controllers is
 * told what that means (C tor keeps the option, and says nothing). */
void steering_attacher_gone(struct steering *s);
/* One too many is dropped, as the kernel does. */
void steering_signal(struct steering *s, enum signal_what signal);

#endif
