/* What is said to the coordinator of its schedule, and what it tells. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/encode.h"
#include "crypto/secret.h"
#include "measure/coordinator_plan.h"
#include "measure/jsontext.h"

err_t coordinator_secret(struct coordinator *c, const void *secret, size_t len)
{
    struct cplan *p = c->plan;
    if (len < SCHEDULE_SECRET_LEAST || len > sizeof p->secret)
        return ERR_LIMIT;
    if (p->made && (len != p->secret_len || !secret_equal(secret, p->secret, len)))
        log_notice(c->env->log, "Schedules have another secret, from the next day on");
    memcpy(p->secret, secret, len);
    p->secret_len = len;
    return OK;
}

static bool is_unplaced(const struct roster_relay *r)
{
    return r->consent == ROSTER_LISTED && !r->who.n_addrs;
}

/* Said when it is another number than before. */
static void count_unplaced(struct cplan *p)
{
    char fp[HEX_SIZE(sizeof(struct rsa_id))];
    const struct roster_relay *first = NULL;
    size_t n = 0;
    for (size_t i = 0; i < p->roster.n; i++) {
        const struct roster_relay *r = &p->roster.relays[i];
        n += is_unplaced(r) ? 1 : 0;
        first = !first && is_unplaced(r) ? r : first;
    }
    if (first && n != p->unplaced)
        log_notice(p->c->env->log,
                   "Of %zu relays that have opted in no address is known, and they are not "
                   "measured; the first: %s",
                   n, hex_upper(first->who.fp.b, sizeof first->who.fp.b, fp));
    p->unplaced = n;
}

void coordinator_roster(struct coordinator *c, struct roster *gift_roster)
{
    struct cplan *p = c->plan;
    roster_free(&p->roster);
    p->roster = *gift_roster;
    clisted_enrol(c, &p->roster);
    roster_init(gift_roster);
    count_unplaced(p);
    if (p->made)
        cplan_add_new(p, cplan_next_slot(p));
    cplan_look(p);
}

err_t coordinator_recall_schedule(struct coordinator *c, struct text line)
{
    return ckeep_read(c->plan, line);
}

static bool is_under_way(const struct cjob *j, bool finishing)
{
    return finishing ? j->run && run_state(j->run) >= RUN_RUNNING : j->recorded;
}

/* Those that are asked and have not begun wait again: it was not the relays' fault. One whose
 * beginning is in the results counts, so it goes on; but not if all is to end soon. */
static void let_go(struct cplan *p, bool finishing)
{
    for (struct cjob *j = p->c->jobs, *next; j; j = next) {
        next = j->next;
        struct cplan_item *item = j->item;
        if (!item || is_under_way(j, finishing))
            continue;
        j->item = NULL;
        item->job = NULL;
        item->tries--;
        cplan_later(p, item, cplan_next_slot(p));
        if (j->run)
            run_cancel(j->run, "the schedule was stopped");
        else
            cjob_refuse(j, "cancelled", "the schedule was stopped");
    }
}

void coordinator_schedule_start(struct coordinator *c)
{
    struct cplan *p = c->plan;
    if (!p->on) {
        p->on = true;
        ckeep_on(p);
        log_notice(c->env->log, "The schedule is followed from now on");
    }
    cplan_look(p);
}

void coordinator_schedule_stop(struct coordinator *c)
{
    struct cplan *p = c->plan;
    if (!p->on)
        return;
    p->on = false;
    ckeep_on(p);
    let_go(p, false);
    log_notice(c->env->log, "The schedule is stopped; %zu runs that had begun go on",
               p->count[CPLAN_ASKED]);
}

void cplan_finish(struct cplan *p)
{
    env_disarm(p->c->env, &p->tick);
    let_go(p, true);
}

/* ---- shown ---- */

static const char *state_of(const struct cplan *p)
{
    if (!p->on)
        return "stopped";
    if (!p->made && !p->roster.n)
        return "waiting for relays";
    if (!p->made)
        return coordinator_measurers(p->c) < p->c->conf.n_measurers ? "waiting for measurers"
                                                                    : "beginning";
    if (p->count[CPLAN_WAITING] || p->count[CPLAN_ASKED])
        return "running";
    return p->count[CPLAN_RESTING] ? "resting" : "over";
}

static json_t *counts_json(const struct cplan *p)
{
    json_t *o = json_object();
    for (size_t i = 0; o && i < CPLAN_STATES; i++)
        if (json_object_set_new(o, cplan_state_name((enum cplan_state)i),
                                json_integer((json_int_t)p->count[i])) != 0) {
            json_decref(o);
            o = NULL;
        }
    return o;
}

/* By the wall clock, in seconds since 1970. */
static json_int_t seconds(int64_t us)
{
    return us / (int64_t)US_PER_SEC;
}

static json_t *plan_json(const struct cplan *p)
{
    uint32_t slots = schedule_slots(p->schedule), now = p->cursor ? p->cursor - 1 : 0;
    return json_pack("{sIsIsbsIsIsisIsIsIsIsIsIsIso}", "changed", seconds(p->changed_us), "next",
                     (json_int_t)(p->period + 1) * SCHEDULE_PERIOD_S, "compact", p->config.compact,
                     "begins", seconds(p->begins_us), "ends", seconds(cplan_ends_us(p)), "slot_s",
                     (int)p->slot_s, "slots", (json_int_t)slots, "slot", (json_int_t)now,
                     "slot_given", (json_int_t)schedule_given(p->schedule, now), "capacity",
                     (json_int_t)p->config.capacity, "away", (json_int_t)p->away, "moved",
                     (json_int_t)p->moved, "cut_short", (json_int_t)p->cut, "counts",
                     counts_json(p));
}

static json_t *unplaced_json(const struct cplan *p)
{
    char fp[HEX_SIZE(sizeof(struct rsa_id))];
    json_t *list = json_array();
    for (size_t i = 0; list && i < p->roster.n; i++) {
        const struct roster_relay *r = &p->roster.relays[i];
        if (is_unplaced(r) &&
            json_array_append_new(
                list, json_string(hex_upper(r->who.fp.b, sizeof r->who.fp.b, fp))) != 0) {
            json_decref(list);
            list = NULL;
        }
    }
    return list;
}

json_t *cfollow_json(const struct coordinator *c, bool all)
{
    const struct cplan *p = c->plan;
    json_t *o = json_pack("{sssssI}", "event", "schedule", "state", state_of(p), "no_address",
                          (json_int_t)p->unplaced);
    o = jsontext_with(o, p->made ? plan_json(p) : json_object());
    if (all && p->unplaced)
        o = jsontext_with(o, json_pack("{so}", "unplaced", unplaced_json(p)));
    return o;
}

char *coordinator_schedule_json(const struct coordinator *c)
{
    return jsontext_make(cfollow_json(c, false), "");
}
