#include "check/pcreate.h"

#include "base/rd.h"

uint32_t pcreate2(struct probe *p, uint16_t htype, size_t hlen, const void *hdata, size_t len)
{
    uint8_t body[CELL_BODY_LEN];
    struct wr w = wr_over(body, sizeof body);
    uint32_t id = probe_new_id(p);
    wr_u16(&w, htype);
    wr_u16(&w, (uint16_t)hlen);
    wr_bytes(&w, hdata, len);
    probe_cell(p, id, CELL_CREATE2, body, w.len);
    return id;
}

uint8_t pcreate_refused(struct probe *p, uint32_t id)
{
    return probe_await_destroy(p, id);
}

const uint8_t *pcreate_answered(struct probe *p, uint32_t id, size_t *len)
{
    struct probe_cell cell;
    struct chan_created2 m;
    *len = 0;
    if (!probe_await(p, CELL_CREATED2, &cell))
        return NULL;
    TRIAL_EXPECT(p->t, cell.circ_id == id, "CREATED2 came for another circuit");
    TRIAL_EXPECT(p->t, chan_created2_decode(rd_over(cell.body, cell.len), &m) == OK,
                 "CREATED2 is malformed");
    if (!trial_goes_on(p->t))
        return NULL;
    *len = m.hlen;
    return m.hdata;
}

bool pcreate_ntor(struct trial *t, struct ntor_client *st, uint8_t skin[NTOR_SKIN_LEN])
{
    struct check_run *run = t->run;
    if (!pcirc_know_key(t))
        return false;
    ntor_client_begin(run->env, &run->rsa, &run->ntor, st, skin);
    return true;
}
