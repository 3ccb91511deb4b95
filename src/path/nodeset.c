#include "path/nodeset.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/addrpat.h"
#include "crypto/encode.h"

struct name {
    char s[NICKNAME_MAX + 1]; /* lower case */
};

struct country {
    char cc[3]; /* lower case */
};

/* Each list is allocated for the number of entries of the whole text: simple, and short-lived
 * compared to what it saves. */
struct nodeset {
    struct rsa_id *ids; /* ascending */
    struct name *names; /* ascending */
    struct addr_pattern *nets;
    struct country *countries;
    struct geoip *geoip;
    size_t n_ids, n_names, n_nets, n_countries;
};

void nodeset_free(struct nodeset **s)
{
    if (!*s)
        return;
    free((*s)->ids);
    free((*s)->names);
    free((*s)->nets);
    free((*s)->countries);
    geoip_unref(&(*s)->geoip);
    free(*s);
    *s = NULL;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* "$fp", "fp", "$fp~nick", "$fp=nick". The nickname adds nothing: the fingerprint is the relay. */
static bool parse_id(struct text t, struct rsa_id *out)
{
    if (t.len && t.s[0] == '$') {
        t.s++;
        t.len--;
    }
    if (t.len < 2 * sizeof out->b)
        return false;
    struct text hex = {t.s, 2 * sizeof out->b};
    struct text rest = {t.s + hex.len, t.len - hex.len};
    if (rest.len) {
        if (rest.s[0] != '~' && rest.s[0] != '=')
            return false;
        rest.s++;
        rest.len--;
        if (!nickname_valid(rest))
            return false;
    }
    return hex_decode_exact(hex, out->b, sizeof out->b) == OK;
}

static bool parse_country(struct text t, struct country *out)
{
    if (t.len != 4 || t.s[0] != '{' || t.s[3] != '}')
        return false;
    bool unknown = t.s[1] == '?' && t.s[2] == '?';
    if (!unknown && !text_is_alnum((struct text){t.s + 1, 2}))
        return false;
    for (size_t i = 0; i < 2; i++)
        out->cc[i] = lower(t.s[i + 1]);
    out->cc[2] = 0;
    return true;
}

static bool parse_entry(struct nodeset *s, struct text t)
{
    if (parse_id(t, &s->ids[s->n_ids])) {
        s->n_ids++;
    } else if (nickname_valid(t)) {
        struct name *n = &s->names[s->n_names++];
        for (size_t i = 0; i < t.len; i++)
            n->s[i] = lower(t.s[i]);
        n->s[t.len] = 0;
    } else if (parse_country(t, &s->countries[s->n_countries])) {
        s->n_countries++;
    } else if (addr_pattern_parse(t, &s->nets[s->n_nets]) == OK) {
        s->n_nets++;
    } else {
        return false;
    }
    return true;
}

static int id_order(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct rsa_id));
}

static int name_order(const void *a, const void *b)
{
    return strcmp(((const struct name *)a)->s, ((const struct name *)b)->s);
}

static struct nodeset *nodeset_alloc(size_t n)
{
    struct nodeset *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->ids = calloc(n, sizeof *s->ids);
    s->names = calloc(n, sizeof *s->names);
    s->nets = calloc(n, sizeof *s->nets);
    s->countries = calloc(n, sizeof *s->countries);
    if (!s->ids || !s->names || !s->nets || !s->countries)
        nodeset_free(&s);
    return s;
}

/* Gives the unfinished S up and tells WHY. */
static err_t refuse(struct nodeset *s, char *why, struct text entry)
{
    nodeset_free(&s);
    if (entry.len > 64)
        entry.len = 64;
    if (why)
        snprintf(why, NODESET_WHY_MAX,
                 "\"%.*s\" is no fingerprint, nickname, address pattern or {country}",
                 TEXT_ARG(entry));
    return ERR_MALFORMED;
}

err_t nodeset_parse(struct text list, struct nodeset **out, char *why)
{
    size_t n = 1;
    for (size_t i = 0; i < list.len; i++)
        n += list.s[i] == ',';
    if (n > NODESET_ENTRIES_MAX) {
        if (why)
            snprintf(why, NODESET_WHY_MAX, "more than %d entries", NODESET_ENTRIES_MAX);
        return ERR_LIMIT;
    }
    struct nodeset *s = nodeset_alloc(n);
    if (!s)
        return ERR_NOMEM;
    struct text entry;
    while (text_split(&list, ',', &entry)) {
        entry = text_strip(entry);
        if (entry.len && !parse_entry(s, entry))
            return refuse(s, why, entry);
    }
    qsort(s->ids, s->n_ids, sizeof *s->ids, id_order);
    qsort(s->names, s->n_names, sizeof *s->names, name_order);
    *out = s;
    return OK;
}

bool nodeset_is_empty(const struct nodeset *s)
{
    return !s || !(s->n_ids || s->n_names || s->n_nets || s->n_countries);
}

/* Two lists of what SIZE bytes without padding are. */
static bool same_items(const void *a, size_t n_a, const void *b, size_t n_b, size_t size)
{
    return n_a == n_b && (!n_a || memcmp(a, b, n_a * size) == 0);
}

bool nodeset_equal(const struct nodeset *a, const struct nodeset *b)
{
    if (nodeset_is_empty(a) || nodeset_is_empty(b))
        return nodeset_is_empty(a) && nodeset_is_empty(b);
    return same_items(a->ids, a->n_ids, b->ids, b->n_ids, sizeof *a->ids) &&
           same_items(a->names, a->n_names, b->names, b->n_names, sizeof *a->names) &&
           same_items(a->nets, a->n_nets, b->nets, b->n_nets, sizeof *a->nets) &&
           same_items(a->countries, a->n_countries, b->countries, b->n_countries,
                      sizeof *a->countries);
}

void nodeset_locate(struct nodeset *s, struct geoip *geoip)
{
    geoip_ref(geoip);
    geoip_unref(&s->geoip);
    s->geoip = geoip;
}

/* C tor, node_set_country(): a relay is where its IPv4 address is. */
static bool has_country(const struct nodeset *s, const struct router *r)
{
    char cc[GEOIP_CC];
    if (!s->n_countries || !s->geoip)
        return false;
    const struct ip ip = ip_v4(r->v4);
    const char *there = geoip_country(s->geoip, &ip, cc);
    for (size_t i = 0; i < s->n_countries; i++)
        if (strcmp(s->countries[i].cc, there) == 0)
            return true;
    return false;
}

bool nodeset_has(const struct nodeset *s, const struct router *r)
{
    if (!s)
        return false;
    if (bsearch(&r->rsa, s->ids, s->n_ids, sizeof *s->ids, id_order))
        return true;
    struct name name = {""};
    for (size_t i = 0; i < sizeof name.s - 1 && r->nickname[i]; i++)
        name.s[i] = lower(r->nickname[i]);
    if (bsearch(&name, s->names, s->n_names, sizeof *s->names, name_order))
        return true;
    struct ipport v4 = router_orport(r), v6 = router_orport6(r);
    for (size_t i = 0; i < s->n_nets; i++)
        if (addr_pattern_has(&s->nets[i], &v4.ip, v4.port) ||
            (v6.ip.family != IP_NONE && addr_pattern_has(&s->nets[i], &v6.ip, v6.port)))
            return true;
    return has_country(s, r);
}

const char *nodeset_country(const struct nodeset *s, size_t i)
{
    return s && i < s->n_countries ? s->countries[i].cc : NULL;
}
