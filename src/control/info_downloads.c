/* GETINFO of downloads: when documents are asked for next, in the form that tor's schedules have.
 * Ours are of the same kind: a wait that grows at random with each failure. */
#include <string.h>

#include "client/client.h"
#include "control/control.h"
#include "control/info.h"
#include "crypto/encode.h"
#include "dir/doc.h"

/* What a controller is told of one schedule. */
struct schedule {
    struct dir_tries_state state;
    bool of_authorities, by_attempts;
};

static const struct dirmgr *manager(struct control *c)
{
    return client_dirmgr(control_client(c));
}

static struct schedule schedule_of(struct control *c, enum dir_tries which)
{
    return (struct schedule){
        .state = dirmgr_tries(manager(c), which),
        .of_authorities = which == DIR_TRIES_AUTHORITIES,
        .by_attempts = which == DIR_TRIES_AUTHORITIES || which == DIR_TRIES_ANYBODY,
    };
}

/* What a client never fetches reads, as in tor, as due and never tried. */
static struct schedule schedule_idle(struct control *c)
{
    return (struct schedule){.state = {.next_s = env_wall_s(control_env(c))}};
}

static err_t write(struct text_out *out, const struct schedule *s)
{
    char next[DOC_TIME_TEXT_MAX];
    out_printf(out,
               "next-attempt-at %s\n"
               "n-download-failures %u\n"
               "n-download-attempts %u\n"
               "schedule DL_SCHED_CONSENSUS\n"
               "want-authority %s\n"
               "increment-on %s\n"
               "backoff DL_SCHED_RANDOM_EXPONENTIAL\n"
               "last-backoff-position %u\n"
               "last-delay-used %u\n",
               doc_time_text(s->state.next_s, next), s->by_attempts ? 0 : s->state.fails,
               s->state.fails, s->of_authorities ? "DL_WANT_AUTHORITY" : "DL_WANT_ANY_DIRSERVER",
               s->by_attempts ? "DL_SCHED_INCREMENT_ATTEMPT" : "DL_SCHED_INCREMENT_FAILURE",
               s->state.fails, s->state.last_delay_s);
    return OK;
}

static err_t refuse(const char **why, const char *text)
{
    *why = text;
    return ERR_ARG;
}

/* tor has its two rows of tries before there is a consensus, which are of authorities and of
 * anybody, where the two flavors should be (networkstatus_get_dl_status_by_flavor_bootstrap()). */
static err_t networkstatus(struct control *c, const char *rest, struct text_out *out,
                           const char **why)
{
    struct schedule s;
    if (strcmp(rest, "ns/bootstrap") == 0)
        s = schedule_of(c, DIR_TRIES_AUTHORITIES);
    else if (strcmp(rest, "microdesc/bootstrap") == 0)
        s = schedule_of(c, DIR_TRIES_ANYBODY);
    else if (strcmp(rest, "microdesc") == 0 || strcmp(rest, "microdesc/running") == 0)
        s = schedule_of(c, DIR_TRIES_REFRESH);
    else if (strcmp(rest, "ns") == 0 || strcmp(rest, "ns/running") == 0)
        s = schedule_idle(c);
    else
        return refuse(why, "Unknown flavor");
    return write(out, &s);
}

/* ---- certificates ---- */

static bool take_digest(struct text t, struct rsa_id *out)
{
    return hex_decode_exact(t, out->b, sizeof out->b) == OK;
}

static bool is_authority(struct control *c, const struct rsa_id *id)
{
    size_t n;
    const struct rsa_id *list = dirmgr_authorities(manager(c), &n);
    for (size_t i = 0; i < n; i++)
        if (rsa_id_equal(&list[i], id))
            return true;
    return false;
}

static err_t cert_fps(struct control *c, const char *rest, struct text_out *out, const char **why)
{
    size_t n;
    char hex[HEX_SIZE(sizeof(struct rsa_id))];
    const struct rsa_id *list = dirmgr_authorities(manager(c), &n);
    (void)rest, (void)why;
    for (size_t i = 0; i < n; i++)
        out_printf(out, "%s\n", hex_upper(list[i].b, sizeof list[i].b, hex));
    return OK;
}

/* FP/sks and FP/SK. All certificates have one schedule, so none has one of its own. */
static err_t cert_key(struct control *c, struct text fp, struct text key, const char **why)
{
    struct rsa_id id, sk;
    if (!take_digest(fp, &id))
        return refuse(why, "That didn't look like an identity digest");
    if (text_is(key, "sks"))
        return is_authority(c, &id) ? OK
                                    : refuse(why, "Failed to get list of signing key digests for "
                                                  "this authority identity digest");
    if (!take_digest(key, &sk))
        return refuse(why, "That didn't look like a signing key digest");
    return refuse(why, "Failed to get download status for this identity/signing key digest pair");
}

static err_t cert_fp(struct control *c, const char *rest, struct text_out *out, const char **why)
{
    struct text t = text_of(rest), fp;
    struct rsa_id id;
    if (strchr(rest, '/') && text_split(&t, '/', &fp))
        return cert_key(c, fp, t, why);
    if (!take_digest(t, &id))
        return refuse(why, "That didn't look like a digest");
    if (!is_authority(c, &id))
        return refuse(why, "Failed to get download status for this authority identity digest");
    const struct schedule s = schedule_of(c, DIR_TRIES_CERTS);
    return write(out, &s);
}

static err_t cert_other(struct control *c, const char *rest, struct text_out *out, const char **why)
{
    (void)c, (void)rest, (void)out;
    return refuse(why, "Unknown certificate download status query");
}

/* ---- server descriptors, and those of bridges: none is fetched ---- */

static err_t no_digest(const char *rest, const char *of_none, const char *of_others,
                       const char **why)
{
    struct rsa_id id;
    if (strlen(rest) != 2 * sizeof id.b)
        return refuse(why, of_others);
    return refuse(why,
                  take_digest(text_of(rest), &id) ? of_none : "That didn't look like a digest");
}

static err_t desc(struct control *c, const char *rest, struct text_out *out, const char **why)
{
    (void)c, (void)out;
    if (strcmp(rest, "descs") == 0)
        return refuse(why, "We don't seem to have a networkstatus-flavored consensus");
    return no_digest(rest, "No such descriptor digest found",
                     "Unknown router descriptor download status query", why);
}

static err_t bridge(struct control *c, const char *rest, struct text_out *out, const char **why)
{
    (void)c, (void)out;
    if (strcmp(rest, "bridges") == 0)
        return refuse(why, "We don't seem to be using bridges");
    return no_digest(rest, "No such bridge identity digest found",
                     "Unknown bridge descriptor download status query", why);
}

/* clang-format off */
const struct info_row control_downloads_info[] = {
    {"downloads/networkstatus/", true, "Download statuses for networkstatus objects",
     networkstatus},
    {"downloads/networkstatus/ns", false,
     "Download status for current-mode networkstatus download", NULL},
    {"downloads/networkstatus/ns/bootstrap", false,
     "Download status for bootstrap-time networkstatus download", NULL},
    {"downloads/networkstatus/ns/running", false,
     "Download status for run-time networkstatus download", NULL},
    {"downloads/networkstatus/microdesc", false,
     "Download status for current-mode microdesc download", NULL},
    {"downloads/networkstatus/microdesc/bootstrap", false,
     "Download status for bootstrap-time microdesc download", NULL},
    {"downloads/networkstatus/microdesc/running", false,
     "Download status for run-time microdesc download", NULL},
    {"downloads/cert/fps", false,
     "List of authority fingerprints for which any download statuses exist", cert_fps},
    {"downloads/cert/fp/", true, NULL, cert_fp},
    {"downloads/cert/fp/<fp>", false,
     "Download status for <fp> with the default signing key; corresponds to /fp/ URLs on directory "
     "server.", NULL},
    {"downloads/cert/fp/<fp>/sks", false,
     "List of signing keys for which specific download statuses are available for this id "
     "fingerprint", NULL},
    {"downloads/cert/fp/<fp>/<sk>", false,
     "Download status for <fp> with signing key <sk>; corresponds to /fp-sk/ URLs on directory "
     "server.", NULL},
    {"downloads/cert/", true,
     "Download statuses for certificates, by id fingerprint and signing key", cert_other},
    {"downloads/desc/", true, "Download statuses for router descriptors, by descriptor digest",
     desc},
    {"downloads/desc/descs", false, "Return a list of known router descriptor digests", NULL},
    {"downloads/desc/<desc>", false, "Return a download status for a given descriptor digest",
     NULL},
    {"downloads/bridge/", true,
     "Download statuses for bridge descriptors, by bridge identity digest", bridge},
    {"downloads/bridge/bridges", false,
     "Return a list of configured bridge identity digests with download statuses", NULL},
    {"downloads/bridge/<desc>", false,
     "Return a download status for a given bridge identity digest", NULL},
    {0},
};
/* clang-format on */
