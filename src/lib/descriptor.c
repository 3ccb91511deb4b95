/* Hops from server descriptors (dir-spec 2.1.1). */
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "base/ids.h"
#include "crypto/encode.h"
#include "dir/doc.h"
#include "lib/lib.h"
#include "tunic/directory.h"

enum { NICKNAME_MAX = 20, HTTP_NOT_FOUND = 404 };

struct tunic_descriptor {
    struct tunic_hop hop;
    char nickname[NICKNAME_MAX];
    struct rsa_id rsa;
    struct ed_id ed;
    struct x25519_pub ntor;
    char ipv4[IP_TEXT_MAX], ipv6[IP_TEXT_MAX];
    bool begun;
};

/* "router" nickname address ORPort SOCKSPort DirPort */
static err_t read_router(struct tunic_descriptor *d, const struct doc_item *item)
{
    struct text arg[3];
    struct ip ip;
    uint64_t port;
    if (!doc_args(item, arg, 3) || arg[0].len >= sizeof d->nickname || arg[1].len >= sizeof d->ipv4)
        return ERR_MALFORMED;
    memcpy(d->nickname, arg[0].s, arg[0].len);
    memcpy(d->ipv4, arg[1].s, arg[1].len);
    TRY(ip_parse(d->ipv4, false, &ip));
    TRY(text_to_u64(arg[2], UINT16_MAX, &port));
    d->hop.ipv4 = d->ipv4;
    d->hop.ipv4_port = (uint16_t)port;
    d->begun = true;
    return OK;
}

/* The first one that is IPv6 counts. */
static err_t read_or_address(struct tunic_descriptor *d, const struct doc_item *item)
{
    struct text arg;
    struct ipport at;
    char text[IPPORT_TEXT_MAX] = "";
    if (!doc_args(item, &arg, 1) || arg.len >= sizeof text)
        return ERR_MALFORMED;
    memcpy(text, arg.s, arg.len);
    TRY(ipport_parse(text, &at));
    if (at.ip.family != IP_V6 || d->hop.ipv6)
        return OK;
    d->hop.ipv6 = ip_text(&at.ip, d->ipv6);
    d->hop.ipv6_port = at.port;
    return OK;
}

/* In groups of four digits. */
static err_t read_fingerprint(struct tunic_descriptor *d, const struct doc_item *item)
{
    char hex[HEX_SIZE(20)];
    size_t len = 0;
    struct text rest = item->args, group;
    while (text_token(&rest, &group)) {
        if (group.len > sizeof hex - 1 - len)
            return ERR_MALFORMED;
        memcpy(hex + len, group.s, group.len);
        len += group.len;
    }
    TRY(hex_decode_exact((struct text){hex, len}, d->rsa.b, sizeof d->rsa.b));
    d->hop.rsa_id = d->rsa.b;
    return OK;
}

static err_t read_key(const struct doc_item *item, uint8_t key[32], const uint8_t **set)
{
    struct text arg;
    if (!doc_args(item, &arg, 1))
        return ERR_MALFORMED;
    TRY(base64_decode_exact(arg, BASE64_EITHER, key, 32));
    *set = key;
    return OK;
}

static err_t read_item(struct tunic_descriptor *d, const struct doc_item *item)
{
    if (doc_is(item, "router"))
        return read_router(d, item);
    if (doc_is(item, "or-address"))
        return read_or_address(d, item);
    if (doc_is(item, "fingerprint"))
        return read_fingerprint(d, item);
    if (doc_is(item, "master-key-ed25519"))
        return read_key(item, d->ed.b, &d->hop.ed25519_id);
    if (doc_is(item, "ntor-onion-key"))
        return read_key(item, d->ntor.b, &d->hop.ntor_key);
    return OK;
}

/* Reads on to the end of one descriptor. */
static err_t read_one(struct doc_lines *lines, struct tunic_descriptor *d)
{
    struct doc_item item;
    *d = (struct tunic_descriptor){.hop = TUNIC_HOP_INIT};
    err_t first = OK;
    while (doc_next(lines, &item)) {
        if (d->begun || first != OK || doc_is(&item, "router")) {
            err_t e = read_item(d, &item);
            first = first != OK ? first : e;
        }
        if (doc_is(&item, "router-signature"))
            return first;
    }
    return lines->err != OK ? lines->err : ERR_NOT_FOUND;
}

static bool is_wanted(const struct tunic_descriptor *d, const char *who)
{
    char hex[HEX_SIZE(20)];
    if (!who)
        return true;
    hex_upper(d->rsa.b, sizeof d->rsa.b, hex);
    return text_is_nocase(text_of(d->nickname), who) ||
           (d->hop.rsa_id && text_is_nocase(text_of(hex), who));
}

static err_t find(const char *text, size_t len, const char *who, struct tunic_descriptor *d)
{
    struct doc_lines lines = doc_over(text, len);
    for (;;) {
        /* C tor's relays write an empty line behind their own. */
        while (lines.at < lines.end && *lines.at == '\n')
            lines.at++;
        err_t e = read_one(&lines, d);
        if (lines.err != OK || e == ERR_NOT_FOUND)
            return e;
        /* One bad entry costs no other. */
        if (!is_wanted(d, who))
            continue;
        return e != OK ? e : d->hop.rsa_id && d->hop.ntor_key ? OK : ERR_MALFORMED;
    }
}

struct tunic_descriptor *tunic_descriptor_find(const char *text, size_t len, const char *who,
                                               struct tunic_error *error)
{
    struct tunic_descriptor *d = calloc(1, sizeof *d);
    err_t e = !d ? ERR_NOMEM : text ? find(text, len, who, d) : ERR_NOT_FOUND;
    if (e == OK)
        return d;
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
