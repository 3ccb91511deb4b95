/* Settings: a client_config translated into what the layers below take, and owned. */
#ifndef TUNIC_CLIENT_SETTINGS_H
#define TUNIC_CLIENT_SETTINGS_H

#include "client/config.h"
#include "client/exits.h"
#include "client/linkpool.h"
#include "client/tunnels.h"
#include "dir/dirmgr.h"
#include "dir/servers.h"
#include "path/path.h"

enum { SETTINGS_NODE_LISTS = 5, SETTINGS_PORTS_MAX = 128 };

struct settings {
    struct client_config config; /* scalars only; its pointers are cleared */
    struct dir_servers servers;
    struct nodeset *node_lists[SETTINGS_NODE_LISTS];
    struct nodeset **families;
    size_t n_families;
    struct path_config path; /* points into the above */
    uint16_t long_lived[SETTINGS_PORTS_MAX];
    char *automap_suffixes, *track_exits; /* or NULL */
};

/* *WHY (static or inside S) says in words what is wrong: ERR_MALFORMED. ERR_NOMEM. On error nothing
 * is left to free. S must not move afterwards. */
MUST_USE err_t settings_init(struct settings *s, const struct client_config *config,
                             char why[PATH_WHY_MAX]);
void settings_free(struct settings *s);

/* Whether circuits that were built under A are given up under B, as tor does when node lists
 * change, even if their relays are allowed still: what they were chosen by is not what the user
 * wants now. */
bool settings_abandon_circuits(const struct settings *a, const struct settings *b);

struct dirmgr_options settings_dirmgr(const struct settings *s);
struct exits_config settings_exits(const struct settings *s);
struct conflux_policy settings_conflux(const struct settings *s, const struct netdir *nd);
struct tunnels_config settings_tunnels(const struct settings *s);
struct linkpool_config settings_links(const struct settings *s, struct tls_ctx *tls,
                                      const struct netdir *nd);

#endif
