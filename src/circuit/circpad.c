#include "circuit/circpad.h"

#include <limits.h>
#include <string.h>

#include "base/rd.h"
#include "base/wr.h"
#include "cell/relay_pad.h"
#include "circuit/circpad_machines.h"

enum { LENGTH_WITHOUT_END = UINT_MAX, ANSWERS_EACH = 2, NEGOTIATE_LEN = 8 };

static void pad(void *arg);

void circpad_init(struct circpad *p, struct env *env, struct circpad_budget *budget,
                  const struct circpad_ops *ops, void *arg)
{
    *p = (struct circpad){.env = env, .budget = budget, .ops = ops, .arg = arg};
    timer_init(&p->timer, pad, p);
}

static void forget(struct circpad *p)
{
    bool held = circpad_holds(p);
    env_disarm(p->env, &p->timer);
    p->running = false;
    if (held && p->ops->on_over)
        p->ops->on_over(p->arg);
}

void circpad_end(struct circpad *p)
{
    env_disarm(p->env, &p->timer);
    p->running = false;
}

bool circpad_holds(const struct circpad *p)
{
    return p->running && p->machine->holds_circuit && p->state != CIRCPAD_TO_END;
}

/* ---- how much ---- */

static bool over_percent(uint64_t padding, uint64_t nonpadding, unsigned percent)
{
    return percent && padding && 100 * padding / (padding + nonpadding) > percent;
}

static bool may_pad(const struct circpad *p)
{
    const struct circpad_budget *b = p->budget;
    if (p->padding >= p->machine->allowed &&
        over_percent(p->padding, p->nonpadding, p->machine->percent))
        return false;
    return !b || (!b->disabled && (b->padding < b->allowed_cells ||
                                   !over_percent(b->padding, b->nonpadding, b->max_percent)));
}

/* ---- states ---- */

static const struct circpad_state *state_of(const struct circpad *p)
{
    return &p->machine->states[p->state - CIRCPAD_TO_START];
}

static unsigned draw(struct circpad *p, unsigned from, unsigned to)
{
    return from + (unsigned)env_random_below(p->env, to - from);
}

static void schedule(struct circpad *p)
{
    const struct circpad_state *s = state_of(p);
    if (!s->delay_to_us || !p->left || !may_pad(p))
        return;
    timerq_arm(&p->env->timers, &p->timer,
               p->env->mono_us + draw(p, s->delay_from_us, s->delay_to_us));
}

static void say_relays_end(struct circpad *p);

/* The client's half keeps its place in END, so that what the relay's half still sends is known. */
static void at_end(struct circpad *p)
{
    bool held = p->machine->holds_circuit;
    env_disarm(p->env, &p->timer);
    if (p->machine->says_end) {
        p->running = false;
        say_relays_end(p);
    }
    if (held && p->ops->on_over)
        p->ops->on_over(p->arg);
}

/* Whether EVENT led somewhere else. */
static bool happened(struct circpad *p, enum circpad_event event)
{
    if (!p->running || p->state == CIRCPAD_TO_END)
        return false;
    uint8_t to = state_of(p)->next[event];
    if (to == CIRCPAD_STAY)
        return false;
    bool other = to != p->state;
    p->state = to;
    if (to == CIRCPAD_TO_END) {
        at_end(p);
        return true;
    }
    const struct circpad_state *s = state_of(p);
    if (other)
        p->left = s->length_to ? draw(p, s->length_from, s->length_to) : LENGTH_WITHOUT_END;
    schedule(p);
    return other;
}

static void take_up(struct circpad *p, const struct circpad_machine *machine)
{
    env_disarm(p->env, &p->timer);
    p->machine = machine;
    p->running = true;
    p->state = CIRCPAD_TO_START;
    p->left = LENGTH_WITHOUT_END;
    p->padding = p->nonpadding = 0;
    p->ctr++;
}

/* ---- cells ---- */

static void pad(void *arg)
{
    struct circpad *p = arg;
    if (!may_pad(p))
        return;
    p->padding++;
    if (p->budget)
        p->budget->padding++;
    if (p->left != LENGTH_WITHOUT_END)
        p->left--;
    if (p->ops->send(p->arg, p->machine->hop, RELAY_DROP, NULL, 0) != OK)
        return;
    if (p->left || !happened(p, CIRCPAD_LENGTH_COUNT))
        happened(p, CIRCPAD_PADDING_SENT);
}

void circpad_on_sent(struct circpad *p)
{
    p->nonpadding++;
    happened(p, CIRCPAD_NONPADDING_SENT);
}

void circpad_on_received(struct circpad *p)
{
    happened(p, CIRCPAD_NONPADDING_RECEIVED);
}

void circpad_on_drop(struct circpad *p)
{
    happened(p, CIRCPAD_PADDING_RECEIVED);
}

/* ---- the client's half ---- */

static err_t negotiate(struct circpad *p, enum circpad_cmd command)
{
    struct relay_padding_negotiate m = {
        .command = (uint8_t)command, .machine = p->machine->number, .machine_ctr = p->ctr};
    uint8_t body[NEGOTIATE_LEN];
    struct wr w = wr_over(body, sizeof body);
    TRY(relay_padding_negotiate_encode(&w, &m));
    return p->ops->send(p->arg, p->machine->hop, RELAY_PADDING_NEGOTIATE, body, w.len);
}

err_t circpad_begin(struct circpad *p, const struct circpad_machine *machine)
{
    if (p->refused || (p->budget && p->budget->disabled))
        return ERR_STATE;
    if (p->running && p->state != CIRCPAD_TO_END)
        return ERR_STATE;
    /* Whose cells come would not be known. */
    if (p->machine && p->machine->hop != machine->hop)
        return ERR_STATE;
    take_up(p, machine);
    p->theirs_left += machine->theirs_most;
    p->answers_left += ANSWERS_EACH;
    return negotiate(p, CIRCPAD_START);
}

void circpad_stop(struct circpad *p)
{
    if (!p->running)
        return;
    forget(p);
    (void)negotiate(p, CIRCPAD_STOP); /* a circuit that can't send is over, and the relay knows */
}

static err_t on_negotiated(struct circpad *p, const struct relay_msg *msg)
{
    struct relay_padding_negotiated m;
    if (relay_padding_negotiated_decode(rd_over(msg->data, msg->len), &m) != OK ||
        p->answers_left == 0)
        return ERR_CIRC_PROTO;
    p->answers_left--;
    /* padding-spec 3.1: "If the machine_ctr does not match the current machine instance count on
     * the circuit, the command is ignored." */
    if (!p->running || m.machine != p->machine->number || m.machine_ctr != p->ctr)
        return OK;
    bool refused = m.command == CIRCPAD_START && m.response == CIRCPAD_ERR;
    if (refused)
        log_info(p->env->log, "Hop %u does not have the padding machine %s.",
                 (unsigned)p->machine->hop, p->machine->name);
    p->refused |= refused;
    if (refused || m.command == CIRCPAD_STOP)
        forget(p);
    return OK;
}

err_t circpad_on_msg(struct circpad *p, unsigned hop, const struct relay_msg *msg)
{
    /* padding-spec 3.2: "Any padding-related cells that arrive at the client from unexpected relay
     * sources are protocol violations" */
    if (!p->machine || hop != p->machine->hop)
        return ERR_CIRC_PROTO;
    if (msg->cmd == RELAY_PADDING_NEGOTIATED)
        return on_negotiated(p, msg);
    if (p->theirs_left == 0)
        return ERR_CIRC_PROTO;
    p->theirs_left--;
    circpad_on_drop(p);
    return OK;
}

/* ---- the relay's half ---- */

static void answer(struct circpad *p, const struct relay_padding_negotiated *m)
{
    uint8_t body[NEGOTIATE_LEN];
    struct wr w = wr_over(body, sizeof body);
    if (relay_padding_negotiated_encode(&w, m) == OK)
        (void)p->ops->send(p->arg, 0, RELAY_PADDING_NEGOTIATED, body, w.len);
}

static void say_relays_end(struct circpad *p)
{
    answer(p, &(struct relay_padding_negotiated){.command = CIRCPAD_STOP,
                                                 .response = CIRCPAD_OK,
                                                 .machine = p->machine->number,
                                                 .machine_ctr = p->ctr});
}

static bool runs(const struct circpad *p, const struct relay_padding_negotiate *ask)
{
    return p->running && p->machine->number == ask->machine && p->ctr == ask->machine_ctr;
}

void circpad_on_negotiate(struct circpad *p, const struct relay_msg *msg)
{
    struct relay_padding_negotiate ask;
    if (relay_padding_negotiate_decode(rd_over(msg->data, msg->len), &ask) != OK)
        return; /* as tor: it is dropped */
    const struct circpad_machine *machine = circpad_relay_machine(ask.machine);
    if (ask.command == CIRCPAD_STOP) {
        if (!runs(p, &ask))
            return; /* of an old one nobody is left at the other end who would hear */
        circpad_end(p);
    } else if (machine) {
        take_up(p, machine);
        circpad_on_received(p);
    }
    answer(p, &(struct relay_padding_negotiated){.command = ask.command,
                                                 .response = machine ? CIRCPAD_OK : CIRCPAD_ERR,
                                                 .machine = ask.machine,
                                                 .machine_ctr = ask.machine_ctr});
}
