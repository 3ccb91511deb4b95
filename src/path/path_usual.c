/* What is usual: the shapes of paths, and tor's defaults. */
#include "path/path.h"

#define GUARD_MIDDLE_AND(last)                     \
    {                                              \
        {.kind = HOP_GUARD}, {.kind = HOP_MIDDLE}, \
        {                                          \
            .kind = (last)                         \
        }                                          \
    }

const struct path_hop path_to_exit[] = GUARD_MIDDLE_AND(HOP_EXIT);
const struct path_hop path_to_directory[] = GUARD_MIDDLE_AND(HOP_DIRECTORY);
const struct path_hop path_to_authority[] = GUARD_MIDDLE_AND(HOP_AUTHORITY);
const struct path_hop path_internal[] = GUARD_MIDDLE_AND(HOP_INTERNAL);

void path_config_init(struct path_config *cfg)
{
    *cfg = (struct path_config){
        .enforce_distinct_subnets = true,
        .use_entry_guards = true,
        .ipv4 = true,
        .authority_rate = 0.1,
    };
}
