#include "app/measure/named.h"

#include "crypto/encode.h"

static err_t by_nickname(const char *word, const struct consensus *c, const struct log *log,
                         char fp[41])
{
    const struct router *found = NULL;
    for (size_t i = 0; c && i < c->n_relays; i++)
        if (text_is_nocase(text_of(word), c->relays[i].nickname)) {
            if (found) {
                log_warn(log, "Several relays are called \"%.100s\": say its fingerprint.", word);
                return ERR_NOT_FOUND;
            }
            found = &c->relays[i];
        }
    if (!found) {
        log_warn(log,
                 "Who is \"%.100s\"? Say a fingerprint, an address with its port, or the nickname "
                 "of a relay of the consensus (--consensus, --data-directory).",
                 word);
        return ERR_NOT_FOUND;
    }
    (void)hex_upper(found->rsa.b, sizeof found->rsa.b, fp);
    return OK;
}

err_t named_find(const char *word, const struct consensus *c, const struct log *log, char fp[41],
                 struct ipport *at)
{
    struct rsa_id rsa;
    *at = (struct ipport){.port = 0};
    fp[0] = 0;
    if (hex_decode_exact(text_of(word[0] == '$' ? word + 1 : word), rsa.b, sizeof rsa.b) == OK) {
        (void)hex_upper(rsa.b, sizeof rsa.b, fp);
        return OK;
    }
    return ipport_parse(word, at) == OK ? OK : by_nickname(word, c, log, fp);
}
