/* Chore: work that takes seconds (files to be read, compressed, written), done by a process of its
 * own, a copy of this one, so that the loop goes on meanwhile. What it has to tell comes back
 * through a pipe, at the end or as it comes. */
#ifndef TUNIC_NET_CHORE_H
#define TUNIC_NET_CHORE_H

#include <stdbool.h>

#include "base/text.h"
#include "net/net.h"

struct chore;

enum { CHORE_SAYS_MOST = 64 << 10 };

struct chore_work {
    /* In the other process: it sees what there is now, and changes nothing here. It has no
     * descriptor but the standard ones and TO. Returns whether all was done. */
    bool (*work)(void *arg, int to);
    /* In this one: it is over; GOOD: so it has said, and nothing of that is lost. SAID is what was
     * written to TO, cut after CHORE_SAYS_MOST bytes. The chore is freed when this returns. */
    void (*done)(void *arg, bool good, struct text said);
    void *arg;
    /* What is written to TO, piece by piece, as much as there is: nothing is kept for done() then.
     * It may hold the chore, and may not stop it. NULL: all comes at the end. */
    void (*heard)(void *arg, struct text piece);
};

/* ERR_IO: there can be no such process now; errno tells. ERR_NOMEM. */
MUST_USE err_t chore_start(struct net *n, const struct chore_work *of, struct chore **out);
/* Whether nothing is to be heard for now: the other process waits as soon as the pipe is full. */
void chore_hold(struct chore *c, bool held);
/* Kills it: done() is not called. NULL is fine. */
void chore_stop(struct chore *c);

#endif
