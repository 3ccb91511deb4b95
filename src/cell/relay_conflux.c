#include "cell/relay_conflux.h"

err_t relay_conflux_link_decode(struct rd r, struct relay_conflux_link *out)
{
    uint8_t version = rd_u8(&r);
    rd_copy(&r, out->nonce, sizeof out->nonce);
    out->last_seqno_sent = rd_u64(&r);
    out->last_seqno_recv = rd_u64(&r);
    out->desired_ux = rd_u8(&r);
    TRY(rd_end(&r));
    if (version != 1)
        return ERR_UNSUPPORTED;
    return out->desired_ux <= CONFLUX_UX_LOW_MEM_THROUGHPUT ? OK : ERR_MALFORMED;
}

err_t relay_conflux_link_encode(struct wr *w, const struct relay_conflux_link *m)
{
    wr_u8(w, 1);
    wr_bytes(w, m->nonce, sizeof m->nonce);
    wr_u64(w, m->last_seqno_sent);
    wr_u64(w, m->last_seqno_recv);
    wr_u8(w, m->desired_ux);
    return wr_end(w);
}

err_t relay_conflux_switch_decode(struct rd r, struct relay_conflux_switch *out)
{
    out->seqno = rd_u32(&r);
    /* Relays before 0.4.9.3 announce the longest message there is: what follows is padding. */
    return rd_ok(&r);
}

err_t relay_conflux_switch_encode(struct wr *w, const struct relay_conflux_switch *m)
{
    wr_u32(w, m->seqno);
    return wr_end(w);
}
