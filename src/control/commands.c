#include "control/commands.h"

#include <strings.h>

/* clang-format off */
static const struct command_row *const ROOMS[] = {
    control_auth_commands,
    control_descriptor_commands,
    control_circuit_commands,
    control_conf_commands,
    control_info_commands,
    control_map_commands,
    control_onion_commands,
    control_signal_commands,
    control_stream_commands,
};
/* clang-format on */

const struct command_row *command_find(const char *name)
{
    for (size_t i = 0; i < sizeof ROOMS / sizeof ROOMS[0]; i++)
        for (const struct command_row *row = ROOMS[i]; row->name; row++)
            if (strcasecmp(row->name, name) == 0)
                return row;
    return NULL;
}
