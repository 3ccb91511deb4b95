#include "tunic/trace.h"

#include "cell/chan.h"
#include "cell/relay.h"
#include "lib/circuit.h"

void tunic_set_trace(struct tunic *t, void (*fn)(void *arg, const struct tunic_trace *trace),
                     void *arg)
{
    if (!t)
        return;
    t->trace_fn = fn;
    t->trace_arg = arg;
}

void lib_trace_cell(const struct tunic_relay *r, bool out, uint32_t circ_id, uint8_t cmd,
                    const uint8_t *body, size_t len)
{
    struct tunic *t = r->h.t;
    const struct tunic_trace trace = {
        .size = sizeof trace,
        .kind = TUNIC_TRACE_CELL,
        .out = out,
        .time_us = net_env(t->net)->wall_us,
        .relay = r,
        .circuit_id = circ_id,
        .command = cmd,
        .command_name = chan_cmd_name(cmd),
        .body = body,
        .len = len,
    };
    t->trace_fn(t->trace_arg, &trace);
}

void lib_trace_message(const struct tunic_circuit *c, bool out, unsigned hop,
                       const struct relay_msg *msg)
{
    struct tunic *t = c->h.t;
    const struct tunic_trace trace = {
        .size = sizeof trace,
        .kind = TUNIC_TRACE_MESSAGE,
        .out = out,
        .time_us = net_env(t->net)->wall_us,
        .relay = (const struct tunic_relay *)c->h.parent,
        .circuit = c,
        .circuit_id = c->id,
        .command = msg->cmd,
        .command_name = relay_cmd_name(msg->cmd),
        .hop = (int)hop,
        .stream_id = msg->stream_id,
        .body = msg->data,
        .len = msg->len,
    };
    t->trace_fn(t->trace_arg, &trace);
}
