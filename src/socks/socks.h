/* SOCKS: one local connection, from the first byte to the last. A machine over bytes: it speaks
 * SOCKS4, SOCKS4a and SOCKS5 with tor's extensions (socks-extensions, proposals 304 and 351), opens
 * a tunnel for the request, and then passes bytes both ways.
 *
 * Life: socks_new() -> bytes in and out -> on_end, exactly once: what socks_out() still holds is
 * to be sent, then the connection is closed and socks_free() called (not inside on_end). */
#ifndef TUNIC_SOCKS_SOCKS_H
#define TUNIC_SOCKS_SOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/env.h"
#include "base/ratelim.h"
#include "client/tunnel.h"

struct socks;
struct client;

/* Warnings that applications can cause, each held back on its own. All zero at first. */
enum socks_warning { SOCKS_WARN_LEAK, SOCKS_WARN_PLAINTEXT, SOCKS_WARN_GARBAGE, SOCKS_WARN_N };
struct socks_warnings {
    struct ratelim of[SOCKS_WARN_N];
};

/* One SocksPort. The listener owns it and outlives its connections; a reload replaces it for new
 * connections only. */
struct socks_port_config {
    int32_t session; /* SessionGroup, or a number of the port's own */
    bool isolate_client_addr, isolate_socks_auth, isolate_client_protocol;
    bool isolate_dest_port, isolate_dest_addr, keep_alive_isolate_socks_auth;
    bool ipv4_traffic, ipv6_traffic, prefer_ipv6;
    bool dns_request;     /* false: NoDNSRequest, host names are refused */
    bool no_onion;        /* NoOnionTraffic: .onion names are refused */
    bool onion_only;      /* OnionTrafficOnly */
    bool prefer_no_auth;  /* PreferSOCKSNoAuth */
    bool extended_errors; /* ExtendedErrors (proposal 304) */
    /* Of all ports alike, by their options: */
    bool safe_socks; /* SafeSocks: refuse requests that come with a resolved address */
    bool test_socks; /* TestSocks: say for each request whether it leaked DNS */
    const uint16_t *warn_ports, *reject_ports; /* WarnPlaintextPorts, RejectPlaintextPorts */
    size_t n_warn_ports, n_reject_ports;
    struct socks_warnings *warnings; /* shared by all ports; or NULL: nothing is held back */
};

struct socks_ops {
    void (*on_output)(void *arg);       /* socks_out() has bytes that net does not know of */
    void (*on_input_wanted)(void *arg); /* socks_in_room() said NULL before; now there is room */
    void (*on_end)(void *arg);
};

/* PEER is the application's address (family IP_NONE for a unix socket). CONFIG and OPS are
 * borrowed. The machine gives up a handshake that is not finished within SOCKS_HANDSHAKE_MS. NULL
 * out of memory. */
enum { SOCKS_HANDSHAKE_MS = 120000 };
struct socks *socks_new(struct env *env, struct client *client,
                        const struct socks_port_config *config, const struct ip *peer,
                        const struct socks_ops *ops, void *arg);
/* Closes the tunnel without on_end; NULL is fine. */
void socks_free(struct socks *s);

/* Room for received bytes, or NULL: do not read for now (on_input_wanted tells), or at all. */
uint8_t *socks_in_room(struct socks *s, size_t *room);
void socks_in_done(struct socks *s, size_t len);
/* The application sends no more, but may still read. Tor has no word for that on a stream: the far
 * side does not hear of it, and the stream stays open for the answer, until socks_in_end(). Unless
 * it is SURE that somebody reads (most that close their side have closed the other one too, and TCP
 * does not tell), that ends when nothing has come for SOCKS_ANSWER_MS after the application's last
 * word, or for SOCKS_QUIET_MS after the far side's. */
enum { SOCKS_ANSWER_MS = 60000, SOCKS_QUIET_MS = 10000 };
void socks_in_eof(struct socks *s, bool sure);
/* The connection broke, or the application has closed both sides. What it has said on an open
 * tunnel is still handed on, unless the tunnel takes none of it for SOCKS_ANSWER_MS. */
void socks_in_end(struct socks *s);

/* The bytes to send; NULL if none. */
const uint8_t *socks_out(const struct socks *s, size_t *len);
void socks_sent(struct socks *s, size_t len);

#endif
