/* Protocol versions of relays and of the network (tor-spec 9, protocol-map 2c).
 *
 * Capabilities are single flags, never "N or later": a relay that lists Relay=4 says nothing about
 * Relay=3. Only those that a client acts on are kept, as bits. */
#ifndef TUNIC_DIR_PROTOVER_H
#define TUNIC_DIR_PROTOVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/text.h"

/* X(enumerator, protocol name, version) */
#define PROTO_LIST(X)                                                \
    X(PROTO_LINK_3, "Link", 3)                                       \
    X(PROTO_LINK_4, "Link", 4)                                       \
    X(PROTO_LINK_5, "Link", 5)                                       \
    X(PROTO_LINKAUTH_3, "LinkAuth", 3)                               \
    X(PROTO_RELAY_2, "Relay", 2) /* ntor, CREATE2 */                 \
    X(PROTO_RELAY_3, "Relay", 3) /* extends over IPv6 */             \
    X(PROTO_RELAY_4, "Relay", 4) /* ntor-v3 */                       \
    X(PROTO_RELAY_5, "Relay", 5) /* subprotocol request extension */ \
    X(PROTO_RELAY_6, "Relay", 6) /* CGO */                           \
    X(PROTO_FLOWCTRL_1, "FlowCtrl", 1)                               \
    X(PROTO_FLOWCTRL_2, "FlowCtrl", 2)                               \
    X(PROTO_DIRCACHE_1, "DirCache", 1)                               \
    X(PROTO_DIRCACHE_2, "DirCache", 2)                               \
    X(PROTO_CONFLUX_1, "Conflux", 1)                                 \
    X(PROTO_PADDING_1, "Padding", 1)                                 \
    X(PROTO_PADDING_2, "Padding", 2)                                 \
    X(PROTO_HSDIR_1, "HSDir", 1)                                     \
    X(PROTO_HSDIR_2, "HSDir", 2)                                     \
    X(PROTO_HSINTRO_3, "HSIntro", 3)                                 \
    X(PROTO_HSINTRO_4, "HSIntro", 4)                                 \
    X(PROTO_HSINTRO_5, "HSIntro", 5)                                 \
    X(PROTO_HSREND_1, "HSRend", 1)                                   \
    X(PROTO_HSREND_2, "HSRend", 2)                                   \
    X(PROTO_MICRODESC_2, "Microdesc", 2)                             \
    X(PROTO_MICRODESC_3, "Microdesc", 3)                             \
    X(PROTO_CONS_2, "Cons", 2)                                       \
    X(PROTO_DESC_2, "Desc", 2)

enum proto {
#define X(name, text, version) name,
    PROTO_LIST(X)
#undef X
        PROTO_N
};

#define PROTO_BIT(p) (UINT32_C(1) << (p))

/* The bits of the list in "Link=1-5 Relay=1-4 ..."; an unparsable list counts as empty (0, with the
 * error returned for those who care). */
MUST_USE err_t protover_parse(struct text list, uint32_t *bits);

/* Which entries of a required-/recommended-client-protocols list Tunic does not have, as text of
 * the same form ("" if none), cut at CAP. True if nothing is missing. */
bool protover_all_supported(struct text list, char *missing, size_t cap);
/* The same, but for what this version is known not to have yet: what remains is news. */
bool protover_all_known(struct text list, char *missing, size_t cap);

#endif
