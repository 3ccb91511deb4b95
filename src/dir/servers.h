/* Directory servers known without a consensus: authorities and fallbacks, built in or from the
 * configuration. */
#ifndef TUNIC_DIR_SERVERS_H
#define TUNIC_DIR_SERVERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/err.h"
#include "base/ids.h"

struct dir_server {
    char nickname[NICKNAME_MAX + 1]; /* or "" */
    struct ip ip;                    /* IPv4 */
    uint16_t orport;                 /* 0: unknown; then it is of no use to a client */
    uint16_t dirport;                /* or 0 */
    struct ipport or6;               /* family IP_NONE if it has none */
    struct rsa_id rsa;               /* of the relay */
    struct rsa_id v3ident;
    bool is_authority; /* votes: has a v3ident */
    bool is_bridge;    /* bridge authority: never asked for anything here */
    bool has_ed;
    struct ed_id ed; /* if the line gave one */
    double weight;   /* among its kind; 1 by default */
};

struct dir_servers {
    struct dir_server *list;
    size_t n;
};

enum { DIR_SERVERS_MAX = 1024 };

void dir_servers_init(struct dir_servers *s);
void dir_servers_free(struct dir_servers *s);
MUST_USE err_t dir_servers_add(struct dir_servers *s, const struct dir_server *server);

/* The public network's. */
MUST_USE err_t dir_servers_add_public_authorities(struct dir_servers *s);
MUST_USE err_t dir_servers_add_public_fallbacks(struct dir_servers *s);

/* Values of torrc's DirAuthority and FallbackDir lines (tor(1)):
 *   [nickname] [flags] ipv4:dirport fingerprint        flags: orport=N v3ident=HEX ipv6=[A]:P
 *       weight=W bridge no-v2 v2 hs no-hs upload=... download=... (unknown flags are ignored)
 *   ipv4[:dirport] orport=N id=HEX [weight=W] [ipv6=[A]:P]
 * ERR_MALFORMED; WHY (may be NULL) is then set to a static text that says what is wrong. */
MUST_USE err_t dir_server_parse_authority(const char *value, struct dir_server *out,
                                          const char **why);
MUST_USE err_t dir_server_parse_fallback(const char *value, struct dir_server *out,
                                         const char **why);

/* The value of such a line that names S, as tor writes them. */
enum { DIR_SERVER_LINE_MAX = 320 };
void dir_server_authority_line(const struct dir_server *s, char out[DIR_SERVER_LINE_MAX]);
void dir_server_fallback_line(const struct dir_server *s, char out[DIR_SERVER_LINE_MAX]);

#endif
