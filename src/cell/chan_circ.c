#include "cell/chan_circ.h"

/* Every decoder here ends in rd_ok(): fixed-size cells are padded, and tor-spec 3 says "Receivers
 * MUST ignore padding bytes." */

err_t chan_create_fast_decode(struct rd r, struct chan_create_fast *out)
{
    rd_copy(&r, out->x, sizeof out->x);
    return rd_ok(&r);
}

err_t chan_create_fast_encode(struct wr *w, const struct chan_create_fast *m)
{
    wr_bytes(w, m->x, sizeof m->x);
    return wr_end(w);
}

err_t chan_created_fast_decode(struct rd r, struct chan_created_fast *out)
{
    rd_copy(&r, out->y, sizeof out->y);
    rd_copy(&r, out->kh, sizeof out->kh);
    return rd_ok(&r);
}

err_t chan_created_fast_encode(struct wr *w, const struct chan_created_fast *m)
{
    wr_bytes(w, m->y, sizeof m->y);
    wr_bytes(w, m->kh, sizeof m->kh);
    return wr_end(w);
}

err_t chan_create2_decode(struct rd r, struct chan_create2 *out)
{
    out->htype = rd_u16(&r);
    out->hlen = rd_u16(&r);
    out->hdata = rd_bytes(&r, out->hlen);
    return rd_ok(&r);
}

err_t chan_create2_encode(struct wr *w, const struct chan_create2 *m)
{
    if (m->hlen > CREATE2_DATA_MAX)
        return ERR_ARG;
    wr_u16(w, m->htype);
    wr_u16(w, m->hlen);
    wr_bytes(w, m->hdata, m->hlen);
    return wr_end(w);
}

err_t chan_created2_decode(struct rd r, struct chan_created2 *out)
{
    out->hlen = rd_u16(&r);
    out->hdata = rd_bytes(&r, out->hlen);
    return rd_ok(&r);
}

err_t chan_created2_encode(struct wr *w, const struct chan_created2 *m)
{
    if (m->hlen > CREATED2_DATA_MAX)
        return ERR_ARG;
    wr_u16(w, m->hlen);
    wr_bytes(w, m->hdata, m->hlen);
    return wr_end(w);
}

err_t chan_destroy_decode(struct rd r, struct chan_destroy *out)
{
    out->reason = rd_u8(&r);
    return rd_ok(&r);
}

err_t chan_destroy_encode(struct wr *w, const struct chan_destroy *m)
{
    wr_u8(w, m->reason);
    return wr_end(w);
}
