/* STREAM (control-spec 4.1.2). */
#include "control/ev.h"

#include <inttypes.h>

#include "control/words.h"
#include "crypto/encode.h"

void ev_stream_target(struct text_out *out, const struct event_stream *e)
{
    char addr[IP_TEXT_MAX], hex[HEX_SIZE(sizeof(struct rsa_id))];
    out_str(out, e->addr.family != IP_NONE ? ip_text(&e->addr, addr) : e->host);
    if (e->has_relay)
        out_printf(out, ".$%s.exit", hex_upper(e->relay.b, sizeof e->relay.b, hex));
    out_printf(out, ":%u", e->port);
}

static void reason(struct text_out *out, const struct event_stream *e)
{
    struct reason_words w = words_stream_reason(e);
    out_printf(out, " REASON=%s", w.reason);
    if (w.remote[0])
        out_printf(out, " REMOTE_REASON=%s", w.remote);
}

static void source(struct text_out *out, const struct event_stream *e)
{
    char addr[IP_TEXT_MAX];
    if (e->asker.source.port)
        out_printf(out, " SOURCE_ADDR=%s:%u", ip_text(&e->asker.source.ip, addr),
                   e->asker.source.port);
    out_printf(out, " PURPOSE=%s", stream_purpose_name(e->purpose));
}

/* The fields that only some values of STATUS have. */
static void more(struct text_out *out, const struct event_stream *e)
{
    switch (e->status) {
    case STREAM_NEW:
    case STREAM_NEWRESOLVE:
        source(out, e);
        break;
    case STREAM_REMAP:
        if (e->source != SOURCE_NONE)
            out_printf(out, " SOURCE=%s", e->source == SOURCE_EXIT ? "EXIT" : "CACHE");
        break;
    case STREAM_DETACHED:
    case STREAM_FAILED:
    case STREAM_CLOSED:
        reason(out, e);
        break;
    case STREAM_CONTROLLER_WAIT:
    case STREAM_SENTCONNECT:
    case STREAM_SENTRESOLVE:
    case STREAM_SUCCEEDED:
    case STREAM_XOFF_SENT:
    case STREAM_XOFF_RECV:
    case STREAM_XON_SENT:
    case STREAM_XON_RECV:
        break;
    }
}

static void facts(struct text_out *out, const struct event_stream *e)
{
    const char *words[WORDS_ISO_FIELDS];
    size_t n = words_iso_fields(e, words);
    ev_login(out, e->asker.login);
    out_printf(out, " CLIENT_PROTOCOL=%s NYM_EPOCH=%u SESSION_GROUP=%d ISO_FIELDS=",
               words_client_protocol(e), (unsigned)e->nym_epoch, (int)e->session);
    for (size_t i = 0; i < n; i++)
        out_printf(out, "%s%s", i ? "," : "", words[i]);
}

static void line(struct text_out *out, const struct event_stream *e, const char *status)
{
    out_printf(out, "650 STREAM %" PRIu64 " %s %" PRIu64 " ", e->id, status, e->circuit);
    ev_stream_target(out, e);
    more(out, e);
    facts(out, e);
    out_str(out, "\r\n");
}

/* tor tells of the end of each, also of those that failed, and of look-ups nothing else
 * (connection_ap_handshake_socks_reply()). */
void ev_stream(struct control *c, const struct event_record *e, struct text_out *out)
{
    bool failed = e->stream.status == STREAM_FAILED;
    (void)c;
    if (!failed || e->stream.purpose != STREAM_DNS_REQUEST)
        line(out, &e->stream, event_name(e));
    if (failed)
        line(out, &e->stream, "CLOSED");
}
