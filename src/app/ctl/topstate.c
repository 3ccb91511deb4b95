#include "app/ctl/topstate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/ctl/words.h"

enum { RESYNC_S = 30 };

/* What is followed, as far as the program has it. */
static const char followed[] =
    "BW CIRC CIRC_MINOR STREAM GUARD NOTICE WARN ERR STATUS_CLIENT STATUS_GENERAL SIGNAL ";

struct top *top_new(void)
{
    return calloc(1, sizeof(struct top));
}

void top_free(struct top *t)
{
    if (!t)
        return;
    ctl_relays_free(&t->relays);
    free(t);
}

static void want(struct top *t, enum top_ask ask)
{
    t->wanted |= 1u << ask;
}

void top_begin(struct top *t)
{
    t->n_in_flight = t->first_in_flight = 0;
    t->relays_asked = t->countries_asked = t->relays.n = 0;
    t->wanted = (1u << ASK_ONCE) - 1;
    t->wanted &= ~(1u << ASK_EVENTS); /* names first */
}

/* Events may have been lost, and a program may forget one: now and then all is asked. */
static void resync(struct top *t)
{
    t->since_resync = 0;
    want(t, ASK_CIRCUITS);
    want(t, ASK_STREAMS);
    want(t, ASK_GUARDS);
    want(t, ASK_BOOTSTRAP);
}

void top_second(struct top *t)
{
    if (++t->since_resync >= RESYNC_S)
        resync(t);
}

/* ---- circuits, streams, guards ---- */

static bool is_over(const char *status)
{
    return strcmp(status, "CLOSED") == 0 || strcmp(status, "FAILED") == 0;
}

static void know_relays(struct top *t, const struct ctl_circuit *c)
{
    /* Out of memory a country is not known, nothing more. */
    for (size_t i = 0; i < c->n_hops; i++)
        (void)!ctl_relays_add(&t->relays, c->hops[i].fingerprint);
}

static struct ctl_circuit *find_circuit(struct top *t, const char *id)
{
    for (size_t i = 0; i < t->n_circuits; i++)
        if (strcmp(t->circuits[i].id, id) == 0)
            return &t->circuits[i];
    return NULL;
}

static void drop_circuit(struct top *t, struct ctl_circuit *c)
{
    size_t behind = (size_t)(t->circuits + --t->n_circuits - c);
    memmove(c, c + 1, behind * sizeof *c);
}

static void hear_circuit(struct top *t, struct text line)
{
    struct ctl_circuit c, *known;
    if (!ctl_circuit_read(line, &c))
        return;
    known = find_circuit(t, c.id);
    if (known && is_over(c.status)) {
        drop_circuit(t, known);
    } else if (known) {
        *known = c;
    } else if (!is_over(c.status)) {
        t->more_circuits |= t->n_circuits == TOP_CIRCUITS_MAX;
        if (t->n_circuits < TOP_CIRCUITS_MAX)
            t->circuits[t->n_circuits++] = c;
    }
    know_relays(t, &c);
}

/* "650 CIRC_MINOR 7 PURPOSE_CHANGED path PURPOSE=...": all but the status is as in CIRC. */
static void hear_minor(struct top *t, struct text line)
{
    struct ctl_circuit c, *known;
    if (!ctl_circuit_read(line, &c) || !(known = find_circuit(t, c.id)))
        return;
    memcpy(c.status, known->status, sizeof c.status);
    *known = c;
}

static struct ctl_stream *find_stream(struct top *t, const char *id)
{
    for (size_t i = 0; i < t->n_streams; i++)
        if (strcmp(t->streams[i].id, id) == 0)
            return &t->streams[i];
    return NULL;
}

static void drop_stream(struct top *t, struct ctl_stream *s)
{
    size_t behind = (size_t)(t->streams + --t->n_streams - s);
    memmove(s, s + 1, behind * sizeof *s);
}

/* Later lines say less: the name that was asked for, who asked and what for are kept. What went on
 * again after a stop (XON_SENT) is as it was before. */
static void keep_known(struct ctl_stream *s, const struct ctl_stream *known)
{
    memcpy(s->target, known->target, sizeof s->target);
    if (!s->purpose[0])
        memcpy(s->purpose, known->purpose, sizeof s->purpose);
    if (!s->source[0])
        memcpy(s->source, known->source, sizeof s->source);
    if (strncmp(s->status, "XON_", 4) == 0)
        snprintf(s->status, sizeof s->status, "SUCCEEDED");
}

static void hear_stream(struct top *t, struct text line)
{
    struct ctl_stream s, *known;
    if (!ctl_stream_read(line, &s))
        return;
    known = find_stream(t, s.id);
    if (known && is_over(s.status)) {
        drop_stream(t, known);
    } else if (known) {
        keep_known(&s, known);
        *known = s;
    } else if (!is_over(s.status)) {
        t->more_streams |= t->n_streams == TOP_STREAMS_MAX;
        if (t->n_streams < TOP_STREAMS_MAX)
            t->streams[t->n_streams++] = s;
    }
}

static void set_circuits(struct top *t, struct text list)
{
    struct text line;
    t->n_circuits = 0;
    t->more_circuits = false;
    while (text_line(&list, &line))
        hear_circuit(t, line);
}

/* Those of LIST, with what is known of them. */
static void set_streams(struct top *t, struct text list)
{
    struct ctl_stream *fresh = malloc(sizeof t->streams), *known;
    struct text line;
    size_t n = 0;
    while (fresh && n < TOP_STREAMS_MAX && text_line(&list, &line)) {
        if (!ctl_stream_read(line, &fresh[n]))
            continue;
        if ((known = find_stream(t, fresh[n].id)))
            keep_known(&fresh[n], known);
        n++;
    }
    if (fresh) {
        memcpy(t->streams, fresh, n * sizeof *fresh);
        t->n_streams = n;
        t->more_streams = list.len > 0;
    }
    free(fresh);
}

static void set_guards(struct top *t, struct text list)
{
    struct text line;
    t->n_guards = 0;
    while (t->n_guards < TOP_GUARDS_MAX && text_line(&list, &line)) {
        struct ctl_guard *g = &t->guards[t->n_guards];
        if (!ctl_guard_read(line, g))
            continue;
        t->n_guards++;
        (void)!ctl_relays_add(&t->relays, g->relay.fingerprint);
    }
}

/* ---- answers ---- */

/* Those of followed[] that NAMES has. */
static void choose_types(struct top *t, struct text names)
{
    struct text rest = TEXT_LIT(followed), type, list, name;
    t->types[0] = 0;
    while (text_token(&rest, &type))
        for (list = names; text_token(&list, &name);) {
            size_t n = strlen(t->types);
            if (text_equal(name, type))
                snprintf(t->types + n, sizeof t->types - n, " %.*s", TEXT_ARG(type));
        }
    want(t, ASK_EVENTS);
}

static void set_number(const char *value, uint64_t *to)
{
    uint64_t n;
    if (text_u64(value, UINT64_MAX, &n) == OK)
        *to = n;
}

static void set_value(struct top *t, enum top_ask ask, const char *value, int64_t now_s)
{
    uint64_t up = 0;
    switch (ask) {
    case ASK_NAMES:
        choose_types(t, text_of(value));
        break;
    case ASK_VERSION:
        ctl_printable(text_of(value), t->version, sizeof t->version);
        break;
    case ASK_BOOTSTRAP:
        (void)ctl_bootstrap_read(text_of(value), &t->bootstrap);
        break;
    case ASK_UPTIME:
        set_number(value, &up);
        t->up_since_s = now_s - (int64_t)(up & UINT32_MAX);
        break;
    case ASK_READ:
        set_number(value, &t->read);
        break;
    case ASK_WRITTEN:
        set_number(value, &t->written);
        break;
    case ASK_CIRCUITS:
        set_circuits(t, text_of(value));
        break;
    case ASK_STREAMS:
        set_streams(t, text_of(value));
        break;
    case ASK_GUARDS:
        set_guards(t, text_of(value));
        break;
    case ASK_EVENTS:
    case ASK_RELAY:
    case ASK_COUNTRY:
    case ASK_ORDER:
        break;
    }
}

static void hear_order(struct top *t, const struct top_request *r, const struct ctl_message *m)
{
    char text[CTL_WHY];
    if (ctl_is_ok(m))
        snprintf(t->said, sizeof t->said, "done: %s", r->order);
    else
        snprintf(t->said, sizeof t->said, "%s: %.400s", r->order, ctl_end_text(m, text));
}

static void hear_answer(struct top *t, const struct ctl_message *m, int64_t now_s)
{
    const struct top_request r = t->in_flight[t->first_in_flight];
    if (!t->n_in_flight)
        return; /* nobody asked */
    t->first_in_flight = (t->first_in_flight + 1) % TOP_IN_FLIGHT_MAX;
    t->n_in_flight--;
    if (r.ask == ASK_ORDER) {
        hear_order(t, &r, m);
        return;
    }
    char *value = ctl_value(m);
    if (value && r.ask == ASK_RELAY)
        (void)ctl_relay_read(text_of(value), &t->relays.list[r.relay].relay);
    else if (value && r.ask == ASK_COUNTRY)
        ctl_country_read(text_of(value), t->relays.list[r.relay].country);
    else if (value)
        set_value(t, r.ask, value, now_s);
    free(value);
}

/* ---- events ---- */

static void hear_bandwidth(struct top *t, struct text line)
{
    struct text a, b;
    uint64_t read, written;
    if (!text_token(&line, &a) || !text_token(&line, &b) ||
        text_to_u64(a, UINT32_MAX, &read) != OK || text_to_u64(b, UINT32_MAX, &written) != OK)
        return;
    t->seconds[t->n_seconds++ % TOP_SECONDS] =
        (struct top_second){(uint32_t)read, (uint32_t)written};
    t->read += read;
    t->written += written;
}

static void hear_log(struct top *t, char level, const struct ctl_message *m, struct text line,
                     int64_t wall_s)
{
    struct top_log *l = &t->log[t->n_log++ % TOP_LOG_MAX];
    const struct ctl_line *first = &m->lines[0];
    /* A message of several lines comes as data. */
    if (first->kind == '+' && !line.len)
        line = first->data;
    l->level = level;
    l->at_s = wall_s;
    ctl_printable(line, l->text, sizeof l->text);
}

static void hear_event(struct top *t, const struct ctl_message *m, int64_t wall_s)
{
    struct text line = m->lines[0].text, type = {"", 0};
    (void)text_token(&line, &type);
    line = text_strip(line);
    if (text_is(type, "BW"))
        hear_bandwidth(t, line);
    else if (text_is(type, "CIRC"))
        hear_circuit(t, line);
    else if (text_is(type, "CIRC_MINOR"))
        hear_minor(t, line);
    else if (text_is(type, "STREAM"))
        hear_stream(t, line);
    else if (text_is(type, "GUARD"))
        want(t, ASK_GUARDS);
    else if (text_is(type, "NOTICE"))
        hear_log(t, 'n', m, line, wall_s);
    else if (text_is(type, "WARN"))
        hear_log(t, 'w', m, line, wall_s);
    else if (text_is(type, "ERR"))
        hear_log(t, 'e', m, line, wall_s);
    else if (text_is(type, "STATUS_CLIENT"))
        (void)want(t, ASK_BOOTSTRAP);
    else if (text_starts(line, "WARN EVENTS_DROPPED"))
        resync(t);
}

void top_message(struct top *t, const struct ctl_message *m, int64_t now_s, int64_t wall_s)
{
    if (ctl_is_event(m))
        hear_event(t, m, wall_s);
    else
        hear_answer(t, m, now_s);
}

/* ---- what the view asks ---- */

unsigned top_streams_of(const struct top *t, const char *circuit)
{
    unsigned n = 0;
    for (size_t i = 0; i < t->n_streams; i++)
        n += strcmp(t->streams[i].circuit, circuit) == 0;
    return n;
}

const char *top_country(const struct top *t, const char *fingerprint)
{
    const struct ctl_place_of *p = ctl_relays_find(&t->relays, fingerprint);
    return p ? p->country : "??";
}

uint32_t top_rate(const struct top *t, size_t column, size_t width, unsigned step, bool read)
{
    /* The last column is that of the newest second. */
    uint64_t last = t->n_seconds ? (t->n_seconds - 1) / step : 0, sum = 0;
    uint64_t back = width - 1 - column, n = 0;
    if (!t->n_seconds || back > last)
        return 0;
    uint64_t from = (last - back) * step;
    for (uint64_t s = from; s < from + step && s < t->n_seconds; s++, n++)
        if (s + TOP_SECONDS >= t->n_seconds) {
            const struct top_second *second = &t->seconds[s % TOP_SECONDS];
            sum += read ? second->read : second->written;
        }
    return n ? (uint32_t)(sum / n) : 0;
}

uint32_t top_peak(const struct top *t, unsigned seconds, bool read)
{
    uint32_t most = 0;
    for (uint64_t back = 1; back <= seconds && back <= t->n_seconds && back <= TOP_SECONDS;
         back++) {
        const struct top_second *second = &t->seconds[(t->n_seconds - back) % TOP_SECONDS];
        uint32_t n = read ? second->read : second->written;
        most = n > most ? n : most;
    }
    return most;
}
