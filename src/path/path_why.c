/* Why there is no path, as a clause for people. */
#include <stdio.h>

#include "path/path_int.h"

static const char *family_text(enum ip_family family)
{
    return family == IP_V6 ? " over IPv6" : "";
}

static void name_last(const struct path_request *req, bool exits, char *out, size_t size)
{
    if (!exits)
        snprintf(out, size, "relay for the last hop");
    else if (req->port)
        snprintf(out, size, "exit relay that allows port %u%s", req->port,
                 family_text(req->family));
    else
        snprintf(out, size, "exit relay%s", family_text(req->family));
}

static void no_policy(const struct path_request *req, enum hop_kind kind, char *why)
{
    if (kind != HOP_EXIT)
        snprintf(why, PATH_WHY_MAX, "no usable relay %s",
                 kind == HOP_AUTHORITY ? "is an authority" : "answers directory requests");
    else if (req->port)
        snprintf(why, PATH_WHY_MAX, "no exit relay allows port %u%s", req->port,
                 family_text(req->family));
    else
        snprintf(why, PATH_WHY_MAX, "no relay lets connections out%s", family_text(req->family));
}

static void no_last(const struct path_request *req, enum hop_kind kind, enum path_stop stop,
                    char *why)
{
    char what[64];
    name_last(req, kind == HOP_EXIT, what, sizeof what);
    if (stop == STOP_POLICY)
        no_policy(req, kind, why);
    else if (stop == STOP_CONFIG)
        snprintf(why, PATH_WHY_MAX,
                 "every %s is ruled out by ExitNodes, ExcludeExitNodes or ExcludeNodes", what);
    else if (stop == STOP_AVOIDED)
        snprintf(why, PATH_WHY_MAX, "every %s has failed already", what);
    else
        snprintf(why, PATH_WHY_MAX, "no relay in the consensus is usable as the last hop");
}

static const char *no_first(enum path_stop stop)
{
    static const char *const words[] = {
        [STOP_UNUSABLE] = "no relay in the consensus is usable as the first hop",
        [STOP_UNREACHABLE] =
            "no relay can be reached under ClientUseIPv4, ClientUseIPv6 and ReachableAddresses",
        [STOP_CONFIG] = "every relay is ruled out as the first hop by EntryNodes or ExcludeNodes",
        [STOP_AVOIDED] = "every relay has failed already as the first hop",
        [STOP_RELATED] =
            "every possible first hop is in the last hop's family or network (try another exit)",
    };
    return words[stop];
}

void path_say_why(const struct path_search *s, enum path_stop stop)
{
    enum hop_kind kind = s->req->hops[s->at].kind;
    char *why = s->out->why;
    if (kind == HOP_GUARD)
        snprintf(why, PATH_WHY_MAX, "%s", no_first(stop));
    else if (kind == HOP_VANGUARD)
        snprintf(why, PATH_WHY_MAX, "no vanguard is usable as hop %zu", s->at + 1);
    else if (kind != HOP_MIDDLE)
        no_last(s->req, kind, stop, why);
    else if (stop == STOP_CONFIG)
        snprintf(why, PATH_WHY_MAX,
                 "every middle relay is ruled out by MiddleNodes or ExcludeNodes");
    else
        snprintf(why, PATH_WHY_MAX,
                 "no middle relay is left besides the guard, the last hop and their families");
}
