#include "forge/keys.h"

#include <stdio.h>
#include <string.h>

#include "crypto/encode.h"
#include "crypto/secret.h"

static const char PEM_LABEL[] = "RSA PRIVATE KEY";

/* tor's own files begin with "== kind: tag ==" and NULs. */
enum { TAG_LEN = 32, DER_ROOM = 4096 };
static const char ED_SECRET_TAG[] = "== ed25519v1-secret: type0 ==";
static const char ED_PUBLIC_TAG[] = "== ed25519v1-public: type0 ==";
static const char NTOR_TAG[] = "== c25519v1: onion ==";

const char *forge_key_file(enum forge_key key)
{
    static const char *const names[] = {
#define X(name, file) file,
        FORGE_KEY_LIST(X)
#undef X
    };
    return names[key];
}

void forge_wipe_text(struct docw *w)
{
    if (w->s)
        secret_wipe(w->s, w->cap);
    docw_free(w);
}

err_t forge_keys_make(struct env *env, struct forge_keys *out)
{
    *out = (struct forge_keys){.tap = NULL};
    TRY(identity_make(env, &out->id));
    return rsa_key_generate_from(env, IDENTITY_RSA_BITS, &out->tap);
}

void forge_keys_wipe(struct forge_keys *k)
{
    identity_wipe(&k->id);
    rsa_key_free(k->tap);
    k->tap = NULL;
}

/* ---- PEM ---- */

err_t forge_rsa_from_pem(struct text pem, struct rsa_key **out)
{
    uint8_t der[DER_ROOM];
    size_t len;
    /* tor's relays write the NUL of their string too. */
    while (pem.len && !pem.s[pem.len - 1])
        pem.len--;
    err_t err = pem_decode(pem, PEM_LABEL, der, sizeof der, &len);
    if (err == OK)
        err = rsa_key_from_der(der, len, out);
    secret_wipe(der, sizeof der);
    return err == ERR_FULL ? ERR_MALFORMED : err;
}

void forge_rsa_to_pem(const struct rsa_key *key, struct docw *w)
{
    uint8_t der[DER_ROOM];
    struct wr wr = wr_over(der, sizeof der);
    err_t err = rsa_key_to_der(key, &wr);
    if (err == OK)
        docw_object(w, PEM_LABEL, der, wr.len);
    else
        docw_fail(w, err);
    secret_wipe(der, sizeof der);
}

/* ---- reading ---- */

/* An identity has the size that all have (tor-spec 1.1). */
static err_t take_rsa(struct text pem, struct rsa_key **key)
{
    struct rsa_key *new;
    TRY(forge_rsa_from_pem(pem, &new));
    if (rsa_pub_bits(rsa_key_public(new)) != RSA_ID_BITS) {
        rsa_key_free(new);
        return ERR_BAD_KEY;
    }
    rsa_key_free(*key);
    *key = new;
    return OK;
}

/* What stands behind the tag, LEN bytes; NULL: it is something else. */
static const uint8_t *tagged(struct text bytes, const char *tag, size_t len)
{
    char head[TAG_LEN] = "";
    memcpy(head, tag, strlen(tag));
    if (bytes.len != sizeof head + len || memcmp(bytes.s, head, sizeof head) != 0)
        return NULL;
    return (const uint8_t *)bytes.s + sizeof head;
}

static err_t take_ed_secret(struct forge_keys *k, struct text bytes)
{
    const uint8_t *b = tagged(bytes, ED_SECRET_TAG, ED25519_EXPANDED_LEN);
    if (!b)
        return ERR_MALFORMED;
    ed25519_from_expanded(b, &k->id.ed);
    memset(k->id.ed_seed, 0, sizeof k->id.ed_seed); /* nobody knows it any more */
    return OK;
}

static err_t check_ed_public(const struct forge_keys *k, struct text bytes)
{
    const uint8_t *b = tagged(bytes, ED_PUBLIC_TAG, sizeof k->id.ed.pub.b);
    if (!b)
        return ERR_MALFORMED;
    return memcmp(b, k->id.ed.pub.b, sizeof k->id.ed.pub.b) == 0 ? OK : ERR_BAD_KEY;
}

static err_t take_ntor(struct forge_keys *k, struct text bytes)
{
    const uint8_t *b = tagged(bytes, NTOR_TAG, sizeof k->id.ntor.b + sizeof k->id.ntor_pub.b);
    if (!b)
        return ERR_MALFORMED;
    memcpy(k->id.ntor.b, b, sizeof k->id.ntor.b);
    x25519_public(&k->id.ntor, &k->id.ntor_pub);
    return OK;
}

err_t forge_keys_take(struct forge_keys *k, enum forge_key key, struct text bytes)
{
    switch (key) {
    case FORGE_KEY_RSA:
        TRY(take_rsa(bytes, &k->id.rsa));
        rsa_pub_id(rsa_key_public(k->id.rsa), &k->id.rsa_id);
        return OK;
    case FORGE_KEY_ED_SECRET:
        return take_ed_secret(k, bytes);
    case FORGE_KEY_ED_PUBLIC:
        return check_ed_public(k, bytes);
    case FORGE_KEY_TAP:
        return take_rsa(bytes, &k->tap);
    case FORGE_KEY_NTOR:
        return take_ntor(k, bytes);
    case FORGE_KEYS:
        break;
    }
    return ERR_ARG;
}

/* ---- writing ---- */

static void write_tagged(struct docw *w, const char *tag, const void *a, size_t a_len,
                         const void *b, size_t b_len)
{
    char head[TAG_LEN] = "";
    memcpy(head, tag, strlen(tag));
    docw_add(w, (struct text){head, sizeof head});
    docw_add(w, (struct text){a, a_len});
    docw_add(w, (struct text){b, b_len});
}

void forge_keys_write(const struct forge_keys *k, enum forge_key key, struct docw *w)
{
    const struct identity *id = &k->id;
    switch (key) {
    case FORGE_KEY_RSA:
        forge_rsa_to_pem(id->rsa, w);
        break;
    case FORGE_KEY_ED_SECRET:
        write_tagged(w, ED_SECRET_TAG, id->ed.scalar, sizeof id->ed.scalar, id->ed.prefix,
                     sizeof id->ed.prefix);
        break;
    case FORGE_KEY_ED_PUBLIC:
        write_tagged(w, ED_PUBLIC_TAG, id->ed.pub.b, sizeof id->ed.pub.b, "", 0);
        break;
    case FORGE_KEY_TAP:
        forge_rsa_to_pem(k->tap, w);
        break;
    case FORGE_KEY_NTOR:
        write_tagged(w, NTOR_TAG, id->ntor.b, sizeof id->ntor.b, id->ntor_pub.b,
                     sizeof id->ntor_pub.b);
        break;
    case FORGE_KEYS:
        docw_fail(w, ERR_ARG);
        break;
    }
}
