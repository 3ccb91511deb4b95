#include "app/ctl/model.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "app/ctl/words.h"

/* A row of what is taken of a line's KEY=VALUE words: where to, and how much of it. */
struct field {
    const char *key;
    char *to;
    size_t cap;
};

/* The next word of LINE that has no key. */
static bool positional(struct text *line, struct text *out)
{
    struct ctl_word w;
    struct text before = *line;
    if (!ctl_word(line, &w) || w.key.len || w.quoted) {
        *line = before;
        return false;
    }
    *out = w.value;
    return true;
}

static void read_fields(struct text line, const struct field *fields, size_t n)
{
    struct ctl_word w;
    char plain[CTL_TARGET];
    while (ctl_word(&line, &w))
        for (size_t i = 0; w.key.len && i < n; i++) {
            if (!text_is(w.key, fields[i].key))
                continue;
            ctl_unquote(w.value, plain, sizeof plain);
            ctl_printable(w.quoted ? text_of(plain) : w.value, fields[i].to, fields[i].cap);
        }
}

/* "$FINGERPRINT~nickname", "$FINGERPRINT=nickname", either alone. */
static struct ctl_hop read_hop(struct text name)
{
    struct ctl_hop hop = {.nickname = ""};
    if (name.len && name.s[0] == '$') {
        size_t n = 1;
        while (n < name.len && name.s[n] != '~' && name.s[n] != '=')
            n++;
        ctl_printable((struct text){name.s + 1, n - 1}, hop.fingerprint, sizeof hop.fingerprint);
        n += n < name.len;
        name = (struct text){name.s + n, name.len - n};
    }
    ctl_printable(name, hop.nickname, sizeof hop.nickname);
    return hop;
}

int64_t ctl_time_read(struct text t)
{
    char text[20];
    struct tm tm = {0};
    ctl_printable(t, text, sizeof text);
    if (sscanf(text, "%4d-%2d-%2d%*1[T ]%2d:%2d:%2d", &tm.tm_year, &tm.tm_mon, &tm.tm_mday,
               &tm.tm_hour, &tm.tm_min, &tm.tm_sec) != 6)
        return 0;
    tm.tm_year -= 1900;
    tm.tm_mon--;
    return (int64_t)timegm(&tm);
}

bool ctl_circuit_read(struct text line, struct ctl_circuit *out)
{
    struct text id, status, path, hop;
    char created[CTL_WORD] = "";
    memset(out, 0, sizeof *out);
    const struct field fields[] = {
        {"PURPOSE", out->purpose, sizeof out->purpose},
        {"HS_STATE", out->hs_state, sizeof out->hs_state},
        {"REASON", out->reason, sizeof out->reason},
        {"TIME_CREATED", created, sizeof created},
    };
    if (!positional(&line, &id) || !positional(&line, &status))
        return false;
    ctl_printable(id, out->id, sizeof out->id);
    ctl_printable(status, out->status, sizeof out->status);
    if (positional(&line, &path))
        while (out->n_hops < CTL_HOPS_MAX && text_split(&path, ',', &hop))
            out->hops[out->n_hops++] = read_hop(hop);
    read_fields(line, fields, sizeof fields / sizeof *fields);
    out->created_s = ctl_time_read(text_of(created));
    return true;
}

bool ctl_stream_read(struct text line, struct ctl_stream *out)
{
    struct text id, status, circuit, target;
    memset(out, 0, sizeof *out);
    const struct field fields[] = {
        {"PURPOSE", out->purpose, sizeof out->purpose},
        {"REASON", out->reason, sizeof out->reason},
        {"SOURCE_ADDR", out->source, sizeof out->source},
    };
    if (!positional(&line, &id) || !positional(&line, &status) || !positional(&line, &circuit) ||
        !positional(&line, &target))
        return false;
    ctl_printable(id, out->id, sizeof out->id);
    ctl_printable(status, out->status, sizeof out->status);
    ctl_printable(circuit, out->circuit, sizeof out->circuit);
    ctl_printable(target, out->target, sizeof out->target);
    read_fields(line, fields, sizeof fields / sizeof *fields);
    return true;
}

bool ctl_guard_read(struct text line, struct ctl_guard *out)
{
    struct text name, status;
    memset(out, 0, sizeof *out);
    if (!positional(&line, &name) || !positional(&line, &status))
        return false;
    out->relay = read_hop(name);
    ctl_printable(status, out->status, sizeof out->status);
    return true;
}

/* "r nickname identity digest date time address port port", "s Fast Guard ..." */
bool ctl_relay_read(struct text entry, struct ctl_relay *out)
{
    struct text line, word;
    memset(out, 0, sizeof *out);
    while (text_line(&entry, &line)) {
        if (text_starts(line, "s "))
            ctl_printable((struct text){line.s + 2, line.len - 2}, out->flags, sizeof out->flags);
        bool is_router = text_starts(line, "r ");
        for (size_t i = 0; is_router && text_token(&line, &word); i++)
            if (i == 6)
                ctl_printable(word, out->address, sizeof out->address);
    }
    return out->address[0];
}

bool ctl_bootstrap_read(struct text line, struct ctl_bootstrap *out)
{
    char percent[8] = "";
    memset(out, 0, sizeof *out);
    const struct field fields[] = {
        {"PROGRESS", percent, sizeof percent},
        {"TAG", out->tag, sizeof out->tag},
        {"SUMMARY", out->summary, sizeof out->summary},
        {"WARNING", out->warning, sizeof out->warning},
        {"REASON", out->reason, sizeof out->reason},
    };
    uint64_t n;
    read_fields(line, fields, sizeof fields / sizeof *fields);
    if (text_u64(percent, 100, &n) != OK)
        return false;
    out->percent = (unsigned)n;
    return true;
}

const char *ctl_bytes_text(uint64_t bytes, char out[CTL_SHORT])
{
    static const char *const units[] = {"B", "KB", "MB", "GB", "TB", "PB"};
    double value = (double)bytes;
    size_t unit = 0;
    while (value >= 999.5 && unit + 1 < sizeof units / sizeof *units) {
        value /= 1000;
        unit++;
    }
    snprintf(out, CTL_SHORT, unit && value < 9.95 ? "%.1f %s" : "%.0f %s", value, units[unit]);
    return out;
}

const char *ctl_rates_text(const struct ctl_rates *r, size_t width, char out[CTL_RATES])
{
    char now[CTL_SHORT], most[CTL_SHORT], all[CTL_SHORT], span[CTL_SHORT];
    (void)ctl_bytes_text(r->now, now);
    (void)ctl_bytes_text(r->most, most);
    (void)ctl_bytes_text(r->total, all);
    (void)text_duration((int64_t)r->seconds, span);
    if (width >= 60)
        snprintf(out, CTL_RATES, "%s %s/s, peak %s/s in %s, in all %s", r->name, now, most, span,
                 all);
    else if (width >= 40)
        snprintf(out, CTL_RATES, "%s %s/s, peak %s/s, %s", r->name, now, most, all);
    else if (width >= 38)
        snprintf(out, CTL_RATES, "%s %s/s, peak %s, %s", r->name, now, most, all);
    else if (width >= 31)
        snprintf(out, CTL_RATES, "%s %s/s, peak %s/s", r->name, now, most);
    else
        snprintf(out, CTL_RATES, "%s %s/s", r->name, now);
    return out;
}
