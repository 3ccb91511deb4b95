#include "measure/coordinator_figures.h"

#include "measure/coordinator_plan.h"

static void look_at_measurers(const struct coordinator *c, struct coordinator_figures *out)
{
    out->measurers_listed = c->conf.n_measurers;
    for (const struct csession *s = c->sessions; s; s = s->next) {
        if (!s->open)
            continue;
        out->measurers_up++;
        out->bw += csession_free_bw(s) + s->reserved_bw;
        out->reserved_bw += s->reserved_bw;
    }
}

static void look_at_relays(const struct coordinator *c, struct coordinator_figures *out)
{
    out->relays = c->history.n;
    for (size_t i = 0; i < c->history.n; i++) {
        const struct history_relay *r = c->history.relays[i];
        out->relays_measured += r->bw ? 1 : 0;
        out->newest_s = r->measured_s > out->newest_s ? r->measured_s : out->newest_s;
    }
}

static void look_at_schedule(const struct cplan *p, struct coordinator_figures *out)
{
    if (!p->on || !p->made)
        return;
    uint32_t now = p->cursor ? p->cursor - 1 : 0;
    out->slots = schedule_slots(p->schedule);
    out->slot = now;
    out->slot_given = schedule_given(p->schedule, now);
    out->slot_most = p->config.capacity;
    for (size_t i = 0; i < CPLAN_STATES; i++)
        out->scheduled[i] = p->count[i];
}

const char *coordinator_scheduled_word(size_t i)
{
    return i < CPLAN_STATES ? cplan_state_name((enum cplan_state)i) : NULL;
}

void coordinator_figures(const struct coordinator *c, struct coordinator_figures *out)
{
    *out = (struct coordinator_figures){.counts = c->counts};
    for (const struct cjob *j = c->jobs; j; j = j->next) {
        out->running += j->run ? 1 : 0;
        out->waiting += j->run ? 0 : 1;
    }
    look_at_measurers(c, out);
    look_at_relays(c, out);
    look_at_schedule(c->plan, out);
}

_Static_assert((int)CPLAN_STATES <= (int)COORDINATOR_SCHEDULED, "room for each state");
