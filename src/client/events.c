#include "client/events.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/later.h"

struct kept {
    uint64_t number;
    struct kept *next;
    struct event_record record; /* as long as its kind is */
};

struct events {
    struct env *env;
    struct event_listener *listeners;
    unsigned wanted;     /* kinds, of all listeners */
    struct kept *first;  /* to be told, oldest first */
    struct kept **end;   /* where the next goes */
    size_t bytes;        /* of them */
    uint64_t number;     /* of the next */
    size_t lost;         /* since the last telling */
    unsigned lost_kinds; /* of those */
    struct later tell;
    void (*wants_changed)(void *arg);
    void *watch_arg;
    struct event_listener *next; /* in the round that goes on: who hears it after this one */
};

/* ---- listeners ---- */

static void count_wants(struct events *ev)
{
    const struct event_listener *l;
    unsigned before = ev->wanted;
    ev->wanted = 0;
    DL_FOREACH (ev->listeners, l)
        ev->wanted |= l->kinds;
    if (ev->wanted != before && ev->wants_changed)
        ev->wants_changed(ev->watch_arg);
}

void events_listen(struct events *ev, struct event_listener *l, unsigned kinds)
{
    unsigned had = l->on ? l->kinds : 0;
    if (!l->on)
        DL_APPEND(ev->listeners, l);
    l->on = ev;
    l->kinds = kinds;
    count_wants(ev);
    for (unsigned kind = 0; kind < EVENT_KINDS; kind++)
        if (!(had & EVENT_BIT(kind)))
            l->since[kind] = ev->number;
}

void events_unlisten(struct event_listener *l)
{
    struct events *ev = l->on;
    if (!ev)
        return;
    if (ev->next == l)
        ev->next = l->next;
    DL_DELETE(ev->listeners, l);
    l->on = NULL;
    count_wants(ev);
}

void events_watch(struct events *ev, void (*fn)(void *arg), void *arg)
{
    ev->wants_changed = fn;
    ev->watch_arg = arg;
}

bool events_wanted(const struct events *ev, enum event_kind kind)
{
    return ev->wanted & EVENT_BIT(kind);
}

/* ---- telling ---- */

static void hold_netdirs(const struct event_directory *e)
{
    if (e->nd)
        netdir_ref(e->nd);
    if (e->old)
        netdir_ref(e->old);
}

/* What a record holds, for as long as it is kept. */
static void hold(struct event_record *e)
{
    if (e->kind == EVENT_DIRECTORY)
        hold_netdirs(&e->directory);
    else if (e->kind == EVENT_CIRCUIT)
        login_hold(e->circuit.login);
    else if (e->kind == EVENT_STREAM)
        login_hold(e->stream.asker.login);
}

static void let_go(struct kept *k)
{
    if (k->record.kind == EVENT_DIRECTORY) {
        netdir_unref(&k->record.directory.nd);
        netdir_unref(&k->record.directory.old);
    } else if (k->record.kind == EVENT_CIRCUIT) {
        login_release(&k->record.circuit.login);
    } else if (k->record.kind == EVENT_STREAM) {
        login_release(&k->record.stream.asker.login);
    }
    free(k);
}

static void tell_one(struct events *ev, const struct kept *k)
{
    enum event_kind kind = k->record.kind;
    for (struct event_listener *l = ev->listeners; l; l = ev->next) {
        ev->next = l->next;
        if (l->kinds & EVENT_BIT(kind) && l->since[kind] <= k->number)
            l->on_event(l->arg, &k->record);
    }
}

static void tell_lost(struct events *ev, size_t n, unsigned kinds)
{
    for (struct event_listener *l = ev->listeners; l; l = ev->next) {
        ev->next = l->next;
        if (l->kinds & kinds && l->on_lost)
            l->on_lost(l->arg, n);
    }
}

/* What listeners bring about belongs to the next telling, which comes in a later round of timers:
 * a listener that answers each event with another cannot keep the others from their turn. */
static void tell(void *arg)
{
    struct events *ev = arg;
    struct kept *k = ev->first;
    size_t lost = ev->lost;
    unsigned lost_kinds = ev->lost_kinds;
    ev->first = NULL;
    ev->end = &ev->first;
    ev->bytes = ev->lost = ev->lost_kinds = 0;
    if (lost) /* before what may not be understood without them */
        tell_lost(ev, lost, lost_kinds);
    while (k) {
        struct kept *next = k->next;
        tell_one(ev, k);
        let_go(k);
        k = next;
    }
    ev->next = NULL;
}

static void lose(struct events *ev, enum event_kind kind)
{
    ev->lost++;
    ev->lost_kinds |= EVENT_BIT(kind);
}

/* Most are much shorter than the longest, and there may be thousands. */
static size_t record_size(enum event_kind kind)
{
    static const size_t sizes[] = {
        [EVENT_CIRCUIT] = sizeof(struct event_circuit),
        [EVENT_STREAM] = sizeof(struct event_stream),
        [EVENT_ORCONN] = sizeof(struct event_orconn),
        [EVENT_GUARD] = sizeof(struct event_guard),
        [EVENT_DIRECTORY] = sizeof(struct event_directory),
        [EVENT_BOOTSTRAP] = sizeof(struct event_bootstrap),
        [EVENT_STATUS] = sizeof(struct event_status),
        [EVENT_BW] = sizeof(struct event_bw),
        [EVENT_CIRC_BW] = sizeof(struct event_circ_bw),
        [EVENT_STREAM_BW] = sizeof(struct event_stream_bw),
        [EVENT_CONN_BW] = sizeof(struct event_conn_bw),
        [EVENT_CELL_STATS] = sizeof(struct event_cell_stats),
        [EVENT_ADDRMAP] = sizeof(struct event_addrmap),
        [EVENT_SIGNAL] = sizeof(struct event_signal),
        [EVENT_LINK_STEP] = sizeof(struct event_link_step),
    };
    return offsetof(struct event_record, circuit) + sizes[kind];
}

static void keep(struct events *ev, const struct event_record *e)
{
    size_t size = offsetof(struct kept, record) + record_size(e->kind);
    struct kept *k = ev->bytes + size <= EVENTS_MOST_BYTES ? malloc(size) : NULL;
    if (!k) {
        lose(ev, e->kind);
        return;
    }
    k->number = ev->number;
    k->next = NULL;
    memcpy(&k->record, e, record_size(e->kind));
    k->record.wall_us = ev->env->wall_us;
    hold(&k->record);
    *ev->end = k;
    ev->end = &k->next;
    ev->bytes += size;
}

void events_tell(struct events *ev, const struct event_record *e)
{
    if (!events_wanted(ev, e->kind))
        return;
    keep(ev, e);
    ev->number++;
    later_ask(ev->env, &ev->tell);
}

/* ---- life ---- */

struct events *events_new(struct env *env)
{
    struct events *ev = calloc(1, sizeof *ev);
    if (!ev)
        return NULL;
    ev->env = env;
    ev->end = &ev->first;
    later_init(&ev->tell, tell, ev);
    return ev;
}

void events_free(struct events *ev)
{
    if (!ev)
        return;
    later_cancel(ev->env, &ev->tell);
    while (ev->listeners)
        events_unlisten(ev->listeners);
    while (ev->first) {
        struct kept *k = ev->first;
        ev->first = k->next;
        let_go(k);
    }
    free(ev);
}
