/* Hops from server descriptors (dir-spec 2.1.1). */
#include <stdlib.h>

#include "crypto/encode.h"
#include "dir/descriptor.h"
#include "lib/lib.h"
#include "tunic/directory.h"

enum { HTTP_NOT_FOUND = 404 };

/* What a hop is made of; a line of these that cannot be read spoils it. */
static const uint32_t needed =
    DESCRIPTOR_BIT(DESCRIPTOR_FIRST) | DESCRIPTOR_BIT(DESCRIPTOR_OR_ADDRESS) |
    DESCRIPTOR_BIT(DESCRIPTOR_FINGERPRINT) | DESCRIPTOR_BIT(DESCRIPTOR_MASTER_KEY) |
    DESCRIPTOR_BIT(DESCRIPTOR_NTOR_KEY);

struct tunic_descriptor {
    struct tunic_hop hop;
    char nickname[NICKNAME_MAX + 1];
    struct rsa_id rsa;
    struct ed_id ed;
    struct x25519_pub ntor;
    char ipv4[IP_TEXT_MAX], ipv6[IP_TEXT_MAX];
};

static bool is_wanted(const struct descriptor *d, const char *who)
{
    char hex[HEX_SIZE(sizeof d->rsa.b)];
    if (!who)
        return true;
    hex_upper(d->rsa.b, sizeof d->rsa.b, hex);
    return text_is_nocase(text_of(d->nickname), who) ||
           (d->has_rsa && text_is_nocase(text_of(hex), who));
}

/* Entries that something is wrong with cost no other. */
static err_t find(struct text text, const char *who, struct descriptor *d)
{
    err_t e;
    do
        e = descriptor_next(&text, d);
    while (e != ERR_NOT_FOUND && !(d->body.len && is_wanted(d, who)));
    TRY(e);
    return !(d->malformed & needed) && d->has_rsa && descriptor_has(d, DESCRIPTOR_NTOR_KEY)
               ? OK
               : ERR_MALFORMED;
}

static void fill(const struct descriptor *from, struct tunic_descriptor *d)
{
    memcpy(d->nickname, from->nickname, sizeof d->nickname);
    d->rsa = from->rsa;
    d->ed = from->ed;
    d->ntor = from->ntor;
    d->hop = (struct tunic_hop)TUNIC_HOP_INIT;
    d->hop.rsa_id = d->rsa.b;
    d->hop.ed25519_id = from->has_ed ? d->ed.b : NULL;
    d->hop.ntor_key = d->ntor.b;
    d->hop.ipv4 = ip_text(&from->orport.ip, d->ipv4);
    d->hop.ipv4_port = from->orport.port;
    if (from->orport6.ip.family == IP_V6) {
        d->hop.ipv6 = ip_text(&from->orport6.ip, d->ipv6);
        d->hop.ipv6_port = from->orport6.port;
    }
}

struct tunic_descriptor *tunic_descriptor_find(const char *text, size_t len, const char *who,
                                               struct tunic_error *error)
{
    struct descriptor found;
    struct tunic_descriptor *d = calloc(1, sizeof *d);
    err_t e = !d ? ERR_NOMEM : text ? find((struct text){text, len}, who, &found) : ERR_NOT_FOUND;
    if (e == OK) {
        fill(&found, d);
        return d;
    }
    free(d);
    if (e == ERR_NOMEM)
        lib_error_of(error, e, TUNIC_STAGE_DIRECTORY, "a descriptor");
    else if (e != ERR_NOT_FOUND)
        lib_error(error, TUNIC_PROTOCOL, TUNIC_STAGE_DIRECTORY, "the descriptor of %.60s: %s",
                  who ? who : "the first relay", err_text(e));
    else
        lib_error(error, TUNIC_REFUSED, TUNIC_STAGE_DIRECTORY, "there is no descriptor of %.60s",
                  who ? who : "a relay");
    if (e == ERR_NOT_FOUND && error)
        error->reason = HTTP_NOT_FOUND;
    return NULL;
}

void tunic_descriptor_free(struct tunic_descriptor *descriptor)
{
    free(descriptor);
}

const struct tunic_hop *tunic_descriptor_hop(const struct tunic_descriptor *descriptor)
{
    return descriptor ? &descriptor->hop : NULL;
}

const char *tunic_descriptor_nickname(const struct tunic_descriptor *descriptor)
{
    return descriptor ? descriptor->nickname : "";
}

struct tunic_relay *tunic_relay_connect_to(struct tunic *t, const char *text, size_t len,
                                           const char *who, int timeout_ms,
                                           struct tunic_error *error)
{
    struct tunic_descriptor *d = t && text ? tunic_descriptor_find(text, len, who, error) : NULL;
    struct tunic_relay_options o = TUNIC_RELAY_OPTIONS_INIT;
    if (!d)
        return NULL;
    o.address = d->hop.ipv4;
    o.port = d->hop.ipv4_port;
    o.rsa_id = d->hop.rsa_id;
    o.ed25519_id = d->hop.ed25519_id;
    struct tunic_relay *r = tunic_relay_connect(t, &o, timeout_ms, error);
    tunic_descriptor_free(d);
    return r;
}

int tunic_circuit_extend_to(struct tunic_circuit *circuit, enum tunic_handshake handshake,
                            const char *text, size_t len, const char *who, int timeout_ms,
                            struct tunic_error *error)
{
    struct tunic_descriptor *d =
        circuit && text ? tunic_descriptor_find(text, len, who, error) : NULL;
    if (!d)
        return -1;
    int bad = tunic_circuit_extend(circuit, handshake, &d->hop, timeout_ms, error);
    tunic_descriptor_free(d);
    return bad;
}
