#include "measure/relay_talk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "measure/onehop.h"

struct relay_talk {
    struct env *env;
    struct onehop hop;
    struct meas_params params;
    const struct relay_talk_ops *ops;
    void *arg;
    bool granted, over;
    struct timer deadline;
};

static void end(struct relay_talk *t, enum meas_code code, const char *text)
{
    if (t->over)
        return;
    relay_talk_leave(t, false);
    t->ops->on_end(t->arg, code, text);
}

/* ---- what comes ---- */

static void on_ready(void *arg)
{
    struct relay_talk *t = arg;
    const struct meas_cell ask = {.cmd = MEAS_PARAMS, .params = t->params};
    if (onehop_say(&t->hop, &ask) == OK)
        env_arm_ms(t->env, &t->deadline, RELAY_TALK_ANSWER_MS);
    else
        end(t, MEAS_RESOURCES, "what is to be asked does not fit into a cell");
}

static void granted(struct relay_talk *t, const struct meas_ext *limits)
{
    if (t->granted) {
        end(t, MEAS_MALFORMED_TOR_RESP, "the relay agreed twice");
        return;
    }
    t->granted = true;
    env_disarm(t->env, &t->deadline);
    t->ops->on_granted(t->arg, limits);
}

static void refused(struct relay_talk *t, uint8_t code)
{
    char text[MEAS_INFO_MAX];
    snprintf(text, sizeof text, "the relay says: %s", meas_error_text(code));
    end(t, MEAS_REFUSED, text);
}

static void on_meas(void *arg, const struct meas_cell *cell)
{
    struct relay_talk *t = arg;
    if (cell->cmd == MEAS_PARAMS_OK)
        granted(t, &cell->ok);
    else if (cell->cmd == MEAS_ERR)
        refused(t, cell->err.code);
    else if (cell->cmd == MEAS_BG && t->granted)
        t->ops->on_bg(t->arg, &cell->bg);
    else
        end(t, MEAS_MALFORMED_TOR_RESP, "the relay said what only a measurer may say");
}

static void on_relay(void *arg, uint8_t *body)
{
    (void)body;
    end(arg, MEAS_MALFORMED_TOR_RESP, "the relay sent a RELAY cell that nobody asked for");
}

static void on_writable(void *arg)
{
    (void)arg;
}

/* What is ours is not to be the relay's: it would be left alone for a day. */
static void on_end(void *arg, enum onehop_state during, err_t why, const char *text)
{
    (void)during;
    end(arg,
        why == ERR_CIRC_PROTO ? MEAS_MALFORMED_TOR_RESP
        : onehop_is_ours(why) ? MEAS_RESOURCES
                              : MEAS_RELAY_LOST,
        text);
}

static const struct onehop_ops hop_ops = {on_ready, on_meas, on_relay, on_writable, on_end};

static void on_deadline(void *arg)
{
    struct relay_talk *t = arg;
    if (t->hop.state < ONEHOP_READY)
        end(t, MEAS_TIMEOUT, "the circuit was not there in time");
    else
        end(t, MEAS_UNSUPPORTED, "the relay said nothing for 10 s: it does not know measuring");
}

/* ---- life ---- */

err_t relay_talk_new(struct env *env, const struct relay_talk_config *config,
                     const struct relay_talk_ops *ops, void *arg, struct relay_talk **out)
{
    struct relay_talk *t = calloc(1, sizeof *t);
    struct link_config link = config->link;
    if (!t)
        return ERR_NOMEM;
    link.connect_timeout_ms = link.handshake_timeout_ms = MEAS_CONNECT_MS;
    link.padding = LINK_PADDING_OFF;
    link.measures = true;
    *t = (struct relay_talk){.env = env, .params = config->params, .ops = ops, .arg = arg};
    timer_init(&t->deadline, on_deadline, t);
    onehop_init(&t->hop, env, config->ops_world, config->world, &hop_ops, t);
    err_t e = onehop_open(&t->hop, &link, &config->relay);
    if (e != OK) {
        t->over = true;
        relay_talk_free(t);
        return e;
    }
    env_arm_ms(env, &t->deadline, 2 * MEAS_CONNECT_MS + MEAS_CIRCS_MS);
    *out = t;
    return OK;
}

void relay_talk_leave(struct relay_talk *t, bool aborted)
{
    const struct meas_cell cell = {.cmd = MEAS_ERR, .err = {.code = MEAS_ERR_ABORTED}};
    if (t->over)
        return;
    t->over = true;
    env_disarm(t->env, &t->deadline);
    if (aborted && t->hop.state == ONEHOP_READY && onehop_say(&t->hop, &cell) != OK)
        t->granted = false; /* the end of the circuit says the same */
    onehop_close(&t->hop);
}

void relay_talk_free(struct relay_talk *t)
{
    if (!t)
        return;
    relay_talk_leave(t, false);
    onehop_free(&t->hop);
    free(t);
}

static bool is_open(const struct relay_talk *t)
{
    return t->hop.link && t->hop.state >= ONEHOP_CREATING && t->hop.state <= ONEHOP_READY;
}

const struct ed_id *relay_talk_peer(const struct relay_talk *t)
{
    return is_open(t) ? link_peer_ed(t->hop.link) : NULL;
}

const struct rsa_id *relay_talk_peer_rsa(const struct relay_talk *t)
{
    return is_open(t) ? link_peer_rsa(t->hop.link) : NULL;
}
