#include "conf/optlists.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/addrpat.h"
#include "conf/optval.h"
#include "path/nodeset.h"

enum { POLICY_RULES_MAX = 10000 };

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

/* "private" or "private:80": the networks that are not part of the Internet. */
static err_t add_private(struct addr_policy *out, struct addr_rule rule)
{
    for (size_t i = 0; i < sizeof PRIVATE_NETS / sizeof PRIVATE_NETS[0]; i++) {
        if (ip_net_parse(PRIVATE_NETS[i], &rule.net) != OK)
            return ERR_BUG;
        TRY(policy_add(out, rule));
    }
    return OK;
}

static bool is_private(struct text addr, struct text *ports)
{
    static const char word[] = "private";
    size_t len = sizeof word - 1;
    if (addr.len < len || strncasecmp(addr.s, word, len) != 0 ||
        (addr.len > len && addr.s[len] != ':'))
        return false;
    len += addr.len > len;
    *ports = (struct text){addr.s + len, addr.len - len};
    return true;
}

/* What a rule says before its addresses. */
struct verb {
    const char *word;
    bool accept, v6_only;
};

static const struct verb *find_verb(struct text word)
{
    static const struct verb verbs[] = {{"accept", true, false},
                                        {"reject", false, false},
                                        {"accept6", true, true},
                                        {"reject6", false, true}};
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
        if (text_is_nocase(word, verbs[i].word))
            return &verbs[i];
    return NULL;
}

/* accept6 and reject6 are about IPv6: "*" is then "*6", and an IPv4 address is no rule at all, as
 * router_parse_addr_policy_item_from_string() has it. */
static err_t add_pattern(struct addr_policy *out, struct addr_rule rule, struct addr_pattern p,
                         bool v6_only)
{
    static const uint8_t zero[16];
    if (v6_only && p.net.ip.family == IP_V4)
        return OK;
    if (v6_only && p.net.ip.family == IP_NONE)
        p.net.ip = ip_v6(zero);
    rule.net = p.net;
    rule.port_min = p.port_min;
    rule.port_max = p.port_max;
    return policy_add(out, rule);
}

static err_t parse_rule(struct text item, bool assume_accept, struct addr_policy *out)
{
    struct text word, addr, ports, rest = item;
    struct addr_pattern p;
    const struct verb *verb = text_token(&rest, &word) ? find_verb(word) : NULL;
    struct addr_rule rule = {.accept = !verb || verb->accept};
    if (!verb && !assume_accept)
        return ERR_MALFORMED;
    if (!verb)
        rest = item;
    if (!text_token(&rest, &addr) || text_strip(rest).len > 0)
        return ERR_MALFORMED;
    if (is_private(addr, &ports)) {
        TRY(addr_pattern_ports(ports, &p));
        rule.port_min = p.port_min;
        rule.port_max = p.port_max;
        return add_private(out, rule);
    }
    TRY(addr_pattern_parse(addr, &p));
    return add_pattern(out, rule, p, verb && verb->v6_only);
}

err_t policy_parse(const struct conf_line *lines, bool assume_accept, struct addr_policy *out,
                   struct conf_faults *faults)
{
    for (; lines; lines = lines->next) {
        struct text rest = text_of(lines->value), item;
        while (csv_next(&rest, &item))
            TRY(conf_faults_say(faults, parse_rule(item, assume_accept, out),
                                "%s: Error in %s entry. Malformed policy \"%.*s\".", lines->where,
                                lines->key, TEXT_ARG(item)));
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
        struct text digits = part; /* tor takes a plus */
        if (digits.len > 1 && digits.s[0] == '+')
            digits = (struct text){part.s + 1, part.len - 1};
        if (text_to_u64(digits, UINT16_MAX, &port) != OK || port == 0) {
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

err_t nodes_check(const char *name, const char *where, const char *list, struct conf_err *e)
{
    char why[NODESET_WHY_MAX] = "";
    struct nodeset *set = NULL;
    const char *colon = where ? ": " : "";
    where = where ? where : "";
    err_t err = nodeset_parse(text_of(list), &set, why);
    if (err == ERR_NOMEM)
        return err;
    if (err != OK)
        return conf_fail(e, err, "%s%s%s: %s", where, colon, name, why);
    nodeset_free(&set);
    return err;
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
