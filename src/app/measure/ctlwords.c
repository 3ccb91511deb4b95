#include "app/measure/ctlwords.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

static const char *text(const json_t *object, const char *name)
{
    const char *s = json_string_value(json_object_get(object, name));
    return s ? s : "";
}

static json_int_t number(const json_t *object, const char *name)
{
    return json_integer_value(json_object_get(object, name));
}

static double mbit(const json_t *object, const char *name)
{
    return (double)number(object, name) * 8 / 1e6;
}

/* "2026-11-30 15:04 UTC"; "-": never. */
static const char *moment(json_int_t seconds, char out[32])
{
    time_t t = (time_t)seconds;
    struct tm tm;
    if (!t || !gmtime_r(&t, &tm) || !strftime(out, 32, "%Y-%m-%d %H:%M UTC", &tm))
        snprintf(out, 32, "-");
    return out;
}

/* ---- events ---- */

static void second(FILE *to, const json_t *o, bool live)
{
    char bg[32] = "unknown";
    if (json_object_get(o, "bg"))
        snprintf(bg, sizeof bg, "%.1f", mbit(o, "bg"));
    fprintf(to,
            "%s [%d/%d s] %.1f Mbit/s, background %s, %" PRId64 " cells checked, %d/%d sockets%s",
            text(o, "relay"), (int)number(o, "sec"), (int)number(o, "dur"), mbit(o, "bw"), bg,
            (int64_t)number(o, "checked"), (int)number(o, "ready_circs"), (int)number(o, "circs"),
            live ? "" : "\n");
}

/* A relay of unmodified tor, which says nothing of its clients. */
static bool is_stock(const json_t *o)
{
    return *text(o, "mode") && strcmp(text(o, "mode"), "flashflow") != 0;
}

static void result(FILE *to, const json_t *o)
{
    const char *relay = *text(o, "addr") ? text(o, "addr") : text(o, "relay");
    char at[32];
    if (!*text(o, "event")) /* of the past */
        fprintf(to, "%s %s%s%s ", moment(number(o, "ts"), at), text(o, "nickname"),
                *text(o, "nickname") ? " " : "", text(o, "fp"));
    if (!json_is_true(json_object_get(o, "ok"))) {
        fprintf(to, "%s: %s: %s\n", relay, text(o, "why"), text(o, "detail"));
        if (number(o, "bw"))
            fprintf(to, "  It %s %.1f Mbit/s (%.3f MB/s).\n",
                    strcmp(text(o, "mode"), "drop") == 0 ? "was sent" : "carried", mbit(o, "bw"),
                    (double)number(o, "bw") / 1e6);
        return;
    }
    if (is_stock(o))
        fprintf(
            to,
            "%s carries at least %.1f Mbit/s (%.3f MB/s), by %s; what its clients had meanwhile "
            "is not known.\n",
            relay, mbit(o, "bw"), (double)number(o, "bw") / 1e6, text(o, "mode"));
    else
        fprintf(to,
                "%s carries %.1f Mbit/s (%.3f MB/s), %.1f of them its clients', limited by %s.\n",
                relay, mbit(o, "bw"), (double)number(o, "bw") / 1e6, mbit(o, "bg"),
                text(o, "limited_by"));
    if (json_is_true(json_object_get(o, "unsteady")))
        fputs("  The run was unsteady: its seconds differ widely. Measure it again.\n", to);
    if (number(o, "clamped"))
        fprintf(to, "  In %d of %d seconds it claimed more clients than is believed.\n",
                (int)number(o, "clamped"), (int)number(o, "counted"));
}

static void bwfile(FILE *to, const json_t *o)
{
    fprintf(to, "%s: %" PRId64 " relays", text(o, "path"), (int64_t)number(o, "measured"));
    if (number(o, "listed"))
        fprintf(to, ", %.0f%% of %" PRId64,
                floor(100.0 * (double)number(o, "measured") / (double)number(o, "listed")),
                (int64_t)number(o, "listed"));
    fprintf(to, "%s\n",
            json_is_true(json_object_get(o, "votes")) ? "" : "; nobody is to vote by it");
}

/* 0: there is no such moment. */
static json_int_t slot_begins(const json_t *plan, const json_t *r)
{
    json_int_t after, begins;
    if (__builtin_mul_overflow(number(r, "slot"), number(plan, "slot_s"), &after) ||
        __builtin_add_overflow(number(plan, "begins"), after, &begins))
        return 0;
    return begins;
}

static void planned(FILE *to, const json_t *o, const json_t *list)
{
    size_t i;
    json_t *r;
    char at[32];
    bool compact = json_is_true(json_object_get(o, "compact"));
    json_array_foreach(list, i, r)
    {
        json_int_t begins = slot_begins(o, r);
        bool has_slot = json_is_integer(json_object_get(r, "slot"));
        fprintf(to, "%s %s, ", text(r, "fp"), text(r, "state"));
        if (has_slot)
            fprintf(to, "slot %" PRId64, (int64_t)number(r, "slot"));
        else
            fputs("no slot", to);
        if (has_slot && !compact)
            fprintf(to, " (%s)", moment(begins, at));
        fprintf(to, ", %.1f Mbit/s for %.1f\n", mbit(r, "given"), mbit(r, "prior"));
    }
}

static void how_far(FILE *to, const json_t *o)
{
    char at[32];
    const char *compact = json_is_true(json_object_get(o, "compact")) ? " back to back" : "";
    if (strcmp(text(o, "state"), "over") == 0) {
        if (number(o, "changed"))
            fprintf(to, " since %s", moment(number(o, "changed"), at));
        fprintf(to, ", after %" PRId64 " slots%s; the next day begins %s",
                (int64_t)number(o, "slots"), compact, moment(number(o, "next"), at));
        return;
    }
    fprintf(to, "\nslot %.0f of %" PRId64 "%s, %.0f of %.0f Mbit/s; it ends about %s",
            (double)number(o, "slot") + 1, (int64_t)number(o, "slots"), compact,
            mbit(o, "slot_given"), mbit(o, "capacity"), moment(number(o, "ends"), at));
}

/* Those that have opted in by a fingerprint which is in no consensus. */
static void unplaced(FILE *to, const json_t *o)
{
    size_t i;
    json_t *fp;
    if (number(o, "no_address"))
        fprintf(to, "%" PRId64 " that have opted in are not measured: no address is known\n",
                (int64_t)number(o, "no_address"));
    json_array_foreach(json_object_get(o, "unplaced"), i, fp)
    {
        if (json_is_string(fp))
            fprintf(to, "%s no address is known\n", json_string_value(fp));
    }
}

static void schedule(FILE *to, const json_t *o)
{
    const json_t *counts = json_object_get(o, "counts");
    size_t i = 0;
    fprintf(to, "schedule: %s", text(o, "state"));
    if (counts)
        how_far(to, o);
    fputc('\n', to);
    if (!counts) {
        unplaced(to, o);
        return;
    }
    static const char *const words[][2] = {{"done", "measured"},       {"running", "running"},
                                           {"waiting", "waiting"},     {"resting", "resting"},
                                           {"failed", "not measured"}, {"offline", "offline"},
                                           {"no_room", "without room"}};
    for (; i < sizeof words / sizeof *words; i++)
        fprintf(to, "%s%" PRId64 " %s", i ? ", " : "", (int64_t)number(counts, words[i][0]),
                words[i][1]);
    fprintf(
        to, "; %" PRId64 " not there, %" PRId64 " moved to a later slot, %" PRId64 " cut short\n",
        (int64_t)number(o, "away"), (int64_t)number(o, "moved"), (int64_t)number(o, "cut_short"));
    unplaced(to, o);
    planned(to, o, json_object_get(o, "items"));
}

static void event(FILE *to, const json_t *o, const char *name, bool live)
{
    if (strcmp(name, "second") == 0)
        second(to, o, live);
    else if (strcmp(name, "result") == 0)
        result(to, o);
    else if (strcmp(name, "state") == 0)
        fprintf(to, "%s: %s%s", text(o, "relay"), text(o, "state"), live ? "" : "\n");
    else if (strcmp(name, "queued") == 0)
        fprintf(to, "%s: waits as %" PRId64 "\n", text(o, "relay"), (int64_t)number(o, "id"));
    else if (strcmp(name, "refused") == 0)
        fprintf(to, "%s: not measured: %s\n", text(o, "relay"), text(o, "why"));
    else if (strcmp(name, "error") == 0)
        fprintf(to, "%s\n", text(o, "why"));
    else if (strcmp(name, "bwfile") == 0)
        bwfile(to, o);
    else if (strcmp(name, "schedule") == 0)
        schedule(to, o);
    else if (strcmp(name, "slots") == 0) /* more of it */
        planned(to, o, json_object_get(o, "items"));
}

/* ---- answers ---- */

static void measurers(FILE *to, const json_t *list)
{
    size_t i;
    json_t *m;
    if (!json_array_size(list))
        fputs("no measurer is listed\n", to);
    json_array_foreach(list, i, m)
    {
        bool there = json_is_true(json_object_get(m, "connected"));
        fprintf(to, "measurer %s: %s, %.0f Mbit/s", text(m, "name"), there ? "connected" : "away",
                mbit(m, "bw"));
        if (there)
            fprintf(to, ", %.0f free, %d sockets, %s", mbit(m, "free_bw"),
                    (int)number(m, "sockets_max"), text(m, "software"));
        if (json_is_true(json_object_get(m, "disagrees")))
            fprintf(to, "; disagrees with the others: %d%% of its part",
                    (int)number(m, "part_percent"));
        fputc('\n', to);
    }
}

static void jobs(FILE *to, const json_t *list)
{
    size_t i;
    json_t *j;
    if (!json_array_size(list))
        fputs("nothing is measured\n", to);
    json_array_foreach(list, i, j)
    {
        fprintf(to, "%" PRId64 " %s: %s", (int64_t)number(j, "id"), text(j, "relay"),
                text(j, "state"));
        if (json_object_get(j, "circs"))
            fprintf(to, ", circuits %d ready, %d waiting, %d bad", (int)number(j, "ready_circs"),
                    (int)number(j, "waiting_circs"), (int)number(j, "bad_circs"));
        if (number(j, "sec"))
            fprintf(to, ", second %d of %d, %.1f Mbit/s", (int)number(j, "sec"),
                    (int)number(j, "dur"), mbit(j, "bw"));
        fputc('\n', to);
    }
}

static void relay(FILE *to, const json_t *r)
{
    char day[32] = "never";
    time_t t = (time_t)number(r, "measured");
    struct tm tm;
    if (t && gmtime_r(&t, &tm))
        (void)strftime(day, sizeof day, "%Y-%m-%d %H:%M", &tm);
    fprintf(to, "%s%s%s%s%s: ", text(r, "nickname"), *text(r, "nickname") ? " " : "",
            text(r, "addr"), *text(r, "fp") ? " " : "", text(r, "fp"));
    if (number(r, "bw"))
        fprintf(to, "%.1f Mbit/s, %s", mbit(r, "bw"), day);
    else
        fputs("no figure", to);
    if (*text(r, "nickname"))
        fprintf(to, "; weight %" PRId64 " kB/s%s", (int64_t)number(r, "weight_kb"),
                json_is_true(json_object_get(r, "unmeasured")) ? " (unmeasured)" : "");
    if (number(r, "published"))
        fprintf(to, ", says %.1f Mbit/s", mbit(r, "desc_bw_avg"));
    if (*text(r, "why"))
        fprintf(to, "; last: %s", text(r, "why"));
    if (*text(r, "why_not"))
        fprintf(to, "; not to be measured: %s", text(r, "why_not"));
    fputc('\n', to);
}

static int by_name(const void *a, const void *b)
{
    const json_t *x = *(json_t *const *)a, *y = *(json_t *const *)b;
    int order = strcasecmp(text(x, "nickname"), text(y, "nickname"));
    return order ? order : strcmp(text(x, "fp"), text(y, "fp"));
}

static void relays(FILE *to, const json_t *list)
{
    size_t i, n = json_array_size(list);
    json_t *r, **sorted = calloc(n + 1, sizeof *sorted);
    if (!n)
        fputs("no relay was measured, and none is known\n", to);
    json_array_foreach(list, i, r) if (sorted) sorted[i] = r;
    if (sorted && n)
        qsort(sorted, n, sizeof *sorted, by_name);
    json_array_foreach(list, i, r) relay(to, sorted ? sorted[i] : r);
    free(sorted);
}

static void write_words(FILE *to, const json_t *object, bool live)
{
    const char *name = text(object, "event");
    if (*name)
        event(to, object, name, live);
    else if (json_object_get(object, "t"))
        result(to, object);
    if (json_object_get(object, "measurers"))
        measurers(to, json_object_get(object, "measurers"));
    if (json_object_get(object, "jobs"))
        jobs(to, json_object_get(object, "jobs"));
    if (json_object_get(object, "relays"))
        relays(to, json_object_get(object, "relays"));
}

/* Whether it stands where the line of the last second stood. */
static bool writes_over(const json_t *o)
{
    const char *name = text(o, "event");
    return strcmp(name, "second") == 0 || strcmp(name, "result") == 0 || strcmp(name, "state") == 0;
}

/* Nothing that somebody has said moves a terminal's cursor, or colours it. */
void ctlwords_write(FILE *to, const json_t *object, bool live)
{
    char *words = NULL;
    size_t len = 0;
    FILE *f = open_memstream(&words, &len);
    if (!f)
        return;
    write_words(f, object, live);
    bool good = fclose(f) == 0;
    if (good && live && writes_over(object))
        fputs("\r\033[K", to);
    for (size_t i = 0; good && i < len; i++) {
        bool is_control = ((unsigned char)words[i] < ' ' && words[i] != '\n') || words[i] == 127;
        fputc(is_control ? '?' : words[i], to);
    }
    free(words);
}
