/* Consensuses of the ns flavor. */
#include "consensus_checks.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct consensus *c = consensus_checked(data, size, CONSENSUS_NS);
    consensus_free(&c);
    return 0;
}
