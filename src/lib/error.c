#include "tunic/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cell/reason.h"
#include "client/tunnel.h"
#include "lib/lib.h"

/* ---- names ---- */

static const char *name_at(const char *const *names, size_t n, int i)
{
    return i >= 0 && (size_t)i < n ? names[i] : "UNKNOWN";
}

const char *tunic_class_name(int cls)
{
    static const char *const names[] = {"OK",       "USAGE",    "SYSTEM",  "NETWORK", "TIMEOUT",
                                        "PROTOCOL", "IDENTITY", "REFUSED", "CLOSED",  "INTERNAL"};
    return name_at(names, sizeof names / sizeof names[0], cls);
}

const char *tunic_stage_name(int stage)
{
    static const char *const names[] = {"none", "dns",     "tcp",    "tls",
                                        "link", "circuit", "stream", "directory"};
    return name_at(names, sizeof names / sizeof names[0], stage);
}

const char *tunic_error_reason_name(const struct tunic_error *error)
{
    if (!error || error->reason < 0)
        return "";
    switch (error->stage) {
    case TUNIC_STAGE_TCP:
    case TUNIC_STAGE_TLS:
    case TUNIC_STAGE_LINK:
        return tunic_or_closure_reason_name(error->reason);
    case TUNIC_STAGE_CIRCUIT:
        return tunic_circ_closure_reason_name(error->reason);
    case TUNIC_STAGE_DNS:
    case TUNIC_STAGE_STREAM:
        return tunic_stream_closure_reason_name(error->reason);
    case TUNIC_STAGE_NONE:
    case TUNIC_STAGE_DIRECTORY:
        break;
    }
    return "";
}

const char *tunic_error_text(const struct tunic_error *error, char *out, size_t size)
{
    static const struct tunic_error none = {.reason = -1};
    error = error ? error : &none;
    const char *reason = tunic_error_reason_name(error);
    char hop[24] = "";
    if (error->hop > 0)
        snprintf(hop, sizeof hop, " hop %d", error->hop);
    snprintf(out, size, "%s%s: %s%s%s: %s", tunic_stage_name((int)error->stage), hop,
             tunic_class_name((int)error->cls), *reason ? ", " : "", reason, error->text);
    return out;
}

/* ---- making them ---- */

int lib_error(struct tunic_error *error, enum tunic_class cls, enum tunic_stage stage,
              const char *fmt, ...)
{
    va_list args;
    if (!error)
        return -1;
    *error = (struct tunic_error){.cls = cls, .stage = stage, .reason = -1};
    va_start(args, fmt);
    vsnprintf(error->text, sizeof error->text, fmt, args);
    va_end(args);
    return -1;
}

int lib_error_copy(struct tunic_error *error, const struct tunic_error *from)
{
    if (error)
        *error = *from;
    return -1;
}

static enum tunic_class class_of(err_t e)
{
    switch (e) {
    case OK:
    case ERR_LINK_CLOSED:
        return TUNIC_CLOSED;
    case ERR_ARG:
    case ERR_STATE:
        return TUNIC_USAGE;
    case ERR_NOMEM:
    case ERR_FULL:
    case ERR_LIMIT:
    case ERR_IO:
        return TUNIC_SYSTEM;
    case ERR_LINK_CONNECT:
    case ERR_LINK_PROXY:
        return TUNIC_NETWORK;
    case ERR_LINK_TIMEOUT:
    case ERR_CIRC_TIMEOUT:
    case ERR_STREAM_TIMEOUT:
        return TUNIC_TIMEOUT;
    case ERR_LINK_IDENTITY:
        return TUNIC_IDENTITY;
    case ERR_BUG:
    case ERR_CRYPTO:
        return TUNIC_INTERNAL;
    default: /* whatever else there is, is about what the other side sent */
        return TUNIC_PROTOCOL;
    }
}

int lib_error_of(struct tunic_error *error, err_t e, enum tunic_stage stage, const char *what)
{
    return lib_error(error, class_of(e), stage, "%s: %s", what, err_text(e));
}

enum tunic_stage lib_link_stage(enum link_state state)
{
    return state == LINK_CONNECTING ? TUNIC_STAGE_TCP
           : state == LINK_TLS      ? TUNIC_STAGE_TLS
                                    : TUNIC_STAGE_LINK;
}

/* In the order of enum or_reason. */
static const int or_reasons[] = {
    [OR_DONE] = TUNIC_OR_CLOSURE_REASON_DONE,
    [OR_CONNECTREFUSED] = TUNIC_OR_CLOSURE_REASON_CONNECTREFUSED,
    [OR_IDENTITY] = TUNIC_OR_CLOSURE_REASON_IDENTITY,
    [OR_CONNECTRESET] = TUNIC_OR_CLOSURE_REASON_CONNECTRESET,
    [OR_TIMEOUT] = TUNIC_OR_CLOSURE_REASON_TIMEOUT,
    [OR_NOROUTE] = TUNIC_OR_CLOSURE_REASON_NOROUTE,
    [OR_IOERROR] = TUNIC_OR_CLOSURE_REASON_IOERROR,
    [OR_RESOURCELIMIT] = TUNIC_OR_CLOSURE_REASON_RESOURCELIMIT,
    [OR_PT_MISSING] = TUNIC_OR_CLOSURE_REASON_PT_MISSING,
    [OR_TLS_ERROR] = TUNIC_OR_CLOSURE_REASON_TLS_ERROR,
    [OR_MISC] = TUNIC_OR_CLOSURE_REASON_MISC,
};

void lib_error_of_link(struct tunic_error *error, const struct link_end *end)
{
    enum tunic_class cls = class_of(end->why);
    /* Hung up in the middle of a handshake is no orderly end. */
    if (end->why == ERR_LINK_CLOSED && (end->during != LINK_OPEN || end->reason != OR_DONE))
        cls = TUNIC_NETWORK;
    if (end->reason == OR_RESOURCELIMIT)
        cls = TUNIC_SYSTEM;
    if (end->reason == OR_TIMEOUT)
        cls = TUNIC_TIMEOUT;
    lib_error(error, cls, lib_link_stage(end->during), "%s", end->text);
    if (error)
        error->reason = or_reasons[end->reason];
}

void lib_error_of_circ(struct tunic_error *error, const struct circ_end *end)
{
    if (end->link_ended) {
        lib_error_of_link(error, &end->link);
        return;
    }
    enum tunic_class cls = end->remote ? TUNIC_REFUSED : class_of(end->why);
    lib_error(error, cls, TUNIC_STAGE_CIRCUIT, "%s",
              end->remote ? destroy_reason_text(end->reason) : err_text(end->why));
    if (!error)
        return;
    error->hop = (int)end->hops;
    error->reason = end->reason;
    error->from_peer = end->remote;
}

static void error_of_address(struct tunic_error *error, const struct ip *addr)
{
    char text[IP_TEXT_MAX];
    lib_error(error, TUNIC_PROTOCOL, TUNIC_STAGE_STREAM,
              "the exit says it connected to %s, where no exit should; on a test network see "
              "tunic_allow_internal_addresses()",
              ip_text(addr, text));
}

void lib_error_of_stream(struct tunic_error *error, const struct stream_end *end)
{
    if (end->circuit_ended) {
        lib_error_of_circ(error, &end->circ);
        return;
    }
    bool done = end->remote && end->reason == END_DONE;
    enum tunic_class cls = done ? TUNIC_CLOSED : end->remote ? TUNIC_REFUSED : class_of(end->why);
    bool dns = end->remote && end->reason == END_RESOLVEFAILED;
    if (!end->remote && end->exit_saw.family != IP_NONE)
        error_of_address(error, &end->exit_saw);
    else
        lib_error(error, cls, dns ? TUNIC_STAGE_DNS : TUNIC_STAGE_STREAM, "%s",
                  end->remote ? end_reason_text(end->reason) : err_text(end->why));
    if (!error)
        return;
    error->reason = end->reason;
    error->from_peer = end->remote;
}

static enum tunic_stage tunnel_stage(const struct tunnel_end *end)
{
    switch (end->stage) {
    case TUNNEL_STAGE_NETWORK:
        return TUNIC_STAGE_LINK;
    case TUNNEL_STAGE_CIRCUIT:
        return TUNIC_STAGE_CIRCUIT;
    case TUNNEL_STAGE_TIMEOUT:
        return end->attempts ? TUNIC_STAGE_STREAM : TUNIC_STAGE_CIRCUIT;
    case TUNNEL_STAGE_STREAM:
        return end->reason == END_RESOLVEFAILED ? TUNIC_STAGE_DNS : TUNIC_STAGE_STREAM;
    case TUNNEL_STAGE_NONE:
    case TUNNEL_STAGE_REQUEST:
        break;
    }
    return TUNIC_STAGE_STREAM;
}

static enum tunic_class tunnel_class(const struct tunnel_end *end)
{
    switch (end->stage) {
    case TUNNEL_STAGE_NONE:
        return TUNIC_CLOSED;
    case TUNNEL_STAGE_REQUEST:
        return TUNIC_USAGE;
    case TUNNEL_STAGE_NETWORK:
        return TUNIC_NETWORK;
    case TUNNEL_STAGE_TIMEOUT:
        return TUNIC_TIMEOUT;
    case TUNNEL_STAGE_CIRCUIT:
    case TUNNEL_STAGE_STREAM:
        break;
    }
    /* OK: the exit said so; NOT_FOUND: no exit would, by what the directory says of them. */
    return end->why == OK || end->why == ERR_NOT_FOUND ? TUNIC_REFUSED : class_of(end->why);
}

void lib_error_of_tunnel(struct tunic_error *error, const struct tunnel_end *end)
{
    if (end->circuit_ended) {
        lib_error_of_circ(error, &end->circ);
        return;
    }
    enum tunic_stage stage = tunnel_stage(end);
    lib_error(error, tunnel_class(end), stage, "%s", end->text);
    if (!error)
        return;
    if (stage != TUNIC_STAGE_CIRCUIT && stage != TUNIC_STAGE_LINK)
        error->reason = end->reason == END_CANT_ATTACH ? END_EXITPOLICY : end->reason;
    if (end->stage == TUNNEL_STAGE_REQUEST) /* nothing was sent to anybody */
        error->reason = end->reason == END_PRIVATE ? TUNIC_STREAM_CLOSURE_REASON_PRIVATE_ADDR : -1;
    error->from_peer = end->why == OK && stage != TUNIC_STAGE_CIRCUIT;
}
