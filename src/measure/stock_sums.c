/* What a measurement of a relay of unmodified tor has counted up to now. */
#include "measure/echohop.h"
#include "measure/stock_int.h"

struct stock_sums stock_sums(const struct stock *s)
{
    struct stock_sums sums = {.wire_in = s->gone_in, .wire_out = s->gone_out};
    for (unsigned i = 0; i < s->n; i++) {
        const struct lane *ln = &s->lanes[i];
        sums.sent += ln->sent;
        sums.back += ln->back;
        sums.checked += ln->checked;
        sums.bad += ln->bad;
        if (ln->link && !ln->over) {
            sums.wire_in += link_bytes_in(ln->link);
            sums.wire_out += link_bytes_out(ln->link);
        }
    }
    if (s->config.hop) {
        const struct echohop_counts hop = echohop_counts(s->config.hop);
        sums.hop_cells = hop.cells;
        sums.wire_in += hop.bytes_in;
        sums.wire_out += hop.bytes_out;
    }
    if (s->config.sockets->cpu_us)
        sums.cpu_us = s->config.sockets->cpu_us(s->config.world);
    return sums;
}

uint64_t stock_flying(const struct stock *s)
{
    uint64_t flying = 0;
    if (s->config.told.mode != MEAS_ECHO2)
        return 0;
    for (unsigned i = 0; i < s->n; i++)
        flying += s->lanes[i].sent - s->lanes[i].back;
    return flying;
}
