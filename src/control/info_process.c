/* GETINFO about the program and its process. */
#include "base/version.h"
#include "control/info.h"

static err_t version(struct control *c, const char *rest, struct text_out *out, const char **why)
{
    (void)c, (void)rest, (void)why;
    out_str(out, version_for_controllers());
    return OK;
}

const struct info_row control_process_info[] = {
    {"version", false, "The current version of Tor.", version},
    {0},
};
