/* GETINFO about circuits, streams, OR connections and guards, what went over them, and how far the
 * client is (control_getinfo.c, getinfo_helper_events()). */
#include <inttypes.h>

#include "client/look.h"
#include "control/control.h"
#include "control/ev.h"
#include "control/info.h"
#include "dir/doc.h"

/* Lines of an answer, with CRLF between them. */
struct lines {
    struct control *control;
    struct text_out *out;
};

static struct text_out *next_line(struct lines *l)
{
    if (l->out->len)
        out_str(l->out, "\r\n");
    return l->out;
}

/* ---- circuits ---- */

static void circuit_line(void *arg, const struct event_circuit *e)
{
    struct lines *l = arg;
    const struct event_record r = {.kind = EVENT_CIRCUIT, .circuit.status = e->status};
    struct text_out *out = next_line(l);
    out_printf(out, "%" PRIu64 " %s", e->id, event_name(&r));
    ev_circuit_facts(out, l->control, e);
}

static err_t circuit_status(struct control *c, const char *rest, struct text_out *out,
                            const char **why)
{
    struct lines l = {c, out};
    (void)rest, (void)why;
    look_at_circuits(control_client(c), circuit_line, &l);
    return OK;
}

/* ---- streams ---- */

static void stream_line(void *arg, const struct event_stream *e)
{
    const struct event_record r = {.kind = EVENT_STREAM, .stream.status = e->status};
    struct text_out *out = next_line(arg);
    out_printf(out, "%" PRIu64 " %s %" PRIu64 " ", e->id, event_name(&r), e->circuit);
    ev_stream_target(out, e);
}

static err_t stream_status(struct control *c, const char *rest, struct text_out *out,
                           const char **why)
{
    struct lines l = {c, out};
    (void)rest, (void)why;
    look_at_streams(control_client(c), stream_line, &l);
    return OK;
}

/* ---- OR connections ---- */

static void orconn_line(void *arg, const struct event_orconn *e)
{
    struct lines *l = arg;
    const struct event_record r = {.kind = EVENT_ORCONN, .orconn.status = e->status};
    struct text_out *out = next_line(l);
    ev_orconn_name(out, l->control, e);
    out_printf(out, " %s", event_name(&r));
}

static err_t orconn_status(struct control *c, const char *rest, struct text_out *out,
                           const char **why)
{
    struct lines l = {c, out};
    (void)rest, (void)why;
    look_at_orconns(control_client(c), orconn_line, &l);
    return OK;
}

/* ---- guards ---- */

/* getinfo_helper_format_single_entry_guard(): the words are of before proposal 271. */
static const char *guard_word(const struct guard_info *g, int64_t *since_s)
{
    *since_s = 0;
    if (!g->confirmed)
        return "never-connected";
    if (!g->listed)
        *since_s = g->unlisted_since_s;
    if (!g->listed || !g->filtered)
        return "unusable";
    if (!g->down)
        return "up";
    *since_s = g->failing_since_s;
    return "down";
}

static void guard_line(void *arg, const struct guard_info *g)
{
    struct lines *l = arg;
    char time[DOC_TIME_TEXT_MAX];
    int64_t since_s;
    const char *word = guard_word(g, &since_s);
    ev_relay_name(l->out, &g->rsa, look_nickname(control_client(l->control), &g->rsa));
    out_printf(l->out, " %s", word);
    if (since_s)
        out_printf(l->out, " %s", doc_time_text(since_s, time));
    out_char(l->out, '\n');
}

static err_t entry_guards(struct control *c, const char *rest, struct text_out *out,
                          const char **why)
{
    struct lines l = {c, out};
    (void)rest, (void)why;
    look_at_guards(control_client(c), guard_line, &l);
    return OK;
}

/* ---- bytes ---- */

static err_t bytes_read(struct control *c, const char *rest, struct text_out *out, const char **why)
{
    (void)rest, (void)why;
    out_printf(out, "%" PRIu64, look_at_bytes(control_client(c)).read);
    return OK;
}

static err_t bytes_written(struct control *c, const char *rest, struct text_out *out,
                           const char **why)
{
    (void)rest, (void)why;
    out_printf(out, "%" PRIu64, look_at_bytes(control_client(c)).written);
    return OK;
}

static err_t bytes_each_second(struct control *c, const char *rest, struct text_out *out,
                               const char **why)
{
    const struct event_bw *b;
    (void)rest, (void)why;
    for (size_t i = 0; (b = look_at_second(control_client(c), i)); i++)
        out_printf(out, "%s%" PRIu64 ",%" PRIu64, i ? " " : "", b->read, b->written);
    return OK;
}

/* ---- how far it is ---- */

static err_t bootstrap_phase(struct control *c, const char *rest, struct text_out *out,
                             const char **why)
{
    const struct event_bootstrap *e = look_at_bootstrap(control_client(c));
    (void)rest, (void)why;
    if (e->step.percent >= 0)
        ev_bootstrap(out, e);
    return OK;
}

static err_t enough_dir_info(struct control *c, const char *rest, struct text_out *out,
                             const char **why)
{
    (void)rest, (void)why;
    out_str(out, look_has_directory(control_client(c)) ? "1" : "0");
    return OK;
}

static err_t circuit_established(struct control *c, const char *rest, struct text_out *out,
                                 const char **why)
{
    (void)rest, (void)why;
    out_str(out, look_has_circuit(control_client(c)) ? "1" : "0");
    return OK;
}

static err_t network_liveness(struct control *c, const char *rest, struct text_out *out,
                              const char **why)
{
    (void)rest, (void)why;
    out_str(out, look_network_is_live(control_client(c)) ? "up" : "down");
    return OK;
}

const struct info_row control_circuit_info[] = {
    {"bw-event-cache", false, "Cached BW events for a short interval.", bytes_each_second},
    {"circuit-status", false, "List of current circuits originating here.", circuit_status},
    {"entry-guards", false, "Which nodes are we using as entry guards?", entry_guards},
    {"helper-nodes", false, NULL, entry_guards},
    {"network-liveness", false, "Current opinion on whether the network is live", network_liveness},
    {"orconn-status", false, "A list of current OR connections.", orconn_status},
    {"status/bootstrap-phase", false, "The last bootstrap phase status event that Tor sent.",
     bootstrap_phase},
    {"status/circuit-established", false, "Whether we think client functionality is working.",
     circuit_established},
    {"status/enough-dir-info", false,
     "Whether we have enough up-to-date directory information to build circuits.", enough_dir_info},
    {"stream-status", false, "List of current streams.", stream_status},
    {"traffic/read", false, "Bytes read since the process was started.", bytes_read},
    {"traffic/written", false, "Bytes written since the process was started.", bytes_written},
    {0},
};
