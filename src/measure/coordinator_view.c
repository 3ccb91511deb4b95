/* What is told of each relay, a page at a time: ten thousand of them are megabytes, which nobody is
 * to wait for, and no queue is to hold. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/encode.h"
#include "measure/coordinator_plan.h"
#include "measure/jsontext.h"

/* Who is told of: those that were there when it was asked for, as they are when their turn comes.
 */
struct key {
    struct rsa_id fp;
    uint32_t past; /* one that is not listed: its number in the history, and one; 0: none of them */
};

struct coordinator_view {
    const struct coordinator *c;
    json_t *(*page)(struct coordinator_view *v, size_t end); /* those before END */
    struct key *keys;
    size_t n, at;
};

/* NULL: no memory, or OBJECT is NULL. */
static json_t *with(json_t *gift_list, json_t *gift_object)
{
    if (gift_list && gift_object && json_array_append_new(gift_list, gift_object) == 0)
        return gift_list;
    if (!gift_list)
        json_decref(gift_object);
    json_decref(gift_list);
    return NULL;
}

/* ---- relays ---- */

/* Why it would not be measured; "": it would. */
static const char *why_not(const struct coordinator *c, const struct listed_relay *r, bool agrees)
{
    int64_t now_s = env_wall_s(c->env);
    if (!listing_is_live(c->listing, now_s))
        return "the consensus is too old";
    if (!(r->flags & ROUTER_RUNNING))
        return "it does not run";
    if (!r->n_addrs)
        return "it has no address that may be measured";
    if (agrees)
        return "";
    if (!r->is_described)
        return "it is not known whether it agrees: there is no descriptor yet";
    return listing_described(r, now_s) ? "it has not agreed" : "its descriptor is too old";
}

static json_t *measured_json(const struct history_relay *h)
{
    char at[IPPORT_TEXT_MAX] = "";
    if (h->at.ip.family != IP_NONE)
        (void)ipport_text(&h->at, at);
    return json_pack("{sssssIsIsIsbss}", "fp", h->fp, "addr", at, "bw", (json_int_t)h->bw,
                     "measured", (json_int_t)h->measured_s, "last", (json_int_t)h->last.ts, "ok",
                     h->last.ok, "why", h->last.why);
}

static json_t *addresses(const struct listed_relay *r)
{
    json_t *list = json_array();
    char at[IPPORT_TEXT_MAX];
    for (unsigned i = 0; list && i < r->n_addrs; i++)
        if (json_array_append_new(list, json_string(ipport_text(&r->addrs[i], at))) != 0) {
            json_decref(list);
            list = NULL;
        }
    return list;
}

static json_t *described_json(const struct listed_relay *r)
{
    return json_pack("{sIsIsIsI}", "published", (json_int_t)r->published_s, "desc_bw_avg",
                     (json_int_t)r->average, "desc_bw_bur", (json_int_t)r->burst, "desc_bw_obs",
                     (json_int_t)r->observed);
}

static json_t *listed_json(const struct coordinator *c, const struct listed_relay *r,
                           const struct history_relay *h)
{
    char fp[HEX_SIZE(sizeof r->rsa.b)], at[IPPORT_TEXT_MAX] = "";
    bool is_free = r->n_addrs && consent_is_free(&r->addrs[0]);
    const struct roster_relay *known = roster_find(&c->plan->roster, &r->rsa);
    bool is_named = known && known->consent == ROSTER_LISTED;
    bool agrees = r->agrees && listing_described(r, env_wall_s(c->env)); /* as the roster has it */
    const char *consent = agrees                ? "contact"
                          : is_free             ? "free"
                          : is_named            ? "listed"
                          : h && h->has_granted ? "granted"
                                                : "none";
    json_t *object = h ? measured_json(h) : json_pack("{sisi}", "bw", 0, "measured", 0);
    if (r->n_addrs)
        (void)ipport_text(&r->addrs[0], at);
    object = jsontext_with(
        object, json_pack("{sssssssosIsisssssbsb}", "fp", hex_upper(r->rsa.b, sizeof r->rsa.b, fp),
                          "nickname", r->nickname, "addr", at, "addrs", addresses(r), "weight_kb",
                          (json_int_t)r->weight_kb, "family", (int)r->family, "consent", consent,
                          "why_not", why_not(c, r, *consent != 'n'), "unmeasured", r->unmeasured,
                          "running", (r->flags & ROUTER_RUNNING) != 0));
    return object && r->is_described ? jsontext_with(object, described_json(r)) : object;
}

static bool is_listed(const struct coordinator *c, const struct history_relay *h)
{
    struct rsa_id rsa;
    return c->listing && hex_decode_exact(text_of(h->fp), rsa.b, sizeof rsa.b) == OK &&
           listing_find(c->listing, &rsa);
}

static json_t *relays_page(struct coordinator_view *v, size_t end)
{
    const struct coordinator *c = v->c;
    json_t *list = json_array();
    for (; list && v->at < end; v->at++) {
        const struct key *k = &v->keys[v->at];
        const struct listed_relay *r = k->past ? NULL : listing_find(c->listing, &k->fp);
        if (k->past)
            list = with(list, measured_json(c->history.relays[k->past - 1]));
        else if (r)
            list = with(list, listed_json(c, r, clisted_measured(c, &r->rsa)));
    }
    return json_pack("{so}", "relays", list);
}

static struct coordinator_view *view_new(const struct coordinator *c, size_t most)
{
    struct coordinator_view *v = calloc(1, sizeof *v);
    if (!v)
        return NULL;
    *v = (struct coordinator_view){.c = c, .keys = calloc(most + 1, sizeof *v->keys)};
    if (v->keys)
        return v;
    free(v);
    return NULL;
}

struct coordinator_view *coordinator_view_relays(const struct coordinator *c)
{
    size_t listed = c->listing ? listing_n(c->listing) : 0;
    struct coordinator_view *v = view_new(c, listed + c->history.n);
    if (!v || (listed && listing_families(c->listing) != OK)) {
        coordinator_view_free(v);
        return NULL;
    }
    v->page = relays_page;
    for (size_t i = 0; i < listed; i++)
        v->keys[v->n++].fp = listing_at(c->listing, i)->rsa;
    for (uint32_t i = 0; i < c->history.n; i++)
        if (!is_listed(c, c->history.relays[i]))
            v->keys[v->n++].past = i + 1;
    return v;
}

/* ---- the schedule ---- */

static json_t *slot_of(const struct cplan_item *i)
{
    return i->at.slot == SCHEDULE_NOWHERE ? json_null() : json_integer(i->at.slot);
}

static json_t *item_json(const struct cplan_item *i)
{
    char fp[HEX_SIZE(sizeof i->fp.b)];
    return json_pack("{sssssosIsIsIsi}", "fp", hex_upper(i->fp.b, sizeof i->fp.b, fp), "state",
                     cplan_state_name(i->state), "slot", slot_of(i), "group",
                     (json_int_t)i->at.group, "prior", (json_int_t)i->prior, "given",
                     (json_int_t)i->at.given, "tries", (int)i->tries);
}

static int by_slot(const void *a, const void *b)
{
    const struct cplan_item *x = *(const struct cplan_item *const *)a;
    const struct cplan_item *y = *(const struct cplan_item *const *)b;
    if (x->at.slot != y->at.slot)
        return x->at.slot < y->at.slot ? -1 : 1;
    return memcmp(x->fp.b, y->fp.b, sizeof x->fp.b);
}

/* The first page says how far it is, the others what it takes to read their slots. */
static json_t *schedule_page(struct coordinator_view *v, size_t end)
{
    const struct cplan *p = v->c->plan;
    json_t *list = json_array(), *o;
    o = v->at ? json_pack("{sssIsisb}", "event", "slots", "begins",
                          (json_int_t)(p->begins_us / (int64_t)US_PER_SEC), "slot_s",
                          (int)p->slot_s, "compact", p->config.compact)
              : cfollow_json(v->c, true);
    for (; list && v->at < end; v->at++) {
        const struct cplan_item *i = cplan_item_of(p, &v->keys[v->at].fp);
        if (i)
            list = with(list, item_json(i));
    }
    return jsontext_with(o, json_pack("{so}", "items", list));
}

struct coordinator_view *coordinator_view_schedule(const struct coordinator *c)
{
    const struct cplan *p = c->plan;
    size_t n = HASH_COUNT(p->items), at = 0;
    struct coordinator_view *v = view_new(c, n);
    const struct cplan_item **order = calloc(n + 1, sizeof *order);
    if (!v || !order) {
        free(order);
        coordinator_view_free(v);
        return NULL;
    }
    v->page = schedule_page;
    for (const struct cplan_item *i = p->made ? p->items : NULL; i; i = i->hh.next)
        order[at++] = i;
    if (at)
        qsort(order, at, sizeof *order, by_slot);
    for (size_t i = 0; i < at; i++)
        v->keys[v->n++].fp = order[i]->fp;
    free(order);
    return v;
}

/* ---- pages ---- */

char *coordinator_view_next(struct coordinator_view *v, bool *over)
{
    size_t end = v->n - v->at > COORDINATOR_PAGE ? v->at + COORDINATOR_PAGE : v->n;
    char *text = jsontext_make(v->page(v, end), "");
    *over = v->at == v->n;
    return text;
}

void coordinator_view_free(struct coordinator_view *v)
{
    if (!v)
        return;
    free(v->keys);
    free(v);
}
