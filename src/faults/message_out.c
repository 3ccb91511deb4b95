/* How a node breaks the rules about relay messages, and cells, that go out. */
#include <string.h>

#include "cell/reason.h"
#include "cell/relay_flow.h"
#include "cell/relay_pad.h"
#include "faults/faulty.h"

static const uint8_t address[] = {127, 0, 0, 1, 0, 0, 0, 60};

static bool now(const struct rcirc *c, enum fault fault)
{
    return faulty_now(c->node, fault);
}

/* ---- what is said instead ---- */

static void say_instead(struct relay_msg *m, const void *data, size_t len)
{
    m->data = data;
    m->len = len;
}

/* M's body, to be changed. */
static uint8_t *own_body(struct rcirc *c, struct relay_msg *m)
{
    struct faulty *f = node_misdeeds(c->node);
    memcpy(f->body, m->data, m->len);
    m->data = f->body;
    return f->body;
}

static bool on_data(struct rcirc *c, uint16_t stream_id)
{
    static const uint8_t tag[LAYER_TAG_MAX] = {1};
    struct relay_sendme m = {.version = 1, .tag_len = (uint8_t)c->kind->tag_len, .tag = tag};
    uint8_t body[RELAY_DATA_MAX];
    struct wr w = wr_over(body, sizeof body);
    if (c->set)
        fault_before_data_of_set(c, stream_id);
    if (now(c, FAULT_CIRC_SENDME_EARLY) && relay_sendme_encode(&w, &m) == OK)
        faulty_say(c, RELAY_SENDME, 0, body, w.len);
    return !c->over;
}

static bool on_sendme(struct rcirc *c, struct relay_msg *m)
{
    static const uint8_t zero[1];
    if (m->stream_id && now(c, FAULT_SENDME_STREAM_BODY))
        say_instead(m, zero, sizeof zero);
    if (m->stream_id)
        return !now(c, FAULT_SENDME_NO_STREAM);
    if (now(c, FAULT_CIRC_SENDME_V0))
        say_instead(m, NULL, 0);
    else if (now(c, FAULT_CIRC_SENDME_WRONG_TAG))
        own_body(c, m)[m->len - 1] ^= 1;
    return !now(c, FAULT_CIRC_NO_SENDME) && !faulty_n(c->node, FAULT_SENDME_AFTER);
}

static bool on_negotiated(struct rcirc *c, struct relay_msg *m)
{
    enum { RESPONSE_AT = 2, MACHINE_AT };
    uint8_t *body = own_body(c, m);
    if (now(c, FAULT_RELAY_NEGOTIATED))
        body[RESPONSE_AT] = CIRCPAD_OK;
    if (now(c, FAULT_RELAY_NEGOTIATED_OTHER))
        body[MACHINE_AT] ^= 1;
    return true;
}

static bool on_extended(struct rcirc *c, struct relay_msg *m)
{
    uint8_t *body = own_body(c, m);
    if (now(c, FAULT_CIRC_LONG_REPLY))
        body[0] = 0x02; /* more than any cell holds */
    if (now(c, FAULT_EXTEND_GARBLED))
        body[m->len - 1] ^= 1;
    return true;
}

static bool on_resolved(struct rcirc *c, struct relay_msg *m)
{
    static const uint8_t version[] = {0}, other[] = {4, 4, 192, 0, 2, 99, 0, 0, 0, 60};
    struct circ_memo *memo = faulty_circ(c);
    if (memo)
        memo->resolved = m->stream_id;
    if (now(c, FAULT_STREAMS_RESOLVE_OTHER))
        say_instead(m, other, sizeof other);
    if (now(c, FAULT_STREAM_RESOLVE_XOFF))
        faulty_say(c, RELAY_XOFF, m->stream_id, version, sizeof version);
    if (now(c, FAULT_STREAM_RESOLVED_BAD))
        m->len = m->len > 3 ? 3 : m->len;
    return true;
}

/* ---- streams ---- */

static void flood(struct rcirc *c)
{
    struct faulty *f = node_misdeeds(c->node);
    uint64_t n = (uint64_t)f->faults.n[FAULT_CIRC_FLOOD] * 1000;
    f->faults.seen[FAULT_CIRC_FLOOD]++;
    while (n-- && faulty_say(c, RELAY_DROP, 0, NULL, 0))
        continue;
}

static bool on_exit_connected(struct rcirc *c, struct relay_msg *m)
{
    static const uint8_t junk[] = "before its time", no_cell[] = {0, 0, 0}, nonce[50] = {1};
    static const uint8_t nothing[5];
    uint16_t id = m->stream_id;
    if (now(c, FAULT_CIRC_EXTENDED_UNASKED))
        faulty_say(c, RELAY_EXTENDED2, 0, no_cell, 2);
    if (now(c, FAULT_CIRC_CONFLUX))
        faulty_say(c, RELAY_CONFLUX_LINKED, 0, nonce, sizeof nonce);
    if (now(c, FAULT_STREAM_DATA_FIRST))
        faulty_say(c, RELAY_DATA, id, junk, sizeof junk);
    if (now(c, FAULT_STREAM_CONNECTED_TWICE))
        faulty_say(c, RELAY_CONNECTED, id, address, sizeof address);
    if (now(c, FAULT_STREAM_XOFF))
        faulty_say(c, RELAY_XOFF, id, no_cell, 1);
    if (now(c, FAULT_STREAM_XON))
        faulty_say(c, RELAY_XON, id, nothing, sizeof nothing);
    if (now(c, FAULT_STREAM_XOFF_UNKNOWN))
        faulty_say(c, RELAY_XOFF, (uint16_t)(id ^ 0x5555), no_cell, 1);
    if (now(c, FAULT_STREAM_WRONG_ID))
        faulty_say(c, RELAY_CONNECTED, (uint16_t)(id ^ 0x5555), address, sizeof address);
    if (faulty_n(c->node, FAULT_CIRC_FLOOD))
        flood(c);
    if (now(c, FAULT_STREAM_CONNECTED_SHORT))
        say_instead(m, address, 3);
    return true;
}

static bool on_connected(struct rcirc *c, struct relay_msg *m)
{
    const struct target *t = target_find(c, m->stream_id);
    if (t && t->kind == TARGET_EXIT)
        return on_exit_connected(c, m);
    if (t && now(c, FAULT_STREAMS_CONNECTED_BODY))
        say_instead(m, address, sizeof address);
    return true;
}

static bool end_with(struct rcirc *c, struct relay_msg *m, uint8_t reason)
{
    say_instead(m, m->data, 1);
    own_body(c, m)[0] = reason;
    return true;
}

static bool end_and_go_on(struct rcirc *c, const struct relay_msg *m)
{
    static const uint8_t done[] = {END_DONE}, junk[] = "after the end";
    faulty_say(c, RELAY_END, m->stream_id, done, sizeof done);
    faulty_say(c, RELAY_DATA, m->stream_id, junk, sizeof junk);
    return false;
}

static bool on_dir_end(struct rcirc *c, struct relay_msg *m)
{
    uint32_t reason = faulty_n(c->node, FAULT_STREAMS_DIR_END);
    if (reason)
        return end_with(c, m, (uint8_t)reason);
    if (now(c, FAULT_DIR_END_MISC))
        return end_with(c, m, END_MISC);
    return now(c, FAULT_STREAMS_DIR_DATA_AFTER_END) ? end_and_go_on(c, m) : true;
}

static bool on_exit_end(struct rcirc *c, struct relay_msg *m)
{
    uint32_t reason = faulty_n(c->node, FAULT_STREAM_END_OPEN);
    if (reason)
        return end_with(c, m, (uint8_t)reason);
    if (now(c, FAULT_STREAM_END_EMPTY))
        say_instead(m, NULL, 0);
    else if (now(c, FAULT_STREAM_END_INTERNAL))
        return end_with(c, m, END_PRIVATE);
    else if (now(c, FAULT_STREAM_DATA_AFTER_END))
        return end_and_go_on(c, m);
    return true;
}

/* END of a stream that was open; a BEGIN that is refused with END at once is honest. */
static bool on_end(struct rcirc *c, struct relay_msg *m)
{
    const struct target *t = target_find(c, m->stream_id);
    if (!t)
        return true;
    return t->kind == TARGET_DIR ? on_dir_end(c, m) : on_exit_end(c, m);
}

bool fault_in_message_out(struct rcirc *c, struct relay_msg *m)
{
    switch (m->cmd) {
    case RELAY_DATA:
        return on_data(c, m->stream_id);
    case RELAY_SENDME:
        return on_sendme(c, m);
    case RELAY_CONNECTED:
        return on_connected(c, m);
    case RELAY_END:
        return on_end(c, m);
    case RELAY_RESOLVED:
        return on_resolved(c, m);
    case RELAY_EXTENDED2:
        return on_extended(c, m);
    case RELAY_CONFLUX_LINKED:
        return fault_in_linked(c, m);
    case RELAY_CONFLUX_SWITCH:
        return fault_in_switch(c);
    case RELAY_PADDING_NEGOTIATED:
        return on_negotiated(c, m);
    case RELAY_DROP:
        return !now(c, FAULT_RELAY_NO_PADDING);
    default:
        return true;
    }
}

/* ---- cells ---- */

void fault_in_plain_out(struct rcirc *c, uint8_t *body, size_t padding_at)
{
    bool v1 = c->kind->format == RELAY_V1;
    uint8_t *command = body + (v1 ? RELAY_V1_TAG_LEN : 0);
    uint8_t *length = body + (v1 ? RELAY_V1_HEAD_LEN - 2 : RELAY_V0_HEAD_LEN - 2);
    uint8_t *stream_id = body + (v1 ? RELAY_V1_HEAD_LEN : RELAY_V0_STREAM_ID_AT);
    if (now(c, FAULT_RELAY_PADDING_ZEROS))
        memset(body + padding_at, 0, CELL_BODY_LEN - padding_at);
    if (now(c, FAULT_RELAY_PADDING_RANDOM) && padding_at < CELL_BODY_LEN)
        memset(body + padding_at - RELAY_PAD_ZEROS, 0x5a, RELAY_PAD_ZEROS);
    if (*command == RELAY_DATA && now(c, FAULT_STREAM_ZERO_ID))
        memset(stream_id, 0, 2);
    if (now(c, FAULT_CIRC_UNKNOWN_COMMAND))
        *command = 200;
    if (now(c, FAULT_CIRC_BAD_LENGTH))
        *length = 0xff;
}

bool fault_in_cell_out(struct rcirc *c, enum rway way, uint8_t *cmd, uint8_t *body)
{
    if (way == WAY_ON)
        return fault_in_passing_on(c, cmd);
    if (way == WAY_BACK)
        return true;
    if (*cmd != CELL_RELAY)
        return fault_in_created(c, *cmd, body);
    if (now(c, FAULT_CIRC_BAD_DIGEST))
        body[CELL_BODY_LEN / 2] ^= 0x40;
    if (now(c, FAULT_EARLY_BACK))
        *cmd = CELL_RELAY_EARLY;
    if (now(c, FAULT_CIRC_CELL_TWICE))
        rcirc_cell_as_is(c, way, *cmd, body);
    return !c->over && !now(c, FAULT_CIRC_CELL_LOST);
}

/* ---- windows ---- */

unsigned fault_in_room(const struct target *t, unsigned room)
{
    const struct rcirc *c = t->circ;
    if (faulty_n(c->node, FAULT_CIRC_IGNORE_WINDOW))
        return rcirc_is_full(c) ? 0 : SCRATCH_CELLS;
    return faulty_n(c->node, FAULT_SENDME_NO_STREAM_WINDOW) ? rcirc_room(c) : room;
}
