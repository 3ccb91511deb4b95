#include "cell/relay_extend.h"

#include "cell/chan_circ.h"

/* Length of a known type; 0 for the others, which may have any. */
static size_t spec_len(uint8_t type)
{
    switch (type) {
    case LINKSPEC_IPV4:
        return 6;
    case LINKSPEC_IPV6:
        return 18;
    case LINKSPEC_RSA_ID:
        return sizeof(struct rsa_id);
    case LINKSPEC_ED_ID:
        return sizeof(struct ed_id);
    default:
        return 0;
    }
}

static bool specs_have(const struct linkspecs *specs, uint8_t type)
{
    for (size_t i = 0; i < specs->n; i++) {
        if (specs->s[i].type == type)
            return true;
    }
    return false;
}

static err_t linkspec_decode(struct rd *r, struct linkspecs *out)
{
    struct linkspec s = {.type = rd_u8(r), .len = 0};
    s.len = rd_u8(r);
    s.body = rd_bytes(r, s.len);
    TRY(rd_ok(r));
    size_t want = spec_len(s.type);
    if (want && s.len != want)
        return ERR_MALFORMED;
    /* tor-spec 5.1.2: "Nodes SHOULD reject link specifier lists that include multiple instances of
     * either one of those" identities. */
    bool identity = s.type == LINKSPEC_RSA_ID || s.type == LINKSPEC_ED_ID;
    if (identity && specs_have(out, s.type))
        return ERR_MALFORMED;
    out->s[out->n++] = s;
    return OK;
}

err_t linkspecs_decode(struct rd *r, struct linkspecs *out)
{
    out->n = 0;
    uint8_t n = rd_u8(r);
    if (n > LINKSPECS_MAX)
        return ERR_LIMIT;
    for (size_t i = 0; i < n; i++)
        TRY(linkspec_decode(r, out));
    return rd_ok(r);
}

err_t linkspecs_encode(struct wr *w, const struct linkspecs *m)
{
    if (m->n > LINKSPECS_MAX)
        return ERR_ARG;
    wr_u8(w, (uint8_t)m->n);
    for (size_t i = 0; i < m->n; i++) {
        wr_u8(w, m->s[i].type);
        wr_u8(w, m->s[i].len);
        wr_bytes(w, m->s[i].body, m->s[i].len);
    }
    return wr_end(w);
}

/* Adds what was written to W since START. */
static void specs_add(struct linkspecs *out, uint8_t type, const struct wr *w, size_t start)
{
    out->s[out->n++] =
        (struct linkspec){.type = type, .len = (uint8_t)(w->len - start), .body = w->base + start};
}

static void specs_add_ipport(struct linkspecs *out, uint8_t type, struct wr *w,
                             const struct ipport *ap)
{
    size_t start = w->len;
    wr_bytes(w, ap->ip.b, ip_len(&ap->ip));
    wr_u16(w, ap->port);
    specs_add(out, type, w, start);
}

void linkspecs_make(const struct linkspec_relay *relay, uint8_t storage[LINKSPECS_STORAGE],
                    struct linkspecs *out)
{
    struct wr w = wr_over(storage, LINKSPECS_STORAGE);
    out->n = 0;
    /* tor-spec 5.1.2: "SHOULD send these link specifiers, if using them, in this order: [00], [02],
     * [03], [01]." */
    if (relay->v4.ip.family == IP_V4)
        specs_add_ipport(out, LINKSPEC_IPV4, &w, &relay->v4);
    if (relay->has_rsa) {
        size_t start = w.len;
        wr_bytes(&w, relay->rsa.b, sizeof relay->rsa.b);
        specs_add(out, LINKSPEC_RSA_ID, &w, start);
    }
    if (relay->has_ed) {
        size_t start = w.len;
        wr_bytes(&w, relay->ed.b, sizeof relay->ed.b);
        specs_add(out, LINKSPEC_ED_ID, &w, start);
    }
    if (relay->v6.ip.family == IP_V6)
        specs_add_ipport(out, LINKSPEC_IPV6, &w, &relay->v6);
}

static struct ipport ipport_read(struct rd *r, enum ip_family family)
{
    struct ipport ap = {.ip = {.family = (uint8_t)family}};
    rd_copy(r, ap.ip.b, ip_len(&ap.ip));
    ap.port = rd_u16(r);
    return ap;
}

static void linkspec_read(const struct linkspec *s, struct linkspec_relay *out)
{
    struct rd r = rd_over(s->body, s->len);
    if (s->len != spec_len(s->type))
        return;
    switch (s->type) {
    case LINKSPEC_IPV4:
        if (out->v4.ip.family == IP_NONE)
            out->v4 = ipport_read(&r, IP_V4);
        break;
    case LINKSPEC_IPV6:
        if (out->v6.ip.family == IP_NONE)
            out->v6 = ipport_read(&r, IP_V6);
        break;
    case LINKSPEC_RSA_ID:
        if (!out->has_rsa)
            out->has_rsa = rd_copy(&r, out->rsa.b, sizeof out->rsa.b);
        break;
    case LINKSPEC_ED_ID:
        if (!out->has_ed)
            out->has_ed = rd_copy(&r, out->ed.b, sizeof out->ed.b);
        break;
    default: /* tor-spec 5.1.2: "Nodes MUST ignore unrecognized specifiers" */
        break;
    }
}

void linkspecs_read(const struct linkspecs *specs, struct linkspec_relay *out)
{
    *out = (struct linkspec_relay){.has_rsa = false};
    for (size_t i = 0; i < specs->n; i++)
        linkspec_read(&specs->s[i], out);
}

err_t relay_extend2_decode(struct rd r, struct relay_extend2 *out)
{
    TRY(linkspecs_decode(&r, &out->specs));
    out->htype = rd_u16(&r);
    out->hlen = rd_u16(&r);
    out->hdata = rd_bytes(&r, out->hlen);
    TRY(rd_end(&r));
    return specs_have(&out->specs, LINKSPEC_RSA_ID) ? OK : ERR_MALFORMED;
}

err_t relay_extend2_encode(struct wr *w, const struct relay_extend2 *m)
{
    if (!specs_have(&m->specs, LINKSPEC_RSA_ID))
        return ERR_ARG;
    TRY(linkspecs_encode(w, &m->specs));
    wr_u16(w, m->htype);
    wr_u16(w, m->hlen);
    wr_bytes(w, m->hdata, m->hlen);
    return wr_end(w);
}

err_t relay_extended2_decode(struct rd r, struct relay_extended2 *out)
{
    out->hlen = rd_u16(&r);
    out->hdata = rd_bytes(&r, out->hlen);
    return rd_end(&r);
}

err_t relay_extended2_encode(struct wr *w, const struct relay_extended2 *m)
{
    if (m->hlen > CREATED2_DATA_MAX)
        return ERR_ARG;
    wr_u16(w, m->hlen);
    wr_bytes(w, m->hdata, m->hlen);
    return wr_end(w);
}

err_t relay_truncated_decode(struct rd r, struct relay_truncated *out)
{
    out->reason = rd_u8(&r);
    return rd_end(&r);
}

err_t relay_truncated_encode(struct wr *w, const struct relay_truncated *m)
{
    wr_u8(w, m->reason);
    return wr_end(w);
}
