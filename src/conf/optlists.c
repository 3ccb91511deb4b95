#include "conf/optlists.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "conf/optval.h"

enum { POLICY_RULES_MAX = 10000, ITEM_MAX = 256 };

/* What "private" stands for in a policy. */
static const char *const PRIVATE_NETS[] = {
    "0.0.0.0/8",     "169.254.0.0/16", "127.0.0.0/8", "192.168.0.0/16", "10.0.0.0/8",
    "172.16.0.0/12", "100.64.0.0/10",  "::/8",        "fc00::/7",       "fe80::/10",
    "fec0::/10",     "ff00::/8",       "::/127",
};

err_t policy_add(struct addr_policy *p, struct addr_rule rule)
{
    if (p->n == POLICY_RULES_MAX)
        return ERR_LIMIT;
    if ((p->n & (p->n - 1)) == 0) { /* grows at 0, 1, 2, 4, 8... */
        struct addr_rule *rules = realloc(p->rules, (p->n ? 2 * p->n : 1) * sizeof *rules);
        if (!rules)
            return ERR_NOMEM;
        p->rules = rules;
    }
    p->rules[p->n++] = rule;
    return OK;
}

/* "80", "80-443", "*" or nothing */
static bool parse_port_range(const char *text, uint16_t *min, uint16_t *max)
{
    *min = 1;
    *max = UINT16_MAX;
    if (!text || strcmp(text, "*") == 0)
        return true;
    struct text rest = text_of(text), low;
    uint64_t a = 0, b = 0;
    if (!text_split(&rest, '-', &low) || text_to_u64(low, UINT16_MAX, &a) != OK)
        return false;
    if (low.len == strlen(text))
        b = a;
    else if (text_to_u64(rest, UINT16_MAX, &b) != OK)
        return false;
    *min = (uint16_t)a;
    *max = (uint16_t)b;
    return a >= 1 && a <= b;
}

/* "255.255.0.0" as a number of bits. */
static bool dotted_mask_bits(const char *text, unsigned *bits)
{
    struct ip mask;
    if (ip_parse(text, false, &mask) != OK || mask.family != IP_V4)
        return false;
    uint32_t m = (uint32_t)mask.b[0] << 24 | (uint32_t)mask.b[1] << 16 | (uint32_t)mask.b[2] << 8 |
                 mask.b[3];
    *bits = (unsigned)__builtin_popcount(m);
    return *bits == 0 || m == UINT32_MAX << (32 - *bits);
}

static bool parse_net(char *addr, struct ip_net *net)
{
    static const uint8_t zero[16];
    if (strcmp(addr, "*4") == 0)
        *net = (struct ip_net){ip_v4(zero), 0};
    else if (strcmp(addr, "*6") == 0)
        *net = (struct ip_net){ip_v6(zero), 0};
    else if (ip_net_parse(addr, net) != OK) {
        char *slash = strchr(addr, '/'), plain[IP_TEXT_MAX + 8];
        unsigned bits;
        if (!slash || !dotted_mask_bits(slash + 1, &bits))
            return false;
        snprintf(plain, sizeof plain, "%.*s/%u", (int)(slash - addr), addr, bits);
        return ip_net_parse(plain, net) == OK;
    }
    return true;
}

/* Cuts ":PORTS" off the end of ADDR. */
static char *cut_ports(char *addr)
{
    char *close = strrchr(addr, ']');
    char *colon = strchr(close ? close : addr, ':');
    if (!colon || (!close && strchr(colon + 1, ':'))) /* bare IPv6 has no ports */
        return NULL;
    *colon = 0;
    return colon + 1;
}

static err_t add_nets(struct addr_policy *out, struct addr_rule rule, char *addr)
{
    if (strcasecmp(addr, "private") != 0) {
        if (!parse_net(addr, &rule.net))
            return ERR_MALFORMED;
        return policy_add(out, rule);
    }
    for (size_t i = 0; i < sizeof PRIVATE_NETS / sizeof PRIVATE_NETS[0]; i++) {
        if (ip_net_parse(PRIVATE_NETS[i], &rule.net) != OK)
            return ERR_BUG;
        TRY(policy_add(out, rule));
    }
    return OK;
}

static err_t parse_rule(struct text item, bool assume_accept, struct addr_policy *out)
{
    struct text verb, addr, rest = item;
    struct addr_rule rule = {.accept = true};
    char buf[ITEM_MAX];
    bool said = text_token(&rest, &verb) && verb.len >= 6;
    if (said && (text_is_nocase(verb, "reject") || text_is_nocase(verb, "reject6")))
        rule.accept = false;
    else if (!said || !(text_is_nocase(verb, "accept") || text_is_nocase(verb, "accept6"))) {
        if (!assume_accept)
            return ERR_MALFORMED;
        rest = item;
    }
    if (!text_token(&rest, &addr) || text_strip(rest).len > 0 || addr.len >= sizeof buf)
        return ERR_MALFORMED;
    memcpy(buf, addr.s, addr.len);
    buf[addr.len] = 0;
    if (!parse_port_range(cut_ports(buf), &rule.port_min, &rule.port_max))
        return ERR_MALFORMED;
    return add_nets(out, rule, buf);
}

err_t policy_parse(const struct conf_line *lines, bool assume_accept, struct addr_policy *out,
                   struct conf_err *e)
{
    for (; lines; lines = lines->next) {
        struct text rest = text_of(lines->value), item;
        while (csv_next(&rest, &item)) {
            err_t err = parse_rule(item, assume_accept, out);
            if (err != OK)
                return conf_fail(e, err, "%s: Error in %s entry. Malformed policy \"%.*s\".",
                                 lines->where, lines->key, TEXT_ARG(item));
        }
    }
    return OK;
}

bool port_set_has(const struct port_set *s, uint16_t port)
{
    for (size_t i = 0; i < s->n; i++)
        if (s->ports[i] == port)
            return true;
    return false;
}

err_t port_set_parse(const char *csv, const char *name, struct port_set *out, struct conf_err *e)
{
    struct text rest = text_of(csv ? csv : ""), part;
    uint16_t *ports = calloc(rest.len / 2 + 1, sizeof *ports);
    size_t n = 0;
    if (!ports)
        return conf_fail(e, ERR_NOMEM, "out of memory");
    while (csv_next(&rest, &part)) {
        uint64_t port = 0;
        if (text_to_u64(part, UINT16_MAX, &port) != OK || port == 0) {
            free(ports);
            return conf_fail(e, ERR_MALFORMED, "Port '%.*s' out of range in %s", TEXT_ARG(part),
                             name);
        }
        ports[n++] = (uint16_t)port;
    }
    free(out->ports);
    *out = (struct port_set){ports, n};
    return OK;
}

static bool is_nickname(struct text t)
{
    if (t.len < 1 || t.len > 19)
        return false;
    for (size_t i = 0; i < t.len; i++)
        if (!isalnum((unsigned char)t.s[i]))
            return false;
    return true;
}

/* "$" or nothing, 40 hex digits, then nothing or "~nick" or "=nick" */
static bool is_fingerprint(struct text t)
{
    if (t.len > 0 && t.s[0] == '$')
        t = (struct text){t.s + 1, t.len - 1};
    if (t.len < 40)
        return false;
    for (size_t i = 0; i < 40; i++)
        if (!isxdigit((unsigned char)t.s[i]))
            return false;
    return t.len == 40 ||
           ((t.s[40] == '~' || t.s[40] == '=') && is_nickname((struct text){t.s + 41, t.len - 41}));
}

static bool is_country(struct text t)
{
    return t.len >= 3 && t.s[0] == '{' && t.s[t.len - 1] == '}';
}

static bool is_addr_pattern(struct text t)
{
    struct addr_policy scratch = {0};
    bool looks = memchr(t.s, '.', t.len) || memchr(t.s, ':', t.len) || memchr(t.s, '*', t.len);
    bool ok = looks && parse_rule(t, true, &scratch) == OK;
    free(scratch.rules);
    return ok;
}

err_t nodes_check(const char *name, const char *where, const char *list, struct conf_err *e)
{
    const char *colon = where ? ": " : "";
    struct text rest = text_of(list), part;
    where = where ? where : "";
    while (csv_next(&rest, &part)) {
        if (is_country(part))
            return conf_fail(e, ERR_UNSUPPORTED,
                             "%s%s%s \"%.*s\": country codes are not supported yet, since Tunic "
                             "reads no GeoIP file.",
                             where, colon, name, TEXT_ARG(part));
        if (!is_fingerprint(part) && !is_nickname(part) && !is_addr_pattern(part))
            return conf_fail(e, ERR_MALFORMED,
                             "%s%sInvalid router list. Entry '%.*s' in %s is malformed.", where,
                             colon, TEXT_ARG(part), name);
    }
    return OK;
}

char *path_expand(const char *path, const char *home)
{
    if (path[0] != '~' || path[1] != '/' || !home)
        return strdup(path);
    size_t len = strlen(home);
    while (len > 0 && home[len - 1] == '/')
        len--;
    return text_printf("%.*s%s", (int)len, home, path + 1);
}

char *path_absolute(char *gift_path)
{
    char cwd[PATH_MAX];
    if (!gift_path || gift_path[0] == '/' || !getcwd(cwd, sizeof cwd))
        return gift_path;
    char *path = text_printf("%s/%s", cwd, gift_path);
    free(gift_path);
    return path;
}
