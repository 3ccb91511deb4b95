#include "app/testnet/orders.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/lines.h"
#include "app/testnet/files.h"
#include "cell/reason.h"
#include "faults/faults.h"

enum { LINE_MAX_LEN = 512, ANSWERS_CAP = 4 << 20 };
enum { PUBLISH_AHEAD_MAX_S = 7 * 24 * 60 * 60 };

struct testnet_orders {
    struct testnet *testnet;
    struct testbed_world *world;
    struct lines *lines;
};

/* ---- which nodes ---- */

static bool is_group(const struct plan_node *n, struct text group)
{
    static const char *const groups[] = {[PLAN_AUTHORITY] = "authorities",
                                         [PLAN_GUARD] = "guards",
                                         [PLAN_MIDDLE] = "middles",
                                         [PLAN_EXIT] = "exits"};
    return text_is(group, "all") || text_is(group, groups[n->role]);
}

/* What is to be done to a node: with its world, a fault's name, or a reason. */
struct errand {
    struct testbed_world *world;
    const char *fault;
    uint8_t reason;
};
typedef err_t node_fn(struct node *n, const struct errand *errand);

/* FN for the node NAME, or for each of a group. ERR_ARG: there is none. */
static err_t for_nodes(struct testnet *t, struct text name, node_fn *fn,
                       const struct errand *errand)
{
    char *one = text_dup(name);
    struct node *named = one ? testnet_node_by_name(t, one) : NULL;
    size_t hits = 0;
    free(one);
    for (size_t i = 0; i < testnet_nodes(t); i++) {
        struct node *n = testnet_node(t, i);
        if (n != named && !is_group(node_plan(n), name))
            continue;
        TRY(fn(n, errand));
        hits++;
    }
    return hits ? OK : ERR_ARG;
}

static err_t do_fault(struct node *n, const struct errand *errand)
{
    return fault_set(faults_of(n), errand->fault);
}

err_t testnet_set_fault(struct testnet *t, const char *spec, char why[TESTNET_ORDERS_WHY])
{
    const char *colon = strchr(spec, ':');
    struct text name = {spec, colon ? (size_t)(colon - spec) : strlen(spec)};
    const struct errand errand = {.fault = colon ? colon + 1 : NULL};
    err_t e = colon ? for_nodes(t, name, do_fault, &errand) : ERR_MALFORMED;
    if (e == ERR_ARG)
        snprintf(why, TESTNET_ORDERS_WHY,
                 "there is no node \"%.*s\"; they are called %s to %s, and guards, middles, exits, "
                 "authorities, all",
                 (int)(name.len < 80 ? name.len : 80), name.s,
                 node_plan(testnet_node(t, 0))->nickname,
                 node_plan(testnet_node(t, testnet_nodes(t) - 1))->nickname);
    else if (e != OK)
        snprintf(why, TESTNET_ORDERS_WHY,
                 "\"%.80s\" is not NODE:FAULT or NODE:FAULT=N (see --list-faults)", spec);
    return e;
}

/* ---- orders ---- */

static err_t do_stop(struct node *n, const struct errand *errand)
{
    (void)errand;
    node_stop(n);
    return OK;
}

static err_t do_start(struct node *n, const struct errand *errand)
{
    (void)errand;
    node_start(n);
    return OK;
}

static err_t do_freeze(struct node *n, const struct errand *errand)
{
    testbed_world_freeze(errand->world, n);
    return OK;
}

static err_t do_thaw(struct node *n, const struct errand *errand)
{
    testbed_world_thaw(errand->world, n);
    return OK;
}

static err_t do_destroy(struct node *n, const struct errand *errand)
{
    node_destroy_circuits(n, errand->reason);
    return OK;
}

static err_t do_honest(struct node *n, const struct errand *errand)
{
    (void)errand;
    *faults_of(n) = (struct faults){.n = {0}};
    return OK;
}

struct stream_list {
    FILE *out;
    const char *exit;
    bool more;
};

static void list_stream(void *arg, const struct node_stream *s)
{
    struct stream_list *l = arg;
    char to[IPPORT_TEXT_MAX];
    fprintf(l->out, "%s{\"exit\": \"%s\", \"circuit\": %u, \"target\": \"%s\"}",
            l->more ? ", " : "", l->exit, s->circuit, ipport_text(&s->to, to));
    l->more = true;
}

static void tell_streams(struct testnet *t, FILE *out)
{
    struct stream_list l = {.out = out};
    fputc('[', out);
    for (size_t i = 0; i < testnet_nodes(t); i++) {
        l.exit = node_plan(testnet_node(t, i))->nickname;
        node_each_stream(testnet_node(t, i), list_stream, &l);
    }
    fputs("]\n", out);
}

static const struct order {
    const char *name;
    node_fn *fn;
} orders[] = {{"stop", do_stop}, {"start", do_start},     {"freeze", do_freeze},
              {"thaw", do_thaw}, {"destroy", do_destroy}, {"honest", do_honest}};

static void answer(FILE *out, err_t e, const char *why)
{
    if (e == OK)
        fputs("ok\n", out);
    else
        fprintf(out, "error: %s\n", why);
}

static void node_order(struct testnet_orders *o, struct text word, struct text node, FILE *out)
{
    struct errand errand = {.world = o->world, .reason = DESTROY_REQUESTED};
    struct text name;
    uint64_t reason;
    (void)text_split(&node, '=', &name);
    if (node.len && text_to_u64(node, UINT8_MAX, &reason) == OK)
        errand.reason = (uint8_t)reason;
    for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++)
        if (text_is(word, orders[i].name)) {
            answer(out, for_nodes(o->testnet, name, orders[i].fn, &errand),
                   "there is no such node");
            return;
        }
    answer(
        out, ERR_ARG,
        "the orders are stop, start, freeze, thaw, honest (NODE), destroy (NODE[=REASON]), fault "
        "(NODE:FAULT[=N]), "
        "publish ([SECONDS]), counts, streams");
}

static void publish(struct testnet *t, struct text seconds, FILE *out)
{
    uint64_t ahead = 0;
    if (seconds.len && text_to_u64(seconds, PUBLISH_AHEAD_MAX_S, &ahead) != OK)
        answer(out, ERR_ARG, "publish [SECONDS]: at most a week from now");
    else
        answer(out, netdocs_publish_ahead(testnet_docs(t), (uint32_t)ahead),
               "no new consensus: out of memory");
}

static void obey(struct testnet_orders *o, char *line, FILE *out)
{
    struct testnet *t = o->testnet;
    char why[TESTNET_ORDERS_WHY] = "";
    struct text rest = text_of(line), word = {"", 0}, argument = {"", 0};
    (void)text_token(&rest, &word);
    (void)text_token(&rest, &argument);
    if (text_is(word, "counts"))
        testnet_counts_json(out, t, "");
    else if (text_is(word, "streams"))
        tell_streams(t, out);
    else if (text_is(word, "publish"))
        publish(t, argument, out);
    else if (text_is(word, "fault") && argument.len)
        answer(out, testnet_set_fault(t, argument.s, why), why);
    else
        node_order(o, word, argument, out);
}

/* ---- callers ---- */

static void obey_line(void *arg, struct lines_caller *c, struct text line)
{
    char *text = NULL, *copy = text_dup(line);
    size_t len = 0;
    FILE *out = copy ? open_memstream(&text, &len) : NULL;
    if (out)
        obey(arg, copy, out);
    if (out && fclose(out) == 0)
        lines_say(c, (struct text){text, len});
    free(copy);
    free(text);
}

static const struct lines_kind kind = {
    .what = "control", .line_most = LINE_MAX_LEN, .answers_most = ANSWERS_CAP, .obey = obey_line};

err_t testnet_orders_open(struct net *n, struct testnet *t, struct testbed_world *w,
                          const char *path, struct testnet_orders **out_)
{
    struct testnet_orders *o = calloc(1, sizeof *o);
    if (!o)
        return ERR_NOMEM;
    *o = (struct testnet_orders){.testnet = t, .world = w};
    err_t e = lines_open(n, &kind, path, o, &o->lines);
    if (e == OK)
        *out_ = o;
    else
        free(o);
    return e;
}

void testnet_orders_close(struct testnet_orders *o)
{
    if (!o)
        return;
    lines_close(o->lines);
    free(o);
}
