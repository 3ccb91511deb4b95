#include "crypto/safecookie.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/secret.h"

/* Each hash is HMAC-SHA256 with its sentence as the key, over "CookieString | ClientNonce |
 * ServerNonce". */
err_t safecookie(const uint8_t cookie[SAFECOOKIE_LEN], const void *client_nonce,
                 size_t client_nonce_len, const uint8_t server_nonce[SAFECOOKIE_NONCE_LEN],
                 struct safecookie *out)
{
    static const char to_controller[] = "Tor safe cookie authentication server-to-controller hash",
                      to_server[] = "Tor safe cookie authentication controller-to-server hash";
    size_t len = SAFECOOKIE_LEN + client_nonce_len + SAFECOOKIE_NONCE_LEN;
    uint8_t *all = malloc(len);
    if (!all)
        return ERR_NOMEM;
    memcpy(all, cookie, SAFECOOKIE_LEN);
    if (client_nonce_len)
        memcpy(all + SAFECOOKIE_LEN, client_nonce, client_nonce_len);
    memcpy(all + SAFECOOKIE_LEN + client_nonce_len, server_nonce, SAFECOOKIE_NONCE_LEN);
    hmac_sha256(to_controller, sizeof to_controller - 1, all, len, out->server);
    hmac_sha256(to_server, sizeof to_server - 1, all, len, out->client);
    secret_wipe(all, len);
    free(all);
    return OK;
}
