#include "measure/msg_fields.h"

#include <stddef.h>
#include <string.h>

/* Integers in JSON are exact up to there wherever they are read. */
#define EXACT_MOST ((uint64_t)1 << 53)

enum { THOUSANDTHS = 1000, CORES_MOST = 4096, LAG_MOST_MS = 600000 };

#define AT(member) offsetof(struct msg, member)
#define U32(name_, needed_, member, least_, most_)                                          \
    {                                                                                       \
        .name = name_, .kind = FIELD_U32, .needed = needed_, .at = member, .least = least_, \
        .most = most_                                                                       \
    }
#define U64(name_, needed_, member)                                                           \
    {                                                                                         \
        .name = name_, .kind = FIELD_U64, .needed = needed_, .at = member, .most = EXACT_MOST \
    }
#define REAL(name_, needed_, member, most_)                                               \
    {                                                                                     \
        .name = name_, .kind = FIELD_REAL, .needed = needed_, .at = member, .most = most_ \
    }
#define SIZED(name_, kind_, needed_, member, size_)                                  \
    {                                                                                \
        .name = name_, .kind = kind_, .needed = needed_, .at = member, .size = size_ \
    }
#define PLAIN(name_, kind_, needed_, member)                          \
    {                                                                 \
        .name = name_, .kind = kind_, .needed = needed_, .at = member \
    }

static const struct msg_field hello_fields[] = {
    U32("proto", true, AT(hello.proto), 1, UINT32_MAX),
    SIZED("software", FIELD_WORDS, true, AT(hello.software), MSG_SOFTWARE_MAX + 1),
    SIZED("name", FIELD_NAME, true, AT(hello.name), MSG_NAME_MAX + 1),
    U64("bw", false, AT(hello.bw)),
    U32("sockets_max", false, AT(hello.sockets_max), 0, UINT32_MAX),
    U32("cores", false, AT(hello.cores), 0, CORES_MOST),
    PLAIN("identity", FIELD_ED, false, AT(hello.identity)),
    {.name = NULL},
};

static const char *const mode_words[] = {
#define X(mode, name) [mode] = name,
    MEAS_MODES(X)
#undef X
        NULL};
static const char *const code_words[] = {
#define X(code, word) [code] = word,
    MEAS_CODES(X)
#undef X
        NULL};
static const char *const echo_words[] = {
    [MEAS_ECHO_FRAMED] = "framed", [MEAS_ECHO_RAW] = "raw", NULL};
static const char *const cheat_words[] = {
    [CHEAT_DIFFERENCE] = "difference", [CHEAT_MORE] = "more", NULL};

#define OF_RELAY(member) offsetof(struct meas_relay, member)
static const struct msg_field relay_fields[] = {
    {.name = "fp", .kind = FIELD_FP, .at = OF_RELAY(fp), .flag = OF_RELAY(has_fp)},
    {.name = "ed25519", .kind = FIELD_ED, .at = OF_RELAY(ed25519), .flag = OF_RELAY(has_ed25519)},
    {.name = "addrs", .kind = FIELD_ADDRS, .needed = true},
    {.name = NULL},
};

static const struct msg_field connect_fields[] = {
    {.name = "relay",
     .kind = FIELD_OBJECT,
     .needed = true,
     .at = AT(connect.relay),
     .fields = relay_fields},
    {.name = "mode",
     .kind = FIELD_WORD,
     .needed = true,
     .at = AT(connect.mode),
     .words = mode_words},
    U32("n_circs", true, AT(connect.n_circs), 1, MEAS_CIRCS_MOST),
    U64("alloc_bw", true, AT(connect.alloc_bw)),
    U32("dur", true, AT(connect.dur), 1, MSG_DUR_MOST),
    REAL("check", true, AT(connect.check), THOUSANDTHS),
    {.name = "echo",
     .kind = FIELD_WORD,
     .needed = true,
     .at = AT(connect.echo),
     .words = echo_words},
    SIZED("session", FIELD_HEX, true, AT(connect.session), MEAS_SESSION_LEN),
    SIZED("seed", FIELD_HEX, true, AT(connect.seed), MEAS_SEED_LEN),
    PLAIN("hop_addr", FIELD_ADDR, false, AT(connect.hop_addr)),
    SIZED("proof", FIELD_PROOF, false, AT(connect.proof), MSG_PROOF_MOST),
    PLAIN("exit", FIELD_ADDR, false, AT(connect.exit.at)),
    SIZED("exit_proof", FIELD_PROOF, false, AT(connect.exit.proof), MSG_PROOF_MOST),
    PLAIN("server", FIELD_ADDR, false, AT(connect.exit.server)),
    {.name = NULL},
};

static const struct msg_field connected_fields[] = {
    U32("circs", true, AT(connected.circs), 0, MEAS_CIRCS_MOST),
    U32("ready_circs", true, AT(connected.ready_circs), 0, MEAS_CIRCS_MOST),
    U32("bad_circs", true, AT(connected.bad_circs), 0, MEAS_CIRCS_MOST),
    U32("rtt_ms", false, AT(connected.rtt_ms), 0, LAG_MOST_MS),
    {.name = NULL},
};

static const struct msg_field alloc_fields[] = {
    U64("alloc_bw", true, AT(alloc_bw)),
    {.name = NULL},
};

static const struct msg_field report_fields[] = {
    U32("sec", true, AT(report.sec), 1, MSG_DUR_MOST),
    U64("sent", true, AT(report.sent)),
    U64("recv", true, AT(report.recv)),
    U64("wire_in", true, AT(report.wire_in)),
    U64("wire_out", true, AT(report.wire_out)),
    U64("checked", true, AT(report.checked)),
    U64("bad", true, AT(report.bad)),
    U32("blocked", true, AT(report.blocked), 0, 100),
    U32("cpu", true, AT(report.cpu), 0, CORES_MOST * 100),
    U32("lag_ms", true, AT(report.lag_ms), 0, LAG_MOST_MS),
    {.name = NULL},
};

#define OF_CHEAT(member) offsetof(struct meas_cheat, member)
static const struct msg_field cheat_fields[] = {
    {.name = "kind",
     .kind = FIELD_WORD,
     .needed = true,
     .at = OF_CHEAT(kind),
     .words = cheat_words},
    U32("socket", true, OF_CHEAT(socket), 0, UINT32_MAX),
    U32("circuit", true, OF_CHEAT(circuit), 0, UINT32_MAX),
    U64("cell", true, OF_CHEAT(cell)),
    U32("at", true, OF_CHEAT(at), 0, UINT32_MAX),
    SIZED("expected", FIELD_HEX, true, OF_CHEAT(expected), MEAS_EVIDENCE_LEN),
    SIZED("got", FIELD_HEX, true, OF_CHEAT(got), MEAS_EVIDENCE_LEN),
    {.name = NULL},
};

static const struct msg_field failure_fields[] = {
    {.name = "code",
     .kind = FIELD_WORD,
     .needed = true,
     .at = AT(failure.code),
     .words = code_words},
    SIZED("info", FIELD_WORDS, false, AT(failure.info), MEAS_INFO_MAX),
    {.name = "cheat",
     .kind = FIELD_OBJECT,
     .at = AT(failure.cheat),
     .size = sizeof(struct meas_cheat),
     .fields = cheat_fields},
    {.name = NULL},
};

const struct msg_row msg_rows[MSG_TYPES] = {
    /*                          name                coordinator, measurer, has id, needs it */
    [MSG_HELLO] = {"hello", true, true, false, false, hello_fields},
    [MSG_CONNECT_TO_RELAY] = {"connect_to_relay", true, false, true, true, connect_fields},
    [MSG_CONNECTED_TO_RELAY] = {"connected_to_relay", false, true, true, true, connected_fields},
    [MSG_GO] = {"go", true, false, true, true, NULL},
    [MSG_ALLOC] = {"alloc", true, false, true, true, alloc_fields},
    [MSG_BW_REPORT] = {"bw_report", false, true, true, true, report_fields},
    [MSG_FAILURE] = {"failure", true, true, true, false, failure_fields},
    [MSG_DONE] = {"done", true, true, true, true, NULL},
    [MSG_CANCEL] = {"cancel", true, false, true, true, NULL},
    [MSG_PING] = {"ping", true, true, false, false, NULL},
    [MSG_PONG] = {"pong", true, true, false, false, NULL},
};

const char *msg_name(enum msg_type type)
{
    return msg_rows[type].name;
}

bool msg_is_coords(enum msg_type type)
{
    return msg_rows[type].coords;
}

bool msg_is_measurers(enum msg_type type)
{
    return msg_rows[type].measurers;
}

bool msg_name_valid(struct text name)
{
    if (!name.len || name.len > MSG_NAME_MAX)
        return false;
    for (size_t i = 0; i < name.len; i++) {
        struct text one = {name.s + i, 1};
        if (!text_is_alnum(one) && !memchr("-_.", name.s[i], 3))
            return false;
    }
    return name.s[0] != '.';
}
