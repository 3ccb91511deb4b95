#include "cell/reason.h"

#include <stddef.h>

struct reason {
    const char *name, *text;
};

static const struct reason unknown = {"UNKNOWN", "unknown reason"};

static const struct reason destroy_reasons[] = {
    [DESTROY_NONE] = {"NONE", "no reason was given"},
    [DESTROY_PROTOCOL] = {"TORPROTOCOL", "the protocol was broken"},
    [DESTROY_INTERNAL] = {"INTERNAL", "internal error at a relay"},
    [DESTROY_REQUESTED] = {"REQUESTED", "closed on request"},
    [DESTROY_HIBERNATING] = {"HIBERNATING", "a relay is hibernating"},
    [DESTROY_RESOURCELIMIT] = {"RESOURCELIMIT", "a relay is out of memory, sockets or circuit ids"},
    [DESTROY_CONNECTFAILED] = {"CONNECTFAILED", "a relay could not reach the next one"},
    [DESTROY_OR_IDENTITY] = {"OR_IDENTITY", "the next relay was not the one we named"},
    [DESTROY_CHANNEL_CLOSED] = {"CHANNEL_CLOSED", "a connection between relays was closed"},
    [DESTROY_FINISHED] = {"FINISHED", "the circuit expired because it was old or unused"},
    [DESTROY_TIMEOUT] = {"TIMEOUT", "building the circuit took too long"},
    [DESTROY_DESTROYED] = {"DESTROYED", "the circuit was closed without a TRUNCATE"},
    [DESTROY_NOSUCHSERVICE] = {"NOSUCHSERVICE", "there is no such onion service"},
    [DESTROY_MEASUREMENT_EXPIRED] = {"MEASUREMENT_EXPIRED", "it took too long even to be measured"},
    [DESTROY_NOPATH] = {"NOPATH", "there is no path"},
};

static const struct reason end_reasons[] = {
    [0] = {"UNKNOWN", "unknown reason"},
    [END_MISC] = {"MISC", "failed for a reason without a number"},
    [END_RESOLVEFAILED] = {"RESOLVEFAILED", "the exit could not resolve the host name"},
    [END_CONNECTREFUSED] = {"CONNECTREFUSED", "the destination refused the connection"},
    [END_EXITPOLICY] = {"EXITPOLICY", "the exit's policy refuses this destination"},
    [END_DESTROY] = {"DESTROY", "the circuit is being closed"},
    [END_DONE] = {"DONE", "the destination closed the connection"},
    [END_TIMEOUT] = {"TIMEOUT", "the connection timed out"},
    [END_NOROUTE] = {"NOROUTE", "the exit found no route to the destination"},
    [END_HIBERNATING] = {"HIBERNATING", "the exit is hibernating"},
    [END_INTERNAL] = {"INTERNAL", "internal error at the exit"},
    [END_RESOURCELIMIT] = {"RESOURCELIMIT", "the exit is out of resources"},
    [END_CONNRESET] = {"CONNRESET", "the connection was reset"},
    [END_TORPROTOCOL] = {"TORPROTOCOL", "the protocol was broken"},
    [END_NOTDIRECTORY] = {"NOTDIRECTORY", "the relay is not a directory cache"},
    [END_PRIVATE] = {"PRIVATE_ADDR", "the destination is a private address"},
    [END_CANT_ATTACH] = {"CANT_ATTACH", "no circuit can carry it"},
};

static const struct reason *find(const struct reason *reasons, size_t n, uint8_t reason)
{
    return reason < n ? &reasons[reason] : &unknown;
}

static const struct reason *destroy_find(uint8_t reason)
{
    return find(destroy_reasons, sizeof destroy_reasons / sizeof destroy_reasons[0], reason);
}

static const struct reason *end_find(uint8_t reason)
{
    return find(end_reasons, sizeof end_reasons / sizeof end_reasons[0], reason);
}

const char *destroy_reason_name(uint8_t reason)
{
    return destroy_find(reason)->name;
}

const char *destroy_reason_text(uint8_t reason)
{
    return destroy_find(reason)->text;
}

const char *end_reason_name(uint8_t reason)
{
    return end_find(reason)->name;
}

const char *end_reason_text(uint8_t reason)
{
    return end_find(reason)->text;
}
