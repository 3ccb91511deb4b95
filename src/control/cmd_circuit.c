/* Commands that steer circuits (control-spec 3.10, 3.11, 3.17); their words are those of C tor's
 * control_cmd.c. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "client/steer.h"
#include "control/commands.h"
#include "control/control.h"
#include "control/reply.h"
#include "control/session.h"
#include "crypto/encode.h"
#include "dir/netdir.h"

enum {
    PATH_MOST = CIRC_MAX_HOPS + 1, /* one more than there may be, to be refused below; what stands
                                      behind it is not looked up */
    NAMED_EVERY_S = 60,
};

static struct client *client_of(const struct session *s)
{
    return control_client(session_control(s));
}

/* ---- what the words name ---- */

static bool read_circuit(const struct session *s, const char *word, uint64_t *id)
{
    return text_u64(word, UINT32_MAX, id) == OK && client_has_circuit(client_of(s), *id);
}

static void unknown_circuit(struct session *s, const char *word)
{
    reply_end(s, 552, "Unknown circuit \"%s\"", word);
}

/* tor takes "purpose=controller" for "controller", too: programs write it that way. */
static bool read_purpose(struct session *s, const char *word, enum circuit_purpose *out)
{
    static const char key[] = "purpose=";
    const char *name = strncasecmp(word, key, sizeof key - 1) == 0 ? word + sizeof key - 1 : word;
    *out = strcasecmp(name, "controller") == 0 ? CIRCUIT_CONTROLLER : CIRCUIT_GENERAL;
    if (*out == CIRCUIT_CONTROLLER || strcasecmp(name, "general") == 0)
        return true;
    reply_end(s, 552, "Unknown purpose \"%s\"", word);
    return false;
}

/* tor warns once of each relay. Here it is a warning now and then, and else a line at INFO: who
 * names relays again and again must not fill the log. */
static void warn_of_name(const struct session *s, struct text name, const struct router *r,
                         size_t n)
{
    struct control *c = session_control(s);
    const struct log *log = control_env(c)->log;
    char hex[HEX_SIZE(sizeof r->rsa.b)];
    unsigned held_back;
    bool first =
        ratelim_pass(&control_steering(c)->named, control_env(c), NAMED_EVERY_S, &held_back);
    enum log_level level = first ? LOG_WARN : LOG_INFO;
    if (n > 1)
        LOG_AT(log, level,
               "There are multiple matches for the name %.*s. Choosing one arbitrarily.",
               TEXT_ARG(name));
    else
        LOG_AT(log, level,
               "You specified a relay \"%.*s\" by name, but nicknames can be used by any relay, "
               "not just the one you meant. To make sure you get the same relay in the future, "
               "refer to it by key, as \"$%s\".",
               TEXT_ARG(name), hex_upper(r->rsa.b, sizeof r->rsa.b, hex));
}

static const struct router *by_nickname(const struct session *s, const struct netdir *nd,
                                        struct text name)
{
    const struct router *first = NULL;
    size_t n = 0;
    if (text_is_nocase(name, "Unnamed"))
        return NULL;
    for (size_t i = 0; i < netdir_n(nd); i++)
        if (text_is_nocase(name, netdir_at(nd, i)->nickname)) {
            first = first ? first : netdir_at(nd, i);
            n++;
        }
    if (first)
        warn_of_name(s, name, first, n);
    return first;
}

/* node_get_by_nickname(): "$fp", "fp", "$fp~anything" or a nickname; "$fp=name" was for names that
 * authorities vouched for, and names nobody any more. */
static const struct router *find_router(const struct session *s, const struct netdir *nd,
                                        struct text name)
{
    struct rsa_id rsa;
    size_t hex = 2 * sizeof rsa.b, dollar = name.len && name.s[0] == '$';
    struct text t = {name.s + dollar, name.len - dollar};
    if (!nd)
        return NULL;
    if (t.len < hex || (t.len > hex && t.s[hex] != '=' && t.s[hex] != '~') ||
        hex_decode_exact((struct text){t.s, hex}, rsa.b, sizeof rsa.b) != OK)
        return by_nickname(s, nd, name);
    return t.len > hex && t.s[hex] == '=' ? NULL : netdir_by_rsa(nd, &rsa);
}

/* The relays that are named one behind the other; false: it was answered. */
static bool read_path(struct session *s, const char *names, const struct router **path, size_t *n)
{
    const struct netdir *nd = client_known(client_of(s));
    const char *at = names;
    for (bool more = true; more && *n < PATH_MOST; at += more) {
        struct text name = {at, strcspn(at, ",")};
        const struct router *r = find_router(s, nd, name);
        if (!r || !r->has_md) {
            reply_end(s, 552, r ? "No descriptor for \"%.*s\"" : "No such router \"%.*s\"",
                      TEXT_ARG(name));
            return false;
        }
        path[(*n)++] = r;
        at += name.len;
        more = *at == ',';
    }
    return true;
}

/* ---- EXTENDCIRCUIT ---- */

/* The path is the first word behind the id that is not KEY=VALUE, or one that begins with "$",
 * since "$fp=name" once was a relay. NULL: there is none. */
static char *read_names(const struct args *a)
{
    const struct arg *first = a->n_keywords ? &a->keyword[0] : NULL;
    if (!first || (*first->value && first->key[0] != '$'))
        return NULL;
    return text_printf("%s%s%s", first->key, *first->value ? "=" : "", first->value);
}

static void start(struct session *s, const struct router *const *path, size_t n,
                  enum circuit_purpose purpose)
{
    uint64_t id;
    /* circuit_launch() finds no exit for a circuit that is not for streams. */
    if ((!n && purpose != CIRCUIT_GENERAL) ||
        client_build_circuit(client_of(s), path, n, purpose, &id) != OK)
        reply_end(s, 551, "Couldn't start circuit");
    else
        reply_end(s, 250, "EXTENDED %llu", (unsigned long long)id);
}

static void go_on(struct session *s, uint64_t id, const struct router *const *path, size_t n)
{
    if (client_extend_circuit(client_of(s), id, path, n) != OK)
        reply_end(s, 551, "Couldn't send onion skin");
    else
        reply_end(s, 250, "EXTENDED %llu", (unsigned long long)id);
}

static void extend(struct session *s, const struct args *a, const char *names)
{
    const char *word = a->word[0], *wanted = args_keyword(a, "PURPOSE");
    bool is_new = strcmp(word, "0") == 0;
    enum circuit_purpose purpose = CIRCUIT_GENERAL;
    const struct router *path[PATH_MOST];
    size_t n = 0;
    uint64_t id = 0;
    if (wanted && !read_purpose(s, wanted, &purpose))
        return;
    if (!is_new && !read_circuit(s, word, &id))
        unknown_circuit(s, word);
    else if (!names && is_new)
        start(s, NULL, 0, purpose);
    else if (!names)
        reply_end(s, 512, "syntax error: path required.");
    else if (!read_path(s, names, path, &n))
        return;
    else if (is_new)
        start(s, path, n, purpose);
    else
        go_on(s, id, path, n);
}

static void extendcircuit(struct session *s, const struct args *a)
{
    char *names = read_names(a);
    extend(s, a, names);
    free(names);
}

/* ---- the others ---- */

static void setcircuitpurpose(struct session *s, const struct args *a)
{
    const char *word = a->word[0], *wanted = args_keyword(a, "PURPOSE");
    enum circuit_purpose purpose;
    uint64_t id;
    if (!read_circuit(s, word, &id))
        unknown_circuit(s, word);
    else if (!wanted)
        reply_end(s, 552, "No purpose given");
    else if (read_purpose(s, wanted, &purpose)) {
        client_set_circuit_purpose(client_of(s), id, purpose);
        reply_ok(s);
    }
}

static void closecircuit(struct session *s, const struct args *a)
{
    uint64_t id;
    if (!read_circuit(s, a->word[0], &id)) {
        unknown_circuit(s, a->word[0]);
        return;
    }
    client_close_circuit(client_of(s), id, args_has_flag(a, "IfUnused"));
    reply_ok(s);
}

const struct command_row control_circuit_commands[] = {
    {"EXTENDCIRCUIT", {1, 1, .flags = ARGS_KEYWORDS | ARGS_OMIT_VALUES}, extendcircuit},
    {"SETCIRCUITPURPOSE", {1, 1, .flags = ARGS_KEYWORDS}, setcircuitpurpose},
    {"CLOSECIRCUIT", {1, 1, .flags = ARGS_KEYWORDS | ARGS_OMIT_VALUES}, closecircuit},
    {0},
};
