#include "app/ctl/find.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const torrcs[] = {"/etc/tor/torrc", "/etc/tor/torrc-defaults",
                                     "/usr/share/tor/tor-service-defaults-torrc",
                                     "/usr/local/etc/tor/torrc"};
static const char *const usual[] = {"127.0.0.1:9051", "unix:/run/tor/control", "127.0.0.1:9151"};

/* What Tor Browser and systems around it set for their programs. */
static err_t find_environment(struct ctl_candidates *out, const char **variable)
{
    const char *path = getenv("TOR_CONTROL_IPC_PATH"), *port = getenv("TOR_CONTROL_PORT");
    const char *host = getenv("TOR_CONTROL_HOST");
    struct ctl_place place;
    char text[128];
    if (path && *path) {
        *variable = "TOR_CONTROL_IPC_PATH";
        TRY(ctl_place_unix(path, &place));
        ctl_candidate_add(out, &place, "%s", *variable);
    }
    if (port && *port) {
        *variable = "TOR_CONTROL_PORT";
        if (host && *host)
            snprintf(text, sizeof text, strchr(host, ':') && *host != '[' ? "[%s]:%s" : "%s:%s",
                     host, port);
        else
            snprintf(text, sizeof text, "%s", port);
        TRY(ctl_place_parse(text, &place));
        ctl_candidate_add(out, &place, "%s", *variable);
    }
    return OK;
}

static void find_torrcs(struct ctl_candidates *out)
{
    struct ctl_ports ports = {0};
    char path[4096];
    const char *home = getenv("HOME");
    const struct passwd *pw = home ? NULL : getpwuid(getuid());
    for (size_t i = 0; i < sizeof torrcs / sizeof *torrcs; i++)
        (void)ctl_find_torrc(out, torrcs[i], "/", torrcs[i], &ports);
    if (!home && !pw)
        return;
    snprintf(path, sizeof path, "%s/.torrc", pw ? pw->pw_dir : home);
    (void)ctl_find_torrc(out, path, pw ? pw->pw_dir : home, path, &ports);
}

err_t ctl_find(struct ctl_candidates *out, const char **variable)
{
    struct ctl_place place;
    out->n = 0;
    TRY(find_environment(out, variable));
    if (out->n)
        return OK;
    find_torrcs(out);
    ctl_find_processes(out, "/proc");
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++)
        if (ctl_place_parse(usual[i], &place) == OK)
            ctl_candidate_add(out, &place, "a usual place");
    return OK;
}
