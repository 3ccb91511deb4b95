/* Commands of a controller drawn at random, sound and unsound, and a reader that holds what is said
 * to control-spec 2.3: lines, data, one last line for each command, no event inside of a reply. */
#ifndef TUNIC_TESTS_COMMANDS_H
#define TUNIC_TESTS_COMMANDS_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/out.h"
#include "conf/options.h"
#include "control/told.h"

/* ---- drawing ---- */

struct drawing {
    uint64_t (*below)(void *arg, uint64_t bound); /* [0, bound) */
    void *arg;
    const char *(*relay)(void *arg, uint64_t x); /* the name of one, in any form; or NULL */
    bool harmless;                               /* only what changes nothing */
};

static const char *const COMMANDS_HARMLESS[] = {
    "GETINFO %k",
    "GETINFO %k",
    "GETINFO %k",
    "GETINFO %k %k %k",
    "SETEVENTS %e %e %e",
    "SETEVENTS %e",
    "SETEVENTS",
    "GETCONF %o %o",
    "GETCONF %o",
    "GETCONF",
    "GETCONF %w",
    "PROTOCOLINFO %n",
    "AUTHENTICATE \"%w\"",
    "USEFEATURE VERBOSE_NAMES",
    "USEFEATURE %w",
    "%j",
    "GETINFO %j",
    "+GETINFO %k\r\n%j\r\n.",
    "SETEVENTS %j",
    "AUTHCHALLENGE SAFECOOKIE %w",
    "EXTENDCIRCUIT %w",
    "CLOSECIRCUIT",
    "ATTACHSTREAM %w %w",
    "SIGNAL %w",
    "RESOLVE",
    "MAPADDRESS",
    "SETCONF %w=%w",
};

static const char *const COMMANDS_ANY[] = {
    "EXTENDCIRCUIT 0",
    "EXTENDCIRCUIT 0 %r",
    "EXTENDCIRCUIT 0 %r,%r",
    "EXTENDCIRCUIT 0 %r,%r,%r",
    "EXTENDCIRCUIT 0 %r,%r,%r purpose=%p",
    "EXTENDCIRCUIT %c %r",
    "EXTENDCIRCUIT %c %r,%r",
    "SETCIRCUITPURPOSE %c purpose=%p",
    "CLOSECIRCUIT %c",
    "CLOSECIRCUIT %c IfUnused",
    "ATTACHSTREAM %s %c",
    "ATTACHSTREAM %s %c",
    "ATTACHSTREAM %s 0",
    "ATTACHSTREAM %s %c HOP=%n",
    "REDIRECTSTREAM %s %h",
    "REDIRECTSTREAM %s %h %n",
    "CLOSESTREAM %s %n",
    "CLOSESTREAM %s 6",
    "RESOLVE %h",
    "RESOLVE mode=reverse 127.0.0.1",
    "MAPADDRESS %h=%h",
    "MAPADDRESS 0.0.0.0=%h",
    "SIGNAL %g",
    "DROPGUARDS",
    "DROPTIMEOUTS",
    "SETCONF __LeaveStreamsUnattached=1",
    "RESETCONF __LeaveStreamsUnattached",
    "SETCONF %o=%v",
    "RESETCONF %o",
    "SETCONF %o",
    "SETCONF MaxCircuitDirtiness=%n",
    "SETCONF %o=%v %o=%v",
    "SAVECONF",
    "SAVECONF FORCE",
    "+LOADCONF\r\n%o %v\r\n%j\r\n.",
    "TAKEOWNERSHIP",
    "DROPOWNERSHIP",
    "ADD_ONION NEW:BEST Port=%n",
    "DEL_ONION %w",
    "HSFETCH %w",
    "+HSPOST\r\n%j\r\n.",
    "+POSTDESCRIPTOR\r\n%j\r\n.",
    "ONION_CLIENT_AUTH_VIEW",
    "QUIT",
};

static const char *const DRAWN_KEYS[] = {
    "version",
    "info/names",
    "events/names",
    "features/names",
    "signal/names",
    "config-file",
    "config-text",
    "config/names",
    "config/defaults",
    "config/SocksPort",
    "ns/all",
    "ns/id/%r",
    "ns/name/%r",
    "ns/purpose/general",
    "md/all",
    "md/id/%r",
    "md/name/%r",
    "desc/id/%r",
    "desc/all-recent",
    "dir/status-vote/current/consensus-microdesc",
    "consensus/valid-after",
    "circuit-status",
    "stream-status",
    "orconn-status",
    "entry-guards",
    "address-mappings/all",
    "status/bootstrap-phase",
    "status/enough-dir-info",
    "status/circuit-established",
    "dormant",
    "network-liveness",
    "traffic/read",
    "traffic/written",
    "bw-event-cache",
    "process/pid",
    "process/user",
    "uptime",
    "net/listeners/socks",
    "net/listeners/control",
    "fingerprint",
    "address",
    "exit-policy/full",
    "accounting/enabled",
    "ip-to-country/1.2.3.4",
    "sr/current",
    "current-time/utc",
    "limits/max-mem-in-queues",
    "onions/current",
    "status/version/current",
    "downloads/networkstatus/microdesc",
    "stats/ntor/assigned",
    "%w",
    "config/%w",
    "ns/id/%w",
};

#define DRAWN_COUNT(a) (sizeof(a) / sizeof((a)[0]))

static inline uint64_t draw(const struct drawing *d, uint64_t bound)
{
    return d->below(d->arg, bound);
}

static inline const char *draw_of(const struct drawing *d, const char *const *list, size_t n)
{
    return list[draw(d, n)];
}

static inline void draw_junk(const struct drawing *d, struct text_out *out)
{
    for (uint64_t n = draw(d, 60); n > 0; n--)
        out_char(out, draw(d, 8) ? (char)(' ' + draw(d, 95)) : (char)draw(d, 256));
}

static inline void draw_template(const struct drawing *d, const char *text, struct text_out *out);

static inline void draw_hole(const struct drawing *d, char what, struct text_out *out)
{
    static const char *const words[] = {"",        "x",    "0",    "-1",  "999999999999999999999",
                                        "\"a b\"", "=",    "a=b",  "$00", "~",
                                        "..",      "{de}", "a\tb", "\"",  "\xff"};
    static const char *const purposes[] = {"general", "controller", "GENERAL", "nothing", ""};
    static const char *const hosts[] = {"h.example", "10.1.2.3",   "h.example.exit", "[::1]",
                                        "0.0.0.0",   ".h.example", "ab.onion",       "%"};
    static const char *const values[] = {"0", "1", "auto", "10", "100 seconds", "\"\"", "x", "1,2"};
    static const char *const signals[] = {
        "RELOAD", "SHUTDOWN", "DUMP", "DEBUG", "HALT", "NEWNYM", "CLEARDNSCACHE", "HEARTBEAT",
        "ACTIVE", "DORMANT",  "HUP",  "TERM",  "USR1", "USR2",   "INT",           "NONE"};
    size_t n_options;
    const struct opt *table = opt_table(&n_options);
    const char *relay = d->relay ? d->relay(d->arg, draw(d, 64)) : NULL;
    switch (what) {
    case 'k':
        draw_template(d, draw_of(d, DRAWN_KEYS, DRAWN_COUNT(DRAWN_KEYS)), out);
        break;
    case 'e':
        out_str(out, told_name((enum told)draw(d, TOLD_KINDS)));
        break;
    case 'o':
        out_str(out, table[draw(d, n_options)].name);
        break;
    case 'v':
        out_str(out, draw_of(d, values, DRAWN_COUNT(values)));
        break;
    case 'r':
        out_str(out, relay && draw(d, 8) ? relay : draw_of(d, words, DRAWN_COUNT(words)));
        break;
    case 'c':
    case 's':
        out_printf(out, "%u", (unsigned)draw(d, 40));
        break;
    case 'n':
        out_printf(out, "%u", (unsigned)draw(d, draw(d, 2) ? 10 : 70000));
        break;
    case 'p':
        out_str(out, draw_of(d, purposes, DRAWN_COUNT(purposes)));
        break;
    case 'h':
        out_str(out, draw_of(d, hosts, DRAWN_COUNT(hosts)));
        break;
    case 'g':
        out_str(out, draw_of(d, signals, DRAWN_COUNT(signals)));
        break;
    case 'w':
        out_str(out, draw_of(d, words, DRAWN_COUNT(words)));
        break;
    default:
        draw_junk(d, out);
        break;
    }
}

static inline void draw_template(const struct drawing *d, const char *text, struct text_out *out)
{
    for (; *text; text++)
        if (*text == '%' && text[1])
            draw_hole(d, *++text, out);
        else
            out_char(out, *text);
}

/* One command with the end of its line. */
static inline void draw_command(const struct drawing *d, struct text_out *out)
{
    bool any = !d->harmless && draw(d, 3);
    draw_template(d,
                  any ? draw_of(d, COMMANDS_ANY, DRAWN_COUNT(COMMANDS_ANY))
                      : draw_of(d, COMMANDS_HARMLESS, DRAWN_COUNT(COMMANDS_HARMLESS)),
                  out);
    out_str(out, draw(d, 8) ? "\r\n" : "\n");
}

/* ---- reading ---- */

struct reading {
    char line[8]; /* the begin of the line that is not complete */
    size_t len;
    bool in_data, in_reply, in_event, had_cr;
    unsigned finals; /* replies that are complete */
    const char *fault;
};

static inline void read_line(struct reading *r)
{
    size_t len = r->len;
    r->len = 0;
    if (r->in_data) {
        r->in_data = !(len == 1 && r->line[0] == '.');
        return;
    }
    bool event = memcmp(r->line, "650", 3) == 0;
    char how = r->line[3];
    if (len < 4 || r->line[0] < '2' || r->line[0] > '6' || !strchr(" -+", how))
        r->fault = "a line is none of a reply";
    else if (event ? r->in_reply : r->in_event)
        r->fault = "an event and a reply are mixed";
    r->in_data = how == '+';
    *(event ? &r->in_event : &r->in_reply) = how != ' ';
    r->finals += !event && how == ' ';
}

static inline void read_replies(struct reading *r, const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len && !r->fault; i++) {
        if (r->had_cr != (bytes[i] == '\n'))
            r->fault = "a CR or LF stands alone";
        r->had_cr = bytes[i] == '\r';
        if (bytes[i] == '\n')
            read_line(r);
        else if (!r->had_cr && r->len++ < sizeof r->line)
            r->line[r->len - 1] = (char)bytes[i];
    }
}

#endif
