#include "monitor/metrics.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/version.h"
#include "cell/reason.h"
#include "client/client.h"
#include "client/events.h"
#include "client/figures.h"
#include "monitor/metrics_text.h"

/* Circuits with fewer hops are to a directory, and say nothing of how long a user waits. */
enum { USUAL_HOPS = 3 };

/* Reasons that may be counted; what lies behind counts as the last, which has no name of its own.
 */
enum { REASONS = 32, BUCKETS = 10 };

static const struct {
    uint32_t ms;
    const char *seconds;
} buckets[BUCKETS] = {{100, "0.1"}, {250, "0.25"}, {500, "0.5"},  {1000, "1"},   {2000, "2"},
                      {5000, "5"},  {10000, "10"}, {20000, "20"}, {40000, "40"}, {60000, "60"}};

/* By who said the reason: the other side, or we. */
struct reasons {
    uint64_t n[2][REASONS];
};

struct metrics {
    struct client *client;
    struct event_listener listener;
    uint64_t circuits_launched, circuits_built;
    struct reasons circuits_failed, circuits_closed;
    uint64_t build_ms, builds, builds_within[BUCKETS];
    uint64_t streams_begun[STREAM_DIR_FETCH + 1], streams_succeeded[STREAM_DIR_FETCH + 1];
    uint64_t streams_detached;
    struct reasons streams_failed, streams_closed;
    uint64_t links_launched, links_connected, links_failed[REASONS], links_closed[REASONS];
    uint64_t guards_up, guards_down;
    uint64_t consensuses, clock_jumps;
};

/* ---- counting ---- */

static void count_reason(struct reasons *r, bool remote, unsigned reason)
{
    r->n[remote][reason < REASONS ? reason : REASONS - 1]++;
}

static void count_build(struct metrics *m, int64_t ms)
{
    uint64_t took = ms > 0 ? (uint64_t)ms : 0; /* the wall clock may have been put back */
    m->builds++;
    m->build_ms += took;
    for (size_t i = 0; i < BUCKETS; i++)
        m->builds_within[i] += took <= buckets[i].ms;
}

static void count_circuit(struct metrics *m, const struct event_record *e)
{
    const struct event_circuit *c = &e->circuit;
    switch (c->status) {
    case CIRCUIT_LAUNCHED:
        m->circuits_launched++;
        break;
    case CIRCUIT_BUILT:
        m->circuits_built++;
        if (c->n_hops >= USUAL_HOPS)
            count_build(m, (e->wall_us - c->created_us) / 1000);
        break;
    case CIRCUIT_FAILED:
        count_reason(&m->circuits_failed, c->remote, c->reason);
        break;
    case CIRCUIT_CLOSED:
        count_reason(&m->circuits_closed, c->remote, c->reason);
        break;
    default:
        break;
    }
}

static void count_stream(struct metrics *m, const struct event_stream *s)
{
    switch (s->status) {
    case STREAM_NEW:
    case STREAM_NEWRESOLVE:
        m->streams_begun[s->purpose]++;
        break;
    case STREAM_SUCCEEDED:
        m->streams_succeeded[s->purpose]++;
        break;
    case STREAM_DETACHED:
        m->streams_detached++;
        break;
    case STREAM_FAILED:
        count_reason(&m->streams_failed, s->remote, s->reason);
        break;
    case STREAM_CLOSED:
        count_reason(&m->streams_closed, s->remote, s->reason);
        break;
    default:
        break;
    }
}

static void count_link(struct metrics *m, const struct event_orconn *o)
{
    unsigned reason = (unsigned)o->end.reason < REASONS ? (unsigned)o->end.reason : REASONS - 1;
    switch (o->status) {
    case ORCONN_LAUNCHED:
        m->links_launched++;
        break;
    case ORCONN_CONNECTED:
        m->links_connected++;
        break;
    case ORCONN_FAILED:
        m->links_failed[reason]++;
        break;
    case ORCONN_CLOSED:
        m->links_closed[reason]++;
        break;
    }
}

static void on_event(void *arg, const struct event_record *e)
{
    struct metrics *m = arg;
    if (e->kind == EVENT_CIRCUIT)
        count_circuit(m, e);
    else if (e->kind == EVENT_STREAM)
        count_stream(m, &e->stream);
    else if (e->kind == EVENT_ORCONN)
        count_link(m, &e->orconn);
    else if (e->kind == EVENT_GUARD && e->guard.status == GUARD_UP)
        m->guards_up++;
    else if (e->kind == EVENT_GUARD && e->guard.status == GUARD_DOWN)
        m->guards_down++;
    else if (e->kind == EVENT_DIRECTORY && e->directory.status == DIRECTORY_NEWCONSENSUS)
        m->consensuses++;
    else if (e->kind == EVENT_STATUS && e->status.what == STATUS_CLOCK_JUMPED)
        m->clock_jumps++;
}

struct metrics *metrics_new(struct client *client)
{
    struct metrics *m = calloc(1, sizeof *m);
    if (!m)
        return NULL;
    m->client = client;
    m->listener = (struct event_listener){.on_event = on_event, .arg = m};
    client_listen(client, &m->listener,
                  EVENT_BIT(EVENT_CIRCUIT) | EVENT_BIT(EVENT_STREAM) | EVENT_BIT(EVENT_ORCONN) |
                      EVENT_BIT(EVENT_GUARD) | EVENT_BIT(EVENT_DIRECTORY) |
                      EVENT_BIT(EVENT_STATUS));
    return m;
}

void metrics_free(struct metrics *m)
{
    if (!m)
        return;
    events_unlisten(&m->listener);
    free(m);
}

/* ---- the text ---- */

/* Those that came up: a family may be empty. */
static void reasons(struct text_out *out, const char *name, const char *help,
                    const struct reasons *r, const char *(*word)(uint8_t))
{
    metrics_family(out, METRICS_COUNTER, name, help);
    for (unsigned remote = 0; remote < 2; remote++)
        for (unsigned i = 0; i < REASONS; i++)
            if (r->n[remote][i])
                out_printf(out, "%s{reason=\"%s\",by=\"%s\"} %" PRIu64 "\n", name, word((uint8_t)i),
                           remote ? "peer" : "us", r->n[remote][i]);
}

static void link_reasons(struct text_out *out, const char *name, const char *help,
                         const uint64_t n[REASONS])
{
    metrics_family(out, METRICS_COUNTER, name, help);
    for (unsigned i = 0; i < REASONS; i++)
        if (n[i])
            metrics_labelled(out, name, "reason", or_reason_name((enum or_reason)i), n[i]);
}

static void by_purpose(struct text_out *out, const char *name, const char *help, const uint64_t *n)
{
    static const enum stream_purpose purposes[] = {STREAM_USER, STREAM_DNS_REQUEST,
                                                   STREAM_DIR_FETCH};
    metrics_family(out, METRICS_COUNTER, name, help);
    for (size_t i = 0; i < sizeof purposes / sizeof purposes[0]; i++)
        metrics_labelled(out, name, "purpose", stream_purpose_name(purposes[i]), n[purposes[i]]);
}

static void write_seconds(struct text_out *out, uint64_t ms)
{
    out_printf(out, "%" PRIu64 ".%03u", ms / 1000, (unsigned)(ms % 1000));
}

static void build_times(const struct metrics *m, struct text_out *out)
{
    static const char name[] = "tunic_circuit_build_seconds";
    metrics_family(out, METRICS_HISTOGRAM, name,
                   "How long circuits of three hops or more took to build");
    for (size_t i = 0; i < BUCKETS; i++)
        out_printf(out, "%s_bucket{le=\"%s\"} %" PRIu64 "\n", name, buckets[i].seconds,
                   m->builds_within[i]);
    out_printf(out, "%s_bucket{le=\"+Inf\"} %" PRIu64 "\n%s_sum ", name, m->builds, name);
    write_seconds(out, m->build_ms);
    out_printf(out, "\n%s_count %" PRIu64 "\n", name, m->builds);
}

static void build_timeout(const struct cbt_info *cbt, struct text_out *out)
{
    static const char name[] = "tunic_circuit_build_timeout_seconds";
    metrics_family(out, METRICS_GAUGE, name, "After which a circuit of three hops is given up");
    out_printf(out, "%s ", name);
    write_seconds(out, cbt->timeout_ms);
    out_char(out, '\n');
}

/* What C tor has by the same names (relay_metrics.c); most of its others are a relay's. */
static void tors_own(const struct metrics_around *a, const struct client_figures *f,
                     struct text_out *out)
{
    static const char traffic[] = "tor_relay_traffic_bytes",
                      circuits[] = "tor_relay_circuits_total",
                      conns[] = "tor_relay_connections_total";
    static const char *const families[] = {"ipv4", "ipv6"};
    const unsigned dialled[] = {a->dialled_v4, a->dialled_v6};
    metrics_family(out, METRICS_COUNTER, traffic, "Bytes over connections to relays");
    metrics_labelled(out, traffic, "direction", "read", f->bytes_read);
    metrics_labelled(out, traffic, "direction", "written", f->bytes_written);
    metrics_family(out, METRICS_GAUGE, circuits, "Circuits that are there, complete or not");
    metrics_labelled(out, circuits, "state", "opened", f->circuits_open + f->circuits_building);
    metrics_family(out, METRICS_COUNTER, conns, "Connections that were begun");
    for (size_t i = 0; i < 2; i++)
        out_printf(out,
                   "%s{type=\"OR\",direction=\"initiated\",state=\"created\",family=\"%s\"} %u\n",
                   conns, families[i], dialled[i]);
}

static void circuits(const struct metrics *m, const struct client_figures *f, struct text_out *out)
{
    static const char now[] = "tunic_circuits";
    metrics_family(out, METRICS_GAUGE, now, "Circuits at the moment");
    metrics_labelled(out, now, "state", "building", f->circuits_building);
    metrics_labelled(out, now, "state", "open", f->circuits_open);
    metrics_value(out, METRICS_COUNTER, "tunic_circuits_launched_total", "Circuits begun",
                  m->circuits_launched);
    metrics_value(out, METRICS_COUNTER, "tunic_circuits_built_total", "Circuits completed",
                  m->circuits_built);
    reasons(out, "tunic_circuits_failed_total", "Circuits that ended before they were complete",
            &m->circuits_failed, destroy_reason_name);
    reasons(out, "tunic_circuits_closed_total", "Complete circuits that ended", &m->circuits_closed,
            destroy_reason_name);
    build_times(m, out);
    build_timeout(&f->build_times, out);
}

static void streams(const struct metrics *m, const struct client_figures *f, struct text_out *out)
{
    static const char now[] = "tunic_streams";
    metrics_family(out, METRICS_GAUGE, now, "Streams of applications at the moment");
    metrics_labelled(out, now, "state", "waiting", f->streams_waiting);
    metrics_labelled(out, now, "state", "attached", f->streams - f->streams_waiting);
    by_purpose(out, "tunic_streams_begun_total", "Streams asked for", m->streams_begun);
    by_purpose(out, "tunic_streams_succeeded_total", "Streams that reached their destination",
               m->streams_succeeded);
    metrics_value(out, METRICS_COUNTER, "tunic_streams_detached_total",
                  "Attempts that failed and may be tried elsewhere", m->streams_detached);
    reasons(out, "tunic_streams_failed_total", "Streams that ended before they had succeeded",
            &m->streams_failed, end_reason_name);
    reasons(out, "tunic_streams_closed_total", "Streams that had succeeded and ended",
            &m->streams_closed, end_reason_name);
}

static void links(const struct metrics *m, const struct client_figures *f, struct text_out *out)
{
    static const char now[] = "tunic_links";
    metrics_family(out, METRICS_GAUGE, now, "Connections to relays at the moment");
    metrics_labelled(out, now, "state", "opening", f->links_opening);
    metrics_labelled(out, now, "state", "open", f->links_open);
    metrics_value(out, METRICS_GAUGE, "tunic_links_queued_bytes",
                  "Bytes for relays that wait to be sent", f->links_queued_bytes);
    metrics_value(out, METRICS_COUNTER, "tunic_links_launched_total", "Connections begun",
                  m->links_launched);
    metrics_value(out, METRICS_COUNTER, "tunic_links_connected_total", "Connections completed",
                  m->links_connected);
    link_reasons(out, "tunic_links_failed_total", "Connections that ended before they were open",
                 m->links_failed);
    link_reasons(out, "tunic_links_closed_total", "Open connections that ended", m->links_closed);
}

static void guards(const struct metrics *m, const struct client_figures *f, struct text_out *out)
{
    static const char now[] = "tunic_guards", news[] = "tunic_guard_changes_total";
    metrics_family(out, METRICS_GAUGE, now,
                   "Guards of the sample in use; one may be of several kinds");
    metrics_labelled(out, now, "kind", "sampled", f->guards);
    metrics_labelled(out, now, "kind", "primary", f->guards_primary);
    metrics_labelled(out, now, "kind", "confirmed", f->guards_confirmed);
    metrics_labelled(out, now, "kind", "down", f->guards_down);
    metrics_family(out, METRICS_COUNTER, news, "Guards found to work, or not to");
    metrics_labelled(out, news, "status", "up", m->guards_up);
    metrics_labelled(out, news, "status", "down", m->guards_down);
}

void metrics_write(const struct metrics *m, const struct metrics_around *around,
                   struct text_out *out)
{
    const struct client_figures f = client_figures(m->client);
    metrics_family(out, METRICS_GAUGE, "tunic_build_info", "Which version this is");
    metrics_labelled(out, "tunic_build_info", "version", TUNIC_VERSION, 1);
    metrics_value(out, METRICS_GAUGE, "tunic_bootstrap_percent", "How far the start has come",
                  f.bootstrap_percent);
    metrics_value(out, METRICS_GAUGE, "tunic_relays", "Relays that paths are chosen from",
                  f.relays);
    tors_own(around, &f, out);
    circuits(m, &f, out);
    streams(m, &f, out);
    metrics_value(out, METRICS_GAUGE, "tunic_applications", "Connections of applications",
                  around->applications);
    links(m, &f, out);
    guards(m, &f, out);
    metrics_value(out, METRICS_COUNTER, "tunic_consensuses_total", "New lists of relays",
                  m->consensuses);
    metrics_value(out, METRICS_COUNTER, "tunic_clock_jumps_total",
                  "Jumps of the clock, after which circuits are made anew", m->clock_jumps);
}
