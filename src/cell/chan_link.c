#include "cell/chan_link.h"

err_t chan_versions_decode(struct rd r, struct chan_versions *out)
{
    /* tor-spec 4.1: "MUST close the connection if the versions cell is not well-formed (for
     * example, if the payload contains an odd number of bytes)" */
    if (r.left % 2 != 0)
        return ERR_MALFORMED;
    if (r.left / 2 > CHAN_VERSIONS_MAX)
        return ERR_LIMIT;
    out->n = r.left / 2;
    for (size_t i = 0; i < out->n; i++)
        out->v[i] = rd_u16(&r);
    return rd_end(&r);
}

err_t chan_versions_encode(struct wr *w, const struct chan_versions *m)
{
    for (size_t i = 0; i < m->n; i++)
        wr_u16(w, m->v[i]);
    return wr_end(w);
}

uint16_t chan_versions_common(const struct chan_versions *a, const struct chan_versions *b)
{
    uint16_t best = 0;
    for (size_t i = 0; i < a->n; i++) {
        for (size_t j = 0; j < b->n; j++) {
            if (a->v[i] == b->v[j] && a->v[i] > best)
                best = a->v[i];
        }
    }
    return best;
}

err_t chan_certs_decode(struct rd r, struct chan_certs *out)
{
    uint8_t n = rd_u8(&r);
    if (n > CHAN_CERTS_MAX)
        return ERR_LIMIT;
    out->n = n;
    for (size_t i = 0; i < n; i++) {
        struct chan_cert *cert = &out->c[i];
        cert->type = rd_u8(&r);
        cert->len = rd_u16(&r);
        cert->body = rd_bytes(&r, cert->len);
    }
    /* tor-spec 4.2: "Any extra octets at the end of a CERTS cell MUST be ignored." */
    return rd_ok(&r);
}

err_t chan_certs_encode(struct wr *w, const struct chan_certs *m)
{
    if (m->n > CHAN_CERTS_MAX)
        return ERR_ARG;
    wr_u8(w, (uint8_t)m->n);
    for (size_t i = 0; i < m->n; i++) {
        wr_u8(w, m->c[i].type);
        wr_u16(w, m->c[i].len);
        wr_bytes(w, m->c[i].body, m->c[i].len);
    }
    return wr_end(w);
}

err_t chan_auth_challenge_decode(struct rd r, struct chan_auth_challenge *out)
{
    rd_copy(&r, out->challenge, sizeof out->challenge);
    uint16_t n = rd_u16(&r);
    if (n > CHAN_AUTH_METHODS_MAX)
        return ERR_LIMIT;
    out->n_methods = n;
    for (size_t i = 0; i < n; i++)
        out->methods[i] = rd_u16(&r);
    /* tor-spec 4.3: "Initiators MUST ignore unexpected bytes at the end of the cell." */
    return rd_ok(&r);
}

err_t chan_auth_challenge_encode(struct wr *w, const struct chan_auth_challenge *m)
{
    if (m->n_methods > CHAN_AUTH_METHODS_MAX)
        return ERR_ARG;
    wr_bytes(w, m->challenge, sizeof m->challenge);
    wr_u16(w, (uint16_t)m->n_methods);
    for (size_t i = 0; i < m->n_methods; i++)
        wr_u16(w, m->methods[i]);
    return wr_end(w);
}

err_t chan_authenticate_decode(struct rd r, struct chan_authenticate *out)
{
    out->type = rd_u16(&r);
    out->len = rd_u16(&r);
    out->auth = rd_bytes(&r, out->len);
    /* tor-spec 4.4: "Responders MUST ignore extra bytes at the end of an AUTHENTICATE cell." */
    return rd_ok(&r);
}

err_t chan_authenticate_encode(struct wr *w, const struct chan_authenticate *m)
{
    wr_u16(w, m->type);
    wr_u16(w, m->len);
    wr_bytes(w, m->auth, m->len);
    return wr_end(w);
}

static struct ip netinfo_addr_decode(struct rd *r)
{
    uint8_t type = rd_u8(r);
    uint8_t len = rd_u8(r);
    const uint8_t *value = rd_bytes(r, len);
    /* tor-spec 4.5: "If the ALEN value is wrong for the given ATYPE value, then the provided
     * address should be ignored." */
    if (value && type == IP_V4 && len == 4)
        return ip_v4(value);
    if (value && type == IP_V6 && len == 16)
        return ip_v6(value);
    return (struct ip){.family = IP_NONE};
}

err_t chan_netinfo_decode(struct rd r, struct chan_netinfo *out)
{
    out->timestamp = rd_u32(&r);
    out->other = netinfo_addr_decode(&r);
    out->n_mine = 0;
    uint8_t n = rd_u8(&r); /* at most 255 rounds; fails early when the body is over */
    for (size_t i = 0; i < n && !r.failed; i++) {
        struct ip ip = netinfo_addr_decode(&r);
        if (ip.family != IP_NONE && out->n_mine < CHAN_NETINFO_ADDRS_MAX)
            out->mine[out->n_mine++] = ip;
    }
    /* tor-spec 4.5: "Implementations MUST ignore unexpected bytes at the end of the cell." */
    return rd_ok(&r);
}

static void netinfo_addr_encode(struct wr *w, const struct ip *ip)
{
    wr_u8(w, ip->family); /* the address types have the numbers of enum ip_family */
    wr_u8(w, (uint8_t)ip_len(ip));
    wr_bytes(w, ip->b, ip_len(ip));
}

err_t chan_netinfo_encode(struct wr *w, const struct chan_netinfo *m)
{
    if (m->other.family == IP_NONE || m->n_mine > CHAN_NETINFO_ADDRS_MAX)
        return ERR_ARG;
    wr_u32(w, m->timestamp);
    netinfo_addr_encode(w, &m->other);
    wr_u8(w, (uint8_t)m->n_mine);
    for (size_t i = 0; i < m->n_mine; i++) {
        if (m->mine[i].family == IP_NONE)
            return ERR_ARG;
        netinfo_addr_encode(w, &m->mine[i]);
    }
    return wr_end(w);
}

err_t chan_padding_negotiate_decode(struct rd r, struct chan_padding_negotiate *out)
{
    uint8_t version = rd_u8(&r);
    out->command = rd_u8(&r);
    out->ito_low_ms = rd_u16(&r);
    out->ito_high_ms = rd_u16(&r);
    TRY(rd_ok(&r)); /* tor-spec 3: "Receivers MUST ignore padding bytes." */
    if (version != 0)
        return ERR_UNSUPPORTED;
    bool known = out->command == CHAN_PADDING_STOP || out->command == CHAN_PADDING_START;
    return known ? OK : ERR_MALFORMED;
}

err_t chan_padding_negotiate_encode(struct wr *w, const struct chan_padding_negotiate *m)
{
    bool start = m->command == CHAN_PADDING_START;
    wr_u8(w, 0);
    wr_u8(w, m->command);
    wr_u16(w, start ? m->ito_low_ms : 0);
    wr_u16(w, start ? m->ito_high_ms : 0);
    return wr_end(w);
}
