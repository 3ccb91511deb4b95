/* BW, CIRC_BW, STREAM_BW, CONN_BW and CELL_STATS
 * (control-spec 4.1.4, 4.1.22, 4.1.13, 4.1.21, 4.1.23): what went in a second.
 */
#include "control/ev.h"

#include <inttypes.h>

#include "conf/options.h"
#include "control/control.h"
#include "dir/doc.h"

void ev_time(struct text_out *out, int64_t wall_us)
{
    char text[DOC_TIME_TEXT_MAX]; /* "2026-11-30 00:29:24" */
    doc_time_text(wall_us / US_PER_SEC, text);
    out_printf(out, "%.10sT%s.%06d", text, text + 11, (int)(wall_us % US_PER_SEC));
}

void ev_bw(struct control *c, const struct event_record *e, struct text_out *out)
{
    (void)c;
    out_printf(out, "650 BW %" PRIu64 " %" PRIu64 "\r\n", e->bw.read, e->bw.written);
}

void ev_circ_bw(struct control *c, const struct event_record *e, struct text_out *out)
{
    const struct event_circ_bw *b = &e->circ_bw;
    (void)c;
    out_printf(out, "650 CIRC_BW ID=%" PRIu64 " READ=%" PRIu64 " WRITTEN=%" PRIu64 " TIME=", b->id,
               b->read, b->written);
    ev_time(out, e->wall_us);
    out_printf(out,
               " DELIVERED_READ=%" PRIu64 " OVERHEAD_READ=%" PRIu64 " DELIVERED_WRITTEN=%" PRIu64
               " OVERHEAD_WRITTEN=%" PRIu64,
               b->delivered_read, b->overhead_read, b->delivered_written, b->overhead_written);
    if (b->has_cc) /* congestion_control_get_control_port_fields() */
        out_printf(out, " SS=%d CWND=%" PRIu64 " RTT=%" PRIu64 " MIN_RTT=%" PRIu64,
                   b->in_slow_start, b->cwnd, b->rtt_ms, b->min_rtt_ms);
    out_str(out, "\r\n");
}

void ev_stream_bw(struct control *c, const struct event_record *e, struct text_out *out)
{
    const struct event_stream_bw *b = &e->stream_bw;
    (void)c;
    out_printf(out, "650 STREAM_BW %" PRIu64 " %" PRIu64 " %" PRIu64 " ", b->id, b->written,
               b->read);
    ev_time(out, e->wall_us);
    out_str(out, "\r\n");
}

void ev_conn_bw(struct control *c, const struct event_record *e, struct text_out *out)
{
    const struct event_conn_bw *b = &e->conn_bw;
    if (control_options(c)->testing_enable_conn_bw_event)
        out_printf(out,
                   "650 CONN_BW ID=%" PRIu64 " TYPE=OR READ=%" PRIu64 " WRITTEN=%" PRIu64 "\r\n",
                   b->id, b->read, b->written);
}

/* ---- CELL_STATS ---- */

struct cells {
    const char *name; /* as tor's cell_command_to_string() */
    uint64_t n;
};

/* "relay:4,create_fast:1"; with WAITED the times that they waited, which is none: cells are written
 * where their connection sends them from. */
static void list(struct text_out *out, const char *key, const struct cells *cells, size_t n,
                 bool waited)
{
    bool first = true;
    for (size_t i = 0; i < n; i++) {
        if (!cells[i].n)
            continue;
        out_printf(out, "%s%s%s:%" PRIu64, first ? key : ",", first ? "=" : "", cells[i].name,
                   waited ? 0 : cells[i].n);
        first = false;
    }
}

void ev_cell_stats(struct control *c, const struct event_record *e, struct text_out *out)
{
    const struct event_cell_stats *s = &e->cell_stats;
    const struct cells cells[] = {{"relay", s->relay},
                                  {"create_fast", s->create_fast},
                                  {"relay_early", s->relay_early},
                                  {"create2", s->create2}};
    const size_t n = sizeof cells / sizeof cells[0];
    if (!control_options(c)->testing_enable_cell_stats_event)
        return;
    out_printf(out, "650 CELL_STATS ID=%" PRIu64 " OutboundQueue=%u OutboundConn=%" PRIu64, s->id,
               s->queue, s->conn);
    list(out, " OutboundRemoved", cells, n, false);
    list(out, " OutboundTime", cells, n, true);
    out_str(out, "\r\n");
}
