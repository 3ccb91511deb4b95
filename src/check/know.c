/* What the cases need to know of the relay and of another one: asked of the relay itself. */
#include "check/know.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "cell/reason.h"
#include "check/pdir.h"
#include "crypto/cert.h"
#include "crypto/encode.h"
#include "crypto/rsa.h"
#include "dir/descriptor.h"
#include "dir/microdesc.h"
#include "dir/protover.h"
#include "link/certs.h"

/* ---- who it is ---- */

/* What the certificates claim. Whether they prove it is for the cases to judge: a relay that does
 * not is to be told so there, and not to be refused as a whole. */
static void learn_claimed(struct check_run *run, const struct probe_hello *hello)
{
    struct ed_cert ed;
    for (size_t i = 0; i < hello->certs.n; i++) {
        const struct chan_cert *cert = &hello->certs.c[i];
        struct rsa_pub *rsa = NULL;
        if (cert->type == CHAN_CERT_RSA_ID &&
            rsa_pub_from_x509(cert->body, cert->len, &rsa) == OK) {
            rsa_pub_id(rsa, &run->rsa);
            rsa_pub_free(rsa);
            run->has_rsa = true;
        } else if (cert->type == CHAN_CERT_ED_ID_SIGNING &&
                   ed_cert_parse(cert->body, cert->len, &ed) == OK && ed.has_signer) {
            run->ed = ed.signer;
            run->has_ed = true;
        }
    }
}

/* An identity that was asked for has to be proved. */
static void learn_identity(struct trial *t, struct probe *p, const struct probe_hello *hello)
{
    struct check_run *run = t->run;
    const struct check_config *config = run->config;
    const struct link_target target = {.reach = config->reach,
                                       .rsa = config->rsa,
                                       .ed = config->ed,
                                       .has_rsa = config->has_rsa,
                                       .has_ed = config->has_ed};
    struct sha256 tls_cert;
    struct certs_proved proved;
    char text[TRIAL_WHY_MAX] = "the relay showed no TLS certificate";
    if (!trial_goes_on(t))
        return;
    learn_claimed(run, hello);
    if (tls_peer_cert_sha256(p->tls, &tls_cert) &&
        certs_verify(&hello->certs, &tls_cert, &target, env_wall_s(run->env), &proved, text,
                     sizeof text) == OK)
        return;
    if (config->has_rsa || config->has_ed)
        trial_fail(t, "%s", text);
}

/* tor-spec 6.2.1: "If the Tor relay is not running a directory service, it should respond with a
 * REASON_NOTDIRECTORY RELAY_END cell." */
static void learn_whether_directory(struct pcirc *c)
{
    struct pmsg m = {.cmd = 0};
    uint16_t id = pcirc_new_stream(c);
    pcirc_send(c, 1, RELAY_BEGIN_DIR, id, NULL, 0);
    if (pcirc_next(c, &m))
        c->p->t->run->no_dir =
            m.cmd == RELAY_END && m.stream_id == id && m.len && m.data[0] == END_NOTDIRECTORY;
}

/* Reads it as far as it can be read; the cases of the directory say what is wrong with it. */
static void learn_descriptor(struct check_run *run, struct text body)
{
    struct descriptor d;
    (void)!descriptor_next(&body, &d);
    if (!run->has_ntor && descriptor_has(&d, DESCRIPTOR_NTOR_KEY)) {
        run->ntor = d.ntor;
        run->has_ntor = true;
    }
    if (protover_parse(d.item[DESCRIPTOR_PROTO].args, &run->protos) != OK)
        run->protos = 0;
}

static void learn_onion_key(struct trial *t, struct probe *p)
{
    struct pcirc *c = pcirc_fast_on(p);
    struct pdir_answer a;
    struct check_run *run = t->run;
    run->has_ntor = run->config->has_ntor;
    run->ntor = run->config->ntor;
    learn_whether_directory(c);
    if (run->no_dir)
        return;
    pdir_get(c, "/tor/server/authority", "", &a);
    if (a.status == 200)
        learn_descriptor(run, a.body);
    pdir_free(&a);
}

/* Without VERSIONS it is no relay, and without NETINFO there is nothing to be tried; the rest may
 * be missing. */
void know_relay(struct trial *t)
{
    struct probe_hello hello = {.versions.n = 0};
    struct probe *p = probe_versions(t);
    if (!p || !trial_goes_on(t))
        return;
    if (!probe_take_hello(p, &hello))
        return;
    learn_identity(t, p, &hello);
    if (!trial_goes_on(t))
        return;
    probe_send_netinfo(p);
    learn_onion_key(t, p);
    if (t->verdict == CHECK_FAIL && !t->tidied_up) /* the cases will say so in their own words */
        t->verdict = CHECK_PASS;
}

/* ---- another relay ---- */

/* One relay of a microdescriptor consensus: takes its lines off *REST. */
static bool next_router(struct text *rest, struct check_next *out, struct text *digest, bool *good)
{
    struct text line, word, args[8];
    bool in_router = false;
    *good = false;
    *digest = (struct text){"", 0};
    for (struct text before = *rest; text_line(rest, &line); before = *rest) {
        if (!text_token(&line, &word))
            continue;
        if (text_is(word, "directory-footer") || (text_is(word, "r") && in_router)) {
            *rest = text_is(word, "r") ? before : *rest;
            return true;
        }
        if (text_is(word, "r")) {
            char addr[IP_TEXT_MAX];
            uint64_t port = 0;
            size_t n = 0;
            while (n < 8 && text_token(&line, &args[n]))
                n++;
            if (n < 7)
                return false;
            in_router = true;
            snprintf(addr, sizeof addr, "%.*s", TEXT_ARG(args[4]));
            *out = (struct check_next){.known = true};
            if (base64_decode_exact(args[1], BASE64_EITHER, out->rsa.b, sizeof out->rsa.b) != OK ||
                ip_parse(addr, false, &out->addr.ip) != OK ||
                text_to_u64(args[5], 65535, &port) != OK)
                return false;
            out->addr.port = (uint16_t)port;
        } else if (text_is(word, "m")) {
            *digest = text_strip(line);
        } else if (text_is(word, "s")) {
            struct text flag;
            while (text_token(&line, &flag))
                *good |= text_is(flag, "Guard") || text_is(flag, "Exit");
        }
    }
    return in_router;
}

static bool learn_microdesc(struct pcirc *c, struct text digest, struct check_next *next)
{
    char path[128];
    struct pdir_answer a;
    struct microdesc md;
    snprintf(path, sizeof path, "/tor/micro/d/%.*s", TEXT_ARG(digest));
    pdir_get(c, path, "", &a);
    struct text rest = a.body;
    bool ok = a.status == 200 && microdesc_next(&rest, &md) == OK && md.has_ntor;
    if (ok) {
        next->ntor = md.ntor;
        next->ed = md.ed;
        next->has_ed = md.has_ed;
    }
    pdir_free(&a);
    return ok;
}

/* Fills in whichever of the two is not known. */
static void note_other(struct check_run *run, const struct check_next *found)
{
    if (!run->next.known)
        run->next = *found;
    else if (!rsa_id_equal(&found->rsa, &run->next.rsa))
        run->third = *found;
}

static void look_for_others(struct trial *t)
{
    struct check_run *run = t->run;
    struct pcirc *c = pcirc_fast(t);
    struct pdir_answer a;
    struct check_next next;
    struct text digest;
    bool good;
    pdir_get(c, "/tor/status-vote/current/consensus-microdesc", "", &a);
    struct text rest = a.status == 200 ? a.body : (struct text){"", 0};
    while (trial_goes_on(t) && !run->third.known && next_router(&rest, &next, &digest, &good))
        if (good && digest.len && !rsa_id_equal(&next.rsa, &run->rsa) &&
            learn_microdesc(c, digest, &next))
            note_other(run, &next);
    pdir_free(&a);
}

void know_others(struct trial *t, unsigned needs)
{
    struct check_run *run = t->run;
    struct trial_mark before;
    bool wanted =
        (needs & NEEDS_NEXT && !run->next.known) || (needs & NEEDS_THIRD && !run->third.known);
    if (!wanted || run->looked_for_others)
        return;
    run->looked_for_others = true;
    trial_set_mark(t, &before);
    look_for_others(t);
    trial_back_to(t, &before);
}
