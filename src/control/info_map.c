/* GETINFO address-mappings/ (control-spec 3.9). */
#include <string.h>
#include <time.h>

#include "client/steer.h"
#include "control/control.h"
#include "control/info.h"
#include "dir/doc.h"

static void line(void *arg, const char *from, const char *to, int64_t expires_s)
{
    struct text_out *out = arg;
    char time[DOC_TIME_TEXT_MAX];
    out_printf(out, "%s%s %s ", out->len ? "\n" : "", from, to);
    if (expires_s)
        out_printf(out, "\"%s\"", doc_time_text(expires_s, time));
    else
        out_str(out, "NEVER");
}

/* Virtual addresses are a controller's in tor, whoever was given one. */
static err_t mappings(struct control *c, const char *rest, struct text_out *out, const char **why)
{
    static const struct {
        const char *name;
        unsigned sources;
    } rows[] = {{"all", ADDRMAP_ALL},
                {"cache", ADDRMAP_EXIT},
                {"config", ADDRMAP_TORRC},
                {"control", ADDRMAP_CONTROLLER | ADDRMAP_VIRTUAL}};
    (void)why;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (strcmp(rest, rows[i].name) == 0) {
            addrmap_each(client_addrmap(control_client(c)), rows[i].sources, line, out);
            return OK;
        }
    return ERR_NOT_FOUND;
}

const struct info_row control_map_info[] = {
    {"address-mappings/", true, NULL, mappings},
    {"address-mappings/all", false, "Current address mappings.", NULL},
    {"address-mappings/cache", false, "Current cached DNS replies.", NULL},
    {"address-mappings/config", false, "Current address mappings from configuration.", NULL},
    {"address-mappings/control", false, "Current address mappings from controller.", NULL},
    {0},
};
