/* STATUS_CLIENT and STATUS_GENERAL (control-spec 4.1.10), BUILDTIMEOUT_SET (4.1.16) and
 * NETWORK_LIVENESS (4.1.27). */
#include "control/ev.h"

#include <string.h>

#include "base/version.h"

#include "control/reply.h"
#include "control/words.h"
#include "crypto/encode.h"
#include "dir/versions.h"

/* ---- the bootstrap ---- */

/* control_event_bootstrap_problem(). REASON's words are those of ORCONN. */
static void problem(struct text_out *out, const struct event_bootstrap *e)
{
    char hex[HEX_SIZE(sizeof(struct rsa_id))], addr[REACH_TEXT_MAX];
    static const struct rsa_id none;
    const bool has_addr = e->peer.reach.addr.ip.family != IP_NONE;
    const bool has_id = !e->clock || !rsa_id_equal(&e->peer.rsa, &none);
    out_str(out, " WARNING=");
    out_escaped(out, e->end.text);
    out_printf(out, " REASON=%s COUNT=%u RECOMMENDATION=%s HOSTID=\"%s\" HOSTADDR=\"%s\"",
               e->clock ? "CLOCK_SKEW" : or_reason_name(e->end.reason), e->count,
               e->warn ? "warn" : "ignore",
               has_id ? hex_upper(e->peer.rsa.b, sizeof e->peer.rsa.b, hex) : "?",
               has_addr ? reach_text(&e->peer.reach, addr) : "?");
}

void ev_bootstrap(struct text_out *out, const struct event_bootstrap *e)
{
    out_printf(out, "%s BOOTSTRAP PROGRESS=%d TAG=%s SUMMARY=\"%s\"",
               e->problem ? "WARN" : "NOTICE", e->step.percent, e->step.tag, e->step.summary);
    if (e->problem)
        problem(out, e);
}

static void bootstrap(struct text_out *out, const struct event_bootstrap *e)
{
    if (e->problem && e->step.percent >= 100) /* it is over; a link that fails is no news of it */
        return;
    out_str(out, "650 STATUS_CLIENT ");
    ev_bootstrap(out, e);
    out_str(out, "\r\n");
}

/* ---- what is said behind an action ---- */

static void first_bytes(struct text_out *out, const struct event_status *e)
{
    char bytes[16] = "";
    size_t n = e->number < sizeof bytes ? e->number : sizeof bytes - 1;
    memcpy(bytes, e->text, n);
    /* tor's quotes are doubled (proto_socks.c); a reader of its lines wants them so */
    out_str(out, " DATA=\"");
    out_escaped(out, bytes);
    out_char(out, '"');
}

static void arguments(struct text_out *out, const struct event_status *e)
{
    switch (e->what) {
    case STATUS_CIRCUIT_NOT_ESTABLISHED:
        out_str(out, " REASON=CLOCK_JUMPED");
        break;
    case STATUS_STREAMS_LEFT_UNATTACHED:
        out_printf(out, " REASON=CONTROLLER_GONE WAITING=%u", e->number);
        break;
    case STATUS_CLOCK_JUMPED:
        out_printf(out, " TIME=%lld IDLE=%d", (long long)e->seconds, e->idle);
        break;
    case STATUS_CLOCK_SKEW:
        out_printf(out, " SKEW=%lld SOURCE=%s", (long long)e->seconds, e->text);
        break;
    case STATUS_DANGEROUS_SOCKS:
        out_printf(out, " PROTOCOL=SOCKS%u ADDRESS=%s", e->number, e->text);
        break;
    case STATUS_DANGEROUS_PORT:
        out_printf(out, " PORT=%u RESULT=%s", e->number, e->refused ? "REJECT" : "WARN");
        break;
    case STATUS_SOCKS_UNKNOWN_PROTOCOL:
        first_bytes(out, e);
        break;
    case STATUS_SOCKS_BAD_HOSTNAME:
        out_str(out, " HOSTNAME=");
        out_escaped(out, e->text);
        break;
    case STATUS_ENOUGH_DIR_INFO:
    case STATUS_NOT_ENOUGH_DIR_INFO:
    case STATUS_CIRCUIT_ESTABLISHED:
    case STATUS_NETWORK_UP:
    case STATUS_NETWORK_DOWN:
    case STATUS_BUILDTIMEOUT_SET:
    case STATUS_OBSOLETE:
        break;
    }
}

/* The event, if it is one of TYPE's: STATUS_CLIENT and STATUS_GENERAL are asked for apart. */
static void status(struct text_out *out, const struct event_record *e, const char *type)
{
    struct status_words w = words_status(&e->status);
    if (!w.type || strcmp(w.type, type) != 0)
        return;
    out_printf(out, "650 STATUS_%s %s %s", w.type, w.severity, event_name(e));
    arguments(out, &e->status);
    out_str(out, "\r\n");
}

void ev_status_client(struct control *c, const struct event_record *e, struct text_out *out)
{
    (void)c;
    if (e->kind == EVENT_STATUS)
        status(out, e, "CLIENT");
    else if (e->kind == EVENT_BOOTSTRAP)
        bootstrap(out, &e->bootstrap);
    else if (e->directory.status == DIRECTORY_NEWCONSENSUS && !e->directory.from_file)
        out_str(out, "650 STATUS_CLIENT NOTICE CONSENSUS_ARRIVED\r\n");
}

/* What a consensus thinks of this version, if it is no good (handle_missing_protocol_warning() has
 * its own way). tor says NEW once only; here, too, a consensus is told once. */
static void dangerous_version(struct text_out *out, const struct netdir *nd)
{
    static const char *const words[] = {
        [VERSION_RECOMMENDED] = NULL, [VERSION_OLD] = "OBSOLETE",
        [VERSION_NEW] = "NEW",        [VERSION_NEW_IN_SERIES] = "NEW",
        [VERSION_NONE_LISTED] = NULL, [VERSION_UNRECOMMENDED] = "UNRECOMMENDED",
    };
    const char *list = netdir_consensus(nd)->client_versions;
    const char *word =
        words[version_standing(text_of(TOR_COMPAT_VERSION), text_of(list ? list : ""))];
    if (word)
        out_printf(out,
                   "650 STATUS_GENERAL WARN DANGEROUS_VERSION CURRENT=%s REASON=%s "
                   "RECOMMENDED=\"%s\"\r\n",
                   TOR_COMPAT_VERSION, word, list);
}

void ev_status_general(struct control *c, const struct event_record *e, struct text_out *out)
{
    (void)c;
    if (e->kind == EVENT_STATUS)
        status(out, e, "GENERAL");
    else if (e->directory.status == DIRECTORY_NEWCONSENSUS && e->directory.nd)
        dangerous_version(out, e->directory.nd);
}

/* ---- the other events ---- */

/* Fields, their order and digits are those of tor's cbt_control_event_buildtimeout_set(). */
void ev_buildtimeout_set(struct control *c, const struct event_record *e, struct text_out *out)
{
    const struct cbt_info *i = &e->status.cbt;
    (void)c;
    if (e->status.what != STATUS_BUILDTIMEOUT_SET)
        return;
    out_printf(out,
               "650 BUILDTIMEOUT_SET %s TOTAL_TIMES=%u TIMEOUT_MS=%u XM=%u ALPHA=%f "
               "CUTOFF_QUANTILE=%f TIMEOUT_RATE=%f CLOSE_MS=%u CLOSE_RATE=%f\r\n",
               e->status.reset ? "RESET" : "COMPUTED", i->n_times, (unsigned)i->timeout_ms,
               (unsigned)i->xm_ms, i->alpha, e->status.reset ? 1.0 : i->quantile, i->timeout_rate,
               (unsigned)i->close_ms, i->close_rate);
}

void ev_network_liveness(struct control *c, const struct event_record *e, struct text_out *out)
{
    (void)c;
    if (e->status.what == STATUS_NETWORK_UP || e->status.what == STATUS_NETWORK_DOWN)
        out_printf(out, "650 NETWORK_LIVENESS %s\r\n", event_name(e));
}
