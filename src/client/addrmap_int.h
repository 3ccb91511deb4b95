/* What the files of the address map share: addrmap.c has the maps, addrmap_virtual.c the virtual
 * addresses. Names are normal: in lower case, without brackets. */
#ifndef TUNIC_CLIENT_ADDRMAP_INT_H
#define TUNIC_CLIENT_ADDRMAP_INT_H

#include "base/hash.h"
#include "client/addrmap.h"

enum { VIRTUAL_KINDS = ADDRMAP_HOST + 1 };

struct addrmap_entry {
    char *from; /* the key */
    char *to;
    enum addrmap_source source;
    int64_t expires_s;
    bool from_wild, to_wild; /* "*." stood before them */
    struct stand_in *virtual;
    UT_hash_handle hh;
};

/* The virtual addresses that stand for one host. */
struct stand_in {
    char *host;
    struct addrmap_entry *of[VIRTUAL_KINDS];
    UT_hash_handle hh;
};

struct addrmap {
    struct env *env;
    addrmap_told_fn *told;
    void *arg;
    struct ip_net net[2]; /* by enum addrmap_virtual */
    struct addrmap_entry *entries;
    struct stand_in *stand_ins;
};

/* ---- addrmap.c ---- */

void addrmap_normal(const char *text, char out[TUNNEL_HOST_MAX + 1]);
bool addrmap_ends_in(const char *text, const char *end);
/* NULL: HOST stands for nothing, or does not any more. */
struct addrmap_entry *addrmap_find(const struct addrmap *m, const char *host);
/* ERR_LIMIT, ERR_NOMEM. */
MUST_USE err_t addrmap_add(struct addrmap *m, const char *from, const char *to,
                           enum addrmap_source source, struct addrmap_entry **out);
/* FROM stands for nothing more. */
void addrmap_drop(struct addrmap *m, const char *from);
void addrmap_tell(const struct addrmap *m, const struct addrmap_entry *e, uint64_t stream);

#endif
