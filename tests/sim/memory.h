/* The allocator of the simulator: counts what is alive, and fails where a scenario says so. The
 * program is linked with --wrap for malloc(), calloc(), realloc(), free(), strdup(), strndup(). */
#ifndef TUNIC_TESTS_SIM_MEMORY_H
#define TUNIC_TESTS_SIM_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct memory {
    int64_t live;         /* allocations, all */
    int64_t client_live;  /* made minus freed inside the client */
    uint64_t client_made; /* made inside the client */
    bool in_client;       /* the client is running: counted to it, and may fail */
    uint64_t fail_in;     /* the so-manieth allocation of the client from now fails; 0: none */
    uint64_t fail_n;      /* and so many in a row */
    uint64_t failed;      /* how many did */
};

extern struct memory memory;

#endif
