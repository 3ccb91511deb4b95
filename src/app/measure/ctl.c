#include "app/measure/ctl.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "app/measure/ctlwords.h"
#include "app/measure/service.h"
#include "app/measure/tool.h"
#include "app/measure/whom.h"
#include "crypto/encode.h"

enum { CTL_NO_COORDINATOR = 3, WORDS_MOST = 1024 };

static const char HELP[] =
    "usage: tunic measure ctl [-c FILE] [--ctrl-addr PATH] [--json] ORDER\n"
    "\n"
    "Gives a running coordinator an order, through its unix socket (that of FILE's [coord], or\n"
    "data-coord/ctl).\n"
    "\n"
    "  measure RELAY... [--no-wait] [--dur S] [--prior BYTES] [--mode MODE]\n"
    "                     RELAY: ADDR:PORT, FINGERPRINT@ADDR:PORT, the fingerprint of one that\n"
    "                     was measured before, or a fingerprint or nickname that a client's\n"
    "                     --data-directory DIR has; shows how it goes, and ends with the last.\n"
    "                     MODE: flashflow; echo2, sink2 or dir for relays of unmodified\n"
    "                     tor\n"
    "  status             what runs, and who is there\n"
    "  measurers, relays  who is listed; what was measured, and its last figure\n"
    "  results [RELAY]    of the last 8 days\n"
    "  cancel ID          one that runs or waits\n"
    "  shutdown           ends the coordinator when what runs is over\n"
    "  --json             print the answers as they come, a JSON object a line\n"
    "\n"
    "Exit status: 0 all was done; 1 something was not; 2 wrong usage; 3 no coordinator there.\n";

struct ctl {
    const char *words[WORDS_MOST]; /* the order */
    size_t n_words;
    bool json, no_wait, live;
    json_int_t dur, prior;
    const char *mode;
    const char *folder; /* a client's DataDirectory, or a test network's; NULL: none */
    FILE *there;
    unsigned bad;
};

/* ---- the command line ---- */

static int take_mode(struct ctl *c, const char *mode)
{
    enum meas_mode found;
    c->mode = mode;
    /* drop and http are `run --local`'s: a coordinator refuses them, too. */
    return meas_mode_find(text_of(mode), &found) && found != MEAS_DROP && found != MEAS_HTTP ? 2
                                                                                             : 0;
}

static int take_folder(struct ctl *c, const char *folder)
{
    c->folder = folder;
    return 2;
}

/* -1: it is for the configuration. Else how many words were taken; 0: it is wrong. */
static int own_option(struct ctl *c, int argc, char **argv, int i)
{
    const char *word = argv[i];
    json_int_t *number = NULL;
    if (strcmp(word, "--json") == 0)
        c->json = true;
    else if (strcmp(word, "--no-wait") == 0)
        c->no_wait = true;
    else if (strcmp(word, "--data-directory") == 0 && i + 1 < argc)
        return take_folder(c, argv[i + 1]);
    else if (strcmp(word, "--mode") == 0 && i + 1 < argc)
        return take_mode(c, argv[i + 1]);
    else if (strcmp(word, "--dur") == 0)
        number = &c->dur;
    else if (strcmp(word, "--prior") == 0)
        number = &c->prior;
    else
        return -1;
    if (!number)
        return 1;
    uint64_t x = 0;
    bool good = i + 1 < argc && text_u64(argv[i + 1], INT64_MAX, &x) == OK && x > 0;
    *number = (json_int_t)x;
    return good ? 2 : 0;
}

/* What is not ours goes to REST, whose options are the configuration's. */
static int sort_words(struct ctl *c, int argc, char **argv, char **rest, int *n_rest)
{
    rest[(*n_rest)++] = argv[0];
    for (int i = 1; i < argc;) {
        int own = argv[i][0] == '-' ? own_option(c, argc, argv, i) : -1;
        if (own == 0)
            return tool_complain(MEASURE_USAGE,
                                 "--dur and --prior need a number, --mode one of flashflow, "
                                 "echo2, sink2 and dir");
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
} ORDERS[] = {{"measure", 1, WORDS_MOST}, {"status", 0, 0}, {"measurers", 0, 0}, {"relays", 0, 0},
              {"results", 0, 1},          {"cancel", 1, 1}, {"shutdown", 0, 0}};

static const struct order *find_order(const struct ctl *c)
{
    for (size_t i = 0; c->n_words && i < sizeof ORDERS / sizeof *ORDERS; i++)
        if (strcmp(ORDERS[i].name, c->words[0]) == 0 && c->n_words - 1 >= ORDERS[i].least &&
            c->n_words - 1 <= ORDERS[i].most)
            return &ORDERS[i];
    return NULL;
}

/* NULL: the order makes no sense, or there is no memory. */
static json_t *order_json(const struct ctl *c)
{
    uint64_t id = 0;
    const char *name = c->words[0];
    if (strcmp(name, "measure") == 0)
        return json_pack("{sssosIsIss}", "cmd", name, "relays", relays_of(c), "dur", c->dur,
                         "prior", c->prior, "mode", c->mode ? c->mode : "flashflow");
    if (strcmp(name, "cancel") == 0)
        return text_u64(c->words[1], UINT32_MAX, &id) == OK
                   ? json_pack("{sssI}", "cmd", name, "id", (json_int_t)id)
                   : NULL;
    if (c->n_words > 1)
        return json_pack("{ssss}", "cmd", name, "relay", c->words[1]);
    return json_pack("{ss}", "cmd", name);
}

/* ---- talking ---- */

static int reach(struct ctl *c, const char *path)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    int fd =
        strlen(path) < sizeof to.sun_path ? socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0) : -1;
    if (fd >= 0)
        memcpy(to.sun_path, path, strlen(path) + 1);
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) != 0 ||
        !(c->there = fdopen(fd, "r+"))) {
        fprintf(stderr, "tunic measure: no coordinator answers on %s: %s\n", path, strerror(errno));
        if (fd >= 0)
            close(fd);
        return CTL_NO_COORDINATOR;
    }
    return 0;
}

/* Whether it is the last. */
static bool take(struct ctl *c, const char *line)
{
    json_error_t error;
    json_t *o = json_loads(line, 0, &error);
    const char *event = json_string_value(json_object_get(o, "event"));
    bool is_end = event && strcmp(event, "end") == 0;
    bool is_bad = event && (strcmp(event, "refused") == 0 || strcmp(event, "error") == 0);
    if (event && strcmp(event, "result") == 0)
        is_bad = !json_is_true(json_object_get(o, "ok"));
    c->bad += is_bad || !o ? 1 : 0;
    if (c->json)
        fputs(line, stdout);
    else if (o)
        ctlwords_write(stdout, o, c->live);
    fflush(stdout);
    json_decref(o);
    return is_end;
}

/* With --no-wait only what became of the order is awaited: a line a relay. */
static int listen_to(struct ctl *c)
{
    char *line = NULL;
    size_t size = 0, n = 0;
    bool over = false, no_wait = c->no_wait && strcmp(c->words[0], "measure") == 0;
    while (!over && !(no_wait && n == c->n_words - 1) && getline(&line, &size, c->there) > 0) {
        over = take(c, line);
        n++;
    }
    free(line);
    if (!over && !(no_wait && n == c->n_words - 1))
        return tool_complain(MEASURE_NOT_ALL, "the coordinator went away");
    return c->bad ? MEASURE_NOT_ALL : MEASURE_DONE;
}

static int give(struct ctl *c, const char *path)
{
    json_t *order = order_json(c);
    char *text = order ? json_dumps(order, JSON_COMPACT) : NULL;
    json_decref(order);
    if (!text)
        return tool_complain(MEASURE_USAGE, "that is no ID of a measurement");
    int status = reach(c, path);
    if (!status) {
        fprintf(c->there, "%s\n", text);
        fflush(c->there);
        status = listen_to(c);
        fclose(c->there);
    }
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
    if (!find_order(&c))
        return tool_complain(MEASURE_USAGE, "say what it is to do; see tunic measure ctl --help");
    signal(SIGPIPE, SIG_IGN);
    return give(&c, settings.ctrl_addr);
}
