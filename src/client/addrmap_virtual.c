/* Virtual addresses: which there are, and what they stand for. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/addrmap_int.h"
#include "crypto/encode.h"

enum {
    VIRTUAL_TRIES = 1000, /* tor's: enough unless the network is nearly full */
    VIRTUAL_RANDOM = 10,  /* bytes of a virtual host name */
};

#define VIRTUAL_SUFFIX ".virtual"

static struct ip random_of(struct addrmap *m, const struct ip_net *net)
{
    struct ip ip = net->ip;
    uint8_t bytes[sizeof ip.b];
    env_random(m->env, bytes, sizeof bytes);
    for (unsigned bit = net->bits; bit < 8 * ip_len(&ip); bit++) {
        uint8_t mask = (uint8_t)(0x80 >> bit % 8);
        ip.b[bit / 8] = (uint8_t)((ip.b[bit / 8] & ~mask) | (bytes[bit / 8] & mask));
    }
    return ip;
}

static void random_host(struct addrmap *m, char out[TUNNEL_HOST_MAX + 1])
{
    uint8_t bytes[VIRTUAL_RANDOM];
    char name[BASE32_SIZE(sizeof bytes)];
    env_random(m->env, bytes, sizeof bytes);
    snprintf(out, TUNNEL_HOST_MAX + 1, "%s" VIRTUAL_SUFFIX,
             base32_lower(bytes, sizeof bytes, name));
}

/* One that stands for nothing yet; false: none was found. */
static bool find_free(struct addrmap *m, enum addrmap_virtual kind, char out[TUNNEL_HOST_MAX + 1])
{
    for (int i = 0; i < VIRTUAL_TRIES; i++) {
        if (kind == ADDRMAP_HOST) {
            random_host(m, out);
        } else {
            struct ip ip = random_of(m, &m->net[kind]);
            /* Who sees .0 or .255 may take it for a network's, or all of it. */
            if (kind == ADDRMAP_IPV4 && (ip.b[3] == 0 || ip.b[3] == 255))
                continue;
            ip_text(&ip, out);
        }
        if (!addrmap_find(m, out))
            return true;
    }
    log_warn(m->env->log, "Ran out of virtual addresses!");
    return false;
}

static struct stand_in *stand_in_for(struct addrmap *m, const char *host)
{
    struct stand_in *v;
    HASH_FIND_STR(m->stand_ins, host, v);
    if (v || !(v = calloc(1, sizeof *v)))
        return v;
    v->host = text_dup(text_of(host));
    if (v->host)
        HASH_ADD_KEYPTR(hh, m->stand_ins, v->host, strlen(v->host), v);
    if (HASH_ADDED(v, hh))
        return v;
    free(v->host);
    free(v);
    return NULL;
}

static bool is_empty(const struct stand_in *v)
{
    for (int i = 0; i < VIRTUAL_KINDS; i++)
        if (v->of[i])
            return false;
    return true;
}

const char *addrmap_virtual(struct addrmap *m, enum addrmap_virtual kind, const char *to)
{
    char host[TUNNEL_HOST_MAX + 1], value[TUNNEL_HOST_MAX + 1];
    addrmap_normal(to, value);
    struct stand_in *v = stand_in_for(m, value);
    if (!v)
        return NULL;
    if (v->of[kind])
        return v->of[kind]->from;
    struct addrmap_entry *e = NULL;
    bool found = find_free(m, kind, host);
    if (found)
        addrmap_drop(m, host); /* what has expired */
    if (found && addrmap_add(m, host, value, ADDRMAP_VIRTUAL, &e) == OK) {
        v->of[kind] = e;
        e->virtual = v;
        addrmap_tell(m, e, 0);
        return e->from;
    }
    if (is_empty(v)) {
        HASH_DEL(m->stand_ins, v);
        free(v->host);
        free(v);
    }
    return NULL;
}

bool addrmap_is_virtual(const struct addrmap *m, const char *host)
{
    struct ip ip;
    if (addrmap_ends_in(host, VIRTUAL_SUFFIX))
        return true;
    return ip_parse(host, true, &ip) == OK &&
           (ip_net_has(&m->net[ADDRMAP_IPV4], &ip) || ip_net_has(&m->net[ADDRMAP_IPV6], &ip));
}

static bool same_net(const struct ip_net *a, const struct ip_net *b)
{
    return ip_equal(&a->ip, &b->ip) && a->bits == b->bits;
}

void addrmap_set_networks(struct addrmap *m, const struct ip_net *v4, const struct ip_net *v6)
{
    if (!same_net(&m->net[ADDRMAP_IPV4], v4) || !same_net(&m->net[ADDRMAP_IPV6], v6))
        addrmap_clear(m, ADDRMAP_VIRTUAL);
    m->net[ADDRMAP_IPV4] = *v4;
    m->net[ADDRMAP_IPV6] = *v6;
}
