#include "dirdoc/identity.h"

#include "crypto/secret.h"

err_t identity_make(struct env *env, struct identity *out)
{
    *out = (struct identity){.rsa = NULL};
    TRY(rsa_key_generate_from(env, IDENTITY_RSA_BITS, &out->rsa));
    rsa_pub_id(rsa_key_public(out->rsa), &out->rsa_id);
    env_random(env, out->ed_seed, sizeof out->ed_seed);
    ed25519_from_seed(out->ed_seed, &out->ed);
    ed25519_keypair(env, &out->signing);
    x25519_keypair(env, &out->ntor, &out->ntor_pub);
    return OK;
}

void identity_wipe(struct identity *id)
{
    rsa_key_free(id->rsa);
    secret_wipe(id, sizeof *id);
}
