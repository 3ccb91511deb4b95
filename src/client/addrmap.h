/* Address map: which names and addresses stand for others, before anything of a request leaves
 * (C tor's addressmap.c): what torrc (MapAddress) and controllers (MAPADDRESS) say, virtual
 * addresses, and which exit a host was reached by (TrackHostExits). What an exit says of a name is
 * not kept: who asked whom would be told by what is asked for later.
 *
 * Names are in lower case, and IPv6 addresses without brackets, whichever way they are given. */
#ifndef TUNIC_CLIENT_ADDRMAP_H
#define TUNIC_CLIENT_ADDRMAP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/env.h"
#include "client/isolation.h"

/* One of them, or a set. */
enum addrmap_source {
    ADDRMAP_TORRC = 1,
    ADDRMAP_CONTROLLER = 2,
    ADDRMAP_VIRTUAL = 4, /* a virtual address, and what it stands for */
    ADDRMAP_EXIT = 8,    /* "host" to "host.fp.exit", for some time */
    ADDRMAP_ALL = 15,
};

enum addrmap_virtual { ADDRMAP_IPV4, ADDRMAP_IPV6, ADDRMAP_HOST };

enum { ADDRMAP_MOST = 200000 }; /* entries */

struct addrmap;

/* FROM stands for TO from now on, until EXPIRES_S (wall clock; 0: for ever), which came about by
 * STREAM (0: by none). May not call back. */
typedef void addrmap_told_fn(void *arg, const char *from, const char *to, int64_t expires_s,
                             uint64_t stream);

/* NULL out of memory. */
struct addrmap *addrmap_new(struct env *env, addrmap_told_fn *told, void *arg);
void addrmap_free(struct addrmap *m); /* NULL is fine */

/* Where virtual addresses are from: VirtualAddrNetworkIPv4, VirtualAddrNetworkIPv6. Those of before
 * are forgotten if they change. */
void addrmap_set_networks(struct addrmap *m, const struct ip_net *v4, const struct ip_net *v6);

/* What a host may look like as a destination (address_is_invalid_destination()). */
bool addrmap_is_host(const char *text);

/* FROM stands for TO; the same: for itself again. "*.x" is all that ends in ".x", and x; with "*.y"
 * behind it only that end changes. SOURCE is TORRC or CONTROLLER, and goes before what there is.
 * ERR_MALFORMED and *WHY, static and in tor's words; ERR_LIMIT; ERR_NOMEM. */
MUST_USE err_t addrmap_set(struct addrmap *m, const char *from, const char *to,
                           enum addrmap_source source, const char **why);
/* Until EXPIRES_S, as STREAM got there, unless FROM stands for something already. */
void addrmap_track_exit(struct addrmap *m, const char *from, const char *to, int64_t expires_s,
                        uint64_t stream);
/* Whether HOST stands for something by its very name; what expires will do so at EXPIRES_S. */
bool addrmap_renew(struct addrmap *m, const char *host, int64_t expires_s);
/* The virtual address of that kind that stands for TO; NULL: there are no more. */
const char *addrmap_virtual(struct addrmap *m, enum addrmap_virtual kind, const char *to);
/* Whether HOST is of the virtual networks, or a name of theirs. */
bool addrmap_is_virtual(const struct addrmap *m, const char *host);

/* Puts into HOST what it stands for by the maps of SOURCES, and by theirs in turn; false: nothing.
 * *EXIT_SOURCE: that of the map that made it an ".exit" name; 0: none did. */
bool addrmap_rewrite(struct addrmap *m, char host[TUNNEL_HOST_MAX + 1], unsigned sources,
                     enum addrmap_source *exit_source);

/* Forgets those of SOURCES. */
void addrmap_clear(struct addrmap *m, unsigned sources);
/* Forgets by which exit hosts were reached that end in SUFFIX (".fp.exit"). */
void addrmap_clear_exit(struct addrmap *m, const char *suffix);

/* Each of SOURCES. EXPIRES_S as above; FROM and TO with "*." and brackets. */
void addrmap_each(struct addrmap *m, unsigned sources,
                  void (*fn)(void *arg, const char *from, const char *to, int64_t expires_s),
                  void *arg);

#endif
