#include "cell/relay.h"

#include <string.h>

#include "base/rd.h"
#include "base/wr.h"

#define CLI  RELAY_TO_CLIENT
#define SVC  RELAY_TO_SERVICE
#define REL  RELAY_TO_RELAY
#define MEA  RELAY_TO_MEASURING
#define NONE RELAY_STREAM_NONE
#define NEED RELAY_STREAM_NEEDED
#define OPT  RELAY_STREAM_OPTIONAL
#define MAX  RELAY_DATA_MAX
#define ANY  RELAY_ANY_HOP
#define WIN  RELAY_COUNTED
#define MUX  RELAY_MULTIPLEXED

/* Lengths are those of the shortest and the longest well-formed body; where the spec lets bytes
 * follow ("ignore the payload", padding), up to a full message. A message that names no other hop
 * must come from the last one. SENDME, TRUNCATED, DROP and PADDING_NEGOTIATED are about the hop
 * that sends them, wherever it is; the circuit checks that it owes us one. */
static const struct relay_rule rules[] = {
    /* cmd = name, min, max, stream, receivers, traits */
    [RELAY_BEGIN] = {"BEGIN", 3, MAX, NEED, SVC | REL, MUX},
    [RELAY_DATA] = {"DATA", 0, MAX, NEED, CLI | SVC | REL, WIN | MUX},
    [RELAY_END] = {"END", 1, MAX, NEED, CLI | SVC | REL, MUX},
    [RELAY_CONNECTED] = {"CONNECTED", 0, MAX, NEED, CLI, MUX},
    [RELAY_SENDME] = {"SENDME", 0, MAX, OPT, CLI | SVC | REL, ANY},
    [RELAY_EXTEND] = {"EXTEND", 0, MAX, NONE, 0, 0},
    [RELAY_EXTENDED] = {"EXTENDED", 0, MAX, NONE, 0, 0},
    [RELAY_TRUNCATE] = {"TRUNCATE", 0, MAX, NONE, REL, 0},
    [RELAY_TRUNCATED] = {"TRUNCATED", 1, 1, NONE, CLI | SVC, ANY},
    [RELAY_DROP] = {"DROP", 0, MAX, NONE, CLI | SVC | REL, ANY},
    [RELAY_RESOLVE] = {"RESOLVE", 2, MAX, NEED, REL, MUX},
    [RELAY_RESOLVED] = {"RESOLVED", 0, MAX, NEED, CLI, MUX},
    [RELAY_BEGIN_DIR] = {"BEGIN_DIR", 0, MAX, NEED, REL, 0},
    [RELAY_EXTEND2] = {"EXTEND2", 27, MAX, NONE, REL, 0},
    [RELAY_EXTENDED2] = {"EXTENDED2", 2, MAX, NONE, CLI | SVC, 0},
    [RELAY_CONFLUX_LINK] = {"CONFLUX_LINK", 50, 50, NONE, REL, 0},
    [RELAY_CONFLUX_LINKED] = {"CONFLUX_LINKED", 50, 50, NONE, CLI, 0},
    [RELAY_CONFLUX_LINKED_ACK] = {"CONFLUX_LINKED_ACK", 0, MAX, NONE, REL, 0},
    [RELAY_CONFLUX_SWITCH] = {"CONFLUX_SWITCH", 4, MAX, NONE, CLI | REL, 0},
    [RELAY_ESTABLISH_INTRO] = {"ESTABLISH_INTRO", 134, MAX, NONE, REL, 0},
    [RELAY_ESTABLISH_RENDEZVOUS] = {"ESTABLISH_RENDEZVOUS", 20, MAX, NONE, REL, 0},
    [RELAY_INTRODUCE1] = {"INTRODUCE1", 120, MAX, NONE, REL, 0},
    [RELAY_INTRODUCE2] = {"INTRODUCE2", 120, MAX, NONE, SVC, 0},
    [RELAY_RENDEZVOUS1] = {"RENDEZVOUS1", 84, MAX, NONE, REL, 0},
    [RELAY_RENDEZVOUS2] = {"RENDEZVOUS2", 64, MAX, NONE, CLI, 0},
    [RELAY_INTRO_ESTABLISHED] = {"INTRO_ESTABLISHED", 0, MAX, NONE, SVC, 0},
    [RELAY_RENDEZVOUS_ESTABLISHED] = {"RENDEZVOUS_ESTABLISHED", 0, MAX, NONE, CLI, 0},
    [RELAY_INTRODUCE_ACK] = {"INTRODUCE_ACK", 3, MAX, NONE, CLI, 0},
    [RELAY_PADDING_NEGOTIATE] = {"PADDING_NEGOTIATE", 8, 8, NONE, REL, 0},
    [RELAY_PADDING_NEGOTIATED] = {"PADDING_NEGOTIATED", 8, 8, NONE, CLI | SVC, ANY},
    [RELAY_XOFF] = {"XOFF", 1, 1, NEED, CLI | SVC | REL, MUX},
    [RELAY_XON] = {"XON", 5, 5, NEED, CLI | SVC | REL, MUX},
    [RELAY_MEAS_ECHO] = {"MEAS_ECHO", MAX, MAX, NONE, MEA, 0},
};

#undef CLI
#undef SVC
#undef REL
#undef MEA
#undef NONE
#undef NEED
#undef OPT
#undef MAX
#undef ANY
#undef WIN
#undef MUX

const struct relay_rule *relay_rule(uint8_t cmd)
{
    if (cmd >= sizeof rules / sizeof rules[0] || !rules[cmd].name)
        return NULL;
    return &rules[cmd];
}

const char *relay_cmd_name(uint8_t cmd)
{
    const struct relay_rule *rule = relay_rule(cmd);
    return rule ? rule->name : "unknown";
}

err_t relay_msg_check(const struct relay_msg *m, enum relay_receiver us, bool from_last_hop)
{
    const struct relay_rule *rule = relay_rule(m->cmd);
    if (!rule || rule->receivers == 0 ||
        (rule->receivers == RELAY_TO_MEASURING && us != rule->receivers))
        return ERR_UNSUPPORTED;
    if (!(rule->receivers & us))
        return ERR_MALFORMED;
    if (us != RELAY_TO_RELAY && !from_last_hop && !(rule->traits & RELAY_ANY_HOP))
        return ERR_MALFORMED;
    if (m->len < rule->min_len || m->len > rule->max_len)
        return ERR_MALFORMED;
    if (rule->stream != RELAY_STREAM_OPTIONAL &&
        (m->stream_id != 0) != (rule->stream == RELAY_STREAM_NEEDED))
        return ERR_MALFORMED;
    return OK;
}

/* v1 has a stream id only where there must be one; so it has no SENDME about a stream. */
static bool v1_has_stream_id(uint8_t cmd)
{
    const struct relay_rule *rule = relay_rule(cmd);
    return rule && rule->stream == RELAY_STREAM_NEEDED;
}

size_t relay_data_at(enum relay_format format, uint8_t cmd)
{
    if (format == RELAY_V0)
        return RELAY_V0_HEAD_LEN;
    return v1_has_stream_id(cmd) ? RELAY_V1_HEAD_STREAM_LEN : RELAY_V1_HEAD_LEN;
}

size_t relay_data_max(enum relay_format format, uint8_t cmd)
{
    return CELL_BODY_LEN - relay_data_at(format, cmd);
}

static err_t data_decode(struct rd *r, size_t len, struct relay_msg *out)
{
    out->len = len;
    out->data = rd_bytes(r, len);
    /* tor-spec 6.1: "MUST NOT rely on the contents of the 'Padding' field" */
    return r->failed ? ERR_MALFORMED : OK;
}

static err_t v0_decode(struct rd r, struct relay_msg *out)
{
    out->cmd = rd_u8(&r);
    rd_bytes(&r, 2); /* recognized */
    out->stream_id = rd_u16(&r);
    rd_bytes(&r, 4); /* digest */
    uint16_t len = rd_u16(&r);
    return data_decode(&r, len, out);
}

static err_t v1_decode(struct rd r, struct relay_msg *out)
{
    rd_bytes(&r, RELAY_V1_TAG_LEN);
    out->cmd = rd_u8(&r);
    uint16_t len = rd_u16(&r);
    out->stream_id = 0;
    if (!relay_rule(out->cmd))
        return ERR_UNSUPPORTED;
    if (v1_has_stream_id(out->cmd)) {
        out->stream_id = rd_u16(&r);
        if (out->stream_id == 0)
            return ERR_MALFORMED;
    }
    return data_decode(&r, len, out);
}

err_t relay_msg_decode(enum relay_format format, const uint8_t body[CELL_BODY_LEN],
                       struct relay_msg *out)
{
    struct rd r = rd_over(body, CELL_BODY_LEN);
    return format == RELAY_V0 ? v0_decode(r, out) : v1_decode(r, out);
}

static err_t encode_check(enum relay_format format, const struct relay_msg *m)
{
    const struct relay_rule *rule = relay_rule(m->cmd);
    if (!rule)
        return ERR_ARG;
    if (rule->stream == RELAY_STREAM_NEEDED && m->stream_id == 0)
        return ERR_ARG;
    if (rule->stream == RELAY_STREAM_NONE && m->stream_id != 0)
        return ERR_ARG;
    if (format == RELAY_V1 && rule->stream == RELAY_STREAM_OPTIONAL && m->stream_id != 0)
        return ERR_ARG;
    return m->len > relay_data_max(format, m->cmd) ? ERR_LIMIT : OK;
}

err_t relay_msg_put(enum relay_format format, const struct relay_msg *m,
                    uint8_t body[CELL_BODY_LEN], size_t *random_at)
{
    struct wr w = wr_over(body, CELL_BODY_LEN);
    if (format == RELAY_V0) {
        wr_u8(&w, m->cmd);
        wr_u16(&w, 0); /* recognized */
        wr_u16(&w, m->stream_id);
        wr_u32(&w, 0); /* digest */
        wr_u16(&w, (uint16_t)m->len);
    } else {
        wr_zeros(&w, RELAY_V1_TAG_LEN);
        wr_u8(&w, m->cmd);
        wr_u16(&w, (uint16_t)m->len);
        if (v1_has_stream_id(m->cmd))
            wr_u16(&w, m->stream_id);
    }
    uint8_t *place = wr_room(&w, m->len);
    if (place && m->len && place != m->data)
        memmove(place, m->data, m->len);
    /* tor-spec 6.1: "four zero-valued bytes, followed by as many random bytes as will fit" */
    size_t room = CELL_BODY_LEN - w.len;
    wr_zeros(&w, room < RELAY_PAD_ZEROS ? room : RELAY_PAD_ZEROS);
    *random_at = w.len;
    return wr_end(&w);
}

err_t relay_msg_encode(enum relay_format format, const struct relay_msg *m,
                       uint8_t body[CELL_BODY_LEN], size_t *random_at)
{
    TRY(encode_check(format, m));
    return relay_msg_put(format, m, body, random_at);
}
