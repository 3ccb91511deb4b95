#include "control/words.h"

#include <stdio.h>
#include <string.h>

#include "base/port.h"
#include "cell/reason.h"

/* ---- on whom words wait ---- */

#define NOW(word)             \
    {                         \
#word, WORD_NOW, NULL \
    }
#define LATER(word, of)       \
    {                         \
#word, WORD_LATER, of \
    }
#define NEVER(word, of)       \
    {                         \
#word, WORD_NEVER, of \
    }

#define ONION    "onion services"
#define PADDING  "circuit padding machines (padding-spec 3)"
#define PT       "pluggable transports"
#define RELAY    "it is a relay's"
#define OLD      "tor says it no more"
#define OTHER(s) "tor says " s

/* ---- the vocabularies ---- */

static const struct word circ_status[] = {
    NOW(LAUNCHED), NOW(BUILT), NOW(GUARD_WAIT), NOW(EXTENDED), NOW(FAILED), NOW(CLOSED),
};

static const struct word circ_build_flag[] = {
    NOW(ONEHOP_TUNNEL),
    NOW(IS_INTERNAL),
    NOW(NEED_CAPACITY),
    NOW(NEED_UPTIME),
};

static const struct word circ_purpose[] = {
    NOW(GENERAL),
    NOW(CONTROLLER),
    NOW(MEASURE_TIMEOUT),
    NOW(HS_VANGUARDS),
    LATER(HS_CLIENT_HSDIR, ONION),
    LATER(HS_CLIENT_INTRO, ONION),
    LATER(HS_CLIENT_REND, ONION),
    LATER(HS_SERVICE_HSDIR, ONION),
    LATER(HS_SERVICE_INTRO, ONION),
    LATER(HS_SERVICE_REND, ONION),
    NOW(PATH_BIAS_TESTING),
    LATER(CIRCUIT_PADDING, PADDING),
    NOW(CONFLUX_UNLINKED),
    NOW(CONFLUX_LINKED),
    NEVER(TESTING, RELAY),
    NEVER(SERVER, RELAY),
};

static const struct word circ_closure_reason[] = {
    NOW(NONE),
    NOW(TORPROTOCOL),
    NOW(INTERNAL),
    NOW(REQUESTED),
    NOW(HIBERNATING),
    NOW(RESOURCELIMIT),
    NOW(CONNECTFAILED),
    NOW(OR_IDENTITY),
    NOW(CHANNEL_CLOSED),
    NOW(FINISHED),
    NOW(TIMEOUT),
    NOW(DESTROYED),
    NOW(NOPATH),
    NOW(NOSUCHSERVICE),
    NOW(MEASUREMENT_EXPIRED),
    LATER(IP_NOW_REDUNDANT, ONION),
    NEVER(OR_CONN_CLOSED, OTHER("CHANNEL_CLOSED")),
};

static const struct word circ_event[] = {
    NOW(PURPOSE_CHANGED),
    NOW(CANNIBALIZED),
};

static const struct word hidden_service_state[] = {
    LATER(HSCI_CONNECTING, ONION),
    LATER(HSCI_INTRO_SENT, ONION),
    LATER(HSCI_DONE, ONION),
    LATER(HSCR_CONNECTING, ONION),
    LATER(HSCR_ESTABLISHED_IDLE, ONION),
    LATER(HSCR_ESTABLISHED_WAITING, ONION),
    LATER(HSCR_JOINED, ONION),
    LATER(HSSI_CONNECTING, ONION),
    LATER(HSSI_ESTABLISHED, ONION),
    LATER(HSSR_CONNECTING, ONION),
    LATER(HSSR_JOINED, ONION),
};

#define END_REASONS                                                                               \
    NOW(MISC), NOW(RESOLVEFAILED), NOW(CONNECTREFUSED), NOW(EXITPOLICY), NOW(DESTROY), NOW(DONE), \
        NOW(TIMEOUT), NOW(NOROUTE), NOW(HIBERNATING), NOW(INTERNAL), NOW(RESOURCELIMIT),          \
        NOW(CONNRESET), NOW(TORPROTOCOL), NOW(NOTDIRECTORY)

static const struct word relay_end_reason[] = {END_REASONS};

static const struct word stream_closure_reason[] = {
    END_REASONS,
    NOW(END),
    NOW(PRIVATE_ADDR),
    NOW(CANT_ATTACH),
    NEVER(NET_UNREACHABLE, OLD),
    NEVER(SOCKS_PROTOCOL,
          "what speaks no SOCKS is told by SOCKS_UNKNOWN_PROTOCOL, and is no stream"),
    LATER(HTTP_PROTOCOL, "HTTPTunnelPort"),
};

static const struct word stream_status[] = {
    NOW(NEW),       NOW(NEWRESOLVE), NOW(REMAP),    NOW(SENTCONNECT), NOW(SENTRESOLVE),
    NOW(SUCCEEDED), NOW(FAILED),     NOW(DETACHED), NOW(CLOSED),      NOW(CONTROLLER_WAIT),
    NOW(XOFF_SENT), NOW(XOFF_RECV),  NOW(XON_SENT), NOW(XON_RECV),
};

static const struct word stream_source[] = {NOW(CACHE), NOW(EXIT)};

static const struct word stream_purpose[] = {
    NOW(USER),
    NOW(DNS_REQUEST),
    NOW(DIR_FETCH),
    LATER(DIR_UPLOAD, ONION),
    NEVER(DIRPORT_TEST, RELAY),
};

static const struct word or_status[] = {
    NOW(LAUNCHED), NOW(CONNECTED), NOW(FAILED), NOW(CLOSED), NEVER(NEW, RELAY),
};

static const struct word or_closure_reason[] = {
    NOW(DONE),      NOW(CONNECTREFUSED), NOW(IDENTITY),         NOW(CONNECTRESET),
    NOW(TIMEOUT),   NOW(NOROUTE),        NOW(IOERROR),          NOW(RESOURCELIMIT),
    NOW(TLS_ERROR), NOW(MISC),           LATER(PT_MISSING, PT),
};

static const struct word status_type[] = {NOW(GENERAL), NOW(CLIENT), NEVER(SERVER, RELAY)};

static const struct word guard_type[] = {NOW(ENTRY)};

static const struct word guard_status[] = {
    NOW(NEW),        NOW(UP),          NOW(DOWN),   NOW(DROPPED),
    NEVER(BAD, OLD), NEVER(GOOD, OLD), NOW(BAD_L2), NOW(GOOD_L2),
};

static const struct word timeout_set_type[] = {
    NOW(COMPUTED), NOW(RESET), NEVER(SUSPENDED, OLD), NEVER(DISCARD, OLD), NEVER(RESUME, OLD),
};

static const struct word connection_type[] = {
    NOW(OR),
    NEVER(DIR, "documents come over OR connections"),
    NEVER(EXIT, RELAY),
};

static const struct word token_bucket[] = {
    NEVER(GLOBAL, "tor refuses TB_EMPTY"),
    NEVER(RELAY, "tor refuses TB_EMPTY"),
    NEVER(ORCONN, "tor refuses TB_EMPTY"),
};

static const struct word hs_desc_action[] = {
    LATER(REQUESTED, ONION), LATER(UPLOAD, ONION), LATER(RECEIVED, ONION), LATER(UPLOADED, ONION),
    LATER(IGNORE, ONION),    LATER(FAILED, ONION), LATER(CREATED, ONION),
};

static const struct word hs_desc_reason[] = {
    LATER(BAD_DESC, ONION),           LATER(QUERY_REJECTED, ONION), LATER(UPLOAD_REJECTED, ONION),
    LATER(NOT_FOUND, ONION),          LATER(QUERY_NO_HSDIR, ONION), LATER(UNEXPECTED, ONION),
    LATER(QUERY_RATE_LIMITED, ONION),
};

static const struct word hs_auth[] = {
    LATER(NO_AUTH, ONION),  LATER(REND_V3_AUTH, ONION), LATER(UNKNOWN, ONION),
    NEVER(BASIC_AUTH, OLD), NEVER(STEALTH_AUTH, OLD),
};

static const struct word runlevel[] = {NOW(DEBUG), NOW(INFO), NOW(NOTICE), NOW(WARN), NOW(ERR)};

/* One may ask for any; told are RELOAD, SHUTDOWN, DUMP, DEBUG, HALT for the first ten
 * (signal_table).
 */
static const struct word signal_words[] = {
    NOW(RELOAD), NOW(HUP),           NOW(SHUTDOWN),  NOW(INT),    NOW(DUMP),
    NOW(USR1),   NOW(DEBUG),         NOW(USR2),      NOW(HALT),   NOW(TERM),
    NOW(NEWNYM), NOW(CLEARDNSCACHE), NOW(HEARTBEAT), NOW(ACTIVE), NOW(DORMANT),
};

/* dir-spec 3.4.1; what a consensus says is handed on. */
static const struct word flag[] = {
    NOW(Authority),  NOW(BadExit),       NOW(Exit),
    NOW(Fast),       NOW(Guard),         NOW(HSDir),
    NOW(Named),      NOW(NoEdConsensus), NOW(Running),
    NOW(Stable),     NOW(StaleDesc),     NOW(Unnamed),
    NOW(V2Dir),      NOW(V3Dir),         NOW(Valid),
    NOW(MiddleOnly), NOW(Sybil),         NEVER(BadDirectory, "authorities vote on it no more"),
};

#define VOCABULARY(name, words)                         \
    {                                                   \
        name, words, sizeof(words) / sizeof((words)[0]) \
    }

const struct vocabulary words_all[] = {
    VOCABULARY("CircStatus", circ_status),
    VOCABULARY("CircBuildFlag", circ_build_flag),
    VOCABULARY("CircPurpose", circ_purpose),
    VOCABULARY("CircClosureReason", circ_closure_reason),
    VOCABULARY("CircEvent", circ_event),
    VOCABULARY("HiddenServiceState", hidden_service_state),
    VOCABULARY("RelayEndReason", relay_end_reason),
    VOCABULARY("StreamStatus", stream_status),
    VOCABULARY("StreamClosureReason", stream_closure_reason),
    VOCABULARY("StreamSource", stream_source),
    VOCABULARY("StreamPurpose", stream_purpose),
    VOCABULARY("ORStatus", or_status),
    VOCABULARY("ORClosureReason", or_closure_reason),
    VOCABULARY("StatusType", status_type),
    VOCABULARY("GuardType", guard_type),
    VOCABULARY("GuardStatus", guard_status),
    VOCABULARY("TimeoutSetType", timeout_set_type),
    VOCABULARY("ConnectionType", connection_type),
    VOCABULARY("TokenBucket", token_bucket),
    VOCABULARY("HSDescAction", hs_desc_action),
    VOCABULARY("HSDescReason", hs_desc_reason),
    VOCABULARY("HSAuth", hs_auth),
    VOCABULARY("Runlevel", runlevel),
    VOCABULARY("Signal", signal_words),
    VOCABULARY("Flag", flag),
    {0},
};

const struct vocabulary *words_vocabulary(const char *name)
{
    for (const struct vocabulary *v = words_all; v->name; v++)
        if (strcmp(v->name, name) == 0)
            return v;
    return NULL;
}

const struct word *words_find(const struct vocabulary *v, const char *text)
{
    for (size_t i = 0; i < v->n; i++)
        if (strcmp(v->words[i].text, text) == 0)
            return &v->words[i];
    return NULL;
}

/* ---- of circuits ---- */

const char *words_circ_status(enum circuit_status status)
{
    const struct event_record e = {.kind = EVENT_CIRCUIT, .circuit = {.status = status}};
    if (status == CIRCUIT_BEGUN || status == CIRCUIT_PURPOSE_CHANGED ||
        status == CIRCUIT_CANNIBALIZED)
        return NULL;
    return event_name(&e);
}

size_t words_build_flags(unsigned flags, const char *out[WORDS_BUILD_FLAGS])
{
    static const struct {
        unsigned flag;
        const char *word;
    } rows[WORDS_BUILD_FLAGS] = {
        {CIRCUIT_ONEHOP_TUNNEL, "ONEHOP_TUNNEL"},
        {CIRCUIT_IS_INTERNAL, "IS_INTERNAL"},
        {CIRCUIT_NEED_CAPACITY, "NEED_CAPACITY"},
        {CIRCUIT_NEED_UPTIME, "NEED_UPTIME"},
    };
    size_t n = 0;
    for (size_t i = 0; i < WORDS_BUILD_FLAGS; i++)
        if (flags & rows[i].flag)
            out[n++] = rows[i].word;
    return n;
}

/* ---- why something ended ---- */

/* NAME is that of NUMBER, which is known up to MOST. SHELL: what stands for all that the other side
 * says. */
static struct reason_words reason(const char *name, uint8_t number, uint8_t most, bool remote,
                                  const char *shell)
{
    struct reason_words w = {"", ""};
    char *out = remote ? w.remote : w.reason;
    if (remote)
        snprintf(w.reason, sizeof w.reason, "%s", shell);
    if (number > most)
        snprintf(out, sizeof w.remote, "UNKNOWN_%u", number);
    else
        snprintf(out, sizeof w.remote, "%s", name);
    return w;
}

struct reason_words words_circ_reason(const struct event_circuit *e)
{
    /* What only we know, nobody else can say. */
    uint8_t most = e->remote ? DESTROY_NOSUCHSERVICE : DESTROY_NOPATH;
    return reason(destroy_reason_name(e->reason), e->reason, most, e->remote, "DESTROYED");
}

struct reason_words words_stream_reason(const struct event_stream *e)
{
    uint8_t most = e->remote ? END_NOTDIRECTORY : END_CANT_ATTACH;
    struct reason_words w = reason(end_reason_name(e->reason), e->reason, most, e->remote, "END");
    if (!e->reason) /* "0" is no number of theirs; ours have one each */
        snprintf(e->remote ? w.remote : w.reason, sizeof w.remote, "UNKNOWN_0");
    return w;
}

/* ---- of streams ---- */

const char *words_client_protocol(const struct event_stream *e)
{
    switch (e->asker.protocol) {
    case 4:
        return "SOCKS4";
    case 5:
        return "SOCKS5";
    default:
        return "UNKNOWN";
    }
}

size_t words_iso_fields(const struct event_stream *e, const char *out[WORDS_ISO_FIELDS])
{
    uint32_t by = e->asker.isolated_by;
    size_t n = 0;
    if (by & ISO_DEST_PORT)
        out[n++] = "DESTPORT";
    if (by & ISO_DEST_ADDR)
        out[n++] = "DESTADDR";
    if (by & ISO_SOCKS_AUTH) {
        out[n++] = "SOCKS_USERNAME";
        out[n++] = "SOCKS_PASSWORD";
    }
    if (by & ISO_CLIENT_PROTOCOL)
        out[n++] = "CLIENT_PROTOCOL";
    if (by & ISO_CLIENT_ADDR)
        out[n++] = "CLIENTADDR";
    out[n++] = "SESSION_GROUP";
    if (e->purpose != STREAM_DIR_FETCH) /* SIGNAL NEWNYM is nothing to them */
        out[n++] = "NYM_EPOCH";
    return n;
}

/* ---- of the rest ---- */

struct status_words words_status(const struct event_status *e)
{
    switch (e->what) {
    case STATUS_ENOUGH_DIR_INFO:
    case STATUS_NOT_ENOUGH_DIR_INFO:
    case STATUS_CIRCUIT_ESTABLISHED:
        return (struct status_words){"CLIENT", "NOTICE"};
    case STATUS_CIRCUIT_NOT_ESTABLISHED:
        /* For want of a directory it says nothing that NOT_ENOUGH_DIR_INFO did not, and tor none.
         */
        return e->clock ? (struct status_words){"CLIENT", "NOTICE"} : (struct status_words){0};
    case STATUS_DANGEROUS_SOCKS:
    case STATUS_DANGEROUS_PORT:
    case STATUS_SOCKS_UNKNOWN_PROTOCOL:
    case STATUS_SOCKS_BAD_HOSTNAME:
        return (struct status_words){"CLIENT", "WARN"};
    case STATUS_STREAMS_LEFT_UNATTACHED:
    case STATUS_CLOCK_JUMPED:
    case STATUS_CLOCK_SKEW:
        return (struct status_words){"GENERAL", "WARN"};
    case STATUS_NETWORK_UP:
    case STATUS_NETWORK_DOWN:
    case STATUS_BUILDTIMEOUT_SET:
    case STATUS_OBSOLETE:
        break;
    }
    return (struct status_words){0};
}
