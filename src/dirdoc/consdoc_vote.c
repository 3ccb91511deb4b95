/* Key certificates (dir-spec 3.1) and votes (3.4.1): what each authority says before they agree. */
#include "dirdoc/consdoc_int.h"

#include <string.h>

#include "crypto/hash.h"
#include "dirdoc/identity.h"

#define METHODS      "32 33 34 35"
#define METHODS_LIST "32,33,34,35"

static err_t make_key(struct env *env, struct rsa_key **key, struct rsa_id *id)
{
    TRY(rsa_key_generate_from(env, IDENTITY_RSA_BITS, key));
    rsa_pub_id(rsa_key_public(*key), id);
    return OK;
}

err_t consdoc_make_keys(struct env *env, struct consdoc_authority *a)
{
    TRY(make_key(env, &a->identity_key, &a->identity));
    return make_key(env, &a->signing_key, &a->signing);
}

void consdoc_write_cert(struct docw *w, const struct consdoc_authority *a, int64_t published_s,
                        int64_t expires_s)
{
    char address[IPPORT_TEXT_MAX];
    struct ipport dir = {a->or_port.ip, a->dir_port};
    docw_add(w, TEXT_LIT("dir-key-certificate-version 3\n"));
    if (dir.port) /* "dir-address", optional: not before a port is known */
        docw_fmt(w, "dir-address %s\n", ipport_text(&dir, address));
    docw_add(w, TEXT_LIT("fingerprint "));
    docw_hex(w, a->identity.b, sizeof a->identity.b);
    docw_add(w, TEXT_LIT("\n"));
    docw_date(w, "dir-key-published", published_s);
    docw_date(w, "dir-key-expires", expires_s);
    docw_add(w, TEXT_LIT("dir-identity-key\n"));
    docw_rsa_key(w, rsa_key_public(a->identity_key));
    docw_add(w, TEXT_LIT("dir-signing-key\n"));
    docw_rsa_key(w, rsa_key_public(a->signing_key));
    docw_add(w, TEXT_LIT("dir-key-crosscert\n"));
    docw_rsa_sign(w, a->signing_key, a->identity.b, sizeof a->identity.b, "ID SIGNATURE");
}

void consdoc_sign_cert(struct docw *w, size_t from, const struct consdoc_authority *a)
{
    docw_add(w, TEXT_LIT("dir-key-certification\n"));
    docw_rsa_sign_from(w, from, a->identity_key, NULL);
}

static void write_header(struct docw *w, const struct consdoc *c)
{
    docw_add(w, TEXT_LIT("network-status-version 3\nvote-status vote\n"
                         "consensus-methods " METHODS "\n"));
    docw_date(w, "published", c->valid_after_s);
    consdoc_times(w, c);
    consdoc_protocols(w);
    consdoc_flags(w, "known-flags", ~(unsigned)ROUTER_NOEDCONSENSUS);
    docw_fmt(w,
             "flag-thresholds stable-uptime=0 stable-mtbf=0 fast-speed=0 guard-wfu=0.000%% "
             "guard-tk=0 guard-bw-inc-exits=0 guard-bw-exc-exits=0 enough-mtbf=0 "
             "ignoring-advertised-bws=0\nparams %s\n",
             c->params);
}

static void write_relay(struct docw *w, const struct consdoc_relay *r)
{
    consdoc_row(w, r, r->descriptor_sha1, r->published_s, false);
    consdoc_fact_lines(w, r);
    docw_fmt(w, "w Bandwidth=%u Measured=%u\np %s\n", r->bandwidth_kb, r->bandwidth_kb, r->policy);
    docw_add(w, TEXT_LIT("id ed25519 "));
    docw_base64(w, r->ed.b, sizeof r->ed.b);
    docw_add(w, TEXT_LIT("\nm " METHODS_LIST " sha256="));
    docw_base64(w, r->microdesc_sha256, sizeof r->microdesc_sha256);
    docw_add(w, TEXT_LIT("\n"));
}

void consdoc_write_vote(struct docw *w, const struct consdoc *c, const struct consdoc_authority *a,
                        size_t *head_len)
{
    write_header(w, c);
    *head_len = w->len;
    consdoc_source(w, a);
    docw_add(w, a->cert);
    for (size_t i = 0; i < c->n_relays; i++)
        write_relay(w, c->relay[i]);
    docw_add(w, TEXT_LIT("directory-footer\n"));
}

void consdoc_sign_vote(struct docw *w, struct consdoc_authority *a)
{
    docw_add(w, TEXT_LIT("directory-signature "));
    if (w->err != OK)
        return;
    sha1(w->s, w->len, a->vote_digest);
    consdoc_sign_one(w, a, a->vote_digest, sizeof a->vote_digest);
}
