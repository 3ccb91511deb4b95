#include "base/port.h"

#include <string.h>

bool port_at_equal(const struct port_at *a, const struct port_at *b)
{
    if (!a->unix_path != !b->unix_path)
        return false;
    return a->unix_path ? strcmp(a->unix_path, b->unix_path) == 0 : ipport_equal(&a->tcp, &b->tcp);
}

bool port_kind_is_closed(enum port_kind kind)
{
    return kind != PORT_CONTROL && kind != PORT_EVENTS;
}
