#include "testnet/plan.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "dir/protover.h"
#include "dirdoc/exitpolicy.h"
#include "dirdoc/relaydoc.h"

enum {
    RELAYS_LEAST = 3, /* a circuit's hops */
    PARAMS_MOST = 200,
    PARAMS_LEN_MOST = 8000,
    PROTOS_LEN_MOST = 500,
    FIRST_NET = 11, /* 127.11.0.1 is the first node */
    /* The most that C tor counts in 31 bits of bytes per second: phantoms have 1. */
    RELAY_BANDWIDTH_KB = 2000000,
    AUTHORITY_BANDWIDTH_KB = 1,
    INTERVAL_DEFAULT_S = 3600,
    INTERVAL_LEAST_S = 10, /* what clients with TestingTorNetwork take */
    INTERVAL_MOST_S = 7 * 24 * 3600,
};

PRINTF_LIKE(2, 3) static err_t no(char why[PLAN_WHY_MAX], const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(why, PLAN_WHY_MAX, fmt, args);
    va_end(args);
    return ERR_ARG;
}

static bool is_param_name(struct text name)
{
    static const char more[] = "_-";
    for (size_t i = 0; i < name.len; i++) {
        char c = name.s[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              (c && strchr(more, c))))
            return false;
    }
    return name.len > 0;
}

/* "name=value", the value a number of 32 bits (dir-spec 3.4.1). */
static bool is_param(struct text word, struct text *name)
{
    uint64_t n;
    text_split(&word, '=', name);
    bool negative = text_starts(word, "-");
    word.s += negative;
    word.len -= negative;
    return is_param_name(*name) && text_to_u64(word, (uint64_t)INT32_MAX + negative, &n) == OK;
}

static err_t check_params(const char *params, char why[PLAN_WHY_MAX])
{
    struct text rest = text_of(params), word, name[PARAMS_MOST];
    size_t n = 0;
    if (rest.len > PARAMS_LEN_MOST)
        return no(why, "the parameters are too long");
    for (; text_token(&rest, &word); n++) {
        if (n == PARAMS_MOST)
            return no(why, "there are more than %d parameters", PARAMS_MOST);
        if (!is_param(word, &name[n]))
            return no(why, "\"%.*s\" is no parameter: name=number is",
                      word.len < 60 ? (int)word.len : 60, word.s);
        for (size_t i = 0; i < n; i++)
            if (text_equal(name[i], name[n]))
                return no(why, "parameter %.*s is given twice",
                          name[n].len < 60 ? (int)name[n].len : 60, name[n].s);
    }
    return OK;
}

static err_t check_counts(const struct plan_wish *w, char why[PLAN_WHY_MAX])
{
    if (!w->authorities)
        return no(why, "a network needs an authority");
    if (w->authorities > PLAN_AUTHORITIES_MOST)
        return no(why, "%u authorities are too many: at most %d", w->authorities,
                  PLAN_AUTHORITIES_MOST);
    if (w->relays < RELAYS_LEAST)
        return no(why, "%u relays are too few: a circuit needs %d", w->relays, RELAYS_LEAST);
    if (w->relays > PLAN_NODES_MOST - w->authorities)
        return no(why, "%u relays are too many: at most %u", w->relays,
                  PLAN_NODES_MOST - w->authorities);
    if (!w->exits)
        return no(why, "0 exits: nothing could be reached through this network");
    if (w->exits >= w->relays)
        return no(why, "%u exits of %u relays leave none to be a guard", w->exits, w->relays);
    if (w->phantoms > PLAN_PHANTOMS_MOST)
        return no(why, "%" PRIu32 " phantoms are too many: at most %d", w->phantoms,
                  PLAN_PHANTOMS_MOST);
    return OK;
}

static err_t check(const struct plan_wish *w, char why[PLAN_WHY_MAX])
{
    TRY(check_counts(w, why));
    if (w->interval_s && (w->interval_s < INTERVAL_LEAST_S || w->interval_s > INTERVAL_MOST_S))
        return no(why, "an interval of %" PRIu32 " s is not possible: %d to %d", w->interval_s,
                  INTERVAL_LEAST_S, INTERVAL_MOST_S);
    if (w->base_port == UINT16_MAX)
        return no(why, "port %d leaves none for directories", UINT16_MAX);
    if (w->exit_policy && strlen(w->exit_policy) >= PLAN_POLICY_MAX)
        return no(why, "the exit policy is longer than %d characters", PLAN_POLICY_MAX - 1);
    if (w->exit_policy && exitpolicy_check(w->exit_policy) != OK)
        return no(why, "the exit policy is not of the form \"reject *:25,accept *:*\"");
    uint32_t protos;
    if (w->protos && (strlen(w->protos) > PROTOS_LEN_MOST || strpbrk(w->protos, "\r\n") ||
                      protover_parse(text_of(w->protos), &protos) != OK))
        return no(why, "the protocols are not of the form \"Link=3-5 Relay=2-4\"");
    return w->params ? check_params(w->params, why) : OK;
}

/* Relay I of the plan without authorities: exits come last; every third of the others is no guard,
 * if there are enough of them. */
static enum plan_role role_of(const struct plan_wish *w, unsigned i)
{
    if (i >= w->relays - w->exits)
        return PLAN_EXIT;
    return i % 3 == 2 ? PLAN_MIDDLE : PLAN_GUARD;
}

static void fill(struct plan_node *n, enum plan_role role, unsigned number, size_t index,
                 const struct plan_wish *w)
{
    static const char *const names[] = {"auth", "guard", "middle", "exit"};
    const uint8_t address[4] = {127, (uint8_t)(FIRST_NET + index), 0, 1};
    const char *policy = w->exit_policy ? w->exit_policy : "accept *:*";
    n->role = role;
    n->or_port = (struct ipport){ip_v4(address), w->base_port};
    if (role == PLAN_AUTHORITY && w->base_port)
        n->dir_port = (uint16_t)(w->base_port + 1);
    n->bandwidth_kb = role == PLAN_AUTHORITY ? AUTHORITY_BANDWIDTH_KB : RELAY_BANDWIDTH_KB;
    snprintf(n->nickname, sizeof n->nickname, "%s%u", names[role], number);
    snprintf(n->policy, sizeof n->policy, "%s", role == PLAN_EXIT ? policy : "reject *:*");
}

err_t plan_make(const struct plan_wish *wish, struct plan *out, char why[PLAN_WHY_MAX])
{
    unsigned number[4] = {0};
    TRY(check(wish, why));
    *out = (struct plan){
        .n_nodes = wish->authorities + wish->relays,
        .n_authorities = wish->authorities,
        .phantoms = wish->phantoms,
        .spread = wish->spread,
        .params = wish->params,
        .protos = wish->protos ? wish->protos : RELAYDOC_PROTOS,
        .interval_s = wish->interval_s ? wish->interval_s : INTERVAL_DEFAULT_S,
    };
    for (size_t i = 0; i < out->n_nodes; i++) {
        enum plan_role role = i < wish->authorities
                                  ? PLAN_AUTHORITY
                                  : role_of(wish, (unsigned)(i - wish->authorities));
        fill(&out->node[i], role, ++number[role], i, wish);
    }
    return OK;
}
