#include "net/version.h"

#include <event2/event.h>

const char *net_libevent_version(void)
{
    return event_get_version();
}

const char *net_libevent_built(void)
{
    return LIBEVENT_VERSION;
}
