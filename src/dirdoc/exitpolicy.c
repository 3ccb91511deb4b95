#include "dirdoc/exitpolicy.h"

#include <stdio.h>
#include <string.h>

enum { PORTS = 65536 };

static bool take_port(struct text t, uint16_t *out)
{
    uint64_t port;
    if (text_to_u64(t, UINT16_MAX, &port) != OK || !port)
        return false;
    *out = (uint16_t)port;
    return true;
}

/* "*", "80" or "80-90" */
static bool take_ports(struct text t, uint16_t *first, uint16_t *last)
{
    const char *dash = memchr(t.s, '-', t.len);
    size_t len = dash ? (size_t)(dash - t.s) : t.len;
    *first = 1;
    *last = UINT16_MAX;
    if (text_is(t, "*"))
        return true;
    if (!take_port((struct text){t.s, len}, first))
        return false;
    *last = *first;
    return !dash || (take_port((struct text){dash + 1, t.len - len - 1}, last) && *first <= *last);
}

static err_t take_net(struct text t, struct ip_net *out)
{
    char copy[IP_TEXT_MAX + 8];
    if (t.len >= sizeof copy)
        return ERR_MALFORMED;
    memcpy(copy, t.s, t.len);
    copy[t.len] = 0;
    return ip_net_parse(copy, out);
}

err_t exitpolicy_next(struct text *rest, struct exitpolicy_rule *out)
{
    struct text rule, verb, what;
    if (!text_split(rest, ',', &rule))
        return ERR_NOT_FOUND;
    if (!text_token(&rule, &verb) || !text_token(&rule, &what) || text_strip(rule).len)
        return ERR_MALFORMED;
    out->accept = text_is_nocase(verb, "accept");
    if (!out->accept && !text_is_nocase(verb, "reject"))
        return ERR_MALFORMED;
    size_t colon = what.len;
    while (colon && what.s[colon - 1] != ':')
        colon--;
    if (!colon)
        return ERR_MALFORMED;
    struct text ports = {what.s + colon, what.len - colon};
    TRY(take_net((struct text){what.s, colon - 1}, &out->net));
    return take_ports(ports, &out->first, &out->last) ? OK : ERR_MALFORMED;
}

err_t exitpolicy_check(const char *policy)
{
    struct text rest = text_of(policy);
    struct exitpolicy_rule rule;
    err_t err;
    if (!rest.len)
        return ERR_MALFORMED;
    while ((err = exitpolicy_next(&rest, &rule)) == OK)
        ;
    return err == ERR_NOT_FOUND ? OK : err;
}

bool exitpolicy_allows(const char *policy, const struct ipport *to)
{
    struct text rest = text_of(policy);
    struct exitpolicy_rule rule;
    while (exitpolicy_next(&rest, &rule) == OK)
        if (ip_net_has(&rule.net, &to->ip) && to->port >= rule.first && to->port <= rule.last)
            return rule.accept;
    return false;
}

typedef bool (*counts_fn)(const struct exitpolicy_rule *rule);

static bool counts_here(const struct exitpolicy_rule *rule)
{
    const struct ip_net *net = &rule->net;
    return net->ip.family == IP_NONE || net->bits == 0 ||
           (net->ip.family == IP_V4 && net->bits <= 8 && ip_is_loopback(&net->ip));
}

/* As C tor sums up: what is accepted has to be so for all addresses; what is rejected, for 2^25 of
 * them at least. */
static bool counts_publicly(const struct exitpolicy_rule *rule)
{
    enum { LARGE_BITS = 7 };
    const struct ip_net *net = &rule->net;
    return net->ip.family == IP_NONE ||
           (net->ip.family == IP_V4 && net->bits <= (rule->accept ? 0 : LARGE_BITS));
}

/* Marks the ports that are accepted: the first rule that has a port decides. */
static void mark_ports(const char *policy, counts_fn counts, uint8_t accepted[PORTS])
{
    enum { REJECT, ACCEPT, UNDECIDED };
    struct text rest = text_of(policy);
    struct exitpolicy_rule rule;
    memset(accepted, UNDECIDED, PORTS);
    while (exitpolicy_next(&rest, &rule) == OK)
        for (uint32_t p = rule.first; counts(&rule) && p <= rule.last; p++)
            if (accepted[p] == UNDECIDED)
                accepted[p] = rule.accept ? ACCEPT : REJECT;
    for (uint32_t p = 0; p < PORTS; p++)
        accepted[p] = accepted[p] == ACCEPT;
}

/* The ports with the mark WANT as a list of ranges. How long it would be if OUT had no end;
 * SIZE_MAX if there are none: not a form to choose. */
static size_t list_ports(const uint8_t accepted[PORTS], bool want, char *out, size_t cap)
{
    size_t len = (size_t)snprintf(out, cap, want ? "accept " : "reject "), start = len;
    for (uint32_t first = 1, last; first < PORTS; first = last + 1) {
        last = first;
        if (accepted[first] != want)
            continue;
        while (last + 1 < PORTS && accepted[last + 1] == want)
            last++;
        char *to = len < cap ? out + len : NULL;
        size_t room = to ? cap - len : 0;
        const char *comma = len > start ? "," : "";
        len += (size_t)(first == last ? snprintf(to, room, "%s%u", comma, first)
                                      : snprintf(to, room, "%s%u-%u", comma, first, last));
    }
    return len > start ? len : SIZE_MAX;
}

static const char *summary(const char *policy, counts_fn counts, char out[EXITPOLICY_SUMMARY_MAX])
{
    uint8_t accepted[PORTS];
    char rejects[EXITPOLICY_SUMMARY_MAX];
    mark_ports(policy, counts, accepted);
    size_t a = list_ports(accepted, true, out, EXITPOLICY_SUMMARY_MAX);
    size_t r = list_ports(accepted, false, rejects, sizeof rejects);
    if (a >= EXITPOLICY_SUMMARY_MAX && r >= EXITPOLICY_SUMMARY_MAX)
        snprintf(out, EXITPOLICY_SUMMARY_MAX, "reject 1-65535");
    else if (r < a)
        memcpy(out, rejects, r + 1);
    return out;
}

const char *exitpolicy_summary(const char *policy, char out[EXITPOLICY_SUMMARY_MAX])
{
    return summary(policy, counts_here, out);
}

const char *exitpolicy_summary_public(const char *policy, char out[EXITPOLICY_SUMMARY_MAX])
{
    return summary(policy, counts_publicly, out);
}
