/* How a node cheats whoever measures it. */
#include "cell/measurement.h"
#include "cell/reason.h"
#include "faults/faulty.h"

enum { FLOOD = 16, PADS = 64 /* a link and second */ };

static bool now(const struct node *n, enum fault fault)
{
    return faulty_now(n, fault);
}

static bool is_on(const struct node *n, enum fault fault)
{
    return faulty_n(n, fault) > 0;
}

/* ---- MEASUREMENT ---- */

static void answer(struct rcirc *c, uint8_t cmd, uint8_t code)
{
    struct meas_cell cell = {.cmd = cmd};
    if (cmd == MEAS_ERR)
        cell.err.code = code;
    rmeas_say(c, &cell);
}

/* How one phase goes wrong, and whether it goes on. */
static bool fail(struct rcirc *c, enum fault silent, enum fault refuses, enum fault closes)
{
    struct node *n = c->node;
    if (is_on(n, refuses))
        answer(c, MEAS_ERR, (uint8_t)faulty_n(n, refuses));
    else if (now(n, closes))
        link_close(c->came_on->link, OK, OR_DONE, "a fault");
    else
        return !now(n, silent);
    return false;
}

/* Which fault takes MEASUREMENT of this command for a breach; FAULTS: none. */
static enum fault breach(uint8_t cmd)
{
    switch (cmd) {
    case MEAS_PARAMS:
        return FAULT_MEASURE_BREAKS;
    case MEAS_PARAMS_OK:
    case MEAS_BG:
        return FAULT_MEASURE_BACKGROUND;
    case MEAS_ERR:
    case MEAS_ECHO_ON:
        return FAULTS;
    default:
        return FAULT_MEASURE_UNKNOWN;
    }
}

/* Whoever asks may. */
static bool gives_in(struct rcirc *c, uint8_t cmd)
{
    if (cmd == MEAS_PARAMS && now(c->node, FAULT_MEASURE_ANYBODY)) {
        answer(c, MEAS_PARAMS_OK, 0);
        return true;
    }
    if (cmd != MEAS_ECHO_ON || !now(c->node, FAULT_ECHO_ON_ANYBODY))
        return false;
    c->use = RMEAS_RAW;
    c->measurer = -1;
    answer(c, MEAS_PARAMS_OK, 0);
    return true;
}

bool fault_in_measurement(struct rcirc *c, const uint8_t *body)
{
    if (breach(body[0]) != FAULTS && now(c->node, breach(body[0]))) {
        rcirc_close(c, DESTROY_PROTOCOL);
        return false;
    }
    if (gives_in(c, body[0]))
        return false;
    if (body[0] == MEAS_PARAMS)
        return fail(c, FAULT_MEASURE_SILENT, FAULT_MEASURE_REFUSES, FAULT_MEASURE_CLOSES);
    return body[0] != MEAS_ECHO_ON ||
           fail(c, FAULT_ECHO_ON_SILENT, FAULT_ECHO_ON_REFUSES, FAULT_ECHO_ON_CLOSES);
}

/* An echo message, decrypted; true: it goes back, though nobody measures. */
bool fault_in_unasked_echo(struct rcirc *c, const uint8_t *body)
{
    if (body[0] != RELAY_MEAS_ECHO || c->use != RMEAS_CLIENTS || !now(c->node, FAULT_ECHO_UNASKED))
        return false;
    rcirc_cell_as_is(c, WAY_MADE, CELL_RELAY, body);
    return true;
}

/* ---- cells that go back ---- */

/* The second that goes on, from 1 on. */
static bool in_second(const struct node *n, enum fault fault)
{
    return is_on(n, fault) && n->meas.second + 1u >= faulty_n(n, fault);
}

bool fault_in_echo_in(struct rcirc *c, const uint8_t *body)
{
    struct node *n = c->node;
    struct circ_memo *memo = is_on(n, FAULT_ECHO_SEALED) ? faulty_circ(c) : NULL;
    if (memo)
        memcpy(memo->sealed, body, sizeof memo->sealed);
    return !now(n, FAULT_ECHO_STOPS) && !in_second(n, FAULT_RUN_STALLS) &&
           !in_second(n, FAULT_RUN_PADS);
}

static void spoil(struct rcirc *c, uint8_t *body)
{
    struct node *n = c->node;
    struct circ_memo *memo = faulty_circ(c);
    if (!memo)
        return;
    if (is_on(n, FAULT_ECHO_SEALED) && !env_random_below(n->env, faulty_n(n, FAULT_ECHO_SEALED)))
        memcpy(body, memo->sealed, sizeof memo->sealed);
    if (now(n, FAULT_ECHO_RANDOM))
        env_random(n->env, body, CELL_BODY_LEN);
    if (now(n, FAULT_ECHO_REPLAY) && memo->has_old)
        memcpy(body, memo->old, sizeof memo->old);
    if (now(n, FAULT_ECHO_EARLY))
        rmeas_echo_as_is(c, memo->old);
}

/* Every other cell waits for the next, and goes behind it. */
static bool swap(struct rcirc *c, uint8_t *body, struct circ_memo *memo)
{
    if (memo->has_held) {
        rmeas_echo_as_is(c, body);
        rmeas_echo_as_is(c, memo->held);
    } else {
        memcpy(memo->held, body, sizeof memo->held);
    }
    memo->has_held = !memo->has_held;
    return false;
}

static struct rcirc *another(const struct rcirc *c)
{
    struct rcirc *other;
    DL_FOREACH (c->node->circs, other) {
        if (other != c && other->use == c->use)
            return other;
    }
    return NULL;
}

static bool goes_its_way(struct rcirc *c, uint8_t *body)
{
    struct node *n = c->node;
    struct circ_memo *memo = faulty_circ(c);
    struct rcirc *other = is_on(n, FAULT_ECHO_ELSEWHERE) ? another(c) : NULL;
    if (now(n, FAULT_ECHO_LOST) || !memo)
        return false;
    if (other && now(n, FAULT_ECHO_ELSEWHERE)) {
        rmeas_echo_as_is(other, body);
        return false;
    }
    for (unsigned i = 0; i < FLOOD && now(n, FAULT_ECHO_FLOOD); i++)
        rmeas_echo_as_is(c, body);
    if (now(n, FAULT_ECHO_SWAP))
        return swap(c, body, memo);
    if (!memo->has_old)
        memcpy(memo->old, body, sizeof memo->old);
    memo->has_old = true;
    return true;
}

/* Honest relays are to be as fast as they can. */
static bool is_honest(const struct node *n)
{
    for (unsigned f = FAULT_ECHO_SEALED; f <= FAULT_ECHO_STOPS; f++)
        if (is_on(n, (enum fault)f))
            return false;
    return true;
}

static void pad(struct rcirc *c)
{
    static const uint8_t zeros[CELL_BODY_LEN];
    rcirc_cell_as_is(c, WAY_MADE, CELL_PADDING, zeros);
}

/* Nobody asks for it any more. */
static void pad_all(struct node *n)
{
    struct rcirc *c;
    DL_FOREACH (n->circs, c) {
        for (unsigned i = 0; i < PADS && c->use >= RMEAS_FRAMED; i++)
            pad(c);
    }
}

bool fault_in_echo_out(struct rcirc *c, uint8_t *body)
{
    if (is_on(c->node, FAULT_RUN_PADS))
        pad(c);
    if (is_honest(c->node))
        return true;
    spoil(c, body);
    return goes_its_way(c, body);
}

/* ---- the coordinator is told ---- */

static uint32_t times(uint32_t bytes, uint32_t n)
{
    uint64_t all = (uint64_t)bytes * n;
    return all < UINT32_MAX ? (uint32_t)all : UINT32_MAX;
}

static void close_all(struct node *n)
{
    struct nlink *nl;
    DL_FOREACH (n->links, nl) {
        if (nl->measures)
            link_close(nl->link, OK, OR_DONE, "a fault");
    }
}

bool fault_in_background(struct rcirc *c, struct meas_bg *bg)
{
    struct node *n = c->node;
    if (is_on(n, FAULT_BG_TIMES)) {
        bg->sent = times(bg->sent, faulty_n(n, FAULT_BG_TIMES));
        bg->recv = times(bg->recv, faulty_n(n, FAULT_BG_TIMES));
    }
    if (is_on(n, FAULT_BG_CLAIMS))
        bg->sent = bg->recv = times(1000, faulty_n(n, FAULT_BG_CLAIMS));
    if (in_second(n, FAULT_RUN_PADS))
        pad_all(n);
    if (now(n, FAULT_BG_ZERO))
        bg->sent = bg->recv = 0;
    if (is_on(n, FAULT_RUN_ABORTS) && bg->second >= faulty_n(n, FAULT_RUN_ABORTS)) {
        rmeas_finish(&n->meas, MEAS_ERR_ABORTED);
        return false;
    }
    if (is_on(n, FAULT_RUN_CLOSES) && bg->second >= faulty_n(n, FAULT_RUN_CLOSES)) {
        close_all(n);
        return false;
    }
    return !now(n, FAULT_BG_ABSENT);
}

bool fault_in_over(struct node *n)
{
    return !now(n, FAULT_BG_ENDLESS);
}

bool fault_in_limit(struct node *n)
{
    return !now(n, FAULT_BG_UNLIMITED);
}

bool fault_in_orphan(struct node *n)
{
    return !now(n, FAULT_MEASURE_ORPHANS);
}
