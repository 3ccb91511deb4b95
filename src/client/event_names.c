/* The specification's words for what is told (control-spec 4.1). */
#include "client/events.h"

static const char *circuit_name(enum circuit_status status)
{
    static const char *const names[] = {
        [CIRCUIT_LAUNCHED] = "LAUNCHED",
        [CIRCUIT_BEGUN] = "BEGUN",
        [CIRCUIT_EXTENDED] = "EXTENDED",
        [CIRCUIT_GUARD_WAIT] = "GUARD_WAIT",
        [CIRCUIT_BUILT] = "BUILT",
        [CIRCUIT_PURPOSE_CHANGED] = "PURPOSE_CHANGED",
        [CIRCUIT_CANNIBALIZED] = "CANNIBALIZED",
        [CIRCUIT_FAILED] = "FAILED",
        [CIRCUIT_CLOSED] = "CLOSED",
    };
    return names[status];
}

static const char *stream_name(enum stream_status status)
{
    static const char *const names[] = {
        [STREAM_NEW] = "NEW",
        [STREAM_NEWRESOLVE] = "NEWRESOLVE",
        [STREAM_CONTROLLER_WAIT] = "CONTROLLER_WAIT",
        [STREAM_SENTCONNECT] = "SENTCONNECT",
        [STREAM_SENTRESOLVE] = "SENTRESOLVE",
        [STREAM_REMAP] = "REMAP",
        [STREAM_SUCCEEDED] = "SUCCEEDED",
        [STREAM_DETACHED] = "DETACHED",
        [STREAM_XOFF_SENT] = "XOFF_SENT",
        [STREAM_XOFF_RECV] = "XOFF_RECV",
        [STREAM_XON_SENT] = "XON_SENT",
        [STREAM_XON_RECV] = "XON_RECV",
        [STREAM_FAILED] = "FAILED",
        [STREAM_CLOSED] = "CLOSED",
    };
    return names[status];
}

static const char *orconn_name(enum orconn_status status)
{
    static const char *const names[] = {
        [ORCONN_LAUNCHED] = "LAUNCHED",
        [ORCONN_CONNECTED] = "CONNECTED",
        [ORCONN_FAILED] = "FAILED",
        [ORCONN_CLOSED] = "CLOSED",
    };
    return names[status];
}

static const char *guard_name(enum guard_status status)
{
    static const char *const names[] = {
        [GUARD_NEW] = "NEW",         [GUARD_UP] = "UP",           [GUARD_DOWN] = "DOWN",
        [GUARD_DROPPED] = "DROPPED", [GUARD_GOOD_L2] = "GOOD_L2", [GUARD_BAD_L2] = "BAD_L2",
    };
    return names[status];
}

static const char *directory_name(enum directory_status status)
{
    static const char *const names[] = {
        [DIRECTORY_FETCHING] = "FETCHING",
        [DIRECTORY_PROGRESS] = "PROGRESS",
        [DIRECTORY_NEWCONSENSUS] = "NEWCONSENSUS",
    };
    return names[status];
}

static const char *status_name(enum status_what what)
{
    static const char *const names[] = {
        [STATUS_ENOUGH_DIR_INFO] = "ENOUGH_DIR_INFO",
        [STATUS_NOT_ENOUGH_DIR_INFO] = "NOT_ENOUGH_DIR_INFO",
        [STATUS_CIRCUIT_ESTABLISHED] = "CIRCUIT_ESTABLISHED",
        [STATUS_CIRCUIT_NOT_ESTABLISHED] = "CIRCUIT_NOT_ESTABLISHED",
        [STATUS_CLOCK_JUMPED] = "CLOCK_JUMPED",
        [STATUS_STREAMS_LEFT_UNATTACHED] = "STREAMS_LEFT_UNATTACHED",
        [STATUS_CLOCK_SKEW] = "CLOCK_SKEW",
        [STATUS_NETWORK_UP] = "UP",
        [STATUS_NETWORK_DOWN] = "DOWN",
        [STATUS_BUILDTIMEOUT_SET] = "BUILDTIMEOUT_SET",
        [STATUS_DANGEROUS_SOCKS] = "DANGEROUS_SOCKS",
        [STATUS_DANGEROUS_PORT] = "DANGEROUS_PORT",
        [STATUS_SOCKS_UNKNOWN_PROTOCOL] = "SOCKS_UNKNOWN_PROTOCOL",
        [STATUS_SOCKS_BAD_HOSTNAME] = "SOCKS_BAD_HOSTNAME",
        [STATUS_OBSOLETE] = "OBSOLETE",
    };
    return names[what];
}

static const char *signal_name(enum signal_what what)
{
    static const char *const names[] = {
        [SIGNAL_RELOAD] = "RELOAD",
        [SIGNAL_SHUTDOWN] = "SHUTDOWN",
        [SIGNAL_DUMP] = "DUMP",
        [SIGNAL_DEBUG] = "DEBUG",
        [SIGNAL_HALT] = "HALT",
        [SIGNAL_NEWNYM] = "NEWNYM",
        [SIGNAL_CLEARDNSCACHE] = "CLEARDNSCACHE",
        [SIGNAL_HEARTBEAT] = "HEARTBEAT",
        [SIGNAL_ACTIVE] = "ACTIVE",
        [SIGNAL_DORMANT] = "DORMANT",
    };
    return names[what];
}

const char *event_name(const struct event_record *e)
{
    switch (e->kind) {
    case EVENT_CIRCUIT:
        return circuit_name(e->circuit.status);
    case EVENT_STREAM:
        return stream_name(e->stream.status);
    case EVENT_ORCONN:
        return orconn_name(e->orconn.status);
    case EVENT_GUARD:
        return guard_name(e->guard.status);
    case EVENT_DIRECTORY:
        return directory_name(e->directory.status);
    case EVENT_STATUS:
        return status_name(e->status.what);
    case EVENT_BOOTSTRAP:
        return "BOOTSTRAP";
    case EVENT_BW:
        return "BW";
    case EVENT_CIRC_BW:
        return "CIRC_BW";
    case EVENT_STREAM_BW:
        return "STREAM_BW";
    case EVENT_CONN_BW:
        return "CONN_BW";
    case EVENT_SIGNAL:
        return signal_name(e->signal.what);
    case EVENT_ADDRMAP:
        return "ADDRMAP";
    case EVENT_CELL_STATS:
        return "CELL_STATS";
    case EVENT_LINK_STEP:
        return "LINK_STEP";
    case EVENT_KINDS:
        break;
    }
    return "UNKNOWN";
}

const char *circuit_purpose_name(enum circuit_purpose purpose)
{
    static const char *const names[] = {
        [CIRCUIT_GENERAL] = "GENERAL",
        [CIRCUIT_HS_VANGUARDS] = "HS_VANGUARDS",
        [CIRCUIT_CONFLUX_UNLINKED] = "CONFLUX_UNLINKED",
        [CIRCUIT_CONFLUX_LINKED] = "CONFLUX_LINKED",
        [CIRCUIT_MEASURE_TIMEOUT] = "MEASURE_TIMEOUT",
        [CIRCUIT_PATH_BIAS_TESTING] = "PATH_BIAS_TESTING",
        [CIRCUIT_CONTROLLER] = "CONTROLLER",
    };
    return names[purpose];
}

const char *stream_purpose_name(enum stream_purpose purpose)
{
    static const char *const names[] = {
        [STREAM_USER] = "USER",
        [STREAM_DNS_REQUEST] = "DNS_REQUEST",
        [STREAM_DIR_FETCH] = "DIR_FETCH",
    };
    return names[purpose];
}
