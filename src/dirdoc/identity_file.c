#include "dirdoc/identity_file.h"

#include <stdio.h>
#include <string.h>

#include "crypto/encode.h"
#include "crypto/secret.h"

enum { DER_MAX = 2560 };

static const char head[] = "# Who a program is on links to relays. Whoever has this file can pass "
                           "for it.\n";

static void put(struct wr *out, const char *text)
{
    wr_bytes(out, text, strlen(text));
}

err_t identity_file_write(const struct identity *id, struct wr *out)
{
    uint8_t der[DER_MAX];
    char text[BASE64_SIZE(DER_MAX)];
    struct wr w = wr_over(der, sizeof der);
    TRY(rsa_key_to_der(id->rsa, &w));
    put(out, head);
    put(out, "ed25519 ");
    put(out, hex_lower(id->ed_seed, sizeof id->ed_seed, text));
    put(out, "\nrsa ");
    put(out, base64_encode(der, w.len, true, text));
    put(out, "\n");
    secret_wipe(der, sizeof der);
    secret_wipe(text, sizeof text);
    return wr_end(out);
}

static err_t read_rsa(struct text value, struct identity *out)
{
    uint8_t der[DER_MAX];
    size_t len;
    if (out->rsa)
        return ERR_MALFORMED;
    TRY(base64_decode(value, BASE64_PADDED, der, sizeof der, &len));
    err_t e = rsa_key_from_der(der, len, &out->rsa);
    secret_wipe(der, sizeof der);
    return e == ERR_NOMEM ? e : e == OK ? OK : ERR_MALFORMED;
}

static err_t read_line(struct text line, struct identity *out, bool *has_ed)
{
    struct text word, value;
    if (!text_token(&line, &word) || word.s[0] == '#')
        return OK;
    if (!text_token(&line, &value))
        return ERR_MALFORMED;
    if (text_is(word, "rsa"))
        return read_rsa(value, out);
    if (!text_is(word, "ed25519") || *has_ed)
        return ERR_MALFORMED;
    *has_ed = true;
    return hex_decode_exact(value, out->ed_seed, sizeof out->ed_seed);
}

err_t identity_file_read(struct env *env, struct text file, struct identity *out)
{
    struct text line;
    bool has_ed = false;
    err_t e = OK;
    *out = (struct identity){.rsa = NULL};
    while (e == OK && text_line(&file, &line))
        e = read_line(line, out, &has_ed);
    if (e == OK && (!has_ed || !out->rsa))
        e = ERR_MALFORMED;
    if (e != OK) {
        identity_wipe(out);
        return e == ERR_NOMEM ? e : ERR_MALFORMED;
    }
    rsa_pub_id(rsa_key_public(out->rsa), &out->rsa_id);
    ed25519_from_seed(out->ed_seed, &out->ed);
    ed25519_keypair(env, &out->signing);
    x25519_keypair(env, &out->ntor, &out->ntor_pub);
    return OK;
}
