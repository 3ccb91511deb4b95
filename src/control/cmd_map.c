/* MAPADDRESS and RESOLVE (control-spec 3.8, 3.20), in the words of C tor's control_cmd.c. */
#include <string.h>
#include <strings.h>

#include "client/steer.h"
#include "control/commands.h"
#include "control/control.h"
#include "control/reply.h"
#include "control/session_int.h"

/* ---- MAPADDRESS ---- */

/* Whether FROM asks for any unused address of a kind, to be made to stand for something. */
static bool is_wildcard(const char *from, enum addrmap_virtual *kind)
{
    static const char *const words[] = {
        [ADDRMAP_IPV4] = "0.0.0.0", [ADDRMAP_IPV6] = "::", [ADDRMAP_HOST] = "."};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcmp(from, words[i]) == 0) {
            *kind = (enum addrmap_virtual)i;
            return true;
        }
    return false;
}

static void map_any(struct session *s, enum addrmap_virtual kind, const struct arg *a,
                    struct text_out *out)
{
    const struct log *log = control_env(s->control)->log;
    struct addrmap *map = client_addrmap(control_client(s->control));
    const char *from = addrmap_virtual(map, kind, a->value);
    if (from) {
        out_printf(out, kind == ADDRMAP_IPV6 ? "250-[%s]=%s\r\n" : "250-%s=%s\r\n", from, a->value);
        return;
    }
    out_printf(out, "451-resource exhausted: skipping '%s=%s'\r\n", a->key, a->value);
    log_warn(log, "Unable to allocate address for '%s' in MapAddress msg", log_safe(log, a->value));
}

static void map_one(struct session *s, const struct arg *a, struct text_out *out)
{
    const struct log *log = control_env(s->control)->log;
    struct addrmap *map = client_addrmap(control_client(s->control));
    const char *why = NULL, *to = strncmp(a->value, "*.", 2) == 0 ? a->value + 2 : a->value;
    enum addrmap_virtual kind;
    if (!addrmap_is_host(to)) {
        out_printf(out, "512-syntax error: invalid address '%s'\r\n", a->value);
        log_warn(log, "Skipping invalid argument '%s' in MapAddress msg", log_safe(log, a->value));
    } else if (is_wildcard(a->key, &kind)) {
        map_any(s, kind, a, out);
    } else if (addrmap_set(map, a->key, a->value, ADDRMAP_CONTROLLER, &why) == OK) {
        out_printf(out, "250-%s=%s\r\n", a->key, a->value);
    } else {
        out_printf(out, "512-syntax error: invalid address mapping  '%s=%s': %s\r\n", a->key,
                   a->value, why);
        log_warn(log, "Skipping invalid argument '%s=%s' in MapAddress msg: %s",
                 log_safe(log, a->key), log_safe(log, a->value), why);
    }
}

static void mapaddress(struct session *s, const struct args *a)
{
    struct text_out out = text_out(SESSION_REPLY_MOST);
    size_t last = 0;
    for (size_t i = 0; i < a->n_keywords; i++) {
        last = out.len;
        map_one(s, &a->keyword[i], &out);
    }
    if (out.len) {
        out.s[last + 3] = ' ';
        session_say(s, &out);
    } else {
        reply_end(s, 512, "syntax error: not enough arguments to mapaddress.");
    }
    out_free(&out);
}

/* ---- RESOLVE ---- */

static void resolve(struct session *s, const struct args *a)
{
    const char *mode = args_keyword(a, "mode");
    bool reverse = mode && strcasecmp(mode, "reverse") == 0;
    if (!(s->told & TOLD_BIT(TOLD_ADDRMAP)))
        log_warn(control_env(s->control)->log,
                 "Controller asked us to resolve an address, but isn't listening for ADDRMAP "
                 "events.  It probably won't see the answer.");
    for (size_t i = 0; i < a->n_keywords; i++)
        if (!*a->keyword[i].value)
            steering_resolve(control_steering(s->control), a->keyword[i].key, reverse);
    reply_ok(s);
}

const struct command_row control_map_commands[] = {
    {"MAPADDRESS", {.most = 0, .flags = ARGS_KEYWORDS}, mapaddress},
    {"RESOLVE", {.most = 0, .flags = ARGS_KEYWORDS | ARGS_OMIT_VALUES}, resolve},
    {0},
};
