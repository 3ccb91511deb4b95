/* Torcontrol: the control port of the operator's own tor, for its bytes a second (measure/torbw.h),
 * on a socket. */
#ifndef TUNIC_APP_MEASURE_TORCONTROL_H
#define TUNIC_APP_MEASURE_TORCONTROL_H

#include "base/addr.h"
#include "measure/torbw.h"
#include "net/net.h"

struct torcontrol;

struct torcontrol_ops {
    void (*on_ready)(void *arg);
    void (*on_bw)(void *arg, uint64_t read, uint64_t written);
    void (*on_end)(void *arg, const char *why); /* once; nothing is told any more */
};

/* NULL out of memory. */
struct torcontrol *torcontrol_new(struct net *n, const struct ipport *at,
                                  const struct torcontrol_ops *ops, void *arg);
void torcontrol_free(struct torcontrol *t); /* NULL is fine; not from inside of ops */

#endif
