/* Slots of a survey: what ran at once, in each minute of the day that is shown. */
#include <stdlib.h>

#include "measure/survey_int.h"

enum { DAY_S = 24 * 3600, MINUTE_S = 60, SLOTS = DAY_S / MINUTE_S };

struct slot {
    unsigned runs, measured; /* that began in it */
    uint64_t alloc, bw, planned;
};

struct day {
    int64_t from, to;
    struct slot slots[SLOTS];
    /* By how much each second has more than the one before; less is more than half of the range. */
    struct slot change[DAY_S + 1];
};

/* From BEGIN to END, which is no part of it. */
static void add(struct day *d, int64_t begin, int64_t end, struct slot what)
{
    begin = begin < d->from ? d->from : begin;
    end = end > d->to ? d->to : end;
    if (begin >= end)
        return;
    struct slot *first = &d->change[begin - d->from], *after = &d->change[end - d->from];
    first->alloc += what.alloc;
    first->bw += what.bw;
    first->planned += what.planned;
    after->alloc -= what.alloc;
    after->bw -= what.bw;
    after->planned -= what.planned;
}

static void add_run(struct day *d, const struct survey_run *run)
{
    if (!run->began)
        return;
    if (run->began >= d->from && run->began < d->to) {
        struct slot *slot = &d->slots[(run->began - d->from) / MINUTE_S];
        slot->runs++;
        slot->measured += run->ok ? 1 : 0;
    }
    /* Circuits were built before, beside another run. */
    add(d, run->ts - run->seconds, run->ts,
        (struct slot){.alloc = run->alloc, .bw = run->ok ? run->bw : 0});
}

/* The most of its minute counts. */
static void sum_up(struct day *d)
{
    struct slot now = {.runs = 0};
    for (int64_t i = 0; i < d->to - d->from; i++) {
        struct slot *slot = &d->slots[i / MINUTE_S];
        now.alloc += d->change[i].alloc;
        now.bw += d->change[i].bw;
        now.planned += d->change[i].planned;
        slot->alloc = now.alloc > slot->alloc ? now.alloc : slot->alloc;
        slot->bw = now.bw > slot->bw ? now.bw : slot->bw;
        slot->planned = now.planned > slot->planned ? now.planned : slot->planned;
    }
}

/* NULL out of memory. */
static struct day *make_day(const struct survey *s)
{
    struct day *d = calloc(1, sizeof *d);
    if (!d)
        return NULL;
    survey_day(s, &d->from, &d->to);
    for (size_t i = 0; i < survey_runs_kept(s); i++)
        add_run(d, survey_run(s, i));
    for (size_t i = 0; i < s->n; i++)
        if (s->relays[i]->planned)
            add(d, s->relays[i]->planned_s, s->relays[i]->planned_s + s->slot_s,
                (struct slot){.planned = s->relays[i]->planned});
    sum_up(d);
    return d;
}

uint64_t survey_slots_most(const struct survey *s)
{
    struct day *d = make_day(s);
    uint64_t most = s->plan_s ? s->capacity : 0;
    for (size_t i = 0; d && i < SLOTS; i++) {
        most = d->slots[i].alloc > most ? d->slots[i].alloc : most;
        most = d->slots[i].bw > most ? d->slots[i].bw : most;
        most = d->slots[i].planned > most ? d->slots[i].planned : most;
    }
    free(d);
    return most;
}

void survey_write_slots(const struct survey *s, struct docw *w)
{
    struct day *d = make_day(s);
    if (!d) {
        docw_fail(w, ERR_NOMEM);
        return;
    }
    docw_fmt(w, "time,hour,runs,measured,allotted,carried,planned\n");
    for (int i = 0; i < (d->to - d->from) / MINUTE_S; i++) {
        const struct slot *slot = &d->slots[i];
        docw_fmt(w, "%lld,%.4f,%u,%u,%llu,%llu,%llu\n", (long long)(d->from + i * MINUTE_S),
                 i / 60., slot->runs, slot->measured, (unsigned long long)slot->alloc,
                 (unsigned long long)slot->bw, (unsigned long long)slot->planned);
    }
    free(d);
}
