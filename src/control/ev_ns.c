/* NEWCONSENSUS and NS (control-spec 4.1.15, 4.1.12): relays' entries, of all, or of those that are
 * new or listed otherwise than before. */
#include "control/ev.h"
#include "control/ns.h"
#include "control/reply.h"

enum { BODY_MOST = 16 << 20 };

/* As in tor, an event without a single entry is not told. */
static void write(struct text_out *out, const char *name, const struct text_out *body)
{
    if (!body->len || out_end(body) != OK)
        return;
    out_printf(out, "650+%s\r\n", name);
    out_data(out, out_text(body));
    out_str(out, "650 OK\r\n");
}

void ev_newconsensus(struct control *c, const struct event_record *e, struct text_out *out)
{
    struct text_out body = text_out(BODY_MOST);
    (void)c;
    if (e->directory.status == DIRECTORY_NEWCONSENSUS)
        ns_entries(&body, e->directory.nd);
    write(out, "NEWCONSENSUS", &body);
    out_free(&body);
}

void ev_ns(struct control *c, const struct event_record *e, struct text_out *out)
{
    struct text_out body = text_out(BODY_MOST);
    (void)c;
    if (e->directory.status == DIRECTORY_NEWCONSENSUS)
        ns_changes(&body, e->directory.old, e->directory.nd);
    write(out, "NS", &body);
    out_free(&body);
}
