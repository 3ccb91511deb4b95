/* Relay messages that the program makes and awaits itself. */
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "cell/reason.h"
#include "cell/relay.h"
#include "lib/circuit.h"

enum { INBOX_MOST = 4096, OWN_IDS_BYTES = (UINT16_MAX + 1) / 8 };

const char *tunic_relay_command_name(int command)
{
    return command >= 0 && command <= UINT8_MAX ? relay_cmd_name((uint8_t)command) : "unknown";
}

/* ---- in ---- */

static bool has_bit(const uint8_t *bits, unsigned i)
{
    return bits && bits[i / 8] >> i % 8 & 1;
}

static void set_bit(uint8_t *bits, unsigned i)
{
    bits[i / 8] = (uint8_t)(bits[i / 8] | 1u << i % 8);
}

bool lib_message_tap(void *circuit, bool out, unsigned hop, const struct relay_msg *msg)
{
    struct tunic_circuit *c = circuit;
    if (c->h.t->trace_fn)
        lib_trace_message(c, out, hop, msg);
    if (out)
        return false;
    if (!has_bit(c->taken, msg->cmd) && !(msg->stream_id && has_bit(c->own_ids, msg->stream_id)))
        return false;
    struct lib_message *m = c->inbox_len < INBOX_MOST ? calloc(1, sizeof *m) : NULL;
    if (!m) { /* none may be lost without a word */
        later_ask(net_env(c->h.t->net), &c->full);
        return true;
    }
    m->m.hop = (int)hop;
    m->m.command = msg->cmd;
    m->m.stream_id = msg->stream_id;
    m->m.len = (int)msg->len;
    memcpy(m->m.data, msg->data, msg->len);
    DL_APPEND(c->inbox, m);
    c->inbox_len++;
    handle_tell(&c->h, TUNIC_EVENT_READABLE);
    return true;
}

void lib_message_too_many(void *circuit)
{
    struct tunic_circuit *c = circuit;
    if (c->circ)
        circ_close(c->circ, ERR_LIMIT, DESTROY_RESOURCELIMIT);
}

void lib_message_drop_all(struct tunic_circuit *c)
{
    struct lib_message *m, *next;
    DL_FOREACH_SAFE (c->inbox, m, next)
        free(m);
    c->inbox = NULL;
    c->inbox_len = 0;
}

/* Before there are streams, a message under a stream id that nobody uses breaks the protocol. */
static err_t on_msg(void *arg, unsigned hop, const struct relay_msg *msg)
{
    (void)arg, (void)hop, (void)msg;
    return ERR_CIRC_PROTO;
}

static void on_writable(void *arg)
{
    struct tunic_circuit *c = arg;
    handle_tell(&c->h, TUNIC_EVENT_WRITABLE);
}

const struct circ_user_ops lib_message_user = {.on_msg = on_msg, .on_writable = on_writable};

void tunic_circuit_take(struct tunic_circuit *circuit, int command)
{
    if (circuit && command >= 0 && command <= UINT8_MAX)
        set_bit(circuit->taken, (unsigned)command);
}

static bool has_message(const void *arg)
{
    const struct tunic_circuit *c = arg;
    return c->inbox || c->error.cls != TUNIC_OK;
}

int tunic_circuit_await(struct tunic_circuit *circuit, struct tunic_message *message,
                        int timeout_ms, struct tunic_error *error)
{
    if (!circuit)
        return -1;
    if (!message)
        return lib_error(error, TUNIC_USAGE, TUNIC_STAGE_CIRCUIT, "there is no room for a message");
    int late = lib_wait_for(&circuit->h, timeout_ms, has_message, error);
    if (late < 0)
        return -1;
    struct lib_message *m = circuit->inbox;
    if (m) {
        *message = m->m;
        DL_DELETE(circuit->inbox, m);
        circuit->inbox_len--;
        free(m);
        return 0;
    }
    if (!late)
        return lib_error_copy(error, &circuit->error);
    lib_error(error, TUNIC_TIMEOUT, TUNIC_STAGE_CIRCUIT, "no message within %d ms", timeout_ms);
    if (error)
        error->hop = (int)circuit->hops;
    return -1;
}

/* ---- out ---- */

static const char *check(const struct tunic_circuit *c, int hop, int command, int stream_id,
                         const void *data, size_t len)
{
    if (hop < 1 || (unsigned)hop > c->hops)
        return "the circuit has no such hop";
    if (command < 0 || command > UINT8_MAX || stream_id < 0 || stream_id > UINT16_MAX)
        return "there is no such command or stream id";
    if (!data && len)
        return "there are no bytes of that length";
    const struct relay_rule *rule = relay_rule((uint8_t)command);
    if (!rule)
        return "there is no such command";
    if ((rule->stream == RELAY_STREAM_NEEDED && !stream_id) ||
        (rule->stream == RELAY_STREAM_NONE && stream_id))
        return "that command needs a stream id, or may have none";
    if (len > circ_message_max(c->circ, (unsigned)hop, (uint8_t)command))
        return "the message is too long for a cell";
    if (stream_id && c->streams)
        return "the circuit's streams are the library's";
    return NULL;
}

int tunic_circuit_send(struct tunic_circuit *circuit, int hop, int command, int stream_id,
                       const void *data, size_t len, struct tunic_error *error)
{
    if (!circuit || !lib_enter(circuit->h.t, error))
        return -1;
    if (circuit->error.cls || !circuit->circ || circ_state(circuit->circ) == CIRC_CLOSED)
        return lib_circuit_usable(circuit, error);
    const char *wrong = check(circuit, hop, command, stream_id, data, len);
    if (wrong)
        return lib_error(error, TUNIC_USAGE, TUNIC_STAGE_CIRCUIT, "%s", wrong);
    if (command != RELAY_DATA && !circ_may_begin(circuit->circ))
        return lib_error(error, TUNIC_SYSTEM, TUNIC_STAGE_CIRCUIT,
                         "too much waits to go out: run the loop and send it again");
    if (stream_id && !circuit->own_ids)
        circuit->own_ids = calloc(1, OWN_IDS_BYTES);
    if (stream_id && !circuit->own_ids)
        return lib_error_of(error, ERR_NOMEM, TUNIC_STAGE_CIRCUIT, "sending");
    if (stream_id)
        set_bit(circuit->own_ids, (unsigned)stream_id);
    err_t e =
        circ_send(circuit->circ, (unsigned)hop, (uint8_t)command, (uint16_t)stream_id, data, len);
    return e == OK ? 0 : lib_error_of(error, e, TUNIC_STAGE_CIRCUIT, "sending");
}

size_t tunic_circuit_data_max(const struct tunic_circuit *circuit, int hop)
{
    return circuit && circuit->circ && hop > 0 ? circ_data_max(circuit->circ, (unsigned)hop) : 0;
}
