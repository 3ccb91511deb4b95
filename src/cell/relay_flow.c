#include "cell/relay_flow.h"

err_t relay_sendme_decode(struct rd r, struct relay_sendme *out)
{
    *out = (struct relay_sendme){.version = 0};
    if (r.left == 0)
        return rd_ok(&r);
    out->version = rd_u8(&r);
    if (out->version == 0)
        return rd_ok(&r); /* tor-spec 7.3.1: "The rest of the payload should be ignored." */
    if (out->version != 1)
        return ERR_UNSUPPORTED;
    uint16_t len = rd_u16(&r);
    const uint8_t *tag = rd_bytes(&r, len);
    TRY(rd_end(&r));
    if (len != SENDME_TAG_V0 && len != SENDME_TAG_V1)
        return ERR_MALFORMED;
    out->tag = tag;
    out->tag_len = (uint8_t)len;
    return OK;
}

err_t relay_sendme_encode(struct wr *w, const struct relay_sendme *m)
{
    if (m->version == 0)
        return wr_end(w);
    if (m->version != 1 || (m->tag_len != SENDME_TAG_V0 && m->tag_len != SENDME_TAG_V1))
        return ERR_ARG;
    wr_u8(w, m->version);
    wr_u16(w, m->tag_len);
    wr_bytes(w, m->tag, m->tag_len);
    return wr_end(w);
}

err_t relay_xoff_decode(struct rd r)
{
    uint8_t version = rd_u8(&r);
    TRY(rd_end(&r));
    return version == 0 ? OK : ERR_UNSUPPORTED;
}

err_t relay_xoff_encode(struct wr *w)
{
    wr_u8(w, 0);
    return wr_end(w);
}

err_t relay_xon_decode(struct rd r, struct relay_xon *out)
{
    uint8_t version = rd_u8(&r);
    out->kbps = rd_u32(&r);
    TRY(rd_end(&r));
    return version == 0 ? OK : ERR_UNSUPPORTED;
}

err_t relay_xon_encode(struct wr *w, const struct relay_xon *m)
{
    wr_u8(w, 0);
    wr_u32(w, m->kbps);
    return wr_end(w);
}
