#include "app/measure/ctl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/measure/ctlargs.h"
#include "app/measure/ctlline.h"
#include "app/measure/ctlwords.h"
#include "app/measure/service.h"
#include "app/measure/tool.h"
#include "app/measure/whom.h"
#include "crypto/encode.h"

enum { CTL_NO_COORDINATOR = 3 };

static const char HELP[] =
    "usage: tunic measure ctl [-c FILE] [--ctrl-addr PATH] [--json] ORDER\n"
    "\n"
    "Gives a running coordinator an order, through its unix socket (that of FILE's [coord], or\n"
    "data-coord/ctl).\n"
    "\n"
    "  measure RELAY... [--no-wait] [--dur S] [--prior BW] [--mode MODE]\n"
    "                     RELAY: ADDR:PORT, FINGERPRINT@ADDR:PORT, the fingerprint of one that\n"
    "                     was measured before, or a fingerprint or nickname that the\n"
    "                     coordinator knows (directory), or a client's --data-directory DIR;\n"
    "                     shows how it goes, and ends with the last.\n"
    "                     MODE: flashflow; echo2, sink2, dir, drop or http for relays of\n"
    "                     unmodified tor; http with --exit ADDR:PORT and --server ADDR:PORT.\n"
    "                     S: 1 to 600. BW: what it is thought to carry, like 4mbit. Ctrl-C ends\n"
    "                     the looking on\n"
    "  status             what runs, and who is there\n"
    "  measurers, relays  who is listed; what is known or was measured, its last figure, and why\n"
    "                     it would not be measured\n"
    "  results [RELAY]    of the last 8 days: of all, or of an address, fingerprint or nickname\n"
    "  schedule [--start|--stop|--show]\n"
    "                     of the day: how far it is; follow it, day after day, or no more; each\n"
    "                     relay with its slot, which is nobody else's business\n"
    "  cancel ID          one that runs or waits\n"
    "  bwfile             makes a bandwidth file now, and says where it is\n"
    "  shutdown           ends the coordinator when what runs is over\n"
    "  --json             print the answers as they come, a JSON object a line\n"
    "\n"
    "Exit status: 0 all was done; 1 something was not; 2 wrong usage; 3 no coordinator there.\n";

struct ctl {
    struct ctlargs args;
    bool live;
    struct ctlline there;
    json_t *open;   /* ID: relay */
    json_t *relays; /* those of all pages, since they are shown by name */
    unsigned bad;
};

/* ---- the order ---- */

/* Names are looked up here, where a client's files are; fingerprints that are in none of them the
 * coordinator may know. */
static json_t *relay_of(const struct ctl *c, const char *word)
{
    const char *folder = c->args.folder ? c->args.folder : getenv("TUNIC_TESTNET_DIR");
    char why[WHOM_WHY], fp[HEX_SIZE(sizeof(struct rsa_id))], at[IPPORT_TEXT_MAX];
    struct whom w;
    if (strchr(word, ':') || !folder || whom_find(word, folder, &w, why) != OK || !w.relay.has_fp)
        return json_string(word);
    return json_sprintf("%s@%s", hex_upper(w.relay.fp.b, sizeof w.relay.fp.b, fp),
                        ipport_text(&w.relay.addrs[0], at));
}

static json_t *relays_of(const struct ctl *c)
{
    json_t *list = json_array();
    for (size_t i = 1; list && i < c->args.n_words; i++)
        (void)json_array_append_new(list, relay_of(c, c->args.words[i]));
    return list;
}

static const struct order {
    const char *name;
    size_t least, most; /* words behind it */
} ORDERS[] = {{"measure", 1, CTLARGS_WORDS_MOST},
              {"status", 0, 0},
              {"measurers", 0, 0},
              {"relays", 0, 0},
              {"results", 0, 1},
              {"cancel", 1, 1},
              {"shutdown", 0, 0},
              {"bwfile", 0, 0},
              {"schedule", 0, 0}};

/* 0, or the exit status after a complaint. */
static int check_order(const struct ctl *c)
{
    if (!c->args.n_words)
        return tool_complain(MEASURE_USAGE, "say what it is to do; see tunic measure ctl --help");
    for (size_t i = 0; i < sizeof ORDERS / sizeof *ORDERS; i++) {
        if (strcmp(ORDERS[i].name, c->args.words[0]) != 0)
            continue;
        if (c->args.schedule && strcmp(c->args.words[0], "schedule") != 0)
            return tool_complain(MEASURE_USAGE, "--start, --stop and --show are of `schedule`");
        if (c->args.n_words - 1 >= ORDERS[i].least && c->args.n_words - 1 <= ORDERS[i].most)
            return 0;
        fprintf(stderr, "tunic measure: %s %s; see tunic measure ctl --help\n", c->args.words[0],
                c->args.n_words > 1 ? "takes less behind it" : "needs to know what");
        return MEASURE_USAGE;
    }
    fprintf(stderr, "tunic measure: there is no order \"%s\"; see tunic measure ctl --help\n",
            c->args.words[0]);
    return MEASURE_USAGE;
}

/* NULL: the order makes no sense, or there is no memory. */
static json_t *order_json(const struct ctl *c)
{
    uint64_t id = 0;
    const char *name = c->args.words[0];
    if (strcmp(name, "measure") == 0)
        return json_pack("{sssosIsIss*ss*ss*}", "cmd", name, "relays", relays_of(c), "dur",
                         c->args.dur, "prior", c->args.prior, "mode", c->args.mode, "exit",
                         c->args.exit, "server", c->args.server);
    if (strcmp(name, "cancel") == 0)
        return text_u64(c->args.words[1], UINT32_MAX, &id) == OK
                   ? json_pack("{sssI}", "cmd", name, "id", (json_int_t)id)
                   : NULL;
    if (strcmp(name, "schedule") == 0)
        return json_pack("{ssss}", "cmd", name, "do", c->args.schedule ? c->args.schedule : "");
    if (c->args.n_words > 1)
        return json_pack("{ssss}", "cmd", name, "relay", c->args.words[1]);
    return json_pack("{ss}", "cmd", name);
}

/* ---- talking ---- */

/* What is measured, by ID: for whoever does not want to wait for it any longer. */
static void follow(struct ctl *c, const json_t *o, const char *event)
{
    char id[32];
    snprintf(id, sizeof id, "%lld", (long long)json_integer_value(json_object_get(o, "id")));
    if (strcmp(event, "queued") == 0)
        (void)json_object_set(c->open, id, json_object_get(o, "relay"));
    else if (strcmp(event, "result") == 0)
        (void)json_object_del(c->open, id);
}

static void show(struct ctl *c, const json_t *o, bool is_end)
{
    json_t *page = json_object_get(o, "relays");
    if (page && !c->relays)
        c->relays = json_array();
    if (page)
        (void)json_array_extend(c->relays, page);
    else
        ctlwords_write(stdout, o, c->live);
    if (!is_end || !c->relays)
        return;
    json_t *all = json_pack("{sO}", "relays", c->relays);
    ctlwords_write(stdout, all, c->live);
    json_decref(all);
}

/* Whether it is the last. */
static bool take(struct ctl *c, struct text line)
{
    json_error_t error;
    json_t *o = json_loadb(line.s, line.len, 0, &error);
    const char *event = json_string_value(json_object_get(o, "event"));
    bool is_end = event && strcmp(event, "end") == 0;
    bool is_bad = event && (strcmp(event, "refused") == 0 || strcmp(event, "error") == 0);
    if (event && strcmp(event, "result") == 0)
        is_bad = !json_is_true(json_object_get(o, "ok"));
    if (event)
        follow(c, o, event);
    c->bad += is_bad || !o ? 1 : 0;
    if (c->args.json)
        printf("%.*s\n", (int)line.len, line.s);
    else if (o)
        show(c, o, is_end);
    fflush(stdout);
    json_decref(o);
    return is_end;
}

/* What was ordered goes on: only the looking on is over. */
static int interrupted(const struct ctl *c, const char *path)
{
    const char *id;
    json_t *relay;
    if (c->live)
        fputc('\n', stderr);
    json_object_foreach(c->open, id, relay)
        fprintf(stderr,
                "tunic measure: %s is %s, and goes on; to end it: "
                "tunic measure ctl --ctrl-addr %s cancel %s\n",
                json_string_value(relay), id, path, id);
    return MEASURE_SIGNAL + SIGINT;
}

/* With --no-wait only what became of the order is awaited: a line a relay. */
static int listen_to(struct ctl *c, const char *path)
{
    size_t n = 0, enough = SIZE_MAX;
    bool over = false;
    struct text line;
    if (c->args.no_wait && strcmp(c->args.words[0], "measure") == 0)
        enough = c->args.n_words - 1;
    while (!over && n < enough) {
        enum ctlline_next next = ctlline_next(&c->there, &line);
        if (next == CTLLINE_INTERRUPTED)
            return interrupted(c, path);
        if (next == CTLLINE_GONE)
            return tool_complain(MEASURE_NOT_ALL, "the coordinator went away");
        over = take(c, line);
        n++;
    }
    return c->bad ? MEASURE_NOT_ALL : MEASURE_DONE;
}

static int give(struct ctl *c, const char *path)
{
    json_t *order = order_json(c);
    char *text = order ? json_dumps(order, JSON_COMPACT) : NULL;
    int status;
    json_decref(order);
    if (!text)
        return tool_complain(MEASURE_USAGE, "that is no ID of a measurement");
    c->open = json_object();
    if (ctlline_open(&c->there, path) && ctlline_say(&c->there, text)) {
        status = listen_to(c, path);
    } else {
        fprintf(stderr, "tunic measure: no coordinator answers on %s: %s\n", path, strerror(errno));
        status = CTL_NO_COORDINATOR;
    }
    ctlline_close(&c->there);
    json_decref(c->open);
    json_decref(c->relays);
    free(text);
    return status;
}

int measure_ctl_main(int argc, char **argv)
{
    struct ctl c = {.live = isatty(STDOUT_FILENO)};
    struct service s = {.name = "ctl", .section = "coord", .help = HELP};
    struct mconf_coord settings;
    struct mconf *conf;
    char why[MCONF_WHY];
    int n_rest = 0;
    char **rest = calloc((size_t)argc + 1, sizeof *rest);
    if (!rest)
        return tool_complain(MEASURE_NOT_ALL, "out of memory");
    int status = ctlargs_sort(&c.args, argc, argv, rest, &n_rest);
    s.argc = n_rest;
    s.argv = rest;
    status = status ? status : service_read(&s, &conf);
    free(rest);
    if (status >= 0)
        return status;
    err_t e = mconf_coord(conf, &settings, why);
    mconf_free(conf);
    if (e != OK)
        return tool_complain(MEASURE_USAGE, why);
    status = check_order(&c);
    if (status)
        return status;
    signal(SIGPIPE, SIG_IGN);
    return give(&c, settings.ctrl_addr);
}
