#include "dirdoc/spread.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dirdoc/relaydoc.h"
#include "dirdoc/spread_int.h"

err_t spread_kind_parse(const char *name, enum spread_kind *out)
{
    static const char *const names[] = {
        [SPREAD_ALIKE] = "alike", [SPREAD_LIGHT] = "light", [SPREAD_LIVE] = "live"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(names[i], name) == 0) {
            *out = (enum spread_kind)i;
            return OK;
        }
    return ERR_NOT_FOUND;
}

err_t spread_new(struct env *env, uint32_t n, enum spread_kind kind, struct spread **out)
{
    struct spread *s = calloc(1, sizeof *s);
    *out = s;
    if (!s)
        return ERR_NOMEM;
    s->env = env;
    s->kind = kind;
    s->n = n;
    s->rsa = calloc(n, sizeof *s->rsa);
    s->owner_of = calloc(n, sizeof *s->owner_of);
    s->owners = calloc(n, sizeof *s->owners);
    if (!s->rsa || !s->owner_of || !s->owners) {
        spread_free(out);
        return ERR_NOMEM;
    }
    env_random(env, s->rsa, n * sizeof *s->rsa);
    spread_owners_make(s);
    return OK;
}

void spread_free(struct spread **spread)
{
    struct spread *s = *spread;
    *spread = NULL;
    if (!s)
        return;
    free(s->rsa);
    free(s->owner_of);
    free(s->owners);
    free(s);
}

/* ---- one relay ---- */

static struct ipport draw_address(struct spread *s, const struct spread_owner *o)
{
    enum { SHARED_PERMYRIAD = 2500, PORT_FROM = 9000, PORTS = 200 };
    uint16_t net = o->net, port = o->or_port;
    uint32_t *hosts = &s->hosts[net];
    bool shared = *hosts && spread_happens(s, SHARED_PERMYRIAD); /* with the one before it */
    *hosts += !shared;
    if (shared)
        port = (uint16_t)(PORT_FROM + spread_below(s, PORTS));
    const uint8_t b[4] = {(uint8_t)(240 + (net >> 8)), (uint8_t)net, (uint8_t)(*hosts >> 8),
                          (uint8_t)*hosts};
    return (struct ipport){ip_v4(b), port};
}

static struct ipport address6(const struct spread_owner *o, uint32_t i, uint16_t port)
{
    const uint8_t b[16] = {0x3f,
                           0xff,
                           (uint8_t)(o->net6 >> 8),
                           (uint8_t)o->net6,
                           [13] = (uint8_t)(i >> 16),
                           (uint8_t)(i >> 8),
                           (uint8_t)i};
    return (struct ipport){ip_v6(b), port};
}

static enum spread_class class_of(unsigned flags)
{
    bool exit = flags & ROUTER_EXIT;
    if (!(flags & ROUTER_FAST))
        return SPREAD_SLOW;
    if (flags & ROUTER_GUARD)
        return exit ? SPREAD_BOTH : SPREAD_GUARD;
    return exit ? SPREAD_EXIT : SPREAD_PLAIN;
}

/* Two digits, as measurements are published. */
static uint32_t rounded(uint64_t n)
{
    uint64_t unit = 1;
    while (n / unit >= 100)
        unit *= 10;
    return (uint32_t)((n + unit / 2) / unit * unit);
}

static uint32_t draw_bandwidth(struct spread *s, unsigned flags)
{
    enum { FINE = 1000 }; /* thousandths of thousandths */
    const uint32_t *of = spread_bandwidths[class_of(flags)];
    uint64_t u = spread_below(s, 1000 * FINE);
    size_t i = 1;
    while (u >= (uint64_t)spread_quantiles[i] * FINE)
        i++;
    uint64_t from = (uint64_t)spread_quantiles[i - 1] * FINE;
    uint64_t width = (uint64_t)spread_quantiles[i] * FINE - from;
    return rounded(of[i - 1] + (u - from) * (of[i] - of[i - 1]) / width);
}

static void plain_facts(uint32_t i, struct consdoc_relay *row)
{
    enum { PORT = 9001 };
    uint32_t host = i + 1;
    const uint8_t b[4] = {10, (uint8_t)(host >> 16), (uint8_t)(host >> 8), (uint8_t)host};
    row->flags = ROUTER_FAST | ROUTER_RUNNING | ROUTER_STABLE | ROUTER_VALID;
    row->bandwidth_kb = 1;
    row->version = "Tunic " TUNIC_VERSION;
    row->protos = RELAYDOC_PROTOS;
    row->or_port = (struct ipport){ip_v4(b), PORT};
    snprintf(row->nickname, sizeof row->nickname, "phantom%u", (unsigned)i);
}

static void draw_facts(struct spread *s, const struct spread_owner *o, uint32_t i,
                       struct consdoc_relay *row)
{
    enum { LIGHTER = 10000 };
    const struct spread_version *v = SPREAD_ROW(s, spread_versions);
    const struct spread_flags *f =
        o->exits ? SPREAD_ROW(s, spread_exit_flags) : SPREAD_ROW(s, spread_other_flags);
    row->flags = f->flags | ROUTER_RUNNING | ROUTER_VALID;
    row->bandwidth_kb = draw_bandwidth(s, row->flags);
    if (s->kind == SPREAD_LIGHT)
        row->bandwidth_kb /= LIGHTER;
    row->version = v->version;
    row->protos = v->protos;
    row->or_port = draw_address(s, o);
    if (o->ipv6)
        row->or_port6 = address6(o, i, row->or_port.port);
    if (o->same_name)
        snprintf(row->nickname, sizeof row->nickname, "%s", o->name);
    else
        snprintf(row->nickname, sizeof row->nickname, "%s%u", o->name, i - o->first);
}

/* What the relay lets out; NULL: nothing. */
static const char *draw_policy(struct spread *s, const struct spread_owner *o, unsigned flags)
{
    enum { ODD_PERMYRIAD = 60, KEPT_BACK_PERMYRIAD = 5000 };
    if (o->exits)
        return o->policy;
    if (!spread_happens(s, flags & ROUTER_BADEXIT ? KEPT_BACK_PERMYRIAD : ODD_PERMYRIAD))
        return NULL;
    return ((const struct spread_text *)SPREAD_ROW(s, spread_odd_policies))->text;
}

static int by_bytes(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct rsa_id));
}

/* " $FINGERPRINT ..." as authorities write it: all but LEFT_OUT, ascending, itself among them. */
static void write_list(struct docw *w, const struct spread *s, const struct spread_owner *o,
                       uint32_t left_out)
{
    struct rsa_id *sorted = calloc(o->n, sizeof *sorted);
    size_t n = 0;
    if (!sorted) {
        docw_fail(w, ERR_NOMEM);
        return;
    }
    for (uint32_t i = o->first; i < o->first + o->n; i++)
        if (i != left_out)
            sorted[n++] = s->rsa[i];
    qsort(sorted, n, sizeof *sorted, by_bytes);
    for (size_t i = 0; i < n; i++) {
        docw_add(w, TEXT_LIT(" $"));
        docw_hex(w, sorted[i].b, sizeof sorted[i].b);
    }
    free(sorted);
}

/* A family with gaps: each relay has forgotten the next one, so these two are no family. */
static void write_family(struct docw *w, const struct spread *s, const struct spread_owner *o,
                         uint32_t i)
{
    uint32_t next = o->first + (i - o->first + 1) % o->n;
    if (o->family != FAMILY_NONE && o->family != FAMILY_IDS)
        write_list(w, s, o, o->family == FAMILY_GAPS ? next : UINT32_MAX);
}

/* An RSAPublicKey in DER around random bytes: nobody will ever use the key, and making ten thousand
 * real ones would take minutes. */
enum { TAP_LEN = 140 };
static void make_tap(struct spread *s, uint8_t der[TAP_LEN])
{
    enum { MODULUS_AT = 7, MODULUS_LEN = 128 };
    static const uint8_t head[] = {0x30, 0x81, 0x89, 0x02, 0x81, 0x81, 0x00};
    static const uint8_t exponent[] = {0x02, 0x03, 0x01, 0x00, 0x01};
    memcpy(der, head, sizeof head);
    env_random(s->env, der + MODULUS_AT, MODULUS_LEN);
    der[MODULUS_AT] |= 0x80;
    der[MODULUS_AT + MODULUS_LEN - 1] |= 1;
    memcpy(der + MODULUS_AT + MODULUS_LEN, exponent, sizeof exponent);
}

/* What a microdescriptor says besides keys. */
struct facts {
    const char *policy, *policy6;
    struct docw family;
    char ids[2 * FAMILY_ID_SIZE + 2]; /* with the space before each */
};

static void draw_relay(struct spread *s, uint32_t i, struct consdoc_relay *row, struct facts *out)
{
    enum { IPV6_EXIT_PERMYRIAD = 8000 };
    const struct spread_owner *o = &s->owners[s->owner_of[i]];
    draw_facts(s, o, i, row);
    out->policy = draw_policy(s, o, row->flags);
    out->policy6 = o->ipv6 && spread_happens(s, IPV6_EXIT_PERMYRIAD) ? out->policy : NULL;
    write_family(&out->family, s, o, i);
    snprintf(out->ids, sizeof out->ids, "%s%s%s%s", o->id[0] ? " " : "", o->id,
             o->other_id[0] ? " " : "", o->other_id);
}

err_t spread_write(struct spread *s, uint32_t i, struct docw *microdescs, struct consdoc_relay *row)
{
    uint8_t tap[TAP_LEN], ntor[32];
    struct facts f = {.policy = NULL};
    *row = (struct consdoc_relay){.rsa = s->rsa[i]};
    make_tap(s, tap);
    env_random(s->env, ntor, sizeof ntor);
    env_random(s->env, row->ed.b, sizeof row->ed.b);
    env_random(s->env, row->descriptor_sha1, sizeof row->descriptor_sha1);
    if (s->kind == SPREAD_ALIKE)
        plain_facts(i, row);
    else
        draw_relay(s, i, row, &f);
    row->policy = f.policy ? f.policy : "reject 1-65535";
    struct relaydoc_microdesc m = {.tap_der = tap,
                                   .tap_len = sizeof tap,
                                   .ntor = ntor,
                                   .family = docw_text(&f.family),
                                   .family_ids = text_of(f.ids),
                                   .p = f.policy,
                                   .p6 = f.policy6,
                                   .ed = &row->ed};
    if (f.family.err == OK)
        relaydoc_write_microdesc(microdescs, &m, row->microdesc_sha256);
    err_t err = f.family.err != OK ? f.family.err : microdescs->err;
    docw_free(&f.family);
    return err;
}
