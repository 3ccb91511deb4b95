/* What the control side asks of its surroundings: of the host that runs the client, and through it
 * of the process. Nothing here may free the control side. */
#ifndef TUNIC_CONTROL_WORLD_H
#define TUNIC_CONTROL_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/log.h"
#include "base/out.h"
#include "client/events.h"
#include "conf/options.h"
#include "dir/geoip.h"

struct control_process {
    long pid, uid;
    const char *user;  /* its name; "" if it has none */
    uint64_t fd_limit; /* for sockets */
    uint64_t uptime_s;
    int64_t utc_offset_s; /* of local time, now */
};

struct control;

struct control_world {
    const struct options *(*options)(void *world); /* those that hold now */
    void (*terminate)(void *world);                /* ends the process as SIGTERM does */
    /* One that is the process's, or the host's: RELOAD, SHUTDOWN, DUMP, DEBUG, HALT, HEARTBEAT. */
    void (*signal)(void *world, enum signal_what signal);
    bool (*can_signal)(void *world, enum signal_what signal); /* one of these; else it is unknown */
    /* LINES (of CONF_FROM_CONTROLLER) over them, with ASSIGN_CLEAR_FIRST or more in FLAGS: all or
     * none. E says why none: ERR_NOT_FOUND: no such option; ERR_MALFORMED, ERR_UNSUPPORTED: not
     * that value; ERR_STATE: not while it runs; else something failed. */
    err_t (*set_options)(void *world, const struct conf_line *lines, unsigned flags,
                         struct conf_err *e);
    /* TEXT in place of torrc; errors as before, but all that is wrong with TEXT is ERR_MALFORMED;
     * ERR_UNSUPPORTED: there never was a torrc. */
    err_t (*load_options)(void *world, const char *text, struct conf_err *e);
    /* Writes torrc; FORCE: also if it has an %include, which is lost. What fails is logged. */
    err_t (*save_options)(void *world, bool force);
    bool (*can_save_options)(void *world);            /* without FORCE */
    const char *(*torrc)(void *world, bool defaults); /* a path; "": there is no such file */
    void (*process)(void *world, struct control_process *out);
    /* Where ports of KIND are open: "127.0.0.1:9050" "unix:/path", each in quotes. */
    void (*listeners)(void *world, enum port_kind kind, struct text_out *out);
    /* The table for addresses of FAMILY, good until the next call; NULL: there is none. */
    struct geoip *(*geoip)(void *world, enum ip_family family);
    /* From now on control_log() of C is given lines from LEAST on up, or, if not ANY, none. NULL:
     * there is no log to be had. */
    void (*want_lines)(void *world, struct control *c, bool any, enum log_level least);
};

#endif
