/* ADDRMAP and SIGNAL (control-spec 4.1.7, 4.1.17). */
#include "control/control.h"
#include "control/ev.h"
#include "dir/doc.h"

static int64_t utc_offset_s(const struct control *c)
{
    void *world;
    const struct control_world *ops = control_world(c, &world);
    struct control_process process = {0};
    if (ops->process)
        ops->process(world, &process);
    return process.utc_offset_s;
}

/* control_event_address_mapped(): the first date is local time, the second is not. */
void ev_addrmap(struct control *c, const struct event_record *r, struct text_out *out)
{
    const struct event_addrmap *e = &r->addrmap;
    char local[DOC_TIME_TEXT_MAX], utc[DOC_TIME_TEXT_MAX];
    out_printf(out, "650 ADDRMAP %s %s ", e->from, e->to);
    if (e->expires_s)
        out_printf(out, "\"%s\" ", doc_time_text(e->expires_s + utc_offset_s(c), local));
    else
        out_str(out, "NEVER ");
    if (e->error)
        out_printf(out, "%s ", e->error);
    if (e->expires_s)
        out_printf(out, "EXPIRES=\"%s\" ", doc_time_text(e->expires_s, utc));
    out_printf(out, "CACHED=\"%s\"", e->cached ? "YES" : "NO");
    if (e->stream)
        out_printf(out, " STREAMID=%llu", (unsigned long long)e->stream);
    out_str(out, "\r\n");
}

void ev_signal(struct control *c, const struct event_record *r, struct text_out *out)
{
    (void)c;
    out_printf(out, "650 SIGNAL %s\r\n", event_name(r));
}
