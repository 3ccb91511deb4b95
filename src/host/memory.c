#include "host/memory.h"

#include <unistd.h>

#define MB ((uint64_t)1 << 20)
#define GB ((uint64_t)1 << 30)

uint64_t memory_of_machine(void)
{
    long pages = sysconf(_SC_PHYS_PAGES), bytes = sysconf(_SC_PAGESIZE);
    return pages > 0 && bytes > 0 ? (uint64_t)pages * (uint64_t)bytes : 0;
}

/* compute_real_max_mem_in_queues(): much of the memory, so that the bound is there, but leaves all
 * that is usual alone. */
static uint64_t share_of(uint64_t ram)
{
    const bool is_64_bit = sizeof(size_t) > 4;
    const uint64_t least = 256 * MB, most = is_64_bit ? 8 * GB : 2 * GB;
    if (!ram)
        return is_64_bit ? 8 * GB : GB;
    uint64_t share = is_64_bit && ram >= 8 * GB ? ram / 5 * 2 : ram / 4 * 3;
    return share < least ? least : share > most ? most : share;
}

size_t memory_for_queues(uint64_t wanted, uint64_t ram)
{
    uint64_t bytes = wanted ? wanted : share_of(ram);
    return bytes > SIZE_MAX ? SIZE_MAX : (size_t)bytes;
}
