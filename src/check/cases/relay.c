/* RELAY cells and the messages in them (tor-spec 5.5 and 6.1, padding-spec 3). */
#include <string.h>

#include "base/rd.h"
#include "cell/relay_pad.h"
#include "check/pdir.h"
#include "check/sections.h"

enum { DROPS = 150, NO_COMMAND = 200, NO_MACHINE = 200 };

static const uint8_t bytes[RELAY_DATA_MAX] = {1, 2, 3, 4, 5, 6, 7, 8};

/* ---- digests ---- */

static void digest_running(struct trial *t)
{
    struct pcirc *c = pcirc_fast(t);
    struct pdir_answer a = {.status = 0};
    for (int i = 0; i < DROPS; i++)
        pcirc_send(c, 1, RELAY_DROP, 0, bytes, (size_t)i);
    pdir_get(c, "/tor/status-vote/current/consensus", "", &a);
    pdir_free(&a);
    pcirc_await_alive(c);
}

static void digest_own_only(struct trial *t)
{
    (void)pcirc_needs_dir(t);
    struct check_next next;
    struct pmsg m;
    if (!pcirc_find_next(t, &next))
        return;
    struct pcirc *c = pcirc_ntor(t);
    pcirc_extend(c, &next);
    pcirc_await_alive(c); /* to the second hop, through the relay */
    uint16_t id = pcirc_new_stream(c);
    pcirc_send(c, 1, RELAY_BEGIN_DIR, id, NULL, 0);
    if (pcirc_await(c, RELAY_CONNECTED, id, &m))
        TRIAL_EXPECT(t, m.hop == 1, "the answer is not from the relay but from hop %u", m.hop);
}

static void garbled(struct trial *t, size_t at, const char *how)
{
    struct pcirc *c = pcirc_fast(t);
    pcirc_send_garbled(c, RELAY_DROP, 0, NULL, 0, at, how);
    (void)pcirc_await_destroy(c);
}

static void digest_wrong(struct trial *t)
{
    garbled(t, RELAY_V0_DIGEST_AT, "with a wrong digest");
}

static void digest_of_padding(struct trial *t)
{
    garbled(t, CELL_BODY_LEN - 1, "with padding that its digest does not cover");
}

static void recognized_not_zero(struct trial *t)
{
    garbled(t, RELAY_V0_RECOGNIZED_AT, "with \"recognized\" not zero");
}

/* ---- the form of messages ---- */

static void make_too_long(uint8_t *body)
{
    enum { LENGTH_AT = 9, TOO_LONG = RELAY_V0_DATA_MAX + 1 };
    body[LENGTH_AT] = TOO_LONG >> 8;
    body[LENGTH_AT + 1] = TOO_LONG & 0xff;
}

static void length_too_long(struct trial *t)
{
    struct pcirc *c = pcirc_fast(t);
    pcirc_send_spoilt(c, RELAY_DROP, 0, NULL, 0, make_too_long, "with length 499");
    (void)pcirc_await_destroy(c);
}

static void fill_padding(uint8_t *body)
{
    memset(body + RELAY_V0_HEAD_LEN, 0xff, CELL_BODY_LEN - RELAY_V0_HEAD_LEN);
}

static void padding_any(struct trial *t)
{
    (void)pcirc_needs_dir(t);
    struct pcirc *c = pcirc_fast(t);
    uint16_t id = pcirc_new_stream(c);
    pcirc_send_spoilt(c, RELAY_BEGIN_DIR, id, NULL, 0, fill_padding, "with ones as padding");
    (void)pcirc_await(c, RELAY_CONNECTED, id, NULL);
}

/* The padding of an answer: its first bytes are counted in ZEROS, and the others that are not
 * zero. */
static size_t look_at_padding(struct trial *t, size_t *zeros)
{
    (void)pcirc_needs_dir(t);
    struct pcirc *c = pcirc_fast(t);
    uint16_t id = pcirc_new_stream(c);
    size_t others = 0;
    struct pmsg m;
    *zeros = 0;
    pcirc_send(c, 1, RELAY_BEGIN_DIR, id, NULL, 0);
    if (!pcirc_await(c, RELAY_CONNECTED, id, &m))
        return 0;
    size_t data_at = relay_data_at(onion_layer(&c->onion, m.hop)->kind->format, m.cmd);
    const uint8_t *at = m.data + m.len, *end = m.data - data_at + CELL_BODY_LEN;
    for (size_t i = 0; at + i < end; i++) {
        *zeros += i < RELAY_PAD_ZEROS && !at[i];
        others += i >= RELAY_PAD_ZEROS && at[i];
    }
    return others;
}

static void padding_zeros(struct trial *t)
{
    size_t zeros;
    (void)look_at_padding(t, &zeros);
    TRIAL_EXPECT(t, zeros == RELAY_PAD_ZEROS, "the first 4 bytes of the padding are not zero");
}

static void padding_random(struct trial *t)
{
    size_t zeros, others = look_at_padding(t, &zeros);
    TRIAL_EXPECT(t, others > 0, "the padding is all zeros");
}

static void data_empty(struct trial *t)
{
    static const char begin[] = "GET /tor/server/authority ", end[] = "HTTP/1.0\r\n\r\n";
    struct pcirc *c = pcirc_fast(t);
    struct pdir_answer a = {.status = 0};
    uint16_t id = pcirc_begin_dir(c);
    pcirc_send(c, 1, RELAY_DATA, id, begin, sizeof begin - 1);
    pcirc_send(c, 1, RELAY_DATA, id, NULL, 0);
    pcirc_send(c, 1, RELAY_DATA, id, end, sizeof end - 1);
    pdir_take(c, id, &a);
    TRIAL_EXPECT(t, a.status, "the request was not answered");
    pdir_free(&a);
}

/* ---- messages that change nothing ---- */

static void ignores(struct trial *t, uint8_t cmd, uint16_t stream_id, const void *data, size_t len)
{
    struct pcirc *c = pcirc_fast(t);
    pcirc_send(c, 1, cmd, stream_id, data, len);
    pcirc_await_alive(c);
}

static void unknown_command(struct trial *t)
{
    ignores(t, NO_COMMAND, 0, bytes, sizeof bytes);
}

static void unknown_command_of_stream(struct trial *t)
{
    struct pcirc *c = pcirc_fast(t);
    struct pdir_answer a = {.status = 0};
    uint16_t id = pcirc_begin_dir(c);
    static const char request[] = "GET /tor/server/authority HTTP/1.0\r\n\r\n";
    pcirc_send(c, 1, NO_COMMAND, id, bytes, 1);
    pcirc_send(c, 1, RELAY_DATA, id, request, sizeof request - 1);
    pdir_take(c, id, &a);
    TRIAL_EXPECT(t, a.status, "the stream's request was not answered");
    pdir_free(&a);
}

static void drop(struct trial *t)
{
    struct pcirc *c = pcirc_fast(t);
    pcirc_send(c, 1, RELAY_DROP, 0, NULL, 0);
    pcirc_send(c, 1, RELAY_DROP, 0, bytes, sizeof bytes);
    pcirc_await_alive(c);
}

static void extended2(struct trial *t)
{
    ignores(t, RELAY_EXTENDED2, 0, bytes, 66);
}

static void truncated(struct trial *t)
{
    ignores(t, RELAY_TRUNCATED, 0, bytes, 1);
}

static void negotiated(struct trial *t)
{
    ignores(t, RELAY_PADDING_NEGOTIATED, 0, bytes, 8);
}

static void extend2_of_stream(struct trial *t)
{
    struct check_next next;
    struct ntor_client st;
    uint8_t body[RELAY_DATA_MAX];
    if (!pcirc_find_next(t, &next))
        return;
    struct pcirc *c = pcirc_ntor(t);
    if (!c || !trial_goes_on(t))
        return;
    size_t len = pcirc_extend_body(c, &next, &st, body);
    c->by_early = true;
    pcirc_send(c, 1, RELAY_EXTEND2, pcirc_new_stream(c), body, len);
    c->by_early = false;
    pcirc_await_alive(c);
    trial_awaits(t, "nothing more");
    probe_await_silence(c->p, 200);
}

/* ---- circuit padding ---- */

static void negotiate(struct pcirc *c, uint8_t command)
{
    struct relay_padding_negotiate m = {
        .command = command, .machine = NO_MACHINE, .machine_ctr = 7};
    uint8_t body[RELAY_DATA_MAX];
    struct wr w = wr_over(body, sizeof body);
    if (relay_padding_negotiate_encode(&w, &m) == OK)
        pcirc_send(c, 1, RELAY_PADDING_NEGOTIATE, 0, body, w.len);
}

static void no_machine(struct trial *t)
{
    struct pcirc *c = pcirc_ntor(t);
    struct relay_padding_negotiated said;
    struct pmsg m;
    negotiate(c, CIRCPAD_START);
    if (!pcirc_await(c, RELAY_PADDING_NEGOTIATED, 0, &m))
        return;
    if (relay_padding_negotiated_decode(rd_over(m.data, m.len), &said) != OK)
        trial_fail(t, "PADDING_NEGOTIATED is malformed");
    else
        TRIAL_EXPECT(t, said.response == CIRCPAD_ERR, "it says that it has machine %d", NO_MACHINE);
}

static void no_machine_echo(struct trial *t)
{
    struct pcirc *c = pcirc_ntor(t);
    struct relay_padding_negotiated said;
    struct pmsg m;
    negotiate(c, CIRCPAD_START);
    if (pcirc_await(c, RELAY_PADDING_NEGOTIATED, 0, &m) &&
        relay_padding_negotiated_decode(rd_over(m.data, m.len), &said) == OK)
        TRIAL_EXPECT(t, said.command == CIRCPAD_START && said.machine == NO_MACHINE,
                     "the answer is to command %u about machine %u", (unsigned)said.command,
                     (unsigned)said.machine);
}

static void negotiate_malformed(struct trial *t)
{
    ignores(t, RELAY_PADDING_NEGOTIATE, 0, bytes, 3);
}

static const struct check_case cases[] = {
    {"relay/digest-running", CHECK_MUST, "tor-spec 6.1",
     "keeps the running digests of both directions over many cells", digest_running, NEEDS_NOTHING},
    {"relay/digest-own-only", CHECK_MUST, "tor-spec 6.1",
     "leaves cells that it passes on out of its running digests", digest_own_only,
     NEEDS_KEY | NEEDS_NEXT},
    {"relay/digest-wrong", CHECK_MUST, "tor-spec 5.5.2.2",
     "sends DESTROY if a cell with a wrong digest comes and the circuit ends here", digest_wrong,
     NEEDS_NOTHING},
    {"relay/digest-of-padding", CHECK_MUST, "tor-spec 6.1",
     "takes the padding of a cell into its digest", digest_of_padding, NEEDS_NOTHING},
    {"relay/recognized", CHECK_MUST, "tor-spec 5.5.2.2",
     "sends DESTROY if a cell whose \"recognized\" is not zero comes and the circuit ends here",
     recognized_not_zero, NEEDS_NOTHING},
    {"relay/length", CHECK_SHOULD, "tor-spec 6.1",
     "takes the circuit down if a message is said to be longer than its cell", length_too_long,
     NEEDS_NOTHING},
    {"relay/padding-any", CHECK_MUST, "tor-spec 6.1", "does not rely on the contents of padding",
     padding_any, NEEDS_NOTHING},
    {"relay/padding-zeros", CHECK_SHOULD, "tor-spec 6.1", "begins its padding with four zeros",
     padding_zeros, NEEDS_NOTHING},
    {"relay/padding-random", CHECK_SHOULD, "tor-spec 6.1",
     "fills its padding, from the fifth byte on, with random bytes", padding_random, NEEDS_NOTHING},
    {"relay/data-empty", CHECK_MUST, "tor-spec 6.1", "takes DATA without data for what it is",
     data_empty, NEEDS_NOTHING},
    {"relay/unknown-command", CHECK_MUST, "tor-spec 6.1", "drops messages of unknown commands",
     unknown_command, NEEDS_NOTHING},
    {"relay/unknown-command-of-stream", CHECK_MUST, "tor-spec 6.1",
     "drops messages of unknown commands that are about a stream, and the stream goes on",
     unknown_command_of_stream, NEEDS_NOTHING},
    {"relay/drop", CHECK_MUST, "tor-spec 6.2", "drops DROP", drop, NEEDS_NOTHING},
    {"relay/extended2", CHECK_SHOULD, "tor-spec 6.1", "drops EXTENDED2, which only relays send",
     extended2, NEEDS_NOTHING},
    {"relay/truncated", CHECK_SHOULD, "tor-spec 6.1", "drops TRUNCATED, which only relays send",
     truncated, NEEDS_NOTHING},
    {"relay/negotiated", CHECK_SHOULD, "padding-spec 3.1",
     "drops PADDING_NEGOTIATED, which only relays send", negotiated, NEEDS_NOTHING},
    {"relay/extend2-of-stream", CHECK_SHOULD, "tor-spec 6.1",
     "does not follow EXTEND2 with a stream id", extend2_of_stream, NEEDS_KEY | NEEDS_NEXT},
    {"relay/negotiate-no-machine", CHECK_MUST, "padding-spec 3.1",
     "answers PADDING_NEGOTIATE for a machine that it does not have with an error", no_machine,
     NEEDS_KEY},
    {"relay/negotiate-echo", CHECK_MUST, "padding-spec 3.1",
     "repeats in PADDING_NEGOTIATED what was asked for", no_machine_echo, NEEDS_KEY},
    {"relay/negotiate-malformed", CHECK_SHOULD, "padding-spec 3.1",
     "drops a malformed PADDING_NEGOTIATE", negotiate_malformed, NEEDS_NOTHING},
};
const struct check_section check_relay = {"relay", "Relay messages", cases,
                                          sizeof cases / sizeof *cases};
