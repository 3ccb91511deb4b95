#include "measure/coord_conn.h"

#include <stdio.h>
#include <string.h>

#include "crypto/secret.h"
#include "measure/pin.h"

static void lost(struct coord_conn *c, const struct coord_proto_end *end);

static bool on_peer(void *arg, const struct sha256 *pin, char text[COORD_TEXT_MAX])
{
    struct coord_conn *c = arg;
    char shown[PIN_TEXT_MAX], wanted[PIN_TEXT_MAX];
    if (secret_equal(pin->b, c->coord_pin.b, sizeof pin->b))
        return true;
    snprintf(text, COORD_TEXT_MAX,
             "whoever answers there is not the coordinator: its key is %s, and coord_pin %s",
             pin_text(pin, shown), pin_text(&c->coord_pin, wanted));
    return false;
}

static void on_open(void *arg, const struct msg_hello *theirs)
{
    struct coord_conn *c = arg;
    c->res = COORD_CONN_SUCCESS;
    c->delay_ms = COORD_DELAY_LEAST_MS;
    c->ops->on_open(c->arg, theirs);
}

static void on_heard(void *arg)
{
    struct coord_conn *c = arg;
    c->ops->on_heard(c->arg);
}

static void on_msg(void *arg, const struct msg *m)
{
    struct coord_conn *c = arg;
    c->ops->on_msg(c->arg, m);
}

static void on_end(void *arg, const struct coord_proto_end *end)
{
    struct coord_conn *c = arg;
    struct coord_proto *p = c->proto;
    const struct coord_proto_end copy = *end;
    c->proto = NULL;
    c->ops->hangup(c->arg, p);
    coord_proto_free(p);
    lost(c, &copy);
}

static void on_output(void *arg)
{
    struct coord_conn *c = arg;
    if (c->proto)
        c->ops->output(c->arg, c->proto);
}

static const struct coord_proto_ops proto_ops = {
    .on_peer = on_peer,
    .on_open = on_open,
    .on_heard = on_heard,
    .on_msg = on_msg,
    .on_end = on_end,
    .on_output = on_output,
};

/* ---- attempts ---- */

static void wait_for_next(struct coord_conn *c)
{
    uint64_t fifth = (uint64_t)c->delay_ms * COORD_DELAY_JITTER / 100;
    env_arm_ms(c->env, &c->wait, c->delay_ms - fifth + env_random_below(c->env, 2 * fifth + 1));
    c->delay_ms = c->delay_ms * 2 < COORD_DELAY_MOST_MS ? c->delay_ms * 2 : COORD_DELAY_MOST_MS;
}

static void lost(struct coord_conn *c, const struct coord_proto_end *end)
{
    env_disarm(c->env, &c->connect);
    c->res = end->res;
    if (end->impostor)
        c->delay_ms = COORD_DELAY_MOST_MS;
    if (end->res != COORD_CONN_FATAL_ERROR)
        wait_for_next(c);
    c->ops->on_lost(c->arg, end);
}

static void no_connection(void *arg)
{
    struct coord_conn *c = arg;
    if (c->proto && !coord_proto_has_begun(c->proto)) /* from there on it has a time of its own */
        coord_proto_gone(c->proto, "no connection within 10 s");
}

void try_connect_to_coord(struct coord_conn *c)
{
    if (c->proto)
        return;
    c->proto = coord_proto_new(c->env, &c->config, &proto_ops, c);
    if (!c->proto) {
        lost(c, &(struct coord_proto_end){.res = COORD_CONN_RETRY_ERROR, .text = "out of memory"});
        return;
    }
    env_arm_ms(c->env, &c->connect, COORD_CONNECT_S * MS_PER_SEC);
    c->ops->dial(c->arg, c->proto, &c->coord_addr);
}

static void try_now(void *arg)
{
    try_connect_to_coord(arg);
}

void ensure_conn_w_coord(struct coord_conn *c)
{
    c->delay_ms = COORD_DELAY_LEAST_MS;
    env_arm_ms(c->env, &c->wait, 0);
}

void coord_conn_init(struct coord_conn *c, struct env *env, const struct coord_proto_config *config,
                     const struct coord_conn_ops *ops, void *arg)
{
    *c = (struct coord_conn){.env = env,
                             .ops = ops,
                             .arg = arg,
                             .config = *config,
                             .delay_ms = COORD_DELAY_LEAST_MS,
                             .res = COORD_CONN_RETRY_ERROR};
    timer_init(&c->wait, try_now, c);
    timer_init(&c->connect, no_connection, c);
}

void coord_conn_end(struct coord_conn *c)
{
    if (!c->env)
        return;
    env_disarm(c->env, &c->wait);
    env_disarm(c->env, &c->connect);
    if (!c->proto)
        return;
    c->ops->hangup(c->arg, c->proto);
    coord_proto_free(c->proto);
    c->proto = NULL;
}
