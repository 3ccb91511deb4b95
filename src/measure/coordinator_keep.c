/* What is kept of the plan, so that a coordinator that comes back goes on with it: JSON objects, a
 * line each. The newest line of a relay holds. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/encode.h"
#include "measure/coordinator_plan.h"

/* Takes the reference of OBJECT, which may be NULL. */
static void put(FILE *out, json_t *gift_object)
{
    char *text = gift_object ? json_dumps(gift_object, JSON_COMPACT) : NULL;
    if (text)
        fprintf(out, "%s\n", text);
    free(text);
    json_decref(gift_object);
}

static json_t *on_json(const struct cplan *p)
{
    return json_pack("{sssb}", "t", "follow", "on", p->on);
}

static json_t *plan_json(const struct cplan *p)
{
    const struct schedule_config *c = &p->config;
    return json_pack("{sssIsIsisisbsIsisisisi}", "t", "plan", "period", (json_int_t)p->period,
                     "begins_us", (json_int_t)p->begins_us, "slot_s", (int)p->slot_s, "slots",
                     (int)c->slots, "compact", c->compact, "capacity", (json_int_t)c->capacity,
                     "sockets", (int)c->sockets, "index", (int)c->index, "of", (int)c->of, "relays",
                     (int)HASH_COUNT(p->items));
}

static json_t *item_json(const struct cplan_item *i)
{
    char fp[HEX_SIZE(sizeof i->fp.b)];
    return json_pack(
        "{sssssssIsIsIsisIsIsi}", "t", "relay", "fp", hex_upper(i->fp.b, sizeof i->fp.b, fp),
        "state", cplan_state_name(i->state), "prior", (json_int_t)i->prior, "wanted",
        (json_int_t)i->at.wanted, "given", (json_int_t)i->at.given, "sockets", (int)i->at.sockets,
        "slot", (json_int_t)i->at.slot, "group", (json_int_t)i->at.group, "tries", (int)i->tries);
}

/* LINES are kept, behind the others or in place of them. */
static void keep(const struct cplan *p, FILE *gift_out, char **lines, bool fresh)
{
    const struct coordinator *c = p->c;
    bool written = gift_out && fclose(gift_out) == 0;
    if (c->ops->keep && (!written || c->ops->keep(c->arg, *lines, fresh) != OK))
        log_warn(c->env->log, "The schedule could not be kept: a restart would make another one");
    free(*lines);
}

struct ckeep_held {
    FILE *out;
    char *lines;
    size_t len;
};

/* Out of memory each line is kept by itself. */
void ckeep_hold(struct cplan *p)
{
    p->held = p->c->ops->keep ? calloc(1, sizeof *p->held) : NULL;
    if (!p->held)
        return;
    p->held->out = open_memstream(&p->held->lines, &p->held->len);
    if (p->held->out)
        return;
    free(p->held);
    p->held = NULL;
}

void ckeep_release(struct cplan *p)
{
    if (!p->held)
        return;
    keep(p, p->held->out, &p->held->lines, false);
    free(p->held);
    p->held = NULL;
}

void ckeep_plan(const struct cplan *p)
{
    char *lines = NULL;
    size_t len = 0;
    FILE *out = p->c->ops->keep ? open_memstream(&lines, &len) : NULL;
    if (out) {
        put(out, on_json(p));
        put(out, plan_json(p));
        for (const struct cplan_item *i = p->items; i; i = i->hh.next)
            put(out, item_json(i));
    }
    keep(p, out, &lines, true);
}

void ckeep_item(const struct cplan *p, const struct cplan_item *item)
{
    char *lines = NULL;
    size_t len = 0;
    if (p->held) {
        put(p->held->out, item_json(item));
        return;
    }
    FILE *out = p->c->ops->keep ? open_memstream(&lines, &len) : NULL;
    if (out)
        put(out, item_json(item));
    keep(p, out, &lines, false);
}

void ckeep_on(const struct cplan *p)
{
    char *lines = NULL;
    size_t len = 0;
    FILE *out = p->c->ops->keep ? open_memstream(&lines, &len) : NULL;
    if (out)
        put(out, on_json(p));
    keep(p, out, &lines, false);
}

/* ---- read again ---- */

/* A member that is a number of 0 to MOST; else *BAD. */
static uint64_t number(const json_t *o, const char *name, uint64_t most, bool *bad)
{
    const json_t *member = json_object_get(o, name);
    json_int_t x = json_integer_value(member);
    bool good = json_is_integer(member) && x >= 0 && (uint64_t)x <= most;
    *bad = *bad || !good;
    return good ? (uint64_t)x : 0;
}

static err_t read_plan(struct cplan *p, const json_t *o)
{
    bool bad = false;
    struct schedule_config *c = &p->config;
    cplan_drop(p);
    p->period = (int64_t)number(o, "period", INT32_MAX, &bad);
    p->begins_us = (int64_t)number(o, "begins_us", INT64_MAX, &bad);
    bad = bad || p->begins_us / (int64_t)US_PER_SEC / SCHEDULE_PERIOD_S != p->period;
    p->slot_s = (unsigned)number(o, "slot_s", SCHEDULE_PERIOD_S, &bad);
    *c = (struct schedule_config){.compact = json_is_true(json_object_get(o, "compact"))};
    c->slots = (uint32_t)number(o, "slots", SCHEDULE_SLOTS_MOST, &bad);
    c->capacity = number(o, "capacity", INT64_MAX, &bad);
    c->sockets = (unsigned)number(o, "sockets", INT32_MAX, &bad);
    c->index = (unsigned)number(o, "index", SCHEDULE_OF_MOST, &bad);
    c->of = (unsigned)number(o, "of", SCHEDULE_OF_MOST, &bad);
    p->expected = (size_t)number(o, "relays", ROSTER_RELAYS_MOST, &bad);
    bad = bad || !p->slot_s;
    if (bad)
        p->expected = SIZE_MAX; /* never whole */
    return bad ? ERR_MALFORMED : OK;
}

static bool find_state(const json_t *o, enum cplan_state *out)
{
    const char *word = json_string_value(json_object_get(o, "state"));
    for (size_t i = 0; word && i < CPLAN_STATES; i++)
        if (strcmp(cplan_state_name((enum cplan_state)i), word) == 0) {
            *out = (enum cplan_state)i;
            return true;
        }
    return false;
}

static err_t read_item(struct cplan *p, const json_t *o)
{
    const char *fp = json_string_value(json_object_get(o, "fp"));
    struct cplan_item was = {.job = NULL}, *item;
    bool bad = false;
    if (!fp || hex_decode_exact(text_of(fp), was.fp.b, sizeof was.fp.b) != OK ||
        !find_state(o, &was.state))
        return ERR_MALFORMED;
    was.prior = number(o, "prior", INT64_MAX, &bad);
    was.at.wanted = number(o, "wanted", INT64_MAX, &bad);
    was.at.given = number(o, "given", INT64_MAX, &bad);
    was.at.sockets = (unsigned)number(o, "sockets", MEAS_CIRCS_MOST, &bad);
    was.at.slot = (uint32_t)number(o, "slot", SCHEDULE_NOWHERE, &bad);
    was.at.group = (uint32_t)number(o, "group", ROSTER_RELAYS_MOST - 1, &bad);
    was.tries = (unsigned)number(o, "tries", INT32_MAX, &bad);
    if (bad || (was.at.slot >= SCHEDULE_SLOTS_MOST && was.at.slot != SCHEDULE_NOWHERE))
        return ERR_MALFORMED;
    HASH_FIND(hh, p->items, &was.fp, sizeof was.fp, item);
    if (!item && HASH_COUNT(p->items) >= ROSTER_RELAYS_MOST)
        return ERR_LIMIT;
    item = item ? item : cplan_add(p, &was.fp);
    if (!item)
        return ERR_NOMEM;
    cplan_enter(p, item, was.state);
    item->prior = was.prior;
    item->at = was.at;
    item->tries = was.tries;
    p->groups = was.at.group >= p->groups ? was.at.group + 1 : p->groups;
    return OK;
}

err_t ckeep_read(struct cplan *p, struct text line)
{
    json_error_t error;
    json_t *o = json_loadb(line.s, line.len, JSON_REJECT_DUPLICATES, &error);
    const char *t = json_string_value(json_object_get(o, "t"));
    err_t e = ERR_MALFORMED;
    if (t && strcmp(t, "follow") == 0) {
        p->on = json_is_true(json_object_get(o, "on"));
        e = OK;
    } else if (t && strcmp(t, "plan") == 0) {
        e = read_plan(p, o);
    } else if (t && strcmp(t, "relay") == 0) {
        e = read_item(p, o);
    }
    json_decref(o);
    return e;
}

/* All that wait stand in the rows of their slots again; what was running is void. */
static err_t restore(struct cplan *p, struct cplan_item **order)
{
    size_t n = 0;
    unsigned tries = p->c->conf.max_tries ? p->c->conf.max_tries : POLITE_RUNS_MOST;
    for (struct cplan_item *i = p->items; i; i = i->hh.next) {
        if (i->state == CPLAN_ASKED) {
            p->cut++;
            cplan_enter(p, i, i->tries < tries ? CPLAN_WAITING : CPLAN_FAILED);
        }
        if (i->state == CPLAN_RESTING)
            cplan_rest(p, i, 0); /* whether it has to is seen again */
        TRY(schedule_note(p->schedule, &i->at));
        if (i->state == CPLAN_WAITING && i->at.slot != SCHEDULE_NOWHERE)
            order[n++] = i;
    }
    return cplan_link_all(p, order, n);
}

void ckeep_read_end(struct cplan *p)
{
    size_t n = HASH_COUNT(p->items);
    struct cplan_item **order = calloc(n + 1, sizeof *order);
    bool is_whole = n && n >= p->expected;
    bool is_now = p->period == cplan_now_us(p) / US_PER_SEC / SCHEDULE_PERIOD_S;
    if (order && is_whole && is_now &&
        schedule_seed(p->secret, p->secret_len, (uint64_t)p->period, p->config.seed) == OK &&
        schedule_new(&p->config, &p->schedule) == OK && restore(p, order) == OK) {
        p->made = true;
        p->changed_us = 0;
        log_notice(p->c->env->log,
                   "The schedule of the day goes on: %zu relays wait, %zu are done, %zu runs were "
                   "cut short",
                   p->count[CPLAN_WAITING], p->count[CPLAN_DONE], p->cut);
    } else {
        cplan_drop(p);
    }
    free(order);
    cplan_look(p);
}
