/* Lanes of a measurement: links to the relay, opened one after the other, and what becomes of them.
 */
#include <stdarg.h>
#include <stdio.h>

#include "cell/reason.h"
#include "measure/onehop.h"
#include "measure/stock_int.h"

void lane_is_ready(struct lane *ln)
{
    struct stock *s = ln->s;
    uint64_t took_ms = (s->env->mono_us - ln->asked_us) / US_PER_MS;
    ln->state = LANE_READY;
    if (!s->ready || took_ms < s->rtt_ms)
        s->rtt_ms = (unsigned)took_ms;
    s->ready++;
    stock_look_whether_all(s, MEAS_LAUNCH_CIRCS, "");
}

/* While connecting it is one circuit less; a relay that has granted a run and takes it back wants
 * it to end. */
static void lane_lost(struct lane *ln, enum meas_code code, bool sent_away, const char *text)
{
    struct stock *s = ln->s;
    if (s->state == STOCK_OVER || ln->state == LANE_BAD)
        return;
    if (s->state == STOCK_DRAINING) {
        stock_finish(s);
        return;
    }
    if (ln->state == LANE_READY || s->state != STOCK_CONNECTING || sent_away) {
        stock_fails(s, code, sent_away, text);
        return;
    }
    ln->state = LANE_BAD;
    s->short_of_memory |= code == MEAS_RESOURCES;
    s->bad++;
    s->kind->close(ln);
    if (ln->link && !ln->over)
        link_close(ln->link, OK, OR_DONE, text);
    stock_look_whether_all(s, code, text);
}

void lane_fails(struct lane *ln, enum meas_code code, const char *fmt, ...)
{
    char text[MEAS_INFO_MAX];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    lane_lost(ln, code, false, text);
}

void lane_sent_away(struct lane *ln, const char *fmt, ...)
{
    char text[MEAS_INFO_MAX];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    lane_lost(ln, MEAS_RELAY_LOST, true, text);
}

/* While it is built others may have ended it, but a relay that has not enough for it wants less. */
void lane_circ_ended(struct lane *ln, const struct circ_end *end)
{
    char text[MEAS_INFO_MAX];
    bool is_away = ln->state == LANE_READY || end->reason == DESTROY_RESOURCELIMIT;
    if (end->link_ended) /* the link's owner hears of it, too */
        return;
    (void)circ_end_text(end, text, sizeof text);
    if (end->remote && is_away)
        lane_sent_away(ln, "the relay ended a circuit: %s", text);
    else
        lane_fails(ln, onehop_is_ours(end->why) ? MEAS_RESOURCES : MEAS_LAUNCH_CIRCS,
                   "a circuit ended: %s", text);
}

void lane_cheat(struct lane *ln, const struct meas_cheat *cheat)
{
    struct stock *s = ln->s;
    char text[MEAS_CHEAT_TEXT_MAX];
    if (s->state == STOCK_OVER)
        return;
    s->failure.cheat = *cheat;
    stock_fails(s, MEAS_CHEAT, false, meas_cheat_text(cheat, text));
}

/* ---- links ---- */

static void link_on_open(void *arg)
{
    struct lane *ln = arg;
    ln->state = LANE_BUILDING;
    ln->asked_us = ln->s->env->mono_us;
    if (ln->s->kind->open(ln) != OK)
        lane_fails(ln, MEAS_RESOURCES, "a circuit could not be asked for");
}

static void link_on_end(void *arg, const struct link_end *end)
{
    struct lane *ln = arg;
    struct stock *s = ln->s;
    bool ours = s->state == STOCK_OVER || ln->state == LANE_BAD;
    ln->over = true;
    s->gone_in += link_bytes_in(ln->link);
    s->gone_out += link_bytes_out(ln->link);
    later_ask(s->env, &s->bury);
    if (!ours && onehop_is_ours(end->why))
        lane_fails(ln, MEAS_RESOURCES, "a link has ended: %s", err_text(end->why));
    else if (!ours && end->during == LINK_OPEN)
        lane_sent_away(ln, "the relay closed a link: %s", end->text);
    else if (!ours)
        lane_fails(ln, meas_code_of_link(end), "no link to the relay: %s%s", end->text,
                   meas_link_hint(end));
}

static void link_on_output(void *arg)
{
    struct lane *ln = arg;
    ln->s->config.sockets->output(ln->s->config.world, ln->link);
}

static const struct link_ops link_ops = {
    .on_open = link_on_open, .on_end = link_on_end, .on_output = link_on_output};

void lane_bury(struct lane *ln)
{
    struct stock *s = ln->s;
    s->kind->free(ln);
    if (!ln->link)
        return;
    s->config.sockets->hangup(s->config.world, ln->link);
    link_free(ln->link);
    ln->link = NULL;
}

void lanes_bury(void *stock)
{
    struct stock *s = stock;
    for (unsigned i = 0; i < s->n; i++)
        if (s->lanes[i].over)
            lane_bury(&s->lanes[i]);
}

void lane_dial(void *lane)
{
    struct lane *ln = lane;
    struct stock *s = ln->s;
    const struct meas_relay *r = &s->config.told.relay;
    const struct link_target target = {.reach = reach_at(r->addrs[0]),
                                       .rsa = r->fp,
                                       .ed = r->ed25519,
                                       .has_rsa = r->has_fp,
                                       .has_ed = r->has_ed25519};
    ln->state = LANE_CONNECTING;
    ln->link = link_new(s->env, &s->link_config, &target, &link_ops, ln);
    if (ln->link)
        s->config.sockets->dial(s->config.world, ln->link);
    else
        lane_fails(ln, MEAS_RESOURCES, "no memory for a link");
}
