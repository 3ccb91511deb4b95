/* ORCONN and GUARD (control-spec 4.1.3, 4.1.11), and how lines name relays and who asks. */
#include "control/ev.h"

#include <inttypes.h>
#include <stdio.h>

#include "client/look.h"
#include "control/control.h"
#include "control/reply.h"
#include "crypto/encode.h"
#include "crypto/secret.h"

void ev_relay_name(struct text_out *out, const struct rsa_id *id, const char *nickname)
{
    char hex[HEX_SIZE(sizeof *id)];
    out_printf(out, "$%s%s%s", hex_upper(id->b, sizeof id->b, hex), nickname[0] ? "~" : "",
               nickname);
}

/* It may hold a NUL, behind which, as in tor, nothing is shown. */
static void login_part(struct text_out *out, const char *key, struct text said)
{
    char text[LOGIN_PART_MAX + 1];
    if (!said.len)
        return;
    snprintf(text, sizeof text, "%.*s", TEXT_ARG(said));
    out_printf(out, " %s=", key);
    out_escaped(out, text);
    secret_wipe(text, sizeof text);
}

void ev_login(struct text_out *out, const struct login *l)
{
    login_part(out, "SOCKS_USERNAME", login_user(l));
    login_part(out, "SOCKS_PASSWORD", login_pass(l));
}

/* As tor's orconn_target_get_name(): an address only where no relay is known behind it. */
void ev_orconn_name(struct text_out *out, struct control *c, const struct event_orconn *e)
{
    static const struct rsa_id none;
    char addr[REACH_TEXT_MAX];
    if (e->peer.has_rsa && !rsa_id_equal(&e->peer.rsa, &none))
        ev_relay_name(out, &e->peer.rsa, look_nickname(control_client(c), &e->peer.rsa));
    else
        out_str(out, reach_text(&e->peer.reach, addr));
}

void ev_orconn(struct control *c, const struct event_record *e, struct text_out *out)
{
    const struct event_orconn *o = &e->orconn;
    bool over = o->status == ORCONN_FAILED || o->status == ORCONN_CLOSED;
    out_str(out, "650 ORCONN ");
    ev_orconn_name(out, c, o);
    out_printf(out, " %s", event_name(e));
    if (over)
        out_printf(out, " REASON=%s", or_reason_name(o->end.reason));
    if (over && o->circuits)
        out_printf(out, " NCIRCS=%zu", o->circuits);
    out_printf(out, " ID=%" PRIu64 "\r\n", o->id);
}

void ev_guard(struct control *c, const struct event_record *e, struct text_out *out)
{
    const struct circuit_hop *relay = &e->guard.relay;
    const char *listed = look_nickname(control_client(c), &relay->rsa);
    out_str(out, "650 GUARD ENTRY ");
    ev_relay_name(out, &relay->rsa, listed[0] ? listed : relay->nickname);
    out_printf(out, " %s\r\n", event_name(e));
}
