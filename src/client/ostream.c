#include "client/ostream.h"

#include <stdio.h>
#include <stdlib.h>

struct ostreams {
    struct events *events;
    struct ostream *by_id;
    uint64_t last_id;
    uint32_t nym_epoch;
};

struct ostreams *ostreams_new(struct events *events)
{
    struct ostreams *set = calloc(1, sizeof *set);
    if (set)
        set->events = events;
    return set;
}

void ostreams_free(struct ostreams *set)
{
    free(set);
}

void ostreams_next_epoch(struct ostreams *set)
{
    set->nym_epoch++;
}

void ostreams_tell_bad_name(const struct ostreams *set, const char *name)
{
    struct event_record e = {.kind = EVENT_STATUS, .status = {.what = STATUS_SOCKS_BAD_HOSTNAME}};
    snprintf(e.status.text, sizeof e.status.text, "%s", name);
    events_tell(set->events, &e);
}

struct ostream *ostreams_find(const struct ostreams *set, uint64_t id)
{
    struct ostream *s;
    HASH_FIND(hh, set->by_id, &id, sizeof id, s);
    return s;
}

void ostreams_each(const struct ostreams *set, void (*fn)(void *arg, struct ostream *s), void *arg)
{
    struct ostream *s, *next;
    for (s = set->by_id; s; s = next) {
        next = s->hh.next;
        fn(arg, s);
    }
}

/* ---- telling ---- */

/* What is said of who asks. */
static void say_asker(const struct ostream *s, struct event_stream *e)
{
    e->session = s->isolation ? s->isolation->session : SESSION_DIRECTORY;
    e->nym_epoch = s->nym_epoch;
    if (s->asker)
        e->asker = *s->asker;
}

void ostream_describe(const struct ostream *s, enum stream_status status, struct event_stream *out)
{
    *out = (struct event_stream){
        .id = s->id,
        .circuit = s->circuit,
        .status = status,
        .purpose = s->purpose,
        .port = s->port,
        .addr = s->addr,
        .has_relay = s->relay != NULL,
    };
    snprintf(out->host, sizeof out->host, "%s", s->host);
    if (s->relay)
        out->relay = *s->relay;
    say_asker(s, out);
}

/* END: NULL while it is not over. */
static void tell(const struct ostream *s, enum stream_status status, const struct ostream_end *end)
{
    struct event_record r = {.kind = EVENT_STREAM};
    if (!events_wanted(s->set->events, EVENT_STREAM))
        return;
    ostream_describe(s, status, &r.stream);
    if (end) {
        r.stream.why = end->why;
        r.stream.reason = end->reason;
        r.stream.remote = end->remote;
    }
    events_tell(s->set->events, &r);
}

static void tell_remap(const struct ostream *s, enum stream_source source)
{
    struct event_record r = {.kind = EVENT_STREAM};
    if (!events_wanted(s->set->events, EVENT_STREAM))
        return;
    ostream_describe(s, STREAM_REMAP, &r.stream);
    r.stream.source = source;
    events_tell(s->set->events, &r);
}

void ostream_tell(const struct ostream *s, enum stream_status status)
{
    tell(s, status, NULL);
}

void ostream_remap(const struct ostream *s)
{
    tell_remap(s, SOURCE_CACHE);
}

void ostream_succeed(struct ostream *s, const struct ip *addr)
{
    if (addr->family != IP_NONE) {
        s->addr = *addr;
        tell_remap(s, SOURCE_EXIT);
    }
    s->succeeded = true;
    if (s->purpose != STREAM_DNS_REQUEST)
        tell(s, STREAM_SUCCEEDED, NULL);
}

void ostream_tell_bytes(struct ostream *s)
{
    struct event_record e = {.kind = EVENT_STREAM_BW,
                             .stream_bw = {.id = s->id,
                                           .written = s->written - s->told_written,
                                           .read = s->read - s->told_read}};
    s->told_written = s->written;
    s->told_read = s->read;
    if (e.stream_bw.written || e.stream_bw.read)
        events_tell(s->set->events, &e);
}

void ostream_detach(struct ostream *s, const struct ostream_end *end)
{
    tell(s, STREAM_DETACHED, end);
    s->circuit = 0;
}

/* ---- life ---- */

bool ostream_begin(struct ostreams *set, struct ostream *s)
{
    s->id = ++set->last_id; /* 64 bits: there will always be another */
    s->nym_epoch = set->nym_epoch;
    HASH_ADD(hh, set->by_id, id, sizeof s->id, s);
    if (!HASH_ADDED(s, hh))
        return false;
    s->set = set;
    tell(s, s->purpose == STREAM_DNS_REQUEST ? STREAM_NEWRESOLVE : STREAM_NEW, NULL);
    return true;
}

void ostream_finish(struct ostream *s, enum stream_status status, const struct ostream_end *end)
{
    struct ostream_end told = *end;
    if (!s->set)
        return;
    if (s->purpose == STREAM_DNS_REQUEST && s->succeeded) /* RESOLVED, and no END */
        told.remote = false;
    ostream_tell_bytes(s);
    tell(s, status, &told);
    HASH_DEL(s->set->by_id, s);
    s->set = NULL;
}
