/* Every option of C tor 0.4.9: its type, its default, and what it is to Tunic. */
#include <string.h>
#include <strings.h>

#include "conf/options.h"

/* Offset of a member, checked to have the C type that the option's type asks for. */
#define AT(member, ctype)                                                                        \
    (offsetof(struct options, member) +                                                          \
     0 * sizeof(                                                                                 \
             char[__builtin_types_compatible_p(__typeof__(((struct options *)0)->member), ctype) \
                      ? 1                                                                        \
                      : -1]))
#define OURS(name, type, member, ctype, initial, flags)              \
    {                                                                \
        name, OPT_SUPPORTED, type, AT(member, ctype), initial, flags \
    }
#define BOOL(name, member, initial, flags) OURS(name, OPTT_BOOL, member, bool, initial, flags)
#define AUTOBOOL(name, member, initial, flags) \
    OURS(name, OPTT_AUTOBOOL, member, int, initial, flags)
#define POSINT(name, member, initial, flags) OURS(name, OPTT_POSINT, member, int, initial, flags)
#define UINT64(name, member, initial, flags) \
    OURS(name, OPTT_UINT64, member, uint64_t, initial, flags)
#define DOUBLE(name, member, initial, flags) OURS(name, OPTT_DOUBLE, member, double, initial, flags)
#define INTERVAL(name, member, initial, flags) \
    OURS(name, OPTT_INTERVAL, member, int, initial, flags)
#define MSEC_INTERVAL(name, member, initial, flags) \
    OURS(name, OPTT_MSEC_INTERVAL, member, int, initial, flags)
#define CSV_INTERVAL(name, member, initial, flags) \
    OURS(name, OPTT_CSV_INTERVAL, member, int, initial, flags)
#define SIZE(name, member, initial, flags)   OURS(name, OPTT_SIZE, member, uint64_t, initial, flags)
#define STRING(name, member, initial, flags) OURS(name, OPTT_STRING, member, char *, initial, flags)
#define FILENAME(name, member, initial, flags) \
    OURS(name, OPTT_FILENAME, member, char *, initial, flags)
#define CSV(name, member, initial, flags)   OURS(name, OPTT_CSV, member, char *, initial, flags)
#define NODES(name, member, initial, flags) OURS(name, OPTT_NODES, member, char *, initial, flags)
#define LINES(name, member, initial, flags) \
    OURS(name, OPTT_LINES, member, struct conf_line *, initial, flags)
#define VIRTUAL(name, member, initial, flags) \
    OURS(name, OPTT_VIRTUAL, member, struct conf_line *, initial, flags)
#define OTHER(name, kind, type, initial, flags)    \
    {                                              \
        name, kind, type, SIZE_MAX, initial, flags \
    }
#define OBSOLETE(name)                                     \
    {                                                      \
        name, OPT_OBSOLETE, OPTT_STRING, SIZE_MAX, NULL, 0 \
    }

/* clang-format off */
static const struct opt TABLE[] = {
    BOOL("___UsingTestNetworkDefaults", using_test_network_defaults, "0", OPTF_HIDDEN),
    OTHER("__AllDirActionsPrivate", OPT_IGNORED, OPTT_BOOL, "0", OPTF_NODUMP),
    BOOL("__AlwaysCongestionControl", always_congestion_control, "0", 0),
    OTHER("__ControlPort", OPT_OFF_ONLY, OPTT_LINES, NULL, OPTF_NODUMP | OPTF_DEPENDENT),
    OTHER("__DirPort", OPT_RELAY, OPTT_LINES, NULL, OPTF_NODUMP | OPTF_DEPENDENT),
    BOOL("__DisablePredictedCircuits", disable_predicted_circuits, "0", OPTF_NODUMP),
    BOOL("__DisableSignalHandlers", disable_signal_handlers, "0", OPTF_IMMUTABLE | OPTF_NODUMP),
    OTHER("__DNSPort", OPT_OFF_ONLY, OPTT_LINES, NULL, OPTF_NODUMP | OPTF_DEPENDENT),
    OTHER("__ExtORPort", OPT_RELAY, OPTT_LINES, NULL, OPTF_NODUMP | OPTF_DEPENDENT),
    OTHER("__HashedControlSessionPassword", OPT_IGNORED, OPTT_LINES, NULL, OPTF_NODUMP),
    OTHER("__HTTPTunnelPort", OPT_OFF_ONLY, OPTT_LINES, NULL, OPTF_NODUMP | OPTF_DEPENDENT),
    BOOL("__LeaveStreamsUnattached", leave_streams_unattached, "0", OPTF_NODUMP),
    OTHER("__MetricsPort", OPT_OFF_ONLY, OPTT_LINES, NULL, OPTF_NODUMP | OPTF_DEPENDENT),
    OTHER("__NATDPort", OPT_OFF_ONLY, OPTT_LINES, NULL, OPTF_NODUMP | OPTF_DEPENDENT),
    OTHER("__ORPort", OPT_RELAY, OPTT_LINES, NULL, OPTF_NODUMP | OPTF_DEPENDENT),
    UINT64("__OwningControllerFD", owning_controller_fd, "18446744073709551615",
           OPTF_IMMUTABLE | OPTF_NODUMP),
    STRING("__OwningControllerProcess", owning_controller_process, NULL, OPTF_NODUMP),
    BOOL("__ReloadTorrcOnSIGHUP", reload_torrc_on_sighup, "1", OPTF_NODUMP),
    OTHER("__SbwsExit", OPT_RELAY, OPTT_BOOL, "0", 0),
    LINES("__SocksPort", socks_port_lines, NULL, OPTF_NODUMP | OPTF_DEPENDENT),
    OTHER("__TransPort", OPT_OFF_ONLY, OPTT_LINES, NULL, OPTF_NODUMP | OPTF_DEPENDENT),
    OBSOLETE("__UseFilteringSSLBufferevents"),
    OTHER("AccelDir", OPT_IGNORED, OPTT_FILENAME, NULL, OPTF_IMMUTABLE),
    OTHER("AccelName", OPT_IGNORED, OPTT_STRING, NULL, OPTF_IMMUTABLE),
    OTHER("AccountingMax", OPT_OFF_ONLY, OPTT_SIZE, "0 bytes", 0),
    OTHER("AccountingRule", OPT_IGNORED, OPTT_STRING, "max", 0),
    OTHER("AccountingStart", OPT_IGNORED, OPTT_STRING, NULL, 0),
    OTHER("Address", OPT_IGNORED, OPTT_LINES, NULL, OPTF_RELAY),
    OTHER("AddressDisableIPv6", OPT_IGNORED, OPTT_BOOL, "0", OPTF_RELAY),
    OBSOLETE("AllowDotExit"),
    OBSOLETE("AllowInvalidNodes"),
    BOOL("AllowNonRFC953Hostnames", allow_non_rfc953_hostnames, "0", 0),
    OBSOLETE("AllowSingleHopCircuits"),
    OBSOLETE("AllowSingleHopExits"),
    OTHER("AlternateBridgeAuthority", OPT_REFUSED, OPTT_LINES, NULL, 0),
    OTHER("AlternateDirAuthority", OPT_REFUSED, OPTT_LINES, NULL, 0),
    OBSOLETE("AlternateHSAuthority"),
    OBSOLETE("AndroidIdentityTag"),
    OTHER("AssumeReachable", OPT_IGNORED, OPTT_BOOL, "0", OPTF_RELAY),
    OTHER("AssumeReachableIPv6", OPT_IGNORED, OPTT_AUTOBOOL, "auto", OPTF_RELAY),
    OBSOLETE("AuthDirBadDir"),
    OBSOLETE("AuthDirBadDirCCs"),
    OTHER("AuthDirBadExit", OPT_IGNORED, OPTT_LINES, NULL, OPTF_RELAY),
    OTHER("AuthDirBadExitCCs", OPT_IGNORED, OPTT_CSV, "", OPTF_RELAY),
    OTHER("AuthDirFastGuarantee", OPT_IGNORED, OPTT_SIZE, "100 KB", OPTF_RELAY),
    OTHER("AuthDirGuardBWGuarantee", OPT_IGNORED, OPTT_SIZE, "2 MB", OPTF_RELAY),
    OTHER("AuthDirHasIPv6Connectivity", OPT_IGNORED, OPTT_BOOL, "0", OPTF_RELAY),
    OTHER("AuthDirInvalid", OPT_IGNORED, OPTT_LINES, NULL, OPTF_RELAY),
    OTHER("AuthDirInvalidCCs", OPT_IGNORED, OPTT_CSV, "", OPTF_RELAY),
    OBSOLETE("AuthDirListBadDirs"),
    OTHER("AuthDirListBadExits", OPT_IGNORED, OPTT_BOOL, "0", OPTF_RELAY),
    OTHER("AuthDirListMiddleOnly", OPT_IGNORED, OPTT_BOOL, "0", OPTF_RELAY),
    OTHER("AuthDirMaxServersPerAddr", OPT_IGNORED, OPTT_POSINT, "2", OPTF_RELAY),
    OBSOLETE("AuthDirMaxServersPerAuthAddr"),
    OTHER("AuthDirMiddleOnly", OPT_IGNORED, OPTT_LINES, NULL, OPTF_RELAY),
    OTHER("AuthDirMiddleOnlyCCs", OPT_IGNORED, OPTT_CSV, "", OPTF_RELAY),
    OTHER("AuthDirPinKeys", OPT_IGNORED, OPTT_BOOL, "1", OPTF_RELAY),
    OTHER("AuthDirReject", OPT_IGNORED, OPTT_LINES, NULL, OPTF_RELAY),
    OTHER("AuthDirRejectCCs", OPT_IGNORED, OPTT_CSV, "", OPTF_RELAY),
    OTHER("AuthDirRejectRequestsUnderLoad", OPT_IGNORED, OPTT_BOOL, "1", OPTF_RELAY),
    OBSOLETE("AuthDirRejectUnlisted"),
    OTHER("AuthDirSharedRandomness", OPT_IGNORED, OPTT_BOOL, "1", OPTF_RELAY),
    OTHER("AuthDirTestEd25519LinkKeys", OPT_IGNORED, OPTT_BOOL, "1", OPTF_RELAY),
    OTHER("AuthDirTestReachability", OPT_IGNORED, OPTT_BOOL, "1", OPTF_RELAY),
    OTHER("AuthDirVoteGuard", OPT_IGNORED, OPTT_NODES, NULL, OPTF_RELAY),
    OTHER("AuthDirVoteGuardBwThresholdFraction", OPT_IGNORED, OPTT_DOUBLE, "0.75", OPTF_RELAY),
    OTHER("AuthDirVoteGuardGuaranteeTimeKnown", OPT_IGNORED, OPTT_INTERVAL, "8 days", OPTF_RELAY),
    OTHER("AuthDirVoteGuardGuaranteeWFU", OPT_IGNORED, OPTT_DOUBLE, "0.98", OPTF_RELAY),
    OTHER("AuthDirVoteStableGuaranteeMinUptime", OPT_IGNORED, OPTT_INTERVAL, "30 days", OPTF_RELAY),
    OTHER("AuthDirVoteStableGuaranteeMTBF", OPT_IGNORED, OPTT_INTERVAL, "5 days", OPTF_RELAY),
    OTHER("AuthoritativeDirectory", OPT_RELAY, OPTT_BOOL, "0", 0),
    OTHER("AutomapHostsOnResolve", OPT_OFF_ONLY, OPTT_BOOL, "0", 0),
    OTHER("AutomapHostsSuffixes", OPT_IGNORED, OPTT_CSV, ".onion,.exit", 0),
    BOOL("AvoidDiskWrites", avoid_disk_writes, "0", 0),
    OTHER("BandwidthBurst", OPT_IGNORED, OPTT_SIZE, "1 GB", 0),
    OTHER("BandwidthRate", OPT_IGNORED, OPTT_SIZE, "1 GB", 0),
    OTHER("Bridge", OPT_REFUSED, OPTT_LINES, NULL, 0),
    OTHER("BridgeAuthoritativeDir", OPT_RELAY, OPTT_BOOL, "0", 0),
    OTHER("BridgeDistribution", OPT_IGNORED, OPTT_STRING, NULL, OPTF_RELAY),
    OTHER("BridgePassword", OPT_IGNORED, OPTT_STRING, NULL, OPTF_RELAY),
    OTHER("BridgeRecordUsageByCountry", OPT_IGNORED, OPTT_BOOL, "1", OPTF_RELAY),
    OTHER("BridgeRelay", OPT_RELAY, OPTT_BOOL, "0", 0),
    FILENAME("CacheDirectory", cache_directory, NULL, OPTF_IMMUTABLE),
    AUTOBOOL("CacheDirectoryGroupReadable", cache_directory_group_readable, "auto", 0),
    OTHER("CellStatistics", OPT_IGNORED, OPTT_BOOL, "0", OPTF_RELAY),
    INTERVAL("CircuitBuildTimeout", circuit_build_timeout_s, "0", 0),
    OBSOLETE("CircuitIdleTimeout"),
    BOOL("CircuitPadding", circuit_padding, "1", 0),
    OTHER("CircuitPriorityHalflife", OPT_IGNORED, OPTT_DOUBLE, "-1.0", 0),
    INTERVAL("CircuitsAvailableTimeout", circuits_available_timeout_s, "0", 0),
    INTERVAL("CircuitStreamTimeout", circuit_stream_timeout_s, "0", 0),
    OBSOLETE("ClientAutoIPv6ORPort"),
    CSV_INTERVAL("ClientBootstrapConsensusAuthorityDownloadInitialDelay",
                 bootstrap_authority_delay_s, "6", 0),
    CSV_INTERVAL("ClientBootstrapConsensusAuthorityOnlyDownloadInitialDelay",
                 bootstrap_authority_only_delay_s, "0", 0),
    OBSOLETE("ClientBootstrapConsensusAuthorityOnlyMaxDownloadTries"),
    CSV_INTERVAL("ClientBootstrapConsensusFallbackDownloadInitialDelay",
                 bootstrap_fallback_delay_s, "0", 0),
    OBSOLETE("ClientBootstrapConsensusMaxDownloadTries"),
    POSINT("ClientBootstrapConsensusMaxInProgressTries", bootstrap_max_in_progress, "3", 0),
    BOOL("ClientDNSRejectInternalAddresses", client_dns_reject_internal, "1", 0),
    OTHER("ClientOnionAuthDir", OPT_REFUSED, OPTT_FILENAME, NULL, 0),
    BOOL("ClientOnly", client_only, "0", 0),
    OTHER("ClientPreferIPv6DirPort", OPT_IGNORED, OPTT_AUTOBOOL, "auto", 0),
    AUTOBOOL("ClientPreferIPv6ORPort", client_prefer_ipv6_orport, "auto", 0),
    BOOL("ClientRejectInternalAddresses", client_reject_internal, "1", 0),
    OTHER("ClientTransportPlugin", OPT_REFUSED, OPTT_LINES, NULL, 0),
    BOOL("ClientUseIPv4", client_use_ipv4, "1", 0),
    BOOL("ClientUseIPv6", client_use_ipv6, "1", 0),
    OBSOLETE("CloseHSClientCircuitsImmediatelyOnTimeout"),
    OBSOLETE("CloseHSServiceRendCircuitsImmediatelyOnTimeout"),
    OTHER("CompiledProofOfWorkHash", OPT_IGNORED, OPTT_AUTOBOOL, "auto", 0),
    STRING("ConfluxClientUX", conflux_client_ux, "throughput", 0),
    AUTOBOOL("ConfluxEnabled", conflux_enabled, "auto", 0),
    OTHER("ConnDirectionStatistics", OPT_IGNORED, OPTT_BOOL, "0", OPTF_RELAY),
    AUTOBOOL("ConnectionPadding", connection_padding, "auto", 0),
    POSINT("ConnLimit", conn_limit, "1000", 0),
    OTHER("ConsensusParams", OPT_IGNORED, OPTT_LINES, NULL, OPTF_RELAY),
    OTHER("ConstrainedSockets", OPT_IGNORED, OPTT_BOOL, "0", 0),
    OTHER("ConstrainedSockSize", OPT_IGNORED, OPTT_SIZE, "8192", 0),
    OTHER("ContactInfo", OPT_IGNORED, OPTT_STRING, NULL, OPTF_RELAY),
    OBSOLETE("ControlListenAddress"),
    OTHER("ControlPort", OPT_OFF_ONLY, OPTT_LINES, NULL, OPTF_DEPENDENT),
    OTHER("ControlPortFileGroupReadable", OPT_IGNORED, OPTT_BOOL, "0", 0),
    OTHER("ControlPortLines", OPT_IGNORED, OPTT_VIRTUAL, NULL, 0),
    OTHER("ControlPortWriteToFile", OPT_IGNORED, OPTT_FILENAME, NULL, 0),
    OTHER("ControlSocket", OPT_OFF_ONLY, OPTT_LINES, NULL, 0),
    OTHER("ControlSocketsGroupWritable", OPT_IGNORED, OPTT_BOOL, "0", 0),
    OTHER("CookieAuthentication", OPT_IGNORED, OPTT_BOOL, "0", 0),
    OTHER("CookieAuthFile", OPT_IGNORED, OPTT_FILENAME, NULL, 0),
    OTHER("CookieAuthFileGroupReadable", OPT_IGNORED, OPTT_BOOL, "0", 0),
    OTHER("CountPrivateBandwidth", OPT_IGNORED, OPTT_BOOL, "0", OPTF_RELAY),
    FILENAME("DataDirectory", data_directory, NULL, OPTF_IMMUTABLE),
    BOOL("DataDirectoryGroupReadable", data_directory_group_readable, "0", 0),
    BOOL("DirAllowPrivateAddresses", dir_allow_private_addresses, "0", 0),
    LINES("DirAuthority", dir_authority_lines, NULL, 0),
    DOUBLE("DirAuthorityFallbackRate", dir_authority_fallback_rate, "0.1", 0),
    OTHER("DirCache", OPT_IGNORED, OPTT_BOOL, "1", OPTF_RELAY),
    OBSOLETE("DirListenAddress"),
    OTHER("DirPolicy", OPT_IGNORED, OPTT_LINES, NULL, OPTF_RELAY),
    OTHER("DirPort", OPT_RELAY, OPTT_LINES, NULL, OPTF_DEPENDENT),
    OTHER("DirPortFrontPage", OPT_IGNORED, OPTT_FILENAME, NULL, OPTF_RELAY),
    OTHER("DirPortLines", OPT_IGNORED, OPTT_VIRTUAL, NULL, 0),
    OTHER("DirReqStatistics", OPT_IGNORED, OPTT_BOOL, "1", OPTF_RELAY),
    BOOL("DisableAllSwap", disable_all_swap, "0", OPTF_IMMUTABLE),
    BOOL("DisableDebuggerAttachment", disable_debugger_attachment, "1", OPTF_IMMUTABLE),
    OBSOLETE("DisableIOCP"),
    BOOL("DisableNetwork", disable_network, "0", 0),
    OTHER("DisableOOSCheck", OPT_IGNORED, OPTT_BOOL, "1", 0),
    OBSOLETE("DisableV2DirectoryInfo_"),
    OBSOLETE("DNSListenAddress"),
    OTHER("DNSPort", OPT_OFF_ONLY, OPTT_LINES, NULL, OPTF_DEPENDENT),
    OTHER("DNSPortLines", OPT_IGNORED, OPTT_VIRTUAL, NULL, 0),
    BOOL("DormantCanceledByStartup", dormant_canceled_by_startup, "0", 0),
    INTERVAL("DormantClientTimeout", dormant_client_timeout_s, "24 hours", 0),
    BOOL("DormantOnFirstStartup", dormant_on_first_startup, "0", 0),
    BOOL("DormantTimeoutDisabledByIdleStreams", dormant_timeout_disabled_by_idle_streams, "1", 0),
    BOOL("DormantTimeoutEnabled", dormant_timeout_enabled, "1", 0),
    OTHER("DoSCircuitCreationBurst", OPT_IGNORED, OPTT_POSINT, "0", OPTF_RELAY),
    OTHER("DoSCircuitCreationDefenseTimePeriod", OPT_IGNORED, OPTT_INTERVAL, "0", OPTF_RELAY),
    OTHER("DoSCircuitCreationDefenseType", OPT_IGNORED, OPTT_INT, "0", OPTF_RELAY),
    OTHER("DoSCircuitCreationEnabled", OPT_IGNORED, OPTT_AUTOBOOL, "auto", OPTF_RELAY),
    OTHER("DoSCircuitCreationMinConnections", OPT_IGNORED, OPTT_POSINT, "0", OPTF_RELAY),
    OTHER("DoSCircuitCreationRate", OPT_IGNORED, OPTT_POSINT, "0", OPTF_RELAY),
    OTHER("DoSConnectionConnectBurst", OPT_IGNORED, OPTT_POSINT, "0", OPTF_RELAY),
    OTHER("DoSConnectionConnectDefenseTimePeriod", OPT_IGNORED, OPTT_INTERVAL, "0", OPTF_RELAY),
    OTHER("DoSConnectionConnectRate", OPT_IGNORED, OPTT_POSINT, "0", OPTF_RELAY),
    OTHER("DoSConnectionDefenseType", OPT_IGNORED, OPTT_INT, "0", OPTF_RELAY),
    OTHER("DoSConnectionEnabled", OPT_IGNORED, OPTT_AUTOBOOL, "auto", OPTF_RELAY),
    OTHER("DoSConnectionMaxConcurrentCount", OPT_IGNORED, OPTT_POSINT, "0", OPTF_RELAY),
    OTHER("DoSRefuseSingleHopClientRendezvous", OPT_IGNORED, OPTT_AUTOBOOL, "auto", OPTF_RELAY),
    OTHER("DoSStreamCreationBurst", OPT_IGNORED, OPTT_POSINT, "0", OPTF_RELAY),
    OTHER("DoSStreamCreationDefenseType", OPT_IGNORED, OPTT_INT, "0", OPTF_RELAY),
    OTHER("DoSStreamCreationEnabled", OPT_IGNORED, OPTT_AUTOBOOL, "auto", OPTF_RELAY),
    OTHER("DoSStreamCreationRate", OPT_IGNORED, OPTT_POSINT, "0", OPTF_RELAY),
    OTHER("DownloadExtraInfo", OPT_IGNORED, OPTT_BOOL, "0", 0),
    OBSOLETE("DynamicDHGroups"),
    BOOL("EnforceDistinctSubnets", enforce_distinct_subnets, "1", 0),
    NODES("EntryNodes", entry_nodes, NULL, 0),
    OTHER("EntryStatistics", OPT_IGNORED, OPTT_BOOL, "0", OPTF_RELAY),
    NODES("ExcludeExitNodes", exclude_exit_nodes, NULL, 0),
    NODES("ExcludeNodes", exclude_nodes, NULL, 0),
    OBSOLETE("ExcludeSingleHopRelays"),
    NODES("ExitNodes", exit_nodes, NULL, 0),
    OTHER("ExitPolicy", OPT_IGNORED, OPTT_LINES, NULL, OPTF_RELAY),
    OTHER("ExitPolicyRejectLocalInterfaces", OPT_IGNORED, OPTT_BOOL, "0", OPTF_RELAY),
    OTHER("ExitPolicyRejectPrivate", OPT_IGNORED, OPTT_BOOL, "1", OPTF_RELAY),
    OTHER("ExitPortStatistics", OPT_IGNORED, OPTT_BOOL, "0", OPTF_RELAY),
    OTHER("ExitRelay", OPT_RELAY, OPTT_AUTOBOOL, "auto", 0),
    BOOL("ExtendAllowPrivateAddresses", extend_allow_private_addresses, "0", 0),
    AUTOBOOL("ExtendByEd25519ID", extend_by_ed25519_id, "auto", 0),
    OTHER("ExtORPort", OPT_RELAY, OPTT_LINES, NULL, OPTF_DEPENDENT),
    OTHER("ExtORPortCookieAuthFile", OPT_IGNORED, OPTT_FILENAME, NULL, OPTF_RELAY),
    OTHER("ExtORPortCookieAuthFileGroupReadable", OPT_IGNORED, OPTT_BOOL, "0", OPTF_RELAY),
    OTHER("ExtORPortLines", OPT_IGNORED, OPTT_VIRTUAL, NULL, 0),
    OTHER("ExtraInfoStatistics", OPT_IGNORED, OPTT_BOOL, "1", OPTF_RELAY),
    LINES("FallbackDir", fallback_dir_lines, NULL, 0),
    OBSOLETE("FallbackNetworkstatusFile"),
    OTHER("FamilyId", OPT_IGNORED, OPTT_LINES, NULL, OPTF_RELAY),
    OTHER("FamilyKeyDirectory", OPT_IGNORED, OPTT_FILENAME, NULL, OPTF_IMMUTABLE | OPTF_RELAY),
    BOOL("FascistFirewall", fascist_firewall, "0", 0),
    OBSOLETE("FastFirstHopPK"),
    BOOL("FetchDirInfoEarly", fetch_dir_info_early, "0", 0),
    BOOL("FetchDirInfoExtraEarly", fetch_dir_info_extra_early, "0", 0),
    OTHER("FetchHidServDescriptors", OPT_IGNORED, OPTT_BOOL, "1", 0),
    OTHER("FetchServerDescriptors", OPT_IGNORED, OPTT_BOOL, "1", 0),
    OTHER("FetchUselessDescriptors", OPT_IGNORED, OPTT_BOOL, "0", 0),
    OBSOLETE("FetchV2Networkstatus"),
    CSV("FirewallPorts", firewall_ports_csv, "", 0),
    OTHER("GeoIPExcludeUnknown", OPT_IGNORED, OPTT_AUTOBOOL, "auto", 0),
    OTHER("GeoIPFile", OPT_IGNORED, OPTT_FILENAME, "/usr/share/tor/geoip", 0),
    OTHER("GeoIPv6File", OPT_IGNORED, OPTT_FILENAME, "/usr/share/tor/geoip6", 0),
    OBSOLETE("Group"),
    OTHER("GuardfractionFile", OPT_IGNORED, OPTT_FILENAME, NULL, OPTF_RELAY),
    INTERVAL("GuardLifetime", guard_lifetime_s, "0 minutes", 0),
    OTHER("HardwareAccel", OPT_IGNORED, OPTT_BOOL, "0", OPTF_IMMUTABLE),
    OTHER("HashedControlPassword", OPT_IGNORED, OPTT_LINES, NULL, 0),
    INTERVAL("HeartbeatPeriod", heartbeat_period_s, "6 hours", 0),
    OTHER("HiddenServiceAllowUnknownPorts", OPT_REFUSED, OPTT_LINES, NULL, OPTF_DEPENDENT),
    OBSOLETE("HiddenServiceAuthorizeClient"),
    OTHER("HiddenServiceDir", OPT_REFUSED, OPTT_LINES, NULL, OPTF_DEPENDENT),
    OTHER("HiddenServiceDirGroupReadable", OPT_REFUSED, OPTT_LINES, NULL, OPTF_DEPENDENT),
    OTHER("HiddenServiceEnableIntroDoSBurstPerSec", OPT_REFUSED, OPTT_LINES, NULL, OPTF_DEPENDENT),
    OTHER("HiddenServiceEnableIntroDoSDefense", OPT_REFUSED, OPTT_LINES, NULL, OPTF_DEPENDENT),
    OTHER("HiddenServiceEnableIntroDoSRatePerSec", OPT_REFUSED, OPTT_LINES, NULL, OPTF_DEPENDENT),
    OTHER("HiddenServiceExportCircuitID", OPT_REFUSED, OPTT_LINES, NULL, OPTF_DEPENDENT),
    OTHER("HiddenServiceMaxStreams", OPT_REFUSED, OPTT_LINES, NULL, OPTF_DEPENDENT),
    OTHER("HiddenServiceMaxStreamsCloseCircuit", OPT_REFUSED, OPTT_LINES, NULL, OPTF_DEPENDENT),
    OTHER("HiddenServiceNonAnonymousMode", OPT_OFF_ONLY, OPTT_BOOL, "0", OPTF_IMMUTABLE),
    OTHER("HiddenServiceNumIntroductionPoints", OPT_REFUSED, OPTT_LINES, NULL, OPTF_DEPENDENT),
    OTHER("HiddenServiceOnionBalanceInstance", OPT_REFUSED, OPTT_LINES, NULL, OPTF_DEPENDENT),
    OTHER("HiddenServiceOptions", OPT_IGNORED, OPTT_VIRTUAL, NULL, 0),
    OTHER("HiddenServicePort", OPT_REFUSED, OPTT_LINES, NULL, OPTF_DEPENDENT),
    OTHER("HiddenServicePoWDefensesEnabled", OPT_REFUSED, OPTT_LINES, NULL, OPTF_DEPENDENT),
    OTHER("HiddenServicePoWQueueBurst", OPT_REFUSED, OPTT_LINES, NULL, OPTF_DEPENDENT),
    OTHER("HiddenServicePoWQueueRate", OPT_REFUSED, OPTT_LINES, NULL, OPTF_DEPENDENT),
    OTHER("HiddenServiceSingleHopMode", OPT_OFF_ONLY, OPTT_BOOL, "0", OPTF_IMMUTABLE),
    OTHER("HiddenServiceStatistics", OPT_IGNORED, OPTT_BOOL, "1", OPTF_RELAY),
    OTHER("HiddenServiceVersion", OPT_REFUSED, OPTT_LINES, NULL, OPTF_DEPENDENT),
    OBSOLETE("HidServAuth"),
    OBSOLETE("HidServDirectoryV2"),
    NODES("HSLayer2Nodes", hs_layer2_nodes, NULL, 0),
    NODES("HSLayer3Nodes", hs_layer3_nodes, NULL, 0),
    OTHER("HTTPProxy", OPT_REFUSED, OPTT_STRING, NULL, 0),
    OTHER("HTTPProxyAuthenticator", OPT_REFUSED, OPTT_STRING, NULL, 0),
    OTHER("HTTPSProxy", OPT_REFUSED, OPTT_STRING, NULL, 0),
    OTHER("HTTPSProxyAuthenticator", OPT_REFUSED, OPTT_STRING, NULL, 0),
    OTHER("HTTPTunnelPort", OPT_OFF_ONLY, OPTT_LINES, NULL, OPTF_DEPENDENT),
    OTHER("HTTPTunnelPortLines", OPT_IGNORED, OPTT_VIRTUAL, NULL, 0),
    OTHER("IPv6Exit", OPT_IGNORED, OPTT_BOOL, "0", OPTF_RELAY),
    INTERVAL("KeepalivePeriod", keepalive_period_s, "5 minutes", 0),
    OTHER("KeepBindCapabilities", OPT_OFF_ONLY, OPTT_AUTOBOOL, "auto", OPTF_IMMUTABLE),
    FILENAME("KeyDirectory", key_directory, NULL, OPTF_IMMUTABLE),
    OTHER("KeyDirectoryGroupReadable", OPT_IGNORED, OPTT_AUTOBOOL, "auto", 0),
    OTHER("KISTSchedRunInterval", OPT_IGNORED, OPTT_MSEC_INTERVAL, "0 msec", 0),
    OTHER("KISTSockBufSizeFactor", OPT_IGNORED, OPTT_DOUBLE, "1.0", 0),
    BOOL("LearnCircuitBuildTimeout", learn_circuit_build_timeout, "1", 0),
    LINES("Log", log_lines, NULL, 0),
    BOOL("LogMessageDomains", log_message_domains, "0", 0),
    MSEC_INTERVAL("LogTimeGranularity", log_time_granularity_ms, "1 second", 0),
    CSV("LongLivedPorts", long_lived_ports_csv,
        "21,22,706,1863,5050,5190,5222,5223,6523,6667,6697,8300", 0),
    OTHER("MainloopStats", OPT_IGNORED, OPTT_BOOL, "0", 0),
    OTHER("MapAddress", OPT_REFUSED, OPTT_LINES, NULL, 0),
    OTHER("MaxAdvertisedBandwidth", OPT_IGNORED, OPTT_SIZE, "1 GB", OPTF_RELAY),
    INTERVAL("MaxCircuitDirtiness", max_circuit_dirtiness_s, "10 minutes", 0),
    POSINT("MaxClientCircuitsPending", max_client_circuits_pending, "32", 0),
    OTHER("MaxConsensusAgeForDiffs", OPT_IGNORED, OPTT_INTERVAL, "0 seconds", OPTF_RELAY),
    OTHER("MaxHSDirCacheBytes", OPT_IGNORED, OPTT_SIZE, "0", OPTF_RELAY),
    SIZE("MaxMemInQueues", max_mem_in_queues_bytes, "0", 0),
    OTHER("MaxOnionQueueDelay", OPT_IGNORED, OPTT_MSEC_INTERVAL, "0", OPTF_RELAY),
    OBSOLETE("MaxOnionsPending"),
    OTHER("MaxUnparseableDescSizeToLog", OPT_IGNORED, OPTT_SIZE, "10 MB", 0),
    OTHER("MetricsPort", OPT_OFF_ONLY, OPTT_LINES, NULL, OPTF_DEPENDENT),
    OTHER("MetricsPortLines", OPT_IGNORED, OPTT_VIRTUAL, NULL, 0),
    OTHER("MetricsPortPolicy", OPT_IGNORED, OPTT_LINES, NULL, 0),
    NODES("MiddleNodes", middle_nodes, NULL, 0),
    OTHER("MinimalAcceptedServerVersion", OPT_IGNORED, OPTT_STRING, "0.4.8.0-alpha-dev",
          OPTF_RELAY),
    OTHER("MinMeasuredBWsForAuthToIgnoreAdvertised", OPT_IGNORED, OPTT_INT, "500", OPTF_RELAY),
    OTHER("MinUptimeHidServDirectoryV2", OPT_IGNORED, OPTT_INTERVAL, "96 hours", OPTF_RELAY),
    OTHER("MyFamily", OPT_IGNORED, OPTT_LINES, NULL, OPTF_RELAY),
    OBSOLETE("NamingAuthoritativeDirectory"),
    OBSOLETE("NATDListenAddress"),
    OTHER("NATDPort", OPT_OFF_ONLY, OPTT_LINES, NULL, OPTF_DEPENDENT),
    OTHER("NATDPortLines", OPT_IGNORED, OPTT_VIRTUAL, NULL, 0),
    INTERVAL("NewCircuitPeriod", new_circuit_period_s, "30 seconds", 0),
    OTHER("Nickname", OPT_IGNORED, OPTT_STRING, NULL, OPTF_RELAY),
    LINES("NodeFamily", node_family_lines, NULL, 0),
    BOOL("NoExec", no_exec, "0", OPTF_IMMUTABLE),
    POSINT("NumCPUs", num_cpus, "0", 0),
    POSINT("NumDirectoryGuards", num_directory_guards, "0", 0),
    POSINT("NumEntryGuards", num_entry_guards, "0", 0),
    POSINT("NumPrimaryGuards", num_primary_guards, "0", 0),
    OTHER("OfflineMasterKey", OPT_IGNORED, OPTT_BOOL, "0", OPTF_RELAY),
    OBSOLETE("OptimisticData"),
    OBSOLETE("ORListenAddress"),
    OTHER("ORPort", OPT_RELAY, OPTT_LINES, NULL, OPTF_DEPENDENT),
    OTHER("ORPortLines", OPT_IGNORED, OPTT_VIRTUAL, NULL, 0),
    LINES("OutboundBindAddress", outbound_bind_lines, NULL, 0),
    OTHER("OutboundBindAddressExit", OPT_IGNORED, OPTT_LINES, NULL, OPTF_RELAY),
    LINES("OutboundBindAddressOR", outbound_bind_or_lines, NULL, 0),
    OTHER("OutboundBindAddressPT", OPT_IGNORED, OPTT_LINES, NULL, 0),
    OTHER("OverloadStatistics", OPT_IGNORED, OPTT_BOOL, "1", OPTF_RELAY),
    OTHER("PaddingStatistics", OPT_IGNORED, OPTT_BOOL, "1", OPTF_RELAY),
    OTHER("PathBiasCircThreshold", OPT_IGNORED, OPTT_INT, "-1", 0),
    OBSOLETE("PathBiasDisableRate"),
    OTHER("PathBiasDropGuards", OPT_IGNORED, OPTT_AUTOBOOL, "0", 0),
    OTHER("PathBiasExtremeRate", OPT_IGNORED, OPTT_DOUBLE, "-1", 0),
    OTHER("PathBiasExtremeUseRate", OPT_IGNORED, OPTT_DOUBLE, "-1", 0),
    OBSOLETE("PathBiasMultFactor"),
    OTHER("PathBiasNoticeRate", OPT_IGNORED, OPTT_DOUBLE, "-1", 0),
    OTHER("PathBiasNoticeUseRate", OPT_IGNORED, OPTT_DOUBLE, "-1", 0),
    OBSOLETE("PathBiasScaleFactor"),
    OTHER("PathBiasScaleThreshold", OPT_IGNORED, OPTT_INT, "-1", 0),
    OTHER("PathBiasScaleUseThreshold", OPT_IGNORED, OPTT_INT, "-1", 0),
    OBSOLETE("PathBiasUseCloseCounts"),
    OTHER("PathBiasUseThreshold", OPT_IGNORED, OPTT_INT, "-1", 0),
    OTHER("PathBiasWarnRate", OPT_IGNORED, OPTT_DOUBLE, "-1", 0),
    DOUBLE("PathsNeededToBuildCircuits", paths_needed_to_build_circuits, "-1", 0),
    OTHER("PerConnBWBurst", OPT_IGNORED, OPTT_SIZE, "0", OPTF_RELAY),
    OTHER("PerConnBWRate", OPT_IGNORED, OPTT_SIZE, "0", OPTF_RELAY),
    FILENAME("PidFile", pid_file, NULL, OPTF_IMMUTABLE),
    OBSOLETE("PortForwarding"),
    OBSOLETE("PortForwardingHelper"),
    OBSOLETE("PredictedPortsRelevanceTime"),
    OBSOLETE("PreferTunneledDirConns"),
    BOOL("ProtocolWarnings", protocol_warnings, "0", 0),
    OTHER("PublishHidServDescriptors", OPT_IGNORED, OPTT_BOOL, "1", 0),
    OTHER("PublishServerDescriptor", OPT_IGNORED, OPTT_CSV, "1", OPTF_RELAY),
    LINES("ReachableAddresses", reachable_lines, NULL, 0),
    OTHER("ReachableDirAddresses", OPT_IGNORED, OPTT_LINES, NULL, 0),
    LINES("ReachableORAddresses", reachable_or_lines, NULL, 0),
    OTHER("RecommendedClientVersions", OPT_IGNORED, OPTT_LINES, NULL, OPTF_RELAY),
    OBSOLETE("RecommendedPackages"),
    OTHER("RecommendedServerVersions", OPT_IGNORED, OPTT_LINES, NULL, OPTF_RELAY),
    OTHER("RecommendedVersions", OPT_IGNORED, OPTT_LINES, NULL, OPTF_RELAY),
    OTHER("ReconfigDropsBridgeDescs", OPT_IGNORED, OPTT_BOOL, "0", 0),
    BOOL("ReducedCircuitPadding", reduced_circuit_padding, "0", 0),
    BOOL("ReducedConnectionPadding", reduced_connection_padding, "0", 0),
    OTHER("ReducedExitPolicy", OPT_IGNORED, OPTT_BOOL, "0", OPTF_RELAY),
    OTHER("ReevaluateExitPolicy", OPT_IGNORED, OPTT_BOOL, "0", OPTF_RELAY),
    OTHER("RefuseUnknownExits", OPT_IGNORED, OPTT_AUTOBOOL, "auto", OPTF_RELAY),
    CSV("RejectPlaintextPorts", reject_plaintext_ports_csv, "", 0),
    OTHER("RelayBandwidthBurst", OPT_IGNORED, OPTT_SIZE, "0", OPTF_RELAY),
    OTHER("RelayBandwidthRate", OPT_IGNORED, OPTT_SIZE, "0", OPTF_RELAY),
    OTHER("RephistTrackTime", OPT_IGNORED, OPTT_INTERVAL, "24 hours", OPTF_RELAY),
    BOOL("RunAsDaemon", run_as_daemon, "0", OPTF_IMMUTABLE),
    OBSOLETE("RunTesting"),
    STRING("SafeLogging", safe_logging_text, "1", 0),
    BOOL("SafeSocks", safe_socks, "0", 0),
    OTHER("Sandbox", OPT_OFF_ONLY, OPTT_BOOL, "0", OPTF_IMMUTABLE),
    OBSOLETE("SchedulerHighWaterMark__"),
    OBSOLETE("SchedulerLowWaterMark__"),
    OBSOLETE("SchedulerMaxFlushCells__"),
    OTHER("Schedulers", OPT_IGNORED, OPTT_CSV, "KIST,KISTLite,Vanilla", 0),
    OTHER("ServerDNSAllowBrokenConfig", OPT_IGNORED, OPTT_BOOL, "1", OPTF_RELAY),
    OTHER("ServerDNSAllowNonRFC953Hostnames", OPT_IGNORED, OPTT_BOOL, "0", OPTF_RELAY),
    OTHER("ServerDNSDetectHijacking", OPT_IGNORED, OPTT_BOOL, "1", OPTF_RELAY),
    OTHER("ServerDNSRandomizeCase", OPT_IGNORED, OPTT_BOOL, "1", OPTF_RELAY),
    OTHER("ServerDNSResolvConfFile", OPT_IGNORED, OPTT_FILENAME, NULL, OPTF_RELAY),
    OTHER("ServerDNSSearchDomains", OPT_IGNORED, OPTT_BOOL, "0", OPTF_RELAY),
    OTHER("ServerDNSTestAddresses", OPT_IGNORED, OPTT_CSV,
          "www.google.com,www.mit.edu,www.yahoo.com,www.slashdot.org", OPTF_RELAY),
    OTHER("ServerTransportListenAddr", OPT_IGNORED, OPTT_LINES, NULL, OPTF_RELAY),
    OTHER("ServerTransportOptions", OPT_IGNORED, OPTT_LINES, NULL, OPTF_RELAY),
    OTHER("ServerTransportPlugin", OPT_RELAY, OPTT_LINES, NULL, 0),
    INTERVAL("ShutdownWaitLength", shutdown_wait_s, "30 seconds", 0),
    OTHER("SigningKeyLifetime", OPT_IGNORED, OPTT_INTERVAL, "30 days", OPTF_RELAY),
    OTHER("Socks4Proxy", OPT_REFUSED, OPTT_STRING, NULL, 0),
    OTHER("Socks5Proxy", OPT_REFUSED, OPTT_STRING, NULL, 0),
    OTHER("Socks5ProxyPassword", OPT_REFUSED, OPTT_STRING, NULL, 0),
    OTHER("Socks5ProxyUsername", OPT_REFUSED, OPTT_STRING, NULL, 0),
    OBSOLETE("SocksListenAddress"),
    LINES("SocksPolicy", socks_policy_lines, NULL, 0),
    LINES("SocksPort", socks_port_lines, NULL, OPTF_DEPENDENT),
    VIRTUAL("SocksPortLines", socks_port_lines, NULL, 0),
    INTERVAL("SocksTimeout", socks_timeout_s, "2 minutes", 0),
    OTHER("SSLKeyLifetime", OPT_IGNORED, OPTT_INTERVAL, "0", 0),
    OBSOLETE("StrictEntryNodes"),
    OBSOLETE("StrictExitNodes"),
    BOOL("StrictNodes", strict_nodes, "0", 0),
    OBSOLETE("Support022HiddenServices"),
    STRING("SyslogIdentityTag", syslog_identity_tag, NULL, OPTF_IMMUTABLE),
    OTHER("TCPProxy", OPT_REFUSED, OPTT_STRING, NULL, 0),
    OTHER("TestingAuthDirTimeToLearnReachability", OPT_IGNORED, OPTT_INTERVAL, "30 minutes",
          OPTF_RELAY),
    OTHER("TestingAuthKeyLifetime", OPT_IGNORED, OPTT_INTERVAL, "2 days", OPTF_RELAY),
    OTHER("TestingAuthKeySlop", OPT_IGNORED, OPTT_INTERVAL, "3 hours", OPTF_RELAY),
    OTHER("TestingBridgeBootstrapDownloadInitialDelay", OPT_IGNORED, OPTT_CSV_INTERVAL, "0", 0),
    OTHER("TestingBridgeDownloadInitialDelay", OPT_IGNORED, OPTT_CSV_INTERVAL, "10800", 0),
    OBSOLETE("TestingCertMaxDownloadTries"),
    CSV_INTERVAL("TestingClientConsensusDownloadInitialDelay",
                 testing_client_consensus_download_delay_s, "0", 0),
    CSV_INTERVAL("TestingClientDownloadInitialDelay", testing_client_download_delay_s, "0", 0),
    INTERVAL("TestingClientMaxIntervalWithoutRequest",
             testing_client_max_interval_without_request_s, "10 minutes", 0),
    OBSOLETE("TestingConsensusMaxDownloadTries"),
    OBSOLETE("TestingDescriptorMaxDownloadTries"),
    OTHER("TestingDirAuthVoteExit", OPT_IGNORED, OPTT_NODES, NULL, OPTF_RELAY),
    OTHER("TestingDirAuthVoteExitIsStrict", OPT_IGNORED, OPTT_BOOL, "0", OPTF_RELAY),
    OTHER("TestingDirAuthVoteGuard", OPT_IGNORED, OPTT_NODES, NULL, OPTF_RELAY),
    OTHER("TestingDirAuthVoteGuardIsStrict", OPT_IGNORED, OPTT_BOOL, "0", OPTF_RELAY),
    OTHER("TestingDirAuthVoteHSDir", OPT_IGNORED, OPTT_NODES, NULL, OPTF_RELAY),
    OTHER("TestingDirAuthVoteHSDirIsStrict", OPT_IGNORED, OPTT_BOOL, "0", OPTF_RELAY),
    INTERVAL("TestingDirConnectionMaxStall", testing_dir_connection_max_stall_s, "5 minutes", 0),
    OTHER("TestingEnableCellStatsEvent", OPT_IGNORED, OPTT_BOOL, "0", 0),
    OTHER("TestingEnableConnBwEvent", OPT_IGNORED, OPTT_BOOL, "0", 0),
    OBSOLETE("TestingEnableTbEmptyEvent"),
    OBSOLETE("TestingEstimatedDescriptorPropagationTime"),
    OTHER("TestingLinkCertLifetime", OPT_IGNORED, OPTT_INTERVAL, "2 days", OPTF_RELAY),
    OTHER("TestingLinkKeySlop", OPT_IGNORED, OPTT_INTERVAL, "3 hours", OPTF_RELAY),
    OBSOLETE("TestingMicrodescMaxDownloadTries"),
    OTHER("TestingMinExitFlagThreshold", OPT_IGNORED, OPTT_SIZE, "0", OPTF_RELAY),
    OTHER("TestingMinFastFlagThreshold", OPT_IGNORED, OPTT_SIZE, "0", OPTF_RELAY),
    OTHER("TestingMinTimeToReportBandwidth", OPT_IGNORED, OPTT_INTERVAL, "1 day", OPTF_RELAY),
    OTHER("TestingServerConsensusDownloadInitialDelay", OPT_IGNORED, OPTT_CSV_INTERVAL, "0",
          OPTF_RELAY),
    OTHER("TestingServerDownloadInitialDelay", OPT_IGNORED, OPTT_CSV_INTERVAL, "0", OPTF_RELAY),
    OTHER("TestingSigningKeySlop", OPT_IGNORED, OPTT_INTERVAL, "1 day", OPTF_RELAY),
    BOOL("TestingTorNetwork", testing_tor_network, "0", OPTF_IMMUTABLE),
    OTHER("TestingV3AuthInitialDistDelay", OPT_IGNORED, OPTT_INTERVAL, "5 minutes", OPTF_RELAY),
    OTHER("TestingV3AuthInitialVoteDelay", OPT_IGNORED, OPTT_INTERVAL, "5 minutes", OPTF_RELAY),
    OTHER("TestingV3AuthInitialVotingInterval", OPT_IGNORED, OPTT_INTERVAL, "30 minutes",
          OPTF_RELAY),
    OTHER("TestingV3AuthVotingStartOffset", OPT_IGNORED, OPTT_INTERVAL, "0", OPTF_RELAY),
    BOOL("TestSocks", test_socks, "0", 0),
    OBSOLETE("TLSECGroup"),
    OTHER("TokenBucketRefillInterval", OPT_IGNORED, OPTT_MSEC_INTERVAL, "100 msec", OPTF_IMMUTABLE),
    OBSOLETE("Tor2webMode"),
    OBSOLETE("Tor2webRendezvousPoints"),
    CSV("TrackHostExits", track_host_exits_csv, NULL, 0),
    INTERVAL("TrackHostExitsExpire", track_host_exits_expire_s, "30 minutes", 0),
    OBSOLETE("TransListenAddress"),
    OTHER("TransPort", OPT_OFF_ONLY, OPTT_LINES, NULL, OPTF_DEPENDENT),
    OTHER("TransPortLines", OPT_IGNORED, OPTT_VIRTUAL, NULL, 0),
    OTHER("TransProxyType", OPT_IGNORED, OPTT_STRING, "default", 0),
    BOOL("TruncateLogFile", truncate_log_file, "0", 0),
    OBSOLETE("TunnelDirConns"),
    BOOL("UnixSocksGroupWritable", unix_socks_group_writable, "0", 0),
    OTHER("UpdateBridgesFromAuthority", OPT_OFF_ONLY, OPTT_BOOL, "0", 0),
    OTHER("UseBridges", OPT_OFF_ONLY, OPTT_BOOL, "0", 0),
    BOOL("UseDefaultFallbackDirs", use_default_fallback_dirs, "1", 0),
    BOOL("UseEntryGuards", use_entry_guards, "1", 0),
    OBSOLETE("UseEntryGuardsAsDirGuards"),
    OBSOLETE("UseFilteringSSLBufferevents"),
    OTHER("UseGuardFraction", OPT_IGNORED, OPTT_AUTOBOOL, "auto", 0),
    OTHER("UseMicrodescriptors", OPT_IGNORED, OPTT_AUTOBOOL, "auto", 0),
    OBSOLETE("UseNTorHandshake"),
    STRING("User", user, NULL, OPTF_IMMUTABLE),
    OBSOLETE("UserspaceIOCPBuffers"),
    OBSOLETE("V1AuthoritativeDirectory"),
    OBSOLETE("V2AuthoritativeDirectory"),
    OTHER("V3AuthDistDelay", OPT_IGNORED, OPTT_INTERVAL, "5 minutes", OPTF_RELAY),
    OTHER("V3AuthNIntervalsValid", OPT_IGNORED, OPTT_POSINT, "3", OPTF_RELAY),
    OTHER("V3AuthoritativeDirectory", OPT_RELAY, OPTT_BOOL, "0", 0),
    OTHER("V3AuthUseLegacyKey", OPT_IGNORED, OPTT_BOOL, "0", OPTF_RELAY),
    OTHER("V3AuthVoteDelay", OPT_IGNORED, OPTT_INTERVAL, "5 minutes", OPTF_RELAY),
    OTHER("V3AuthVotingInterval", OPT_IGNORED, OPTT_INTERVAL, "1 hour", OPTF_RELAY),
    OTHER("V3BandwidthsFile", OPT_IGNORED, OPTT_FILENAME, NULL, OPTF_RELAY),
    AUTOBOOL("VanguardsLiteEnabled", vanguards_lite_enabled, "auto", 0),
    OTHER("VersioningAuthoritativeDirectory", OPT_RELAY, OPTT_BOOL, "0", 0),
    OTHER("VirtualAddrNetworkIPv4", OPT_IGNORED, OPTT_STRING, "127.192.0.0/10", 0),
    OTHER("VirtualAddrNetworkIPv6", OPT_IGNORED, OPTT_STRING, "[FE80::]/10", 0),
    OBSOLETE("VoteOnHidServDirectoriesV2"),
    CSV("WarnPlaintextPorts", warn_plaintext_ports_csv, "23,109,110,143", 0),
    OBSOLETE("WarnUnsafeSocks"),
};

/* Other names that tor takes for an option. */
struct alias {
    const char *name, *option;
    bool warn;
};

static const struct alias ALIASES[] = {
    {"AuthDirBadDirCC", "AuthDirBadDirCCs", false},
    {"AuthDirBadExitCC", "AuthDirBadExitCCs", false},
    {"AuthDirInvalidCC", "AuthDirInvalidCCs", false},
    {"AuthDirMiddleOnlyCC", "AuthDirMiddleOnlyCCs", false},
    {"AuthDirRejectCC", "AuthDirRejectCCs", false},
    {"EntryNode", "EntryNodes", false},
    {"ExcludeNode", "ExcludeNodes", false},
    {"FirewallPort", "FirewallPorts", false},
    {"LongLivedPort", "LongLivedPorts", false},
    {"NumCPU", "NumCPUs", false},
    {"RecommendedPackage", "RecommendedPackages", false},
    {"StrictEntryNode", "StrictEntryNodes", false},
    {"StrictExitNode", "StrictExitNodes", false},
    {"StrictNode", "StrictNodes", false},
    {"AllowUnverifiedNodes", "AllowInvalidNodes", false},
    {"AutomapHostSuffixes", "AutomapHostsSuffixes", false},
    {"AutomapHostOnResolve", "AutomapHostsOnResolve", false},
    {"BandwidthRateBytes", "BandwidthRate", false},
    {"BandwidthBurstBytes", "BandwidthBurst", false},
    {"DirServer", "DirAuthority", false},
    {"MaxConn", "ConnLimit", true},
    {"MaxMemInCellQueues", "MaxMemInQueues", false},
    {"ORBindAddress", "ORListenAddress", false},
    {"DirBindAddress", "DirListenAddress", false},
    {"SocksBindAddress", "SocksListenAddress", false},
    {"UseHelperNodes", "UseEntryGuards", false},
    {"NumHelperNodes", "NumEntryGuards", false},
    {"UseEntryNodes", "UseEntryGuards", false},
    {"NumEntryNodes", "NumEntryGuards", false},
    {"ResolvConf", "ServerDNSResolvConfFile", true},
    {"SearchDomains", "ServerDNSSearchDomains", true},
    {"ServerDNSAllowBrokenResolvConf", "ServerDNSAllowBrokenConfig", false},
    {"PreferTunnelledDirConns", "PreferTunneledDirConns", false},
    {"BridgeAuthoritativeDirectory", "BridgeAuthoritativeDir", false},
    {"VirtualAddrNetwork", "VirtualAddrNetworkIPv4", false},
    {"SocksSocketsGroupWritable", "UnixSocksGroupWritable", true},
    {"_HSLayer2Nodes", "HSLayer2Nodes", true},
    {"_HSLayer3Nodes", "HSLayer3Nodes", true},
    {"ClientBootstrapConsensusAuthorityDownloadSchedule",
     "ClientBootstrapConsensusAuthorityDownloadInitialDelay", true},
    {"ClientBootstrapConsensusAuthorityOnlyDownloadSchedule",
     "ClientBootstrapConsensusAuthorityOnlyDownloadInitialDelay", true},
    {"ClientBootstrapConsensusFallbackDownloadSchedule",
     "ClientBootstrapConsensusFallbackDownloadInitialDelay", true},
    {"TestingBridgeDownloadSchedule", "TestingBridgeDownloadInitialDelay", true},
    {"TestingBridgeBootstrapDownloadSchedule", "TestingBridgeBootstrapDownloadInitialDelay", true},
    {"TestingClientDownloadSchedule", "TestingClientDownloadInitialDelay", true},
    {"TestingClientConsensusDownloadSchedule", "TestingClientConsensusDownloadInitialDelay", true},
    {"TestingServerDownloadSchedule", "TestingServerDownloadInitialDelay", true},
    {"TestingServerConsensusDownloadSchedule", "TestingServerConsensusDownloadInitialDelay", true},
};
/* clang-format on */

enum { N_TABLE = sizeof TABLE / sizeof TABLE[0], N_ALIASES = sizeof ALIASES / sizeof ALIASES[0] };

const struct opt *opt_table(size_t *n)
{
    *n = N_TABLE;
    return TABLE;
}

size_t opt_index(const struct opt *opt)
{
    return (size_t)(opt - TABLE);
}

static const struct opt *find_exact(const char *name)
{
    for (size_t i = 0; i < N_TABLE; i++)
        if (strcasecmp(TABLE[i].name, name) == 0)
            return &TABLE[i];
    return NULL;
}

const struct opt *opt_find(const char *name)
{
    for (size_t i = 0; i < N_ALIASES; i++)
        if (strcasecmp(ALIASES[i].name, name) == 0)
            return find_exact(ALIASES[i].option);
    return find_exact(name);
}

static bool listed(const struct opt *opt)
{
    return opt->kind != OPT_OBSOLETE && opt->type != OPTT_VIRTUAL && !(opt->flags & OPTF_HIDDEN);
}

const struct opt *opt_lookup(const char *name, const struct log *log)
{
    for (size_t i = 0; i < N_ALIASES; i++)
        if (strcasecmp(ALIASES[i].name, name) == 0) {
            if (ALIASES[i].warn)
                log_warn(log, "The configuration option '%s' is deprecated; use '%s' instead.",
                         ALIASES[i].name, ALIASES[i].option);
            return find_exact(ALIASES[i].option);
        }
    const struct opt *found = find_exact(name);
    size_t len = strlen(name);
    if (found || len == 0)
        return found;
    for (size_t i = 0; i < N_TABLE; i++)
        if (listed(&TABLE[i]) && strncasecmp(TABLE[i].name, name, len) == 0) {
            if (found)
                return NULL; /* ambiguous: C tor would take the first, which nobody can foresee */
            found = &TABLE[i];
        }
    if (found)
        log_warn(log, "The abbreviation '%s' is deprecated. Please use '%s' instead", name,
                 found->name);
    return found;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

enum { NEAREST_NAME_MAX = 64 };

static size_t min3(size_t a, size_t b, size_t c)
{
    size_t ab = a < b ? a : b;
    return ab < c ? ab : c;
}

/* Edit distance (insert, remove, replace), without regard to case. B is shorter than
 * NEAREST_NAME_MAX. */
static size_t distance(const char *a, const char *b)
{
    size_t row[NEAREST_NAME_MAX + 1], lb = strlen(b);
    for (size_t j = 0; j <= lb; j++)
        row[j] = j;
    for (size_t i = 0; a[i]; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < lb; j++) {
            size_t above = row[j + 1];
            size_t replaced = diagonal + (lower(a[i]) != lower(b[j]));
            row[j + 1] = min3(above + 1, row[j] + 1, replaced);
            diagonal = above;
        }
    }
    return row[lb];
}

const char *opt_nearest(const char *name)
{
    size_t len = strlen(name);
    if (len == 0 || len > NEAREST_NAME_MAX)
        return NULL;
    const char *best = NULL;
    size_t least = len / 3 + 1; /* farther than this is another word */
    for (size_t i = 0; i < N_TABLE; i++) {
        if (!listed(&TABLE[i]) || strlen(TABLE[i].name) > NEAREST_NAME_MAX)
            continue;
        size_t d = distance(name, TABLE[i].name);
        if (d < least) {
            least = d;
            best = TABLE[i].name;
        }
    }
    return best;
}

const char *opt_type_name(const struct opt *opt)
{
    static const char *const names[] = {
        [OPTT_BOOL] = "Boolean",
        [OPTT_AUTOBOOL] = "Boolean+Auto",
        [OPTT_POSINT] = "Integer",
        [OPTT_INT] = "SignedInteger",
        [OPTT_UINT64] = "Integer",
        [OPTT_DOUBLE] = "Float",
        [OPTT_INTERVAL] = "TimeInterval",
        [OPTT_MSEC_INTERVAL] = "TimeMsecInterval",
        [OPTT_SIZE] = "DataSize",
        [OPTT_STRING] = "String",
        [OPTT_FILENAME] = "Filename",
        [OPTT_CSV] = "CommaList",
        [OPTT_CSV_INTERVAL] = "TimeInterval",
        [OPTT_NODES] = "RouterList",
        [OPTT_LINES] = "LineList",
        [OPTT_VIRTUAL] = "Virtual",
    };
    if (opt->kind == OPT_OBSOLETE)
        return "Obsolete";
    return opt->flags & OPTF_DEPENDENT ? "Dependent" : names[opt->type];
}
