/* How much memory queues may take (MaxMemInQueues). */
#ifndef TUNIC_HOST_MEMORY_H
#define TUNIC_HOST_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes; 0: the system does not say. */
uint64_t memory_of_machine(void);
/* What WANTED (bytes; 0: as tor chooses) means on a machine with RAM bytes (0: unknown). */
size_t memory_for_queues(uint64_t wanted, uint64_t ram);

#endif
