/* CIRC and CIRC_MINOR (control-spec 4.1.1, 4.1.19). */
#include "control/ev.h"

#include <inttypes.h>

#include "cell/reason.h"
#include "client/look.h"
#include "control/control.h"
#include "control/words.h"
#include "crypto/encode.h"

/* A relay of which nothing was known when the circuit was begun may have a name by now. */
static void path(struct text_out *out, struct control *c, const struct event_circuit *e)
{
    for (size_t i = 0; i < e->n_hops; i++) {
        const char *name = e->hop[i].nickname;
        out_char(out, i ? ',' : ' ');
        ev_relay_name(out, &e->hop[i].rsa,
                      name[0] ? name : look_nickname(control_client(c), &e->hop[i].rsa));
    }
}

static void build_flags(struct text_out *out, unsigned flags)
{
    const char *words[WORDS_BUILD_FLAGS];
    size_t n = words_build_flags(flags, words);
    for (size_t i = 0; i < n; i++)
        out_printf(out, "%s%s", i ? "," : " BUILD_FLAGS=", words[i]);
}

static void conflux(struct text_out *out, const struct event_circuit *e)
{
    char hex[HEX_SIZE(sizeof e->conflux_id)];
    if (!e->conflux)
        return;
    out_printf(out, " CONFLUX_ID=%s", hex_upper(e->conflux_id, sizeof e->conflux_id, hex));
    if (e->conflux_rtt_us)
        out_printf(out, " CONFLUX_RTT=%" PRIu64, e->conflux_rtt_us);
}

void ev_circuit_facts(struct text_out *out, struct control *c, const struct event_circuit *e)
{
    path(out, c, e);
    build_flags(out, e->flags);
    out_printf(out, " PURPOSE=%s TIME_CREATED=", circuit_purpose_name(e->purpose));
    ev_time(out, e->created_us);
    ev_login(out, e->login);
    conflux(out, e);
}

static void line(struct text_out *out, struct control *c, const struct event_circuit *e,
                 const char *status)
{
    out_printf(out, "650 CIRC %" PRIu64 " %s", e->id, status);
    ev_circuit_facts(out, c, e);
    if (e->status == CIRCUIT_FAILED || e->status == CIRCUIT_CLOSED) {
        struct reason_words w = words_circ_reason(e);
        out_printf(out, " REASON=%s", w.reason);
        if (w.remote[0])
            out_printf(out, " REMOTE_REASON=%s", w.remote);
    }
    out_str(out, "\r\n");
}

/* circuit_build_times_mark_circ_as_measurement_only(): who waits for it hears that it failed; that
 * it goes on for its time is told behind that, and its end, too. */
static void failed_as_slow(struct text_out *out, struct control *c, const struct event_circuit *e)
{
    struct event_circuit failed = *e;
    failed.status = CIRCUIT_FAILED;
    failed.purpose = e->old_purpose;
    failed.remote = false;
    failed.reason = DESTROY_TIMEOUT;
    line(out, c, &failed, "FAILED");
}

void ev_circ(struct control *c, const struct event_record *e, struct text_out *out)
{
    const struct event_circuit *circ = &e->circuit;
    const char *status = words_circ_status(circ->status);
    if (status)
        line(out, c, circ, status);
    else if (circ->status == CIRCUIT_PURPOSE_CHANGED && circ->purpose == CIRCUIT_MEASURE_TIMEOUT)
        failed_as_slow(out, c, circ);
}

void ev_circ_minor(struct control *c, const struct event_record *e, struct text_out *out)
{
    const struct event_circuit *circ = &e->circuit;
    if (circ->status != CIRCUIT_PURPOSE_CHANGED && circ->status != CIRCUIT_CANNIBALIZED)
        return;
    out_printf(out, "650 CIRC_MINOR %" PRIu64 " %s", circ->id, event_name(e));
    ev_circuit_facts(out, c, circ);
    out_printf(out, " OLD_PURPOSE=%s", circuit_purpose_name(circ->old_purpose));
    if (circ->status == CIRCUIT_CANNIBALIZED) {
        out_str(out, " OLD_TIME_CREATED=");
        ev_time(out, circ->old_begun_us);
    }
    out_str(out, "\r\n");
}
