/* Circuits that are no more than their number of hops, in place of circ.c's. */
#ifndef TUNIC_TESTS_CLIENT_FAKECIRC_H
#define TUNIC_TESTS_CLIENT_FAKECIRC_H

#include <stdio.h>

#include "circuit/circ.h"

struct circ {
    unsigned hops;
};

bool circ_stream_sendmes(const struct circ *c, unsigned hop)
{
    (void)c, (void)hop;
    return true;
}

unsigned circ_hops(const struct circ *c)
{
    return c->hops;
}

const char *circ_end_text(const struct circ_end *end, char *out, size_t size)
{
    snprintf(out, size, "%s", err_text(end->why));
    return out;
}

#endif
