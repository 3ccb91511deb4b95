/* What a client is told by its user, in the units of the code. The app layer fills it from torrc; a
 * program that embeds the library fills it itself, starting from client_config_defaults(). */
#ifndef TUNIC_CLIENT_CONFIG_H
#define TUNIC_CLIENT_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addrpolicy.h"
#include "dir/dirmgr.h"
#include "link/link.h"
#include "path/path.h"

/* Every pointer is borrowed for the call the config is given to; lists end in NULL or are NULL. */
struct client_config {
    /* Network: lines as in torrc, without the option's name. Empty: the public Tor network. */
    const char *const *dir_authorities; /* DirAuthority */
    const char *const *fallback_dirs;   /* FallbackDir */
    bool default_fallback_dirs;         /* UseDefaultFallbackDirs */
    double authority_fallback_rate;     /* DirAuthorityFallbackRate */
    uint32_t paths_needed_permyriad;    /* PathsNeededToBuildCircuits; 0: by the consensus */
    bool avoid_disk_writes;             /* AvoidDiskWrites: a changed state may wait longer */
    bool testing_network;               /* TestingTorNetwork */
    bool fetch_documents;               /* FetchServerDescriptors */
    struct dir_schedule directory;      /* when it is asked for documents, and for how long */

    /* Links */
    enum link_padding padding;         /* ConnectionPadding */
    bool reduced_padding;              /* ReducedConnectionPadding */
    uint32_t keepalive_s;              /* KeepalivePeriod */
    bool use_ipv4, use_ipv6;           /* ClientUseIPv4, ClientUseIPv6 */
    bool prefer_ipv6_orport;           /* ClientPreferIPv6ORPort */
    bool private_addresses;            /* ExtendAllowPrivateAddresses */
    const struct addr_rule *reachable; /* ReachableAddresses and its like: the first rule that */
    size_t n_reachable;                /* matches an ORPort decides; none: it is reachable */

    /* Paths: node lists as in torrc */
    const char *exclude_nodes;        /* ExcludeNodes */
    const char *exclude_exit_nodes;   /* ExcludeExitNodes */
    const char *exit_nodes;           /* ExitNodes */
    const char *entry_nodes;          /* EntryNodes */
    const char *middle_nodes;         /* MiddleNodes */
    bool strict_nodes;                /* StrictNodes */
    const char *const *node_families; /* NodeFamily */
    struct geoip *geoip; /* where relays are, for {cc} in these; held if it is needed */
    enum config_choice exclude_unknown; /* GeoIPExcludeUnknown; auto: where countries are named */
    bool distinct_subnets;              /* EnforceDistinctSubnets */
    const uint16_t *long_lived_ports;   /* LongLivedPorts */
    size_t n_long_lived_ports;
    enum config_choice extend_by_ed; /* ExtendByEd25519ID */

    /* Guards; 0: by the consensus */
    bool use_entry_guards;             /* UseEntryGuards */
    uint32_t num_entry_guards;         /* NumEntryGuards */
    uint32_t num_directory_guards;     /* NumDirectoryGuards */
    uint32_t num_primary_guards;       /* NumPrimaryGuards */
    uint32_t guard_lifetime_s;         /* GuardLifetime, of a day at least */
    enum config_choice vanguards_lite; /* VanguardsLiteEnabled */
    struct pathbias_config path_bias;  /* PathBias options */

    /* Circuits and tunnels */
    uint32_t max_circuit_dirtiness_s;   /* MaxCircuitDirtiness */
    uint32_t new_circuit_period_s;      /* NewCircuitPeriod */
    uint32_t circuits_available_s;      /* CircuitsAvailableTimeout; 0: as the consensus says */
    bool no_predicted_circuits;         /* __DisablePredictedCircuits */
    uint32_t circuit_build_timeout_s;   /* CircuitBuildTimeout; 0: the default of path-spec */
    bool learn_circuit_build_timeout;   /* LearnCircuitBuildTimeout */
    uint32_t circuit_stream_timeout_s;  /* CircuitStreamTimeout; 0: the default schedule */
    uint32_t socks_timeout_s;           /* SocksTimeout */
    uint32_t max_circuits_pending;      /* MaxClientCircuitsPending */
    bool reject_internal_addresses;     /* ClientRejectInternalAddresses */
    bool dns_reject_internal_addresses; /* ClientDNSRejectInternalAddresses */
    bool leave_streams_unattached;      /* __LeaveStreamsUnattached */

    enum config_choice conflux; /* ConfluxEnabled */
    uint8_t conflux_ux;         /* ConfluxClientUX: enum conflux_ux */

    /* Dormancy */
    uint32_t dormant_after_s;        /* DormantClientTimeout; 0: never (DormantTimeoutEnabled 0) */
    bool dormant_never_with_streams; /* DormantTimeoutDisabledByIdleStreams */
    bool dormant_at_first;           /* DormantOnFirstStartup */
    bool dormant_ends_at_start;      /* DormantCanceledByStartup */

    /* Addresses; lists in one text are separated by commas */
    const char *const *address_maps;  /* MapAddress: "FROM TO" */
    bool automap;                     /* AutomapHostsOnResolve */
    const char *automap_suffixes;     /* AutomapHostsSuffixes */
    struct ip_net virtual4, virtual6; /* VirtualAddrNetworkIPv4, VirtualAddrNetworkIPv6 */
    const char *track_exits;          /* TrackHostExits */
    uint32_t track_exits_s;           /* TrackHostExitsExpire */
};

/* tor's defaults (for TESTING, those of a TestingTorNetwork). */
struct client_config client_config_defaults(bool testing);

#endif
