/* Host: options made to run. One assembly of folder, lock, files, log, client and listeners, and
 * one way to change it, for whoever runs a client: the program, the library, the test network and
 * fetch.
 *
 * A change reaches everything that options speak of, or nothing: what can fail is made ready first
 * (log files opened, listeners bound, values parsed), then all of it counts, or none. */
#ifndef TUNIC_HOST_HOST_H
#define TUNIC_HOST_HOST_H

#include "client/client.h"
#include "conf/options.h"
#include "control/world.h"
#include "host/logfile.h"
#include "net/net.h"
#include "net/ports.h"

struct host;

/* The process around a host, and the files that it is configured by. */
struct host_process {
    /* Whether the process can have what FRESH says of it alone; nothing holds yet, and all may be
     * taken back. ERR_IO. */
    err_t (*prepare)(void *arg, const struct options *fresh, struct conf_err *e);
    void (*changed)(void *arg); /* other options hold now */
    /* Checked options of TEXT in place of torrc (LOADCONF). ERR_MALFORMED, ERR_NOMEM. */
    err_t (*load)(void *arg, const char *text, struct options **out, struct conf_err *e);
    const char *(*torrc)(void *arg, bool defaults); /* the path of torrc, or defaults-torrc */
    void (*terminate)(void *arg);                   /* ends it as SIGTERM does */
    /* RELOAD, SHUTDOWN, DUMP, DEBUG, HALT: as the process does when the kernel sends it */
    void (*signal)(void *arg, enum signal_what what);
    bool no_torrc; /* it came from standard input: there is no file to write */
    void *arg;
};

/* What stays as it is while it runs; all of it is borrowed and outlives the host. */
struct host_place {
    struct net *net;
    struct logfile *logs;     /* opened as the options say; NULL: lines are the caller's business */
    const struct host *share; /* another host, whose directory is used; or NULL */
    bool default_folder;      /* without DataDirectory: ~/.tor. Else: nothing is kept */
    unsigned lock_wait_s;     /* for another process to leave the folder */
    /* PORT_KINDS of them, or NULL: what serves the kinds of ports that are not the host's own.
     * Kinds that nobody serves (those of a process, in a library) are not listened on. */
    const struct port_front *fronts;
    const struct host_process *process; /* NULL: whoever runs it has a process of its own */
    const char *home;                   /* of the user, for options; may be NULL */
    enum quiet quiet;
};

/* The client, not started, and its listeners, open: what may need rights that a process gives up
 * afterwards. GIFT_OPTIONS are checked (options_check()), and the host's from now on, also on
 * error: ERR_MALFORMED (a value that only the layers below understand), ERR_IO (a listener; errno
 * is set or 0), ERR_NOMEM, ERR_CRYPTO; E says what. */
MUST_USE err_t host_new(const struct host_place *place, struct options *gift_options,
                        struct host **out, struct conf_err *e);

/* The rest: folders, lock, log files, what the last run left; then it bootstraps, unless
 * DisableNetwork. ERR_IO; ERR_STATE: another process has the folder; ERR_NOMEM. */
MUST_USE err_t host_begin(struct host *h, struct conf_err *e);

/* Goes on with GIFT_FRESH (checked; the host's in any case). On error E says why, nothing has
 * changed and the old ones hold: ERR_STATE: "While Tor is running, changing X is not allowed"; the
 * rest as host_new(). What a change does to what is open is in host.c, option by option. */
enum host_why { HOST_SET, HOST_RELOAD /* SIGHUP: TruncateLogFile empties what it names */ };
MUST_USE err_t host_change(struct host *h, struct options *gift_fresh, enum host_why why,
                           struct conf_err *e);

/* Opens the log files anew under the options that hold. ERR_IO: the old ones stay open. */
MUST_USE err_t host_reopen_logs(struct host *h, struct conf_err *e);

/* Ends listeners and the connections of applications; what a later change asks for opens again. */
void host_close_ports(struct host *h);

/* Ends listeners, connections and client; writes the state. NULL is fine. */
void host_free(struct host *h);

const struct options *host_options(const struct host *h);
const struct host_place *host_place_of(const struct host *h);
struct client *host_client(const struct host *h);
/* The TCP port of the first SocksPort, which tells what "auto" became; 0: there is none. */
uint16_t host_socks_port(const struct host *h);
size_t host_connections(const struct host *h); /* of applications */
/* Each port of KIND that is open, as ports_each() has it. */
void host_each_port(const struct host *h, enum port_kind kind,
                    void (*fn)(void *arg, const char *name, bool is_unix), void *arg);
/* The GeoIP table for addresses of FAMILY, good until the next call; NULL: there is none. */
struct geoip *host_geoip(struct host *h, enum ip_family family);
/* The line of the heartbeat, now. */
void host_say_heartbeat(struct host *h);
void host_facts(const struct host *h, struct control_process *out);

/* Options from names and values, VALUE behind NAME and NULL at the end, over tor's defaults
 * (TESTING: those of TestingTorNetwork); checked. The caller frees *OUT. */
MUST_USE err_t host_options_of(const char *const *pairs, bool testing, struct options **out,
                               struct conf_err *e);

#endif
