/* Consensuses of the microdesc flavor: whatever parses keeps its invariants, and is no directory
 * from which circuits could be built. */
#include "consensus_checks.h"
#include "dir/netdir.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct netdir *nd;
    struct netdir_coverage coverage;
    struct consensus *c = consensus_checked(data, size, CONSENSUS_MICRODESC);
    if (!c || netdir_new(c, NULL, &nd) != OK)
        return 0;
    netdir_coverage(nd, 0, &coverage);
    if (coverage.enough || coverage.path)
        abort();
    netdir_unref(&nd);
    return 0;
}
