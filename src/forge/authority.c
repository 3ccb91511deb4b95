/* Authorities: keys and key certificates, made or as tor-gencert writes them. */
#include <stdio.h>
#include <string.h>

#include "crypto/secret.h"
#include "dir/authcert.h"
#include "forge/network.h"

enum { FIRST_ADDRESS = 15 << 8, OR_PORT = 9001, DIR_PORT = 9030 };

static const char CONTACT[] = "Tunic " TUNIC_VERSION " forged for tests";

/* Fills in all but keys and certificate. The address is in the last /16s of those that relays have,
 * so that none is near. */
static void begin(struct env *env, unsigned n, struct forge_authority *out)
{
    *out = (struct forge_authority){.cert = {0}};
    snprintf(out->nickname, sizeof out->nickname, "auth%u", n);
    out->doc.nickname = out->nickname;
    out->doc.contact = CONTACT;
    out->doc.or_port = (struct ipport){forge_address(FIRST_ADDRESS - n), OR_PORT};
    out->doc.dir_port = DIR_PORT;
    env_random(env, out->relay.b, sizeof out->relay.b);
}

static err_t make(struct env *env, int64_t published_s, int64_t expires_s,
                  const struct forge_edits *edits, bool unsigned_only, struct forge_authority *a)
{
    TRY(consdoc_make_keys(env, &a->doc));
    consdoc_write_cert(&a->cert, &a->doc, published_s, expires_s);
    edit_apply(edits->edit, edits->n, &a->cert, 0, a->cert.len);
    if (!unsigned_only)
        consdoc_sign_cert(&a->cert, 0, &a->doc);
    return a->cert.err;
}

err_t forge_authority_make(struct env *env, unsigned n, int64_t published_s, int64_t expires_s,
                           const struct forge_edits *edits, bool unsigned_only,
                           struct forge_authority *out)
{
    begin(env, n, out);
    err_t err = make(env, published_s, expires_s, edits, unsigned_only, out);
    if (err != OK)
        forge_authority_wipe(out);
    return err;
}

static err_t check_cert(struct text cert, struct forge_authority *a, const char **why)
{
    struct authcert *c;
    *why = "authority_certificate is no key certificate whose signatures verify";
    TRY(authcert_parse(&cert, &c));
    bool same = rsa_id_equal(authcert_signing(c), &a->doc.signing);
    a->doc.identity = *authcert_identity(c);
    docw_add(&a->cert, authcert_text(c));
    authcert_free(&c);
    *why = "authority_signing_key is another key than the one in authority_certificate";
    return !same ? ERR_BAD_KEY : a->cert.err;
}

err_t forge_authority_read(struct env *env, unsigned n, struct text signing_key, struct text cert,
                           struct forge_authority *out, const char **why)
{
    begin(env, n, out);
    *why = "authority_signing_key is no RSA key in PEM without a password";
    err_t err = forge_rsa_from_pem(signing_key, &out->doc.signing_key);
    if (err == OK) {
        rsa_pub_id(rsa_key_public(out->doc.signing_key), &out->doc.signing);
        err = check_cert(cert, out, why);
    }
    if (err != OK)
        forge_authority_wipe(out);
    return err;
}

void forge_authority_wipe(struct forge_authority *a)
{
    rsa_key_free(a->doc.identity_key);
    rsa_key_free(a->doc.signing_key);
    a->doc.identity_key = a->doc.signing_key = NULL;
    docw_free(&a->cert);
}
