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

const struct pathbias_config pathbias_usual = {
    .circ_threshold = -1,
    .scale_threshold = -1,
    .use_threshold = -1,
    .scale_use_threshold = -1,
    .notice_rate = -1,
    .warn_rate = -1,
    .extreme_rate = -1,
    .notice_use_rate = -1,
    .extreme_use_rate = -1,
    .drop_guards = CONFIG_NO,
};

void path_config_init(struct path_config *cfg)
{
    *cfg = (struct path_config){
        .enforce_distinct_subnets = true,
        .use_entry_guards = true,
        .ipv4 = true,
        .authority_rate = 0.1,
        .path_bias = pathbias_usual,
    };
}
