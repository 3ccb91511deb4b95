/* Names as the exits of a test network know them: a short list, and nobody is asked. */
#include <string.h>

#include "cell/relay_stream.h"
#include "testnet/node_int.h"

enum { TTL_S = 60, NAME_MAX_LEN = 255 };

static const struct node_host *find_host(const struct node *n, struct text name, uint16_t port)
{
    for (size_t i = 0; i < n->config.n_hosts; i++) {
        const struct node_host *h = &n->config.hosts[i];
        if (text_is_nocase(name, h->name) && (!h->port || !port || h->port == port))
            return h;
    }
    return NULL;
}

static bool ends_in(struct text name, const char *end)
{
    size_t len = strlen(end);
    return name.len > len && text_is_nocase((struct text){name.s + name.len - len, len}, end);
}

static bool is_local_name(struct text name)
{
    return text_is_nocase(name, "localhost") || ends_in(name, ".localhost") ||
           ends_in(name, ".test");
}

static err_t literal(struct text host, struct ip *out)
{
    char copy[NAME_MAX_LEN + 1];
    if (host.len > NAME_MAX_LEN)
        return ERR_NOT_FOUND;
    memcpy(copy, host.s, host.len);
    copy[host.len] = 0;
    return ip_parse(copy, true, out) == OK ? OK : ERR_NOT_FOUND;
}

err_t resolve_name(const struct node *n, struct text host, uint16_t port, struct ipport *out)
{
    static const uint8_t home[4] = {127, 0, 0, 1};
    const struct node_host *h = find_host(n, host, port);
    *out = (struct ipport){.port = port};
    if (h && h->to.ip.family == IP_NONE)
        return ERR_NOT_FOUND;
    if (h) {
        out->ip = h->to.ip;
        out->port = h->to.port ? h->to.port : port;
    } else if (is_local_name(host)) {
        out->ip = ip_v4(home);
    } else {
        TRY(literal(host, &out->ip));
    }
    return ip_is_loopback(&out->ip) ? OK : ERR_ARG;
}

/* ---- RESOLVE ---- */

/* "4.3.2.1.in-addr.arpa" */
static bool reverse_of(struct text name, struct ip *out)
{
    uint8_t b[4];
    struct text rest = name, part;
    uint64_t octet;
    if (!ends_in(name, ".in-addr.arpa"))
        return false;
    for (int i = 3; i >= 0; i--) {
        if (!text_split(&rest, '.', &part) || text_to_u64(part, 255, &octet) != OK)
            return false;
        b[i] = (uint8_t)octet;
    }
    *out = ip_v4(b);
    return text_is_nocase(rest, "in-addr.arpa");
}

static const char *name_of(const struct node *n, const struct ip *ip)
{
    static const uint8_t home[4] = {127, 0, 0, 1};
    struct ip local = ip_v4(home);
    for (size_t i = 0; i < n->config.n_hosts; i++)
        if (ip_equal(&n->config.hosts[i].to.ip, ip))
            return n->config.hosts[i].name;
    return ip_equal(ip, &local) ? "localhost" : NULL;
}

struct relay_answer resolve_answer(const struct node *n, struct text host)
{
    struct relay_answer none = {
        .type = ANSWER_ERROR, .value = TEXT_LIT("no such name"), .ttl_s = TTL_S};
    struct ipport at;
    struct ip ip;
    if (reverse_of(host, &ip)) {
        const char *name = name_of(n, &ip);
        return name ? (struct relay_answer){.type = ANSWER_HOST,
                                            .value = text_of(name),
                                            .ttl_s = TTL_S}
                    : none;
    }
    if (resolve_name(n, host, 0, &at) == ERR_NOT_FOUND)
        return none;
    return (struct relay_answer){
        .type = at.ip.family == IP_V6 ? ANSWER_IPV6 : ANSWER_IPV4, .ip = at.ip, .ttl_s = TTL_S};
}
