#include "circuit/circ.h"
#include "circuit/circpad_machines.h"
#include "lib/circuit.h"
#include "lib/lib.h"

int lib_circuit_usable(struct tunic_circuit *c, struct tunic_error *error)
{
    if (c->error.cls)
        return lib_error_copy(error, &c->error);
    if (c->status == TUNIC_CIRC_STATUS_BUILT && circ_state(c->circ) == CIRC_OPEN)
        return 0;
    return lib_error(error, TUNIC_USAGE, TUNIC_STAGE_CIRCUIT,
                     c->hops ? "the circuit is not open" : "the circuit has no hop");
}

int tunic_circuit_pad(struct tunic_circuit *circuit, enum tunic_padding machine,
                      struct tunic_error *error)
{
    if (!circuit || !lib_enter(circuit->h.t, error) || lib_circuit_usable(circuit, error) != 0)
        return -1;
    bool introduce = machine == TUNIC_PADDING_INTRODUCE;
    err_t e = introduce || machine == TUNIC_PADDING_REND
                  ? circ_pad(circuit->circ,
                             introduce ? &circpad_client_introduce : &circpad_client_rend, NULL)
                  : ERR_ARG;
    return e == OK ? 0 : lib_error_of(error, e, TUNIC_STAGE_CIRCUIT, "beginning to pad");
}

int tunic_circuit_is_padding(const struct tunic_circuit *circuit)
{
    return circuit && circuit->circ && circ_is_held(circuit->circ);
}
