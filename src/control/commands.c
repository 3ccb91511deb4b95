#include "control/commands.h"

#include <strings.h>

static const struct command_row *const ROOMS[] = {
    control_auth_commands, control_conf_commands,   control_circuit_commands,
    control_info_commands, control_stream_commands, control_onion_commands,
};

const struct command_row *command_find(const char *name)
{
    for (size_t i = 0; i < sizeof ROOMS / sizeof ROOMS[0]; i++)
        for (const struct command_row *row = ROOMS[i]; row->name; row++)
            if (strcasecmp(row->name, name) == 0)
                return row;
    return NULL;
}
