#include "control/told.h"

#include <string.h>
#include <strings.h>

#include "client/client.h"
#include "control/control.h"

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
    for (const struct told_row *row = t->rows; row->write; row++)
        if (row->kinds & EVENT_BIT(e->kind) && control_wants(t->control, row->told))
            write_row(t->control, row, e);
}

/* What the client left out counts as dropped for each session that wanted it, so that it is told.
 */
static void on_lost(void *arg, size_t n)
{
    struct teller *t = arg;
    uint64_t mine = 0;
    for (const struct told_row *row = t->rows; row->write; row++)
        mine |= TOLD_BIT(row->told);
    control_count_lost(t->control, mine, n);
}

/* ---- what is listened to ---- */

static unsigned kinds_of(const struct told_row *row, uint64_t wanted)
{
    unsigned kinds = 0;
    for (; row->write; row++)
        if (wanted & TOLD_BIT(row->told))
            kinds |= row->kinds;
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
    unsigned kinds = kinds_of(t->rows, wanted);
    if (kinds && client)
        client_listen(client, &t->listener, kinds);
    else
        events_unlisten(&t->listener);
    want_lines(t, wanted);
}

void teller_init(struct teller *t, struct control *c, const struct told_row *rows)
{
    *t = (struct teller){.control = c, .rows = rows};
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
