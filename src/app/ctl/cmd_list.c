/* Commands that list: circuits, streams, guards. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "app/ctl/commands.h"
#include "app/ctl/relays.h"

/* ---- JSON ---- */

/* Every KEY=VALUE of LINE becomes a member, in lower case; BUILD_FLAGS a list. */
static void add_fields(json_t *to, struct text line)
{
    struct ctl_word w;
    struct text flag;
    while (ctl_word(&line, &w)) {
        char key[64];
        if (!w.key.len)
            continue;
        ctl_printable(w.key, key, sizeof key);
        for (char *c = key; *c; c++)
            *c = (char)tolower((unsigned char)*c);
        if (text_is(w.key, "BUILD_FLAGS")) {
            json_t *flags = json_array();
            while (text_split(&w.value, ',', &flag))
                json_array_append_new(flags, ctl_json_text(flag));
            json_object_set_new(to, key, flags);
            continue;
        }
        json_object_set_new(to, key, ctl_json_word(&w));
    }
}

static json_t *hop_json(const struct ctl_hop *hop, const struct ctl_relays *relays)
{
    const struct ctl_place_of *p = ctl_relays_find(relays, hop->fingerprint);
    return json_pack("{s:s, s:s, s:s, s:s}", "fingerprint", hop->fingerprint, "nickname",
                     hop->nickname, "address", p ? p->relay.address : "", "country",
                     p ? p->country : "??");
}

static json_t *circuit_json(struct text line, const struct ctl_relays *relays)
{
    struct ctl_circuit c;
    json_t *path = json_array(), *all;
    if (!ctl_circuit_read(line, &c)) {
        json_decref(path);
        return NULL;
    }
    for (size_t i = 0; i < c.n_hops; i++)
        json_array_append_new(path, hop_json(&c.hops[i], relays));
    all = json_pack("{s:s, s:s, s:o}", "id", c.id, "status", c.status, "path", path);
    if (all)
        add_fields(all, line);
    return all;
}

static json_t *stream_json(struct text line, const struct ctl_relays *relays)
{
    struct ctl_stream s;
    (void)relays;
    if (!ctl_stream_read(line, &s))
        return NULL;
    json_t *all = json_pack("{s:s, s:s, s:s, s:s}", "id", s.id, "status", s.status, "circuit",
                            s.circuit, "target", s.target);
    if (all)
        add_fields(all, line);
    return all;
}

static json_t *guard_json(struct text line, const struct ctl_relays *relays)
{
    struct ctl_guard g;
    if (!ctl_guard_read(line, &g))
        return NULL;
    json_t *all = hop_json(&g.relay, relays);
    if (all)
        json_object_set_new(all, "status", json_string(g.status));
    return all;
}

/* ---- for people ---- */

static void print_hop(const struct ctl_hop *hop, const struct ctl_relays *relays)
{
    const struct ctl_place_of *p = ctl_relays_find(relays, hop->fingerprint);
    if (hop->nickname[0])
        fputs(hop->nickname, stdout);
    else
        printf("$%s", hop->fingerprint);
    printf(" (%s)", p ? p->country : "??");
}

static void circuit_print(struct text line, const struct ctl_relays *relays)
{
    struct ctl_circuit c;
    char age[CTL_SHORT] = "-";
    if (!ctl_circuit_read(line, &c))
        return;
    if (c.created_s)
        (void)text_duration(time(NULL) - c.created_s, age);
    printf("%5s  %-9s %-9s %-24s ", c.id, c.status, age, c.purpose);
    for (size_t i = 0; i < c.n_hops; i++) {
        fputs(i ? " > " : " ", stdout);
        print_hop(&c.hops[i], relays);
    }
    putchar('\n');
}

static void stream_print(struct text line, const struct ctl_relays *relays)
{
    struct ctl_stream s;
    (void)relays;
    if (ctl_stream_read(line, &s))
        printf("%5s  %-13s %7s  %s\n", s.id, s.status, strcmp(s.circuit, "0") ? s.circuit : "-",
               s.target);
}

static void guard_print(struct text line, const struct ctl_relays *relays)
{
    struct ctl_guard g;
    if (!ctl_guard_read(line, &g))
        return;
    const struct ctl_place_of *p = ctl_relays_find(relays, g.relay.fingerprint);
    printf("%-19s  %-15s  %-7s  %-15s  %s\n", g.relay.nickname, g.status, p ? p->country : "??",
           p && p->relay.address[0] ? p->relay.address : "-", g.relay.fingerprint);
}

/* ---- all three ---- */

struct listing {
    const char *key, *head, *none;
    json_t *(*json)(struct text line, const struct ctl_relays *relays);
    void (*print)(struct text line, const struct ctl_relays *relays);
};

static const struct listing circuits = {"circuit-status",
                                        "   ID  STATUS    AGE       PURPOSE                   PATH",
                                        "No circuits.", circuit_json, circuit_print};
static const struct listing streams = {"stream-status", "   ID  STATUS        CIRCUIT  TARGET",
                                       "No streams.", stream_json, stream_print};
static const struct listing guards = {
    "entry-guards", "NICKNAME             STATUS           COUNTRY  ADDRESS          FINGERPRINT",
    "No entry guards.", guard_json, guard_print};

/* The relays that are named in TEXT. */
static err_t note_relays(struct text text, struct ctl_relays *relays)
{
    struct text line;
    while (text_line(&text, &line)) {
        struct ctl_circuit c;
        struct ctl_guard g;
        for (size_t i = 0; ctl_circuit_read(line, &c) && i < c.n_hops; i++)
            TRY(ctl_relays_add(relays, c.hops[i].fingerprint));
        if (ctl_guard_read(line, &g))
            TRY(ctl_relays_add(relays, g.relay.fingerprint));
    }
    return OK;
}

static int print_json(const struct listing *l, struct text text, const struct ctl_relays *relays)
{
    json_t *all = json_array(), *one;
    struct text line;
    while (text_line(&text, &line))
        if (line.len && (one = l->json(line, relays)))
            json_array_append_new(all, one);
    return ctl_print_json(all, JSON_INDENT(1));
}

static int print(const struct listing *l, struct text text, const struct ctl_relays *relays)
{
    struct text line;
    puts(text.len ? l->head : l->none);
    while (text_line(&text, &line))
        l->print(line, relays);
    return CTL_DONE;
}

static int list(struct ctl_tool *t, const struct listing *l)
{
    struct ctl_relays relays = {0};
    struct ctl_message m;
    char line[64];
    snprintf(line, sizeof line, "GETINFO %s", l->key);
    if (ctl_ask(t->conn, line, &m) != OK)
        return ctl_lost(t);
    char *value = ctl_value(&m);
    if (!value)
        return ctl_refused(line, &m);
    err_t e = l == &streams ? OK : note_relays(text_of(value), &relays);
    if (e == OK)
        e = ctl_relays_ask(&relays, t);
    int status = e != OK         ? ctl_lost(t)
                 : t->args->json ? print_json(l, text_of(value), &relays)
                                 : print(l, text_of(value), &relays);
    ctl_relays_free(&relays);
    free(value);
    return status;
}

int ctl_cmd_circuits(struct ctl_tool *t)
{
    return list(t, &circuits);
}

int ctl_cmd_streams(struct ctl_tool *t)
{
    return list(t, &streams);
}

int ctl_cmd_guards(struct ctl_tool *t)
{
    return list(t, &guards);
}
