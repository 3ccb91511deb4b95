/* Tunnel: what one application connection gets from the client. It outlives single attempts: the
 * client finds or builds a circuit whose exit fits, opens a stream on it, and tries another exit
 * where the reason for a failure calls for it.
 *
 * Life: tunnel_open() -> on_connected or on_resolved -> data both ways -> on_end, exactly once, or
 * tunnel_close() by its owner, after which there is no callback. The tunnel is freed by the client
 * at the end of the wake-up after either. */
#ifndef TUNIC_CLIENT_TUNNEL_H
#define TUNIC_CLIENT_TUNNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/err.h"
#include "client/asker.h"
#include "client/isolation.h"
#include "stream/stream.h"

struct client;
struct tunnel;

enum tunnel_kind {
    TUNNEL_CONNECT,
    TUNNEL_RESOLVE,
    TUNNEL_RESOLVE_PTR,
    TUNNEL_DIR,           /* to the directory of the last hop; no host, no port */
    TUNNEL_DIR_AUTHORITY, /* the same, and that is an authority */
};

struct tunnel_request {
    enum tunnel_kind kind;
    char host[TUNNEL_HOST_MAX + 1]; /* a host name, or an address in text form */
    struct ip ip;                   /* set if HOST is a literal address; RESOLVE_PTR: the address */
    uint16_t port;                  /* CONNECT */
    struct asker asker;             /* who asks; the tunnel holds its login */
    struct isolation isolation;
    bool ipv4_ok, ipv6_ok, prefer_ipv6; /* IPv4Traffic, IPv6Traffic, PreferIPv6 */
    bool automap_ipv6;                  /* a virtual address is to be one of IPv6 */
    bool optimistic; /* CONNECT: its owner writes as soon as an exit was asked (on_begun) */
};

/* It asks the last hop itself, for documents. */
bool tunnel_request_is_dir(const struct tunnel_request *req);

/* Where it went wrong, for front ends to map to their reply codes. */
enum tunnel_stage {
    TUNNEL_STAGE_NONE,    /* an orderly end */
    TUNNEL_STAGE_REQUEST, /* the request itself is refused (internal address, .onion, bad name) */
    TUNNEL_STAGE_NETWORK, /* no directory or no guard to be reached, or DisableNetwork */
    TUNNEL_STAGE_CIRCUIT, /* no circuit could be built or it died */
    TUNNEL_STAGE_STREAM,  /* the exit answered END: see reason */
    TUNNEL_STAGE_TIMEOUT, /* SocksTimeout, or every attempt timed out */
};

struct tunnel_end {
    enum tunnel_stage stage;
    err_t why;
    uint8_t reason; /* enum end_reason when stage is STREAM, or the one that fits */
    bool connected; /* CONNECTED had come before */
    unsigned attempts;
    char text[160];       /* a sentence for the log; no destination in it */
    bool circuit_ended;   /* its circuit's end was that of the last attempt, or of the tunnel: */
    struct circ_end circ; /* hop and reason */
};

struct tunnel_ops {
    /* OPTIMISTIC: an exit was asked, and whatever it will say, bytes may be written; once, before
     * on_connected, and never inside tunnel_open(). What is written before the exit's answer is
     * said again to the next one if it refuses, and has a cap. NULL without. */
    void (*on_begun)(void *arg);
    void (*on_connected)(void *arg, const struct ip *addr);
    void (*on_resolved)(void *arg, const struct stream_answer *answers, size_t n); /* then on_end */
    void (*on_data)(void *arg, const uint8_t *bytes, size_t len); /* as stream_ops.on_data */
    void (*on_writable)(void *arg);
    void (*on_end)(void *arg, const struct tunnel_end *end);
};

/* NULL out of memory or over the most tunnels at once (limits.h); a request that is refused for any
 * other reason ends through on_end, never inside this call. */
struct tunnel *tunnel_open(struct client *client, const struct tunnel_request *req,
                           const struct tunnel_ops *ops, void *arg);

/* Its id as a stream of the client's (events.h, attach.h). */
uint64_t tunnel_stream(const struct tunnel *t);

/* What T was opened with (a reverse look-up has the name that is asked for); while T lives, on_end
 * included. */
const struct tunnel_request *tunnel_asked(const struct tunnel *t);

/* As stream_write(); takes 0 until connected: what an application sends early stays with it until
 * then, so that another exit can be tried. Of an OPTIMISTIC one it takes some from on_begun on. */
size_t tunnel_write(struct tunnel *t, const uint8_t *bytes, size_t len);
void tunnel_consumed(struct tunnel *t, size_t len);  /* as stream_consumed() */
void tunnel_close(struct tunnel *t, uint8_t reason); /* enum end_reason, mostly DONE */

#endif
