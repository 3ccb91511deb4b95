/* Padding machines of circuits (padding-spec 3). The relay's half pads with whoever asks it to, on
 * a circuit of one hop as well. */
#include "cell/relay_pad.h"
#include "check/pcirc.h"
#include "check/sections.h"

enum {
    INTRODUCE, /* the machines that there are, by number */
    REND,
    INTRODUCE_LEAST = 7,
    INTRODUCE_MOST = 10,
    CTR = 1,
    SILENCE_MS = 200,
};

static void negotiate(struct pcirc *c, enum circpad_cmd command, uint8_t machine)
{
    struct relay_padding_negotiate m = {
        .command = (uint8_t)command, .machine = machine, .machine_ctr = CTR};
    uint8_t body[RELAY_DATA_MAX];
    struct wr w = wr_over(body, sizeof body);
    if (relay_padding_negotiate_encode(&w, &m) == OK)
        pcirc_send(c, 1, RELAY_PADDING_NEGOTIATE, 0, body, w.len);
}

/* What comes next says COMMAND about MACHINE, and that it's fine. */
static void is_granted(struct trial *t, const struct pmsg *m, enum circpad_cmd command,
                       uint8_t machine)
{
    struct relay_padding_negotiated said;
    bool read = relay_padding_negotiated_decode(rd_over(m->data, m->len), &said) == OK;
    TRIAL_EXPECT(t, read, "PADDING_NEGOTIATED is malformed");
    TRIAL_EXPECT(t, said.response == CIRCPAD_OK, "it does not have machine %u", (unsigned)machine);
    TRIAL_EXPECT(t, said.command == command && said.machine == machine && said.machine_ctr == CTR,
                 "PADDING_NEGOTIATED says command %u, machine %u, counter %u",
                 (unsigned)said.command, (unsigned)said.machine, (unsigned)said.machine_ctr);
}

static void begin(struct trial *t, struct pcirc *c, uint8_t machine)
{
    struct pmsg m;
    negotiate(c, CIRCPAD_START, machine);
    if (pcirc_await(c, RELAY_PADDING_NEGOTIATED, 0, &m))
        is_granted(t, &m, CIRCPAD_START, machine);
}

/* DROPs until it says STOP. */
static unsigned count_drops(struct trial *t, struct pcirc *c)
{
    unsigned n = 0;
    struct pmsg m;
    while (pcirc_next(c, &m)) {
        if (m.cmd == RELAY_PADDING_NEGOTIATED) {
            is_granted(t, &m, CIRCPAD_STOP, INTRODUCE);
            return n;
        }
        if (m.cmd != RELAY_DROP || n == INTRODUCE_MOST) {
            trial_fail(t, "%s after %u DROPs", relay_cmd_name(m.cmd), n);
            return n;
        }
        n++;
    }
    return n;
}

static void introduce(struct trial *t)
{
    struct pcirc *c = pcirc_ntor(t);
    begin(t, c, INTRODUCE);
    unsigned n = count_drops(t, c);
    TRIAL_EXPECT(t, n >= INTRODUCE_LEAST, "%u DROPs came", n);
}

static void rend(struct trial *t)
{
    struct pcirc *c = pcirc_ntor(t);
    struct pmsg m;
    begin(t, c, REND);
    pcirc_await(c, RELAY_DROP, 0, &m);
    trial_awaits(t, "nothing more");
    if (c)
        probe_await_silence(c->p, SILENCE_MS);
}

/* Some of its padding may have been on the way. */
static void stop(struct trial *t)
{
    struct pcirc *c = pcirc_ntor(t);
    begin(t, c, INTRODUCE);
    negotiate(c, CIRCPAD_STOP, INTRODUCE);
    unsigned n = count_drops(t, c);
    TRIAL_EXPECT(t, n < INTRODUCE_LEAST, "%u DROPs came after all", n);
}

static const struct check_case cases[] = {
    {"circpad/introduce", CHECK_MUST, "padding-spec 3.3.2",
     "pads an introduction circuit with 7 to 10 cells and says when it has done", introduce,
     NEEDS_KEY},
    {"circpad/rend", CHECK_MUST, "padding-spec 3.3.3", "pads a rendezvous circuit with one cell",
     rend, NEEDS_KEY},
    {"circpad/stop", CHECK_MUST, "padding-spec 3.1",
     "ends a padding machine when told to, and says so", stop, NEEDS_KEY},
};
const struct check_section check_circpad = {"circpad", "Circuit padding", cases,
                                            sizeof cases / sizeof *cases};
