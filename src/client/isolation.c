#include "client/tunnel.h"
#include "crypto/hash.h"
#include "crypto/secret.h"

void isolation_set_auth(struct isolation *iso, struct text user, struct text pass)
{
    /* The lengths keep ("ab", "c") and ("a", "bc") apart. */
    uint64_t lengths[2] = {user.len, pass.len};
    struct sha256_running hash;
    sha256_init(&hash);
    sha256_add(&hash, lengths, sizeof lengths);
    sha256_add(&hash, user.s, user.len);
    sha256_add(&hash, pass.s, pass.len);
    sha256_peek(&hash, iso->auth);
    secret_wipe(&hash, sizeof hash);
    iso->has_auth = true;
}
