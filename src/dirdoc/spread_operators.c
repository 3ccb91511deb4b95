/* Operators: how many relays each has, where, under which policy and as what family. */
#include <stdio.h>

#include "crypto/encode.h"
#include "dirdoc/spread_int.h"

/* A /16: one of the large hosts', one of the many small ones, or one of its own. */
static uint16_t draw_net(struct spread *s)
{
    enum { SMALL = 900, FRESH_PERMYRIAD = 1430 };
    uint64_t at = spread_below(s, WHOLE);
    for (size_t i = 0; i < n_spread_nets; i++) {
        if (at < spread_nets[i])
            return (uint16_t)i;
        at -= spread_nets[i];
    }
    if (at < FRESH_PERMYRIAD)
        return (uint16_t)((n_spread_nets + SMALL + s->fresh_nets++) % NETS);
    /* The square makes the k-th of them hold about 1/sqrt(k) of what the first does. */
    uint64_t u = spread_below(s, WHOLE);
    return (uint16_t)(n_spread_nets + u * u * SMALL / ((uint64_t)WHOLE * WHOLE));
}

static uint16_t draw_net6(struct spread *s)
{
    enum { USED = 540 };
    uint64_t u = spread_below(s, WHOLE);
    return (uint16_t)(u * u * u * USED / ((uint64_t)WHOLE * WHOLE * WHOLE));
}

static void draw_name(struct spread *s, struct spread_owner *o)
{
    static const char *const parts[] = {"tor", "relay", "onion", "node", "fox",   "nord", "sky",
                                        "lin", "free",  "quiet", "ash",  "river", "mo",   "ka"};
    const size_t n = sizeof parts / sizeof parts[0];
    enum { UNNAMED_PERMYRIAD = 500 };
    if (o->n == 1 && spread_happens(s, UNNAMED_PERMYRIAD)) {
        snprintf(o->name, sizeof o->name, "Unnamed");
        o->same_name = true;
        return;
    }
    snprintf(o->name, sizeof o->name, "%s%s%u", parts[spread_below(s, n)],
             parts[spread_below(s, n)], (unsigned)spread_below(s, 1000));
    o->same_name = o->n == 1 || spread_happens(s, 3000);
}

static void make_id(struct spread *s, char out[FAMILY_ID_SIZE])
{
    uint8_t key[32];
    char text[BASE64_SIZE(32)];
    env_random(s->env, key, sizeof key);
    snprintf(out, FAMILY_ID_SIZE, "ed25519:%s", base64_encode(key, sizeof key, false, text));
}

static void draw_family(struct spread *s, struct spread_owner *o)
{
    enum { TWO_IDS_PERMYRIAD = 500 };
    if (o->n == 1)
        return; /* FAMILY_NONE */
    o->family = ((const struct spread_family *)SPREAD_ROW(s, spread_families))->kind;
    if (o->family != FAMILY_BOTH && o->family != FAMILY_IDS)
        return;
    make_id(s, o->id);
    if (spread_happens(s, TWO_IDS_PERMYRIAD))
        make_id(s, o->other_id);
}

static void draw_owner(struct spread *s, struct spread_owner *o)
{
    static const uint16_t ports[] = {443, 443, 443, 9001, 9001, 9001, 9002, 9000, 8443};
    o->net = draw_net(s);
    o->net6 = draw_net6(s);
    o->ipv6 = spread_happens(s, o->exits ? 7950 : 4000);
    o->or_port = ports[spread_below(s, sizeof ports / sizeof ports[0])];
    if (o->exits)
        o->policy = ((const struct spread_text *)SPREAD_ROW(s, spread_policies))->text;
    draw_name(s, o);
    draw_family(s, o);
}

/* The size of the next operator, when DONE relays have one: of the kind that lacks most of its
 * share, of those that are not too large for a network of this size. */
static uint32_t next_size(struct spread *s, const uint64_t *had, uint32_t done, size_t *kind)
{
    enum { LARGEST_PART = 16 };
    int64_t most = INT64_MIN;
    for (size_t i = 0; i < n_spread_operators; i++) {
        const struct spread_operators *k = &spread_operators[i];
        int64_t lacks = (int64_t)((uint64_t)k->weight * (done + 1)) - (int64_t)(had[i] * WHOLE);
        if (lacks <= most || (k->most > 1 && k->most > s->n / LARGEST_PART))
            continue;
        most = lacks;
        *kind = i;
    }
    const struct spread_operators *k = &spread_operators[*kind];
    uint64_t n = k->least + spread_below(s, k->most - k->least + 1);
    return n < s->n - done ? (uint32_t)n : s->n - done;
}

void spread_owners_make(struct spread *s)
{
    enum { EXITS_PERMYRIAD = 2720 };
    uint64_t had[16] = {0}, exits = 0;
    for (uint32_t done = 0; done < s->n;) {
        struct spread_owner *o = &s->owners[s->n_owners];
        size_t kind = 0;
        o->first = done;
        o->n = next_size(s, had, done, &kind);
        o->exits = exits * WHOLE < (uint64_t)EXITS_PERMYRIAD * done;
        exits += o->exits ? o->n : 0;
        had[kind] += o->n;
        draw_owner(s, o);
        for (uint32_t i = 0; i < o->n; i++)
            s->owner_of[done + i] = (uint32_t)s->n_owners;
        done += o->n;
        s->n_owners++;
    }
}
