/* Commands: the one table of them (control-spec 3), in which each room has its rows. */
#ifndef TUNIC_CONTROL_COMMANDS_H
#define TUNIC_CONTROL_COMMANDS_H

#include "control/args.h"

struct session;

struct command_row {
    const char *name; /* "GETINFO"; "+LOADCONF" if it has a body */
    struct args_syntax syntax;
    /* Answers, with replies of which exactly one is the last (reply.h). */
    void (*run)(struct session *s, const struct args *a);
};

/* The rooms, each ended by a row without a name. */
extern const struct command_row control_auth_commands[];
extern const struct command_row control_descriptor_commands[];
extern const struct command_row control_conf_commands[];
extern const struct command_row control_circuit_commands[];
extern const struct command_row control_info_commands[];
extern const struct command_row control_map_commands[];
extern const struct command_row control_signal_commands[];
extern const struct command_row control_stream_commands[];
extern const struct command_row control_onion_commands[];

/* By its name, in any case; NULL: there is none. */
const struct command_row *command_find(const char *name);

#endif
