/* What measurers have left, and who gets it. */
#include <stdio.h>
#include <string.h>

#include "measure/alloc.h"
#include "measure/coordinator_plan.h"

enum { RESERVE_TIMES = 4 };

uint64_t csession_bw(const struct csession *s)
{
    uint64_t most = s->who.bw;
    if (s->hello.bw && s->hello.bw < most) /* a measurer is believed to have less, never more */
        most = s->hello.bw;
    return most;
}

uint64_t csession_free_bw(const struct csession *s)
{
    uint64_t most = csession_bw(s);
    return most > s->reserved_bw ? most - s->reserved_bw : 0;
}

unsigned csession_sockets(const struct csession *s)
{
    unsigned most = s->hello.sockets_max ? s->hello.sockets_max : MEAS_CIRCS_MOST;
    return most < MEAS_CIRCS_MOST ? most : MEAS_CIRCS_MOST;
}

static unsigned free_sockets(const struct csession *s)
{
    unsigned most = csession_sockets(s);
    return most > s->reserved_sockets ? most - s->reserved_sockets : 0;
}

/* ---- who is there ---- */

/* All that are there and have something left; at most as much as the relay can ever need. Of one
 * that has a slot to come all counts, since it is given what is left then. */
static uint64_t gather(struct cjob *j, uint64_t (*left)(const struct csession *s))
{
    struct coordinator *c = j->coordinator;
    uint64_t sum = 0;
    j->config.n_members = 0;
    for (struct csession *s = c->sessions; s; s = s->next) {
        uint64_t bw = s->open ? left(s) : 0;
        unsigned sockets = s->open ? free_sockets(s) : 0;
        size_t k = j->config.n_members;
        if (!bw || !sockets || k == RUN_MEMBERS_MOST)
            continue;
        struct run_member *m = &j->config.members[k];
        *m = (struct run_member){.identity = s->hello.identity,
                                 .free_bw = bw,
                                 .sockets_free =
                                     sockets < c->conf.sockets ? sockets : c->conf.sockets};
        snprintf(m->name, sizeof m->name, "%s", s->who.name);
        j->team[k] = s;
        j->config.n_members++;
        sum += bw;
    }
    return sum;
}

uint64_t cteam_gather(struct cjob *j)
{
    return gather(j, j->item ? csession_bw : csession_free_bw);
}

void cteam_forget(struct cjob *j)
{
    memset(j->team, 0, sizeof j->team);
    j->config.n_members = 0;
}

/* ---- who gets what ---- */

/* What J may come to, of a team that has ALL: what its slot leaves free goes to those in it as they
 * share it; and if fewer measurers are there than were when the plan was made, less does. */
static uint64_t room_in_slot(const struct cjob *j, uint64_t all)
{
    const struct cplan *p = j->coordinator->plan;
    const struct schedule_item *at = &j->item->at;
    uint64_t used = schedule_given(p->schedule, at->slot);
    double room = (double)at->given;
    all = all < p->config.capacity ? all : p->config.capacity;
    if (used && (used > all || !j->config.paper))
        room *= (double)all / (double)used;
    double most = (double)at->given * RESERVE_TIMES;
    room = room < most ? room : most;
    return room < 1 ? 1 : (uint64_t)room;
}

/* Others may need something, too: a run is given what it wants, some times over, since it may find
 * that the relay carries more than was thought. */
static uint64_t room_of(const struct cjob *j, uint64_t sum)
{
    uint64_t wanted = alloc_wanted(j->config.prior, j->config.multiplier);
    if (j->item)
        return room_in_slot(j, sum);
    return wanted > UINT64_MAX / RESERVE_TIMES ? UINT64_MAX : RESERVE_TIMES * wanted;
}

void cteam_reserve(struct cjob *j, uint64_t sum)
{
    uint64_t room = room_of(j, sum);
    double share = (double)room / (double)sum;
    j->config.has_more = share < 1;
    if (j->item)
        j->config.wanted = j->item->at.given < room ? j->item->at.given : room;
    for (size_t k = 0; k < j->config.n_members; k++) {
        struct run_member *m = &j->config.members[k];
        unsigned sockets = (unsigned)((double)j->config.sockets * (double)m->free_bw / (double)sum);
        if (sockets + 1 < m->sockets_free)
            m->sockets_free = sockets + 1;
        if (share < 1)
            m->free_bw = (uint64_t)((double)m->free_bw * share) + 1;
        j->team[k]->reserved_sockets += m->sockets_free;
    }
    j->has_sockets = true;
    if (!j->item)
        cteam_reserve_held(j);
}

void cteam_reserve_held(struct cjob *j)
{
    for (size_t k = 0; k < j->config.n_members; k++)
        if (j->team[k])
            j->team[k]->reserved_bw += j->config.members[k].free_bw;
    j->has_bw = true;
}

void cteam_give_back(struct cjob *j)
{
    for (size_t k = 0; k < j->config.n_members; k++) {
        if (!j->team[k])
            continue;
        if (j->has_bw)
            j->team[k]->reserved_bw -= j->config.members[k].free_bw;
        if (j->has_sockets)
            j->team[k]->reserved_sockets -= j->config.members[k].sockets_free;
        j->team[k] = NULL;
    }
    j->has_bw = j->has_sockets = false;
}

uint64_t cteam_bw_of(const struct cjob *j, const struct csession *s)
{
    for (size_t k = 0; k < j->config.n_members; k++)
        if (j->team[k] == s)
            return j->config.members[k].free_bw;
    return 0;
}

uint64_t cteam_bw(const struct cjob *j)
{
    uint64_t sum = j->item && !j->run ? j->item->at.given : 0;
    for (size_t k = 0; j->run && k < j->config.n_members; k++)
        sum += j->config.members[k].free_bw;
    return sum;
}

unsigned cteam_sockets(const struct cjob *j)
{
    unsigned sum = j->run ? 0 : j->config.sockets;
    for (size_t k = 0; j->run && k < j->config.n_members; k++)
        sum += j->config.members[k].sockets_free;
    return sum;
}
