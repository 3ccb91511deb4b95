#include "tunic/names.h"

#define NAME_OF(name, n) \
    case n:              \
        return #name;
#define NAMES(function, list)        \
    const char *function(int number) \
    {                                \
        switch (number) {            \
            list(NAME_OF)            \
        }                            \
        return "UNKNOWN";            \
    }

/* clang-format off */
NAMES(tunic_circ_status_name, TUNIC_CIRC_STATUS_LIST)
NAMES(tunic_circ_closure_reason_name, TUNIC_CIRC_CLOSURE_REASON_LIST)
NAMES(tunic_stream_status_name, TUNIC_STREAM_STATUS_LIST)
NAMES(tunic_stream_closure_reason_name, TUNIC_STREAM_CLOSURE_REASON_LIST)
NAMES(tunic_relay_end_reason_name, TUNIC_RELAY_END_REASON_LIST)
NAMES(tunic_or_status_name, TUNIC_OR_STATUS_LIST)
NAMES(tunic_or_closure_reason_name, TUNIC_OR_CLOSURE_REASON_LIST)
