#include "control/told.h"

#include <string.h>
#include <strings.h>

#include "client/client.h"
#include "control/control.h"
#include "control/ev.h"

/* ---- the table ---- */

/* The events that are made of a client's records: of which kinds, and by whom. */
static const struct told_row {
    enum told told;
    unsigned kinds;
    ev_writer *write;
} rows[] = {
    {TOLD_CIRC, EVENT_BIT(EVENT_CIRCUIT), ev_circ},
    {TOLD_CIRC_MINOR, EVENT_BIT(EVENT_CIRCUIT), ev_circ_minor},
    {TOLD_STREAM, EVENT_BIT(EVENT_STREAM), ev_stream},
    {TOLD_ORCONN, EVENT_BIT(EVENT_ORCONN), ev_orconn},
    {TOLD_GUARD, EVENT_BIT(EVENT_GUARD), ev_guard},
    {TOLD_ADDRMAP, EVENT_BIT(EVENT_ADDRMAP), ev_addrmap},
    {TOLD_SIGNAL, EVENT_BIT(EVENT_SIGNAL), ev_signal},
    {TOLD_STATUS_CLIENT,
     EVENT_BIT(EVENT_STATUS) | EVENT_BIT(EVENT_BOOTSTRAP) | EVENT_BIT(EVENT_DIRECTORY),
     ev_status_client},
    {TOLD_STATUS_GENERAL, EVENT_BIT(EVENT_STATUS) | EVENT_BIT(EVENT_DIRECTORY), ev_status_general},
    {TOLD_NEWCONSENSUS, EVENT_BIT(EVENT_DIRECTORY), ev_newconsensus},
    {TOLD_NS, EVENT_BIT(EVENT_DIRECTORY), ev_ns},
    {TOLD_BUILDTIMEOUT_SET, EVENT_BIT(EVENT_STATUS), ev_buildtimeout_set},
    {TOLD_NETWORK_LIVENESS, EVENT_BIT(EVENT_STATUS), ev_network_liveness},
    {TOLD_BW, EVENT_BIT(EVENT_BW), ev_bw},
    {TOLD_CIRC_BW, EVENT_BIT(EVENT_CIRC_BW), ev_circ_bw},
    {TOLD_STREAM_BW, EVENT_BIT(EVENT_STREAM_BW), ev_stream_bw},
    {TOLD_CONN_BW, EVENT_BIT(EVENT_CONN_BW), ev_conn_bw},
    {TOLD_CELL_STATS, EVENT_BIT(EVENT_CELL_STATS), ev_cell_stats},
};

#define ROWS (sizeof rows / sizeof rows[0])

/* ---- names ---- */

const char *told_name(enum told told)
{
    static const char *const names[] = {
#define X(name) #name,
        TOLD_LIST(X)
#undef X
    };
    return names[told];
}

enum told told_find(const char *name)
{
    for (int i = 0; i < TOLD_KINDS; i++)
        if (strcasecmp(told_name((enum told)i), name) == 0)
            return (enum told)i;
    return TOLD_KINDS;
}

/* ---- records ---- */

enum { TEXT_MOST = 16 << 20 }; /* NEWCONSENSUS is the longest */

static void write_row(struct control *c, const struct told_row *row, const struct event_record *e)
{
    struct text_out text = text_out(TEXT_MOST);
    row->write(c, e, &text);
    if (text.len)
        control_tell(c, row->told, &text);
    out_free(&text);
}

static void on_event(void *arg, const struct event_record *e)
{
    struct teller *t = arg;
    for (size_t i = 0; i < ROWS; i++)
        if (rows[i].kinds & EVENT_BIT(e->kind) && control_wants(t->control, rows[i].told))
            write_row(t->control, &rows[i], e);
}

/* They count as dropped, which controllers are told of behind what they had to do without. */
static void on_lost(void *arg, size_t n)
{
    struct teller *t = arg;
    uint64_t mine = 0;
    for (size_t i = 0; i < ROWS; i++)
        mine |= TOLD_BIT(rows[i].told);
    control_count_lost(t->control, mine, n);
}

/* ---- what is listened to ---- */

static unsigned kinds_of(uint64_t wanted)
{
    unsigned kinds = 0;
    for (size_t i = 0; i < ROWS; i++)
        if (wanted & TOLD_BIT(rows[i].told))
            kinds |= rows[i].kinds;
    return kinds;
}

/* The lowest level of lines that somebody wants; false: none is. */
static bool least_of(uint64_t wanted, enum log_level *least)
{
    for (int level = LOG_DEBUG; level <= LOG_ERR; level++)
        if (wanted & TOLD_BIT(TOLD_DEBUG + level)) {
            *least = (enum log_level)level;
            return true;
        }
    return false;
}

static void want_lines(struct teller *t, uint64_t wanted)
{
    void *world;
    const struct control_world *ops = control_world(t->control, &world);
    enum log_level least = LOG_ERR;
    bool any = least_of(wanted, &least);
    if (ops->want_lines && (any != t->lines || (any && least != t->least)))
        ops->want_lines(world, t->control, any, least);
    t->lines = any;
    t->least = least;
}

void teller_want(struct teller *t, uint64_t wanted)
{
    struct client *client = control_client(t->control);
    unsigned kinds = kinds_of(wanted);
    if (kinds && client)
        client_listen(client, &t->listener, kinds);
    else
        events_unlisten(&t->listener);
    want_lines(t, wanted);
}

void teller_init(struct teller *t, struct control *c)
{
    *t = (struct teller){.control = c};
    t->listener = (struct event_listener){.on_event = on_event, .on_lost = on_lost, .arg = t};
}

/* ---- log lines ---- */

/* A line may come from anywhere, also from where this one is told: that one is not. */
void teller_line(struct teller *t, enum log_level level, const char *line)
{
    enum told told = TOLD_DEBUG + (enum told)level;
    if (t->in_line || !control_wants(t->control, told))
        return;
    struct text_out text = text_out(TEXT_MOST);
    t->in_line = true;
    out_printf(&text, "650 %s %s\r\n", told_name(told), line);
    control_tell(t->control, told, &text);
    out_free(&text);
    t->in_line = false;
}
