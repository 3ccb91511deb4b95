#include "app/measure/ctl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/measure/ctlline.h"
#include "app/measure/ctlwords.h"
#include "app/measure/service.h"
#include "app/measure/tool.h"
#include "app/measure/whom.h"
#include "crypto/encode.h"
#include "measure/consent.h"

enum { CTL_NO_COORDINATOR = 3, WORDS_MOST = 1024 };

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
    "  results [RELAY]    of the last 8 days\n"
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
    const char *words[WORDS_MOST]; /* the order */
    size_t n_words;
    bool json, no_wait, live;
    json_int_t dur, prior;
    const char *mode, *exit, *server;
    const char *schedule; /* what is done with it, or "" */
    const char *folder;   /* a client's DataDirectory, or a test network's; NULL: none */
    struct ctlline there;
    json_t *open; /* ID: relay */
    unsigned bad;
};

/* ---- the command line ---- */

static int check_address(const char *option, const char *word)
{
    struct ipport at;
    char why[CONSENT_WHY_MAX];
    if (consent_address(word, &at, why) == OK)
        return 2;
    fprintf(stderr, "tunic measure: %s: %s\n", option, why);
    return 0;
}

static int take_mode(struct ctl *c, const char *mode)
{
    enum meas_mode found;
    c->mode = mode;
    if (meas_mode_find(text_of(mode), &found))
        return 2;
    fprintf(stderr,
            "tunic measure: --mode is one of flashflow, echo2, sink2, dir, drop and http, not %s\n",
            mode);
    return 0;
}

static int take_exit(struct ctl *c, const char *word)
{
    c->exit = word;
    return check_address("--exit", word);
}

static int take_server(struct ctl *c, const char *word)
{
    c->server = word;
    return check_address("--server", word);
}

static int take_folder(struct ctl *c, const char *folder)
{
    struct stat st;
    c->folder = folder;
    errno = stat(folder, &st) != 0 ? errno : S_ISDIR(st.st_mode) ? 0 : ENOTDIR;
    if (!errno)
        return 2;
    fprintf(stderr, "tunic measure: --data-directory %s: %s\n", folder, strerror(errno));
    return 0;
}

static int take_dur(struct ctl *c, const char *word)
{
    uint64_t x = 0;
    bool good = text_u64(word, MSG_DUR_MOST, &x) == OK && x > 0;
    c->dur = (json_int_t)x;
    if (!good)
        fprintf(stderr, "tunic measure: --dur is a number of seconds, 1 to %d, not %s\n",
                MSG_DUR_MOST, word);
    return good ? 2 : 0;
}

static int take_prior(struct ctl *c, const char *word)
{
    uint64_t x = 0;
    bool good = mconf_bw(text_of(word), &x) && x <= INT64_MAX;
    c->prior = (json_int_t)x;
    if (!good)
        fprintf(stderr, "tunic measure: --prior is bytes a second, or like 5MB or 4mbit, not %s\n",
                word);
    return good ? 2 : 0;
}

static const struct {
    const char *name;
    int (*take)(struct ctl *c, const char *word);
} VALUED[] = {{"--dur", take_dur},   {"--prior", take_prior},   {"--mode", take_mode},
              {"--exit", take_exit}, {"--server", take_server}, {"--data-directory", take_folder}};

/* -1: it is for the configuration. Else how many words were taken; 0: it is wrong, and that was
 * said. */
static int own_option(struct ctl *c, int argc, char **argv, int i)
{
    const char *word = argv[i];
    for (size_t k = 0; k < sizeof VALUED / sizeof *VALUED; k++) {
        if (strcmp(word, VALUED[k].name) != 0)
            continue;
        if (i + 1 < argc)
            return VALUED[k].take(c, argv[i + 1]);
        fprintf(stderr, "tunic measure: %s needs a value\n", word);
        return 0;
    }
    static const char *const schedules[] = {"--start", "--stop", "--show"};
    for (size_t k = 0; k < sizeof schedules / sizeof *schedules; k++)
        if (strcmp(word, schedules[k]) == 0) {
            c->schedule = schedules[k] + 2;
            return 1;
        }
    c->json |= strcmp(word, "--json") == 0;
    c->no_wait |= strcmp(word, "--no-wait") == 0;
    return strcmp(word, "--json") == 0 || strcmp(word, "--no-wait") == 0 ? 1 : -1;
}

/* What is not ours goes to REST, whose options are the configuration's. */
static int sort_words(struct ctl *c, int argc, char **argv, char **rest, int *n_rest)
{
    rest[(*n_rest)++] = argv[0];
    for (int i = 1; i < argc;) {
        int own = argv[i][0] == '-' ? own_option(c, argc, argv, i) : -1;
        if (own == 0)
            return MEASURE_USAGE;
        if (own > 0) {
            i += own;
        } else if (argv[i][0] == '-') {
            bool valued = strcmp(argv[i], "-h") != 0 && strcmp(argv[i], "--help") != 0 &&
                          !strchr(argv[i], '=');
            rest[(*n_rest)++] = argv[i++];
            if (valued && i < argc)
                rest[(*n_rest)++] = argv[i++];
        } else if (c->n_words < WORDS_MOST) {
            c->words[c->n_words++] = argv[i++];
        } else {
            return tool_complain(MEASURE_USAGE, "so many relays at a time are too many");
        }
    }
    return 0;
}

/* ---- the order ---- */

/* Names are looked up here, where a client's files are; fingerprints that are in none of them the
 * coordinator may know. */
static json_t *relay_of(const struct ctl *c, const char *word)
{
    const char *folder = c->folder ? c->folder : getenv("TUNIC_TESTNET_DIR");
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
    for (size_t i = 1; list && i < c->n_words; i++)
        (void)json_array_append_new(list, relay_of(c, c->words[i]));
    return list;
}

static const struct order {
    const char *name;
    size_t least, most; /* words behind it */
} ORDERS[] = {{"measure", 1, WORDS_MOST}, {"status", 0, 0},  {"measurers", 0, 0},
              {"relays", 0, 0},           {"results", 0, 1}, {"cancel", 1, 1},
              {"shutdown", 0, 0},         {"bwfile", 0, 0},  {"schedule", 0, 0}};

/* 0, or the exit status after a complaint. */
static int check_order(const struct ctl *c)
{
    if (!c->n_words)
        return tool_complain(MEASURE_USAGE, "say what it is to do; see tunic measure ctl --help");
    for (size_t i = 0; i < sizeof ORDERS / sizeof *ORDERS; i++) {
        if (strcmp(ORDERS[i].name, c->words[0]) != 0)
            continue;
        if (c->schedule && strcmp(c->words[0], "schedule") != 0)
            return tool_complain(MEASURE_USAGE, "--start, --stop and --show are of `schedule`");
        if (c->n_words - 1 >= ORDERS[i].least && c->n_words - 1 <= ORDERS[i].most)
            return 0;
        fprintf(stderr, "tunic measure: %s %s; see tunic measure ctl --help\n", c->words[0],
                c->n_words > 1 ? "takes less behind it" : "needs to know what");
        return MEASURE_USAGE;
    }
    fprintf(stderr, "tunic measure: there is no order \"%s\"; see tunic measure ctl --help\n",
            c->words[0]);
    return MEASURE_USAGE;
}

/* NULL: the order makes no sense, or there is no memory. */
static json_t *order_json(const struct ctl *c)
{
    uint64_t id = 0;
    const char *name = c->words[0];
    if (strcmp(name, "measure") == 0)
        return json_pack("{sssosIsIssss*ss*}", "cmd", name, "relays", relays_of(c), "dur", c->dur,
                         "prior", c->prior, "mode", c->mode ? c->mode : "flashflow", "exit",
                         c->exit, "server", c->server);
    if (strcmp(name, "cancel") == 0)
        return text_u64(c->words[1], UINT32_MAX, &id) == OK
                   ? json_pack("{sssI}", "cmd", name, "id", (json_int_t)id)
                   : NULL;
    if (strcmp(name, "schedule") == 0)
        return json_pack("{ssss}", "cmd", name, "do", c->schedule ? c->schedule : "");
    if (c->n_words > 1)
        return json_pack("{ssss}", "cmd", name, "relay", c->words[1]);
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
    if (c->json)
        printf("%.*s\n", (int)line.len, line.s);
    else if (o)
        ctlwords_write(stdout, o, c->live);
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
    if (c->no_wait && strcmp(c->words[0], "measure") == 0)
        enough = c->n_words - 1;
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
    int status = sort_words(&c, argc, argv, rest, &n_rest);
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
