/* Commands and keys of onion services (control-spec 3.26 to 3.32), which there are none of yet:
 * what would make or reach one is refused, and none is told of. */
#include "control/commands.h"
#include "control/info.h"
#include "control/reply.h"

static void not_yet(struct session *s, const struct args *a)
{
    (void)a;
    reply_end(s, 551, "Onion services are not yet supported");
}

static void del_onion(struct session *s, const struct args *a)
{
    (void)a;
    reply_end(s, 552, "Unknown Onion Service id");
}

const struct command_row control_onion_commands[] = {
    {"ADD_ONION", {.least = 1, .most = 1, .flags = ARGS_KEYWORDS}, not_yet},
    {"DEL_ONION", {.least = 1, .most = 1}, del_onion},
    {"HSFETCH", {.least = 1, .most = 1, .flags = ARGS_KEYWORDS}, not_yet},
    {"+HSPOST", {.flags = ARGS_KEYWORDS, .body = true}, not_yet},
    {"ONION_CLIENT_AUTH_ADD", {.most = 2, .flags = ARGS_KEYWORDS}, not_yet},
    {"ONION_CLIENT_AUTH_REMOVE", {.most = 1, .flags = ARGS_KEYWORDS}, not_yet},
    {"ONION_CLIENT_AUTH_VIEW", {.most = 1, .flags = ARGS_KEYWORDS}, not_yet},
    {0},
};

static err_t none(struct control *c, const char *rest, struct text_out *out, const char **why)
{
    (void)c, (void)rest, (void)out, (void)why;
    return OK;
}

const struct info_row control_onion_info[] = {
    {"onions/current", false, "Onion services owned by the current control connection.", none},
    {"onions/detached", false, "Onion services detached from the control connection.", none},
    {0},
};
