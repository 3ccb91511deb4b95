/* GETINFO about the program, its process and where it listens. */
#include <string.h>

#include "base/version.h"
#include "control/control.h"
#include "control/info.h"
#include "dir/doc.h"

static err_t version(struct control *c, const char *rest, struct text_out *out, const char **why)
{
    (void)c, (void)rest, (void)why;
    out_str(out, version_for_controllers());
    return OK;
}

/* ---- the process ---- */

static struct control_process process_of(struct control *c)
{
    struct control_process p;
    void *world;
    const struct control_world *ops = control_world(c, &world);
    ops->process(world, &p);
    return p;
}

static err_t pid(struct control *c, const char *rest, struct text_out *out, const char **why)
{
    (void)rest, (void)why;
    out_printf(out, "%ld", process_of(c).pid);
    return OK;
}

static err_t uid(struct control *c, const char *rest, struct text_out *out, const char **why)
{
    (void)rest, (void)why;
    out_printf(out, "%ld", process_of(c).uid);
    return OK;
}

static err_t user(struct control *c, const char *rest, struct text_out *out, const char **why)
{
    (void)rest, (void)why;
    out_str(out, process_of(c).user);
    return OK;
}

static err_t fd_limit(struct control *c, const char *rest, struct text_out *out, const char **why)
{
    (void)rest, (void)why;
    out_printf(out, "%llu", (unsigned long long)process_of(c).fd_limit);
    return OK;
}

static err_t uptime(struct control *c, const char *rest, struct text_out *out, const char **why)
{
    (void)rest, (void)why;
    out_printf(out, "%llu", (unsigned long long)process_of(c).uptime_s);
    return OK;
}

static err_t mem_limit(struct control *c, const char *rest, struct text_out *out, const char **why)
{
    (void)rest, (void)why;
    out_printf(out, "%zu", control_env(c)->queues.most);
    return OK;
}

/* ---- the time ---- */

/* "2026-01-01T00:00:00" */
static void time_text(struct text_out *out, int64_t s)
{
    char text[DOC_TIME_TEXT_MAX];
    doc_time_text(s, text);
    char *space = strchr(text, ' ');
    if (space)
        *space = 'T';
    out_str(out, text);
}

static err_t time_utc(struct control *c, const char *rest, struct text_out *out, const char **why)
{
    (void)rest, (void)why;
    time_text(out, env_wall_s(control_env(c)));
    return OK;
}

static err_t time_local(struct control *c, const char *rest, struct text_out *out, const char **why)
{
    (void)rest, (void)why;
    time_text(out, env_wall_s(control_env(c)) + process_of(c).utc_offset_s);
    return OK;
}

/* ---- listeners ---- */

/* tor has more kinds than we: nothing listens there. */
static err_t listeners(struct control *c, const char *rest, struct text_out *out, const char **why)
{
    static const struct {
        const char *name;
        enum port_kind kind; /* PORT_KINDS: none of ours */
    } kinds[] = {
        {"or", PORT_KINDS},         {"extor", PORT_KINDS}, {"dir", PORT_KINDS},
        {"socks", PORT_SOCKS},      {"trans", PORT_KINDS}, {"natd", PORT_KINDS},
        {"httptunnel", PORT_KINDS}, {"dns", PORT_KINDS},   {"control", PORT_CONTROL},
        {"metrics", PORT_METRICS},
    };
    void *world;
    const struct control_world *ops = control_world(c, &world);
    (void)why;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (strcmp(rest, kinds[i].name) == 0) {
            if (kinds[i].kind != PORT_KINDS)
                ops->listeners(world, kinds[i].kind, out);
            return OK;
        }
    return ERR_NOT_FOUND;
}

/* ---- countries ---- */

static err_t country(struct control *c, const char *rest, struct text_out *out, const char **why)
{
    void *world;
    const struct control_world *ops = control_world(c, &world);
    char cc[GEOIP_CC];
    struct ip ip;
    if (ip_parse(rest, true, &ip) != OK) {
        *why = "Invalid address family";
        return ERR_ARG;
    }
    const struct geoip *g = ops->geoip(world, ip.family);
    if (!g) {
        *why = "GeoIP data not loaded";
        return ERR_STATE;
    }
    out_str(out, geoip_country(g, &ip, cc));
    return OK;
}

static err_t has_countries(struct control *c, enum ip_family family, struct text_out *out)
{
    void *world;
    const struct control_world *ops = control_world(c, &world);
    out_char(out, ops->geoip(world, family) ? '1' : '0');
    return OK;
}

static err_t has_countries_v4(struct control *c, const char *rest, struct text_out *out,
                              const char **why)
{
    (void)rest, (void)why;
    return has_countries(c, IP_V4, out);
}

static err_t has_countries_v6(struct control *c, const char *rest, struct text_out *out,
                              const char **why)
{
    (void)rest, (void)why;
    return has_countries(c, IP_V6, out);
}

/* clang-format off */
const struct info_row control_process_info[] = {
    {"version", false, "The current version of Tor.", version},
    {"uptime", false, "Uptime of the Tor daemon in seconds.", uptime},
    {"process/pid", false, "Process id belonging to the main tor process.", pid},
    {"process/uid", false, "User id running the tor process.", uid},
    {"process/user", false, "Username under which the tor process is running.", user},
    {"process/descriptor-limit", false, "File descriptor limit.", fd_limit},
    {"limits/max-mem-in-queues", false, "Actual limit on memory in queues", mem_limit},
    {"current-time/", true, "Current time.", NULL},
    {"current-time/local", false, "Current time on the local system.", time_local},
    {"current-time/utc", false, "Current UTC time.", time_utc},
    {"net/listeners/", true, "Bound addresses by type", listeners},
    {"ip-to-country/ipv4-available", false, NULL, has_countries_v4},
    {"ip-to-country/ipv6-available", false, NULL, has_countries_v6},
    {"ip-to-country/", true, "Perform a GEOIP lookup", country},
    {0},
};
/* clang-format on */
