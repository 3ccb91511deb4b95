/* Which cell may come when (tor-spec 3, 4, 5.1.1). */
#include <string.h>

#include "check/pcirc.h"
#include "check/sections.h"

enum { UNKNOWN_FIXED = 100, UNKNOWN_VARIABLE = 200 };

static const uint16_t versions[] = {4, 5};

/* ---- the relay's cells ---- */

static void answers_in_order(struct trial *t)
{
    struct probe *p = probe_versions(t);
    (void)(probe_await(p, CELL_CERTS, NULL) && probe_await(p, CELL_AUTH_CHALLENGE, NULL) &&
           probe_await(p, CELL_NETINFO, NULL));
}

static void has_no_circuit_id(struct trial *t)
{
    struct probe_cell cell;
    struct probe *p = probe_versions(t);
    for (int i = 0; i < 3 && p && probe_next(p, &cell); i++)
        TRIAL_EXPECT(t, !cell.circ_id, "%s has a circuit id", chan_cmd_name(cell.cmd));
}

/* ---- before VERSIONS ---- */

static void begins_with_the_end(struct trial *t, uint8_t cmd, const void *body, size_t len)
{
    struct probe *p = probe_tls(t);
    probe_cell(p, 0, cmd, body, len);
    probe_await_close(p);
}

static void first_create(struct trial *t)
{
    begins_with_the_end(t, CELL_CREATE_FAST, "twenty bytes of ours", 20);
}

static void first_certs(struct trial *t)
{
    begins_with_the_end(t, CELL_CERTS, "", 1);
}

static void begins_with(struct trial *t, uint8_t cmd)
{
    struct probe *p = probe_tls(t);
    probe_cell(p, 0, cmd, "whatever", 8);
    probe_send_versions(p, versions, 2);
    (void)probe_await(p, CELL_VERSIONS, NULL);
}

static void first_vpadding(struct trial *t)
{
    begins_with(t, CELL_VPADDING);
}

static void first_authorize(struct trial *t)
{
    begins_with(t, CELL_AUTHORIZE);
}

/* ---- before NETINFO ---- */

static void early_vpadding(struct trial *t)
{
    struct probe_hello hello;
    struct probe *p = probe_hello(t, &hello);
    probe_cell(p, 0, CELL_VPADDING, "whatever", 8);
    probe_send_netinfo(p);
    probe_await_alive(p);
}

/* The relay says nothing, and ends the connection. */
static void early_is_the_end(struct trial *t, uint32_t id, uint8_t cmd, const void *body,
                             size_t len)
{
    struct probe_hello hello;
    struct probe *p = probe_hello(t, &hello);
    probe_cell(p, id, cmd, body, len);
    probe_await_close(p);
}

static void early_padding(struct trial *t)
{
    early_is_the_end(t, 0, CELL_PADDING, "", 0);
}

static void early_create(struct trial *t)
{
    early_is_the_end(t, 0x80000001, CELL_CREATE_FAST, "twenty bytes of ours", 20);
}

static void early_authenticate(struct trial *t)
{
    uint8_t body[4 + 352] = {0, CHAN_AUTH_ED25519_SHA256_RFC5705, 352 >> 8, 352 & 255};
    early_is_the_end(t, 0, CELL_AUTHENTICATE, body, sizeof body);
}

static void early_certs(struct trial *t)
{
    static const uint8_t body[] = {1, CHAN_CERT_RSA_ID, 255, 255, 0}; /* longer than the cell */
    early_is_the_end(t, 0, CELL_CERTS, body, sizeof body);
}

/* ---- on an open link ---- */

static void open_is_ignored(struct trial *t, uint32_t id, uint8_t cmd, const void *body, size_t len)
{
    struct probe *p = probe_link(t);
    probe_cell(p, id, cmd, body, len);
    probe_await_alive(p);
}

static void open_is_the_end(struct trial *t, uint8_t cmd, const void *body, size_t len)
{
    struct probe *p = probe_link(t);
    probe_await_alive(p);
    probe_cell(p, 0, cmd, body, len);
    probe_await_close(p);
}

static void open_padding(struct trial *t)
{
    open_is_ignored(t, 0, CELL_PADDING, "whatever", 8);
}

static void open_vpadding(struct trial *t)
{
    static const uint8_t body[3000] = {1};
    open_is_ignored(t, 0, CELL_VPADDING, body, sizeof body);
}

static void open_unknown(struct trial *t)
{
    open_is_ignored(t, 0, UNKNOWN_FIXED, "whatever", 8);
}

static void open_unknown_variable(struct trial *t)
{
    open_is_ignored(t, 0, UNKNOWN_VARIABLE, "whatever", 8);
}

static void open_netinfo(struct trial *t)
{
    struct probe *p = probe_link(t);
    probe_send_netinfo(p);
    probe_await_alive(p);
}

static void open_certs(struct trial *t)
{
    open_is_the_end(t, CELL_CERTS, "", 1);
}

static void open_challenge(struct trial *t)
{
    static const uint8_t body[CHAN_AUTH_CHALLENGE_LEN + 4] = {[CHAN_AUTH_CHALLENGE_LEN + 1] = 1,
                                                              [CHAN_AUTH_CHALLENGE_LEN + 3] = 3};
    open_is_the_end(t, CELL_AUTH_CHALLENGE, body, sizeof body);
}

/* ---- cells of circuits that there are not ---- */

static void stray_relay(struct trial *t)
{
    open_is_ignored(t, 0x80005555, CELL_RELAY, "whatever", 8);
}

static void stray_destroy(struct trial *t)
{
    open_is_ignored(t, 0x80005555, CELL_DESTROY, "", 1);
}

static void stray_created(struct trial *t)
{
    open_is_ignored(t, 0x80005555, CELL_CREATED_FAST, "whatever", 8);
}

/* ---- CREATE and circuit ids ---- */

static const uint8_t x[20] = "twenty bytes of ours";

/* The relay may close, or drop the cell; but the next circuit is the first there is. */
static void create_zero(struct trial *t)
{
    struct probe_cell cell;
    struct probe *p = probe_link(t);
    uint32_t id = probe_new_id(p);
    probe_cell(p, 0, CELL_CREATE_FAST, x, sizeof x);
    probe_cell(p, id, CELL_CREATE_FAST, x, sizeof x);
    trial_awaits(t, "the connection's end, or CREATED_FAST of the second circuit only");
    if (p && trial_goes_on(t) && probe_poll(p, t->run->answer_ms, &cell) == OK)
        TRIAL_EXPECT(t, cell.circ_id == id, "%s came for circuit %08x", chan_cmd_name(cell.cmd),
                     (unsigned)cell.circ_id);
}

/* tor-spec 5.1.1: "implementations MAY decide to refuse in case of a violation": by DESTROY, by
 * dropping it, or altogether. */
static void create_low(struct trial *t)
{
    enum { LOW = 7 };
    struct probe_cell cell;
    struct probe *p = probe_link(t);
    uint32_t id = probe_new_id(p);
    probe_cell(p, LOW, CELL_CREATE_FAST, x, sizeof x);
    probe_cell(p, id, CELL_CREATE_FAST, x, sizeof x);
    trial_awaits(t, "the connection's end, DESTROY, or CREATED_FAST of the second circuit only");
    if (p && trial_goes_on(t) && probe_poll(p, t->run->answer_ms, &cell) == OK)
        TRIAL_EXPECT(t, cell.circ_id == id || (cell.circ_id == LOW && cell.cmd == CELL_DESTROY),
                     "%s came for circuit %08x", chan_cmd_name(cell.cmd), (unsigned)cell.circ_id);
}

static const struct check_case cases[] = {
    {"order/answer", CHECK_MUST, "tor-spec 4",
     "answers VERSIONS with VERSIONS, CERTS, AUTH_CHALLENGE and NETINFO, in this order",
     answers_in_order, NEEDS_NOTHING},
    {"order/no-circuit-id", CHECK_MUST, "tor-spec 5.1.1",
     "has circuit id 0 in cells that belong to no circuit", has_no_circuit_id, NEEDS_NOTHING},
    {"order/first-create", CHECK_MUST, "tor-spec 4",
     "closes the connection if CREATE_FAST comes before VERSIONS", first_create, NEEDS_NOTHING},
    {"order/first-certs", CHECK_MUST, "tor-spec 4",
     "closes the connection if CERTS comes before VERSIONS", first_certs, NEEDS_NOTHING},
    {"order/first-vpadding", CHECK_MUST, "tor-spec 4", "takes VPADDING before VERSIONS",
     first_vpadding, NEEDS_NOTHING},
    {"order/first-authorize", CHECK_MUST, "tor-spec 4", "takes AUTHORIZE before VERSIONS",
     first_authorize, NEEDS_NOTHING},
    {"order/early-vpadding", CHECK_MUST, "tor-spec 4",
     "ignores VPADDING between VERSIONS and NETINFO", early_vpadding, NEEDS_NOTHING},
    {"order/early-padding", CHECK_MUST, "tor-spec 4",
     "closes the connection if PADDING comes before NETINFO", early_padding, NEEDS_NOTHING},
    {"order/early-create", CHECK_MUST, "tor-spec 4",
     "closes the connection if CREATE_FAST comes before NETINFO", early_create, NEEDS_NOTHING},
    {"order/early-authenticate", CHECK_MUST, "tor-spec 4",
     "closes the connection if AUTHENTICATE comes without CERTS", early_authenticate,
     NEEDS_NOTHING},
    {"order/early-certs", CHECK_MUST, "tor-spec 4.2", "closes the connection if CERTS is malformed",
     early_certs, NEEDS_NOTHING},
    {"order/padding", CHECK_MUST, "tor-spec 7.2", "ignores PADDING", open_padding, NEEDS_NOTHING},
    {"order/vpadding", CHECK_MUST, "tor-spec 7.2", "ignores VPADDING, of any length", open_vpadding,
     NEEDS_NOTHING},
    {"order/unknown", CHECK_MUST, "tor-spec 3", "drops a cell of fixed size and unknown command",
     open_unknown, NEEDS_NOTHING},
    {"order/unknown-variable", CHECK_MUST, "tor-spec 3",
     "drops a cell of variable size and unknown command", open_unknown_variable, NEEDS_NOTHING},
    {"order/second-netinfo", CHECK_SHOULD, "tor-spec 4", "ignores a second NETINFO", open_netinfo,
     NEEDS_NOTHING},
    {"order/late-certs", CHECK_SHOULD, "tor-spec 4",
     "closes the connection if CERTS comes after NETINFO", open_certs, NEEDS_NOTHING},
    {"order/challenge", CHECK_SHOULD, "tor-spec 4.3",
     "closes the connection if AUTH_CHALLENGE comes from the initiator", open_challenge,
     NEEDS_NOTHING},
    {"order/stray-relay", CHECK_MUST, "tor-spec 5.5", "drops RELAY for a circuit that there is not",
     stray_relay, NEEDS_NOTHING},
    {"order/stray-destroy", CHECK_MUST, "tor-spec 5.4",
     "drops DESTROY for a circuit that there is not", stray_destroy, NEEDS_NOTHING},
    {"order/stray-created", CHECK_SHOULD, "tor-spec 5.1",
     "drops CREATED_FAST for a circuit that there is not", stray_created, NEEDS_NOTHING},
    {"order/create-zero", CHECK_MUST, "tor-spec 5.1.1", "makes no circuit with id 0", create_zero,
     NEEDS_NOTHING},
    {"order/create-low", CHECK_SHOULD, "tor-spec 5.1.1",
     "makes no circuit whose id has not the initiator's top bit", create_low, NEEDS_NOTHING},
};
const struct check_section check_order = {"order", "cell order", cases,
                                          sizeof cases / sizeof *cases};
