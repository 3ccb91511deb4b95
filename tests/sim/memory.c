#include "sim/memory.h"

#include <stdlib.h>
#include <string.h>

struct memory memory;

static bool wrapped_fails(void)
{
    if (!memory.in_client)
        return false;
    memory.client_made++;
    if (!memory.fail_in || --memory.fail_in)
        return false;
    if (memory.fail_n && --memory.fail_n)
        memory.fail_in = 1;
    memory.failed++;
    return true;
}

static void wrapped_live(int n)
{
    memory.live += n;
    memory.client_live += memory.in_client ? n : 0;
}

#include "support/wrapped.h"
