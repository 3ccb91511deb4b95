/* tunic ctl status: how it is, and what is wrong, in words. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "app/ctl/commands.h"
#include "app/ctl/model.h"

enum key {
    K_VERSION,
    K_BOOTSTRAP,
    K_CIRCUITS,
    K_STREAMS,
    K_GUARDS,
    K_UPTIME,
    K_READ,
    K_WRITTEN,
    K_PID,
    K_LIVENESS,
    K_ENOUGH,
    K_ESTABLISHED,
    K_DORMANT,
    K_RECOMMENDED,
    K_VALID_UNTIL,
    KEYS,
};

static const char *const keys[KEYS] = {
    [K_VERSION] = "version",
    [K_BOOTSTRAP] = "status/bootstrap-phase",
    [K_CIRCUITS] = "circuit-status",
    [K_STREAMS] = "stream-status",
    [K_GUARDS] = "entry-guards",
    [K_UPTIME] = "uptime",
    [K_READ] = "traffic/read",
    [K_WRITTEN] = "traffic/written",
    [K_PID] = "process/pid",
    [K_LIVENESS] = "network-liveness",
    [K_ENOUGH] = "status/enough-dir-info",
    [K_ESTABLISHED] = "status/circuit-established",
    [K_DORMANT] = "dormant",
    [K_RECOMMENDED] = "status/version/current",
    [K_VALID_UNTIL] = "consensus/valid-until",
};

enum { WRONGS_MAX = 12, WRONG_SIZE = 400 };

struct status {
    char *values[KEYS]; /* NULL: it does not say */
    struct ctl_bootstrap bootstrap;
    unsigned open, building, streams, guards, guards_up;
    bool network_off, unattached;
    size_t n_wrong;
    char wrong[WRONGS_MAX][WRONG_SIZE];
};

/* ---- what it says ---- */

static const char *value(const struct status *s, enum key k)
{
    return s->values[k] ? s->values[k] : "";
}

/* Nobody has asked for anything for so long that circuits are only built when somebody does. */
static bool is_dormant(const struct status *s)
{
    return strcmp(value(s, K_DORMANT), "1") == 0;
}

static void count(struct status *s)
{
    struct ctl_circuit c;
    struct ctl_guard g;
    struct ctl_stream st;
    struct text line, circuits = text_of(value(s, K_CIRCUITS));
    struct text guards = text_of(value(s, K_GUARDS)), streams = text_of(value(s, K_STREAMS));
    while (text_line(&circuits, &line)) {
        bool good = ctl_circuit_read(line, &c), open = good && !strcmp(c.status, "BUILT");
        s->open += open;
        s->building += good && !open;
    }
    while (text_line(&guards, &line))
        if (ctl_guard_read(line, &g)) {
            s->guards++;
            s->guards_up += strcmp(g.status, "up") == 0;
        }
    while (text_line(&streams, &line))
        s->streams += ctl_stream_read(line, &st);
}

/* Whether the option NAME is 1. */
static err_t is_on(struct ctl_tool *t, const char *name, bool *out)
{
    struct ctl_message m;
    char line[96];
    snprintf(line, sizeof line, "GETCONF %s", name);
    TRY(ctl_ask(t->conn, line, &m));
    struct text said = m.lines[0].text;
    *out = ctl_is_ok(&m) && said.len > 2 && !memcmp(said.s + said.len - 2, "=1", 2);
    return OK;
}

/* ---- what is wrong ---- */

static void PRINTF_LIKE(2, 3) wrong(struct status *s, const char *fmt, ...)
{
    va_list args;
    if (s->n_wrong == WRONGS_MAX)
        return;
    va_start(args, fmt);
    vsnprintf(s->wrong[s->n_wrong++], WRONG_SIZE, fmt, args);
    va_end(args);
}

static void judge_bootstrap(struct status *s)
{
    const struct ctl_bootstrap *b = &s->bootstrap;
    if (b->percent == 100)
        return;
    wrong(s, "It is not ready: %u%%, %s.", b->percent, b->summary);
    if (b->warning[0])
        wrong(s, "The last try failed: %s%s%s%s.", b->warning, b->reason[0] ? " (" : "", b->reason,
              b->reason[0] ? ")" : "");
}

static void judge_network(struct status *s)
{
    int64_t until = ctl_time_read(text_of(value(s, K_VALID_UNTIL)));
    char age[CTL_SHORT];
    if (s->network_off)
        wrong(s, "The network is switched off: DisableNetwork is 1.");
    if (!strcmp(value(s, K_LIVENESS), "down"))
        wrong(s, "The network seems to be down: nothing has come from it lately.");
    if (until && until < time(NULL))
        wrong(s, "Its list of relays ran out %s ago; is the clock right?",
              text_duration(time(NULL) - until, age));
    if (!strcmp(value(s, K_ENOUGH), "0"))
        wrong(s, "It does not know enough relays yet to build circuits.");
    else if (!strcmp(value(s, K_ESTABLISHED), "0"))
        wrong(s, "No circuit has been built yet.");
    if (s->guards && !s->guards_up)
        wrong(s, "None of its entry guards is known to be up.");
}

static void judge(struct status *s)
{
    const char *version = value(s, K_RECOMMENDED);
    if (s->values[K_BOOTSTRAP])
        judge_bootstrap(s);
    else
        wrong(s, "It does not say how far it has come.");
    judge_network(s);
    if (s->unattached)
        wrong(s, "Streams wait for a controller to attach them: __LeaveStreamsUnattached is 1.");
    if (!strcmp(version, "obsolete") || !strcmp(version, "unrecommended"))
        wrong(s, "The directory authorities call this version %s.", version);
}

/* ---- saying it ---- */

static json_t *number(const struct status *s, enum key k)
{
    uint64_t n;
    return text_u64(value(s, k), INT64_MAX, &n) == OK ? json_integer((json_int_t)n) : json_null();
}

static json_t *status_json(const struct ctl_tool *t, const struct status *s)
{
    const struct ctl_bootstrap *b = &s->bootstrap;
    json_t *wrongs = json_array();
    for (size_t i = 0; i < s->n_wrong; i++)
        json_array_append_new(wrongs, json_string(s->wrong[i]));
    return json_pack(
        "{s:o, s:s, s:s, s:{s:i, s:s, s:s}, s:{s:i, s:i, s:b}, s:i, s:{s:i, s:i}, s:o, "
        "s:o, s:o, s:o, s:o}",
        "version", ctl_json_text(text_of(value(s, K_VERSION))), "control", t->place.text,
        "found_by", t->from, "bootstrap", "progress", (int)b->percent, "tag", b->tag, "summary",
        b->summary, "circuits", "built", (int)s->open, "building", (int)s->building, "dormant",
        is_dormant(s), "streams", (int)s->streams, "guards", "up", (int)s->guards_up, "known",
        (int)s->guards, "uptime_s", number(s, K_UPTIME), "read_bytes", number(s, K_READ),
        "written_bytes", number(s, K_WRITTEN), "pid", number(s, K_PID), "wrong", wrongs);
}

static void print_traffic(const struct status *s)
{
    uint64_t read = 0, written = 0;
    char in[CTL_SHORT], out[CTL_SHORT];
    if (text_u64(value(s, K_READ), UINT64_MAX, &read) == OK &&
        text_u64(value(s, K_WRITTEN), UINT64_MAX, &written) == OK)
        printf("traffic    %s read, %s written\n", ctl_bytes_text(read, in),
               ctl_bytes_text(written, out));
}

static void print_status(const struct ctl_tool *t, const struct status *s)
{
    uint64_t up;
    char text[CTL_SHORT];
    fputs("version    ", stdout);
    ctl_put(stdout, text_of(value(s, K_VERSION)));
    printf("\ncontrol    %s (%s)\n", t->place.text, t->from);
    if (s->values[K_BOOTSTRAP])
        printf("bootstrap  %u%% (%s): %s\n", s->bootstrap.percent, s->bootstrap.tag,
               s->bootstrap.summary);
    printf("circuits   %u open, %u not yet%s\n", s->open, s->building,
           is_dormant(s) ? "; dormant: none are built ahead of need" : "");
    printf("streams    %u\n", s->streams);
    printf("guards     %u up of %u\n", s->guards_up, s->guards);
    print_traffic(s);
    if (text_u64(value(s, K_UPTIME), INT64_MAX, &up) == OK)
        printf("uptime     %s", text_duration((int64_t)up, text));
    if (s->values[K_PID]) {
        fputs(", process ", stdout);
        ctl_put(stdout, text_of(s->values[K_PID]));
    }
    puts(s->n_wrong ? "\n" : "\n\nNothing is wrong.");
    for (size_t i = 0; i < s->n_wrong; i++)
        puts(s->wrong[i]);
}

int ctl_cmd_status(struct ctl_tool *t)
{
    struct status s = {.n_wrong = 0};
    err_t e = ctl_get(t, KEYS, keys, s.values);
    if (e == OK)
        e = is_on(t, "DisableNetwork", &s.network_off);
    if (e == OK)
        e = is_on(t, "__LeaveStreamsUnattached", &s.unattached);
    if (e != OK) {
        ctl_free_values(KEYS, s.values);
        return ctl_lost(t);
    }
    if (s.values[K_BOOTSTRAP])
        (void)ctl_bootstrap_read(text_of(s.values[K_BOOTSTRAP]), &s.bootstrap);
    count(&s);
    judge(&s);
    int status = CTL_DONE;
    if (t->args->json)
        status = ctl_print_json(status_json(t, &s), JSON_INDENT(1));
    else
        print_status(t, &s);
    ctl_free_values(KEYS, s.values);
    return status;
}
