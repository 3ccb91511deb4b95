/* The options: everything that torrc and the command line can say, as values.
 *
 * One table (opttab.c) names every option of C tor 0.4.9, its type, its default and where its value
 * is kept. struct options is plain data: options_new() fills in the defaults, options_assign() puts
 * lines into it, options_check() looks at them together and derives the parsed lists. Units are in
 * the names. Strings and lists belong to the struct; pointers into it live as long as it does.
 *
 * Node lists (EntryNodes...) and directory lines stay text here: the layers path and dir parse
 * them.
 */
#ifndef TUNIC_CONF_OPTIONS_H
#define TUNIC_CONF_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addrpolicy.h"
#include "base/err.h"
#include "base/log.h"
#include "base/port.h"
#include "conf/confline.h"

/* "auto", or said by the user */
enum autobool { AUTO = -1, NO = 0, YES = 1 };

/* What the port lines ask for, of all kinds. */
struct port_list {
    struct port_spec *of; /* their paths belong to the list */
    size_t n;
};

struct port_set {
    uint16_t *ports;
    size_t n;
};

enum log_to { LOG_TO_STDOUT, LOG_TO_STDERR, LOG_TO_FILE, LOG_TO_SYSLOG };

/* One Log line. */
struct log_dest {
    struct log_filter show;
    enum log_to to;
    char *path; /* LOG_TO_FILE */
};

enum safe_logging { SAFELOG_NONE, SAFELOG_RELAY, SAFELOG_ALL };

/* QUIET_LIBRARY: there is no command line; streams come from a program, ports are not missed. */
enum quiet { QUIET_NONE, QUIET_HUSH, QUIET_SILENT, QUIET_LIBRARY };

bool port_set_has(const struct port_set *s, uint16_t port);

struct options {
    /* Applications */
    struct conf_line *socks_port_lines; /* SocksPort, __SocksPort */
    struct conf_line *socks_policy_lines;
    struct conf_line *metrics_port_lines, *metrics_policy_lines, *event_socket_lines;
    int socks_timeout_s;
    bool test_socks, safe_socks;
    char *warn_plaintext_ports_csv, *reject_plaintext_ports_csv, *long_lived_ports_csv;
    bool unix_socks_group_writable;
    bool client_reject_internal, client_dns_reject_internal;

    /* Dormancy */
    int dormant_client_timeout_s;
    bool dormant_timeout_enabled, dormant_timeout_disabled_by_idle_streams;
    bool dormant_on_first_startup, dormant_canceled_by_startup;

    /* What stands for what */
    struct conf_line *map_address_lines;
    bool automap_hosts_on_resolve;
    char *automap_hosts_suffixes_csv, *track_host_exits_csv;
    int track_host_exits_expire_s;
    char *virtual_network4, *virtual_network6; /* VirtualAddrNetworkIPv4, VirtualAddrNetworkIPv6 */

    /* Controllers */
    struct conf_line *control_port_lines; /* ControlPort, __ControlPort */
    struct conf_line *control_socket_lines;
    bool control_sockets_group_writable;
    bool cookie_authentication, cookie_auth_file_group_readable;
    char *cookie_auth_file;
    struct conf_line *hashed_password_lines, *hashed_session_password_lines; /* crypto/s2k.h */
    char *control_port_file; /* ControlPortWriteToFile */
    bool control_port_file_group_readable;
    bool leave_streams_unattached;

    /* Files and process */
    char *data_directory, *cache_directory;
    bool data_directory_group_readable;
    int cache_directory_group_readable; /* enum autobool */
    char *pid_file, *user, *syslog_identity_tag;
    bool run_as_daemon, disable_all_swap, avoid_disk_writes;
    bool disable_debugger_attachment, sandbox;
    int conn_limit;
    char *owning_controller_process;
    uint64_t owning_controller_fd; /* UINT64_MAX: none */
    bool reload_torrc_on_sighup, disable_signal_handlers;

    /* Log */
    struct conf_line *log_lines;
    int log_time_granularity_ms;
    char *safe_logging_text;
    bool protocol_warnings, log_message_domains, truncate_log_file;
    int heartbeat_period_s;

    /* Directory */
    struct conf_line *dir_authority_lines, *alternate_dir_authority_lines;
    struct conf_line *fallback_dir_lines;
    bool use_default_fallback_dirs;
    double dir_authority_fallback_rate;
    bool fetch_server_descriptors;
    bool fetch_dir_info_early, fetch_dir_info_extra_early;
    int bootstrap_authority_delay_s; /* before the first try of each kind */
    int bootstrap_fallback_delay_s;
    int bootstrap_authority_only_delay_s;
    int bootstrap_max_in_progress;
    bool extend_allow_private_addresses;

    /* Network */
    bool disable_network;
    bool client_use_ipv4, client_use_ipv6;
    int client_prefer_ipv6_orport; /* enum autobool */
    int connection_padding;        /* enum autobool */
    bool reduced_connection_padding;
    int keepalive_period_s;
    uint64_t max_mem_in_queues;               /* bytes; 0: by the machine's memory */
    uint64_t bandwidth_rate, bandwidth_burst; /* bytes a second, bytes; each way */
    int token_bucket_refill_ms;
    bool count_private_bandwidth;
    bool constrained_sockets;
    uint64_t constrained_sock_size_bytes;
    struct conf_line *outbound_bind_lines, *outbound_bind_or_lines;
    bool fascist_firewall;
    char *firewall_ports_csv;
    struct conf_line *reachable_lines, *reachable_or_lines;

    /* Circuits and paths */
    int max_circuit_dirtiness_s, new_circuit_period_s;
    int circuit_build_timeout_s; /* 0: the built-in 60 s, or learnt */
    bool learn_circuit_build_timeout;
    int circuit_stream_timeout_s;     /* 0: by the network's default schedule */
    int circuits_available_timeout_s; /* 0: by the consensus */
    int max_client_circuits_pending;
    bool enforce_distinct_subnets, strict_nodes;
    char *exclude_nodes, *exclude_exit_nodes, *exit_nodes, *entry_nodes, *middle_nodes;
    struct conf_line *node_family_lines;
    char *geoip_file, *geoip6_file;
    int geoip_exclude_unknown; /* enum autobool */
    bool use_entry_guards;
    int num_entry_guards, num_primary_guards, num_directory_guards; /* 0: by the consensus */
    int guard_lifetime_s;                                           /* 0: by the consensus */
    int vanguards_lite_enabled;                                     /* enum autobool */
    int path_bias_circ_threshold, path_bias_scale_threshold, path_bias_use_threshold;
    int path_bias_scale_use_threshold; /* these, < 0: by the consensus, as are rates */
    double path_bias_notice_rate, path_bias_warn_rate, path_bias_extreme_rate;
    double path_bias_notice_use_rate, path_bias_extreme_use_rate;
    int path_bias_drop_guards;             /* enum autobool */
    double paths_needed_to_build_circuits; /* < 0: by the consensus */
    bool disable_predicted_circuits;
    int extend_by_ed25519_id; /* enum autobool */
    int conflux_enabled;      /* the same */
    char *conflux_client_ux;  /* latency, throughput, latency_lowmem, throughput_lowmem */

    /* Private networks */
    bool testing_tor_network;
    bool using_test_network_defaults; /* the defaults that TestingTorNetwork implies are in force */
    int testing_client_download_delay_s, testing_client_consensus_download_delay_s;
    int testing_client_max_interval_without_request_s;
    int testing_dir_connection_max_stall_s;
    bool testing_enable_cell_stats_event, testing_enable_conn_bw_event;

    /* How they came about. */
    bool include_used;    /* torrc has an %include: it cannot be written as it was */
    struct options *base; /* before torrc was read: what it need not say; NULL: tor's defaults */

    /* What was said of options that do not work, in canonical form: shown again, nothing else. */
    struct conf_line *kept;

    /* Where the value of each option with one value was said ("torrc:12"), by its index in the
     * table; NULL: nowhere. */
    char **where;

    /* Derived by options_check() from the above. */
    struct {
        struct port_list ports;
        struct addr_policy socks_policy;
        struct addr_policy metrics_policy; /* who is none of its business is rejected by it */
        struct addr_policy reachable_or;   /* ORPorts we may connect to */
        struct port_set warn_plaintext, reject_plaintext, long_lived;
        struct log_dest *logs; /* never empty unless quiet */
        size_t n_logs;
        enum safe_logging safe_logging;
        size_t sock_bytes;                /* the kernel's buffers of a socket; 0: as it likes */
        int log_granularity_ms;           /* one that divides a second, or is divided by one */
        struct ip bind_or_v4, bind_or_v6; /* family IP_NONE: the system's choice */
        struct ip_net virtual4, virtual6; /* VirtualAddrNetwork... */
        char *data_dir, *cache_dir;       /* absolute, expanded */
        char *cookie_file;                /* the same, whether or not it is wanted */
        char *control_port_file;          /* the same; NULL: none */
    } is;
};

/* What an option is to Tunic. One that works has a member in struct options, which is read
 * elsewhere, and a test that drives the program; no other has a member. */
enum opt_kind {
    OPT_WORKS,
    OPT_NO_MATTER, /* cannot matter to a client: a relay's, or about how tor is made */
    OPT_KEPT,      /* no effect yet, which harms nobody: one warning */
    OPT_NOT_YET,   /* no effect yet, and a user may rely on it: an error unless it says "off" */
    OPT_OBSOLETE,  /* C tor skips it with a warning, and so does Tunic */
};

enum opt_type {
    OPTT_BOOL,     /* bool: "0", "1" */
    OPTT_AUTOBOOL, /* int, enum autobool */
    OPTT_POSINT,   /* int >= 0 */
    OPTT_INT,
    OPTT_UINT64,
    OPTT_DOUBLE,
    OPTT_INTERVAL,      /* int, seconds */
    OPTT_MSEC_INTERVAL, /* int, milliseconds */
    OPTT_SIZE,          /* uint64_t, bytes */
    OPTT_STRING,
    OPTT_FILENAME,
    OPTT_CSV,          /* char *, checked and normalized: "a,b,c" */
    OPTT_CSV_INTERVAL, /* int, seconds: once a schedule, of which the first counts */
    OPTT_NODES,        /* char *: what EntryNodes and the like take; several lines join */
    OPTT_LINES,        /* struct conf_line *: one per line, in order */
    OPTT_VIRTUAL,      /* shows the lines of another option, cannot be set: SocksPortLines */
};

enum opt_flag {
    OPTF_IMMUTABLE = 1u << 0,   /* may not change while running */
    OPTF_NODUMP = 1u << 1,      /* never written to a file */
    OPTF_HIDDEN = 1u << 2,      /* not settable and not listed */
    OPTF_DEPENDENT = 1u << 3,   /* part of a list with several names: see the OPTT_VIRTUAL one */
    OPTF_WOULD_RELAY = 1u << 4, /* would make a relay of tor: one warning */
    OPTF_OURS = 1u << 5,        /* not tor's: behind all of tor's */
    OPTF_RULED = 1u << 7,       /* not there yet, but a rule says so, which has more to say first */
    OPTF_PROCESS = 1u << 6,     /* about a process: without effect in a library, which says so */
};

struct opt {
    const char *name;
    enum opt_kind kind;
    enum opt_type type;
    size_t at;           /* offset in struct options; SIZE_MAX if it has no place there */
    const char *initial; /* NULL: nothing */
    unsigned flags;
    const char *off; /* a value besides the default that switches off what is not there; or NULL */
    const char *reason; /* why it does not work, a clause; NULL if it does, or is obsolete */
};

/* The table, in the order of --list-torrc-options: tor's, then ours. */
const struct opt *opt_table(size_t *n);
size_t opt_index(const struct opt *opt);
/* Whether --list-torrc-options names it. */
bool opt_listed(const struct opt *opt);
/* The OPTT_VIRTUAL option that shows the list of which OPT is a part, or is; NULL: it is of none.
 */
const struct opt *opt_group(const struct opt *opt);
/* Whether the option of that name, which may not be another name for it, is a part of GROUP. */
bool opt_group_has(const struct opt *group, const char *name);
/* Finds an option by its name or tor's other names for it, in any case; NULL if there is none. */
const struct opt *opt_find(const char *name);
/* Warns, in a library, of an option that is about a process. */
void opt_warn_of_process(const char *name, const char *where, const struct log *log);
/* As opt_find(), and also by an abbreviation that fits one option only; says so to LOG, as tor
 * does. */
const struct opt *opt_lookup(const char *name, const struct log *log);
/* Its default as text; TESTING: as TestingTorNetwork has it. NULL: nothing. */
const char *opt_initial(const struct opt *opt, bool testing);
/* The option's name nearest to NAME, or NULL if none is near. */
const char *opt_nearest(const char *name);
/* How many options NAME may be short for; the first of them into NAMES: "A, B or others". */
size_t opt_candidates(const char *name, char *names, size_t size);
/* tor's word for the type, as in GETINFO config/names: "Boolean", "TimeInterval", ... */
const char *opt_type_name(const struct opt *opt);

/* All values at their defaults (TESTING: those that TestingTorNetwork implies). NULL out of memory.
 */
struct options *options_new(bool testing);
void options_free(struct options *o);
struct options *options_dup(const struct options *o); /* checked again by the caller; with base */

enum {
    /* control's SETCONF: forget the old value of what is named, and all of its group */
    ASSIGN_CLEAR_FIRST = 1u << 0,
    ASSIGN_USE_DEFAULTS = 1u << 1, /* RESETCONF: ... and return to the default */
};

/* Puts one source's lines (a file, or the command line) into O; a list option of a later source
 * replaces that of an earlier one unless the line says +. On failure E says why and O may be half
 * changed. Warnings go to LOG. ERR_NOT_FOUND: no such option; ERR_UNSUPPORTED: not in Tunic;
 * ERR_MALFORMED: bad value. */
MUST_USE err_t options_assign(struct options *o, const struct conf_line *lines, unsigned flags,
                              const struct log *log, struct conf_err *e);
/* The same, going on behind a wrong line. */
MUST_USE err_t options_assign_each(struct options *o, const struct conf_line *lines, unsigned flags,
                                   const struct log *log, struct conf_faults *faults);

struct options_env {
    const char *home; /* of the user, may be NULL */
    enum quiet quiet; /* what the command line said */
    const struct log *log;
};

/* The lines that name directory authorities in place of the built-in ones; NULL: those. */
const struct conf_line *options_authorities(const struct options *o);

/* Drops the derived values, as before options_check(). */
void options_forget_derived(struct options *o);

/* Rules over several options, and the derived values `is`. ERR_MALFORMED, ERR_NOMEM. */
MUST_USE err_t options_check(struct options *o, const struct options_env *env, struct conf_err *e);
/* The same, going on behind a broken rule, and behind lines that are in FAULTS already: their
 * options are looked at as if nothing had been said of them. */
MUST_USE err_t options_check_each(struct options *o, const struct options_env *env,
                                  struct conf_faults *faults);

/* Whether a running program may go from OLD to NEW: ERR_STATE and "While Tor is running, changing X
 * is not allowed" if not. */
MUST_USE err_t options_check_transition(const struct options *old,
                                        const struct options *new_options, struct conf_err *e);

/* The names of the options that differ, in the table's order; at most CAP are stored, the number
 * that differ is returned. */
size_t options_diff(const struct options *a, const struct options *b, const struct opt **out,
                    size_t cap);

/* The option's value as lines "Name value" (canonical units), for the dump. A value of nothing
 * gives an empty list. The caller frees *OUT. */
MUST_USE err_t options_get(const struct options *o, const struct opt *opt, struct conf_line **out);
/* The same as GETCONF and CONF_CHANGED show it, behind *TAIL, which is moved: values are quoted
 * where they need it, and for a value of nothing there is a line of the option's name whose `how`
 * is CONF_CLEAR. */
MUST_USE err_t options_show(const struct options *o, const struct opt *opt,
                            struct conf_line ***tail);
/* What CONF_CHANGED tells: all that is another in NOW than in OLD, as options_show() has it. Of a
 * list with several names it shows all lines, or, if there are none, the name of its group. The
 * caller frees *OUT. */
MUST_USE err_t options_changes(const struct options *old, const struct options *now,
                               struct conf_line **out);

enum dump { DUMP_MINIMAL, DUMP_ALL };

/* All as torrc text (values quoted where needed) that the caller frees; NULL out of memory.
 * MINIMAL: only what differs from DEFAULTS. */
char *options_dump(const struct options *o, const struct options *defaults, enum dump how);
/* The text for a torrc from which, with what was read before it, O would come: what differs from
 * O's base. For GETINFO config-text, SAVECONF, --dump-config short. */
char *options_torrc(const struct options *o);

#endif
