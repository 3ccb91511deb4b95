/* Vanguards-lite (proposal 333): the few relays one of which is the second hop of every path of an
 * onion service, so that who makes a client or a service build many circuits learns of few relays
 * beside its guard.
 *
 * They are weighted as middles are, Stable and Fast; each stays for some days and goes earlier if
 * the consensus no longer lists it as both. They are in no file: a restart chooses others, as in C
 * tor. Onion services as such are not here; circuits that are built ahead for them are. */
#ifndef TUNIC_PATH_VANGUARDS_H
#define TUNIC_PATH_VANGUARDS_H

#include "base/env.h"
#include "dir/netdir.h"
#include "path/path.h"

struct vanguards;

struct vanguards *vanguards_new(struct env *env); /* NULL out of memory */
void vanguards_free(struct vanguards **v);

/* Call it after a new consensus and a reload of the configuration: those that are gone or whose
 * time is over make room for others. Does nothing without vanguards-lite (VanguardsLiteEnabled,
 * `vanguards-lite-enabled`). Out of memory the layer stays shorter than it should be. */
void vanguards_update(struct vanguards *v, const struct netdir *nd, const struct path_config *cfg);

/* All are forgotten: others are chosen when they are next asked for (C tor, on NEWNYM). */
void vanguards_drop_all(struct vanguards *v);

/* The second hop of a path of an onion service over ND, after an update by ND. Its layer is V's,
 * good until the next call of any function here; without vanguards-lite it is no layer but any
 * middle. */
struct path_hop vanguards_hop(struct vanguards *v, const struct netdir *nd,
                              const struct path_config *cfg);

/* TOLD hears of each that is chosen (JOINED), and of each that goes. It may not call back. NULL:
 * nobody does. */
typedef void vanguard_told_fn(void *arg, bool joined, const struct rsa_id *id);
void vanguards_set_watch(struct vanguards *v, vanguard_told_fn *told, void *arg);

#endif
