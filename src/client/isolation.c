#include "client/isolation.h"

#include <stdio.h>
#include <string.h>

#include "crypto/hash.h"
#include "crypto/secret.h"

void isolation_set_auth(struct isolation *iso, struct text user, struct text pass)
{
    /* The lengths keep ("ab", "c") and ("a", "bc") apart. */
    uint64_t lengths[2] = {user.len, pass.len};
    struct sha256_running hash;
    sha256_init(&hash);
    sha256_add(&hash, lengths, sizeof lengths);
    sha256_add(&hash, user.s, user.len);
    sha256_add(&hash, pass.s, pass.len);
    sha256_peek(&hash, iso->auth);
    secret_wipe(&hash, sizeof hash);
    iso->has_auth = true;
}

unsigned isolation_dest(const struct isolation *iso)
{
    return (iso->by_dest_port ? ISOLATION_PORT : 0u) | (iso->by_dest_addr ? ISOLATION_HOST : 0u);
}

void isolation_key_of(struct isolation_key *key, const struct isolation *iso, unsigned dest,
                      const char *host, uint16_t port)
{
    memset(key, 0, sizeof *key); /* padding counts too */
    key->session = iso->session;
    key->protocol = iso->protocol;
    key->client = iso->client;
    key->has_auth = iso->has_auth;
    memcpy(key->auth, iso->auth, sizeof key->auth);
    key->dest = (uint8_t)dest;
    if (dest & ISOLATION_PORT)
        key->port = port;
    if (dest & ISOLATION_HOST)
        snprintf(key->host, sizeof key->host, "%s", host);
}

void isolation_keys_of(struct isolation_key keys[ISOLATION_KEYS], const struct isolation *iso,
                       const char *host, uint16_t port)
{
    for (unsigned dest = 0; dest < ISOLATION_KEYS; dest++)
        isolation_key_of(&keys[dest], iso, dest, host, port);
}

size_t isolation_key_len(const struct isolation_key *key)
{
    return offsetof(struct isolation_key, host) + strlen(key->host);
}
