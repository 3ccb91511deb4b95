#include "circuit/circ.h"
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
