#include "client/meter.h"

#include "client/ocirc.h"

enum {
    METERED = EVENT_BIT(EVENT_BW) | EVENT_BIT(EVENT_CIRC_BW) | EVENT_BIT(EVENT_STREAM_BW) |
              EVENT_BIT(EVENT_CONN_BW) | EVENT_BIT(EVENT_CELL_STATS)
};

static unsigned wanted(const struct meter *m)
{
    unsigned kinds = 0;
    for (unsigned kind = EVENT_BW; kind <= EVENT_CELL_STATS; kind++)
        if (events_wanted(m->events, kind))
            kinds |= EVENT_BIT(kind);
    return kinds;
}

static struct event_bw read_total(struct meter *m)
{
    struct linkpool_bytes now = linkpool_bytes(m->links);
    struct event_bw bw = {.read = now.in - m->told.in, .written = now.out - m->told.out};
    m->told = now;
    return bw;
}

static void tell_total(struct meter *m)
{
    const struct event_record e = {.kind = EVENT_BW, .bw = read_total(m)};
    m->seconds[m->next] = e.bw;
    m->next = (m->next + 1) % METER_SECONDS;
    m->n += m->n < METER_SECONDS;
    events_tell(m->events, &e);
}

/* ---- circuits ---- */

/* What CELLS more could have held than DATA (circuituse.c, circuit_read_valid_data()). */
static uint64_t overhead(uint64_t cells, uint64_t data)
{
    return cells * RELAY_DATA_MAX - data;
}

static void add_congestion(const struct ocirc *oc, struct event_circ_bw *e)
{
    struct circ_congestion cc;
    e->has_cc = circ_congestion(oc->circ, circ_hops(oc->circ), &cc);
    if (!e->has_cc)
        return;
    e->in_slow_start = cc.in_slow_start;
    e->cwnd = cc.cwnd;
    e->rtt_ms = cc.ewma_rtt_us / US_PER_MS;
    e->min_rtt_ms = cc.min_rtt_us / US_PER_MS;
}

static void tell_circuit_bytes(void *arg, struct ocirc *oc)
{
    struct meter *m = arg;
    if (!oc->circ)
        return;
    const struct circ_counts *now = circ_counts(oc->circ), *before = &oc->told_bytes;
    uint64_t in = now->cells_in - before->cells_in, out = now->cells_out - before->cells_out;
    uint64_t data_in = now->data_in - before->data_in, data_out = now->data_out - before->data_out;
    struct event_record e = {.kind = EVENT_CIRC_BW,
                             .circ_bw = {.id = oc->id,
                                         .read = in * CELL_BODY_LEN,
                                         .written = out * CELL_BODY_LEN,
                                         .delivered_read = data_in,
                                         .overhead_read = overhead(in, data_in),
                                         .delivered_written = data_out,
                                         .overhead_written = overhead(out, data_out)}};
    add_congestion(oc, &e.circ_bw);
    oc->told_bytes = *now;
    if (in || out)
        events_tell(m->events, &e);
}

/* C tor, congestion_control_vegas_exit_slow_start(): "We need to report that slow start has exited
 * ASAP, for sbws bandwidth measurement." */
static void on_steady(void *arg, struct ocirc *oc)
{
    struct meter *m = arg;
    if (m->wanted & EVENT_BIT(EVENT_CIRC_BW))
        tell_circuit_bytes(m, oc);
}

static void tell_circuit_cells(void *arg, struct ocirc *oc)
{
    struct meter *m = arg;
    if (!oc->circ || oc->state == OCIRC_CLOSED)
        return;
    const struct circ_counts *now = circ_counts(oc->circ), *before = &oc->told_cells;
    uint64_t early = now->early_out - before->early_out;
    bool is_first = !oc->told_create, any = is_first || now->cells_out != before->cells_out;
    const struct event_record e = {
        .kind = EVENT_CELL_STATS,
        .cell_stats = {.id = oc->id,
                       .conn = linkpool_id(m->links, oc->link),
                       .queue = circ_id(oc->circ),
                       .relay = now->cells_out - before->cells_out - early,
                       .relay_early = early,
                       .create2 = is_first && !oc->plan.fast,
                       .create_fast = is_first && oc->plan.fast}};
    oc->told_cells = *now;
    oc->told_create = true;
    if (any)
        events_tell(m->events, &e);
}

/* ---- all of it ---- */

static void tell_stream(void *arg, struct ostream *s)
{
    (void)arg;
    ostream_tell_bytes(s);
}

static void tell(struct meter *m, unsigned kinds)
{
    if (kinds & EVENT_BIT(EVENT_STREAM_BW))
        ostreams_each(m->streams, tell_stream, NULL);
    if (kinds & EVENT_BIT(EVENT_CONN_BW))
        linkpool_tell_bytes(m->links);
    if (kinds & EVENT_BIT(EVENT_CIRC_BW))
        circuits_each(m->circuits, tell_circuit_bytes, m);
    if (kinds & EVENT_BIT(EVENT_CELL_STATS))
        circuits_each(m->circuits, tell_circuit_cells, m);
}

static void due(void *arg)
{
    struct meter *m = arg;
    env_arm_ms(m->env, &m->due, MS_PER_SEC);
    tell_total(m);
    tell(m, m->wanted);
}

/* Called before a new listener's kinds count (events_listen()), so that these go to nobody. */
static void wants_changed(void *arg)
{
    struct meter *m = arg;
    unsigned now = wanted(m), fresh = now & ~m->wanted;
    if (now && !m->wanted) {
        (void)read_total(m);
        env_arm_ms(m->env, &m->due, MS_PER_SEC);
    } else if (!now) {
        env_disarm(m->env, &m->due);
    }
    m->wanted = now;
    tell(m, fresh);
}

void meter_init(struct meter *m, struct env *env, struct events *events, struct linkpool *links,
                struct circuits *circuits, struct ostreams *streams)
{
    *m = (struct meter){
        .env = env, .events = events, .links = links, .circuits = circuits, .streams = streams};
    timer_init(&m->due, due, m);
    circuits_on_steady(circuits, on_steady, m);
    events_watch(events, wants_changed, m);
}

void meter_stop(struct meter *m)
{
    if (!m->env)
        return;
    events_watch(m->events, NULL, NULL);
    env_disarm(m->env, &m->due);
}

const struct event_bw *meter_second(const struct meter *m, size_t i)
{
    return i < m->n ? &m->seconds[(m->next + METER_SECONDS - m->n + i) % METER_SECONDS] : NULL;
}
