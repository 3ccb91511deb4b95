#include "app/measure/keys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/measure/keys_int.h"
#include "crypto/secret.h"
#include "dirdoc/identity_file.h"

err_t keys_fail(char why[KEYS_WHY], err_t e, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(why, KEYS_WHY, fmt, args);
    va_end(args);
    return e;
}

/* All of the file, with a NUL; nobody but its owner may read it. */
static err_t read_file(const char *path, char out[KEYS_FILE_MOST], char why[KEYS_WHY])
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return keys_fail(why, ERR_IO, "cannot open %.300s: %s; tunic measure keygen makes it", path,
                         strerror(errno));
    ssize_t n = fstat(fd, &st) == 0 ? read(fd, out, KEYS_FILE_MOST - 1) : -1;
    close(fd);
    if (n < 0)
        return keys_fail(why, ERR_IO, "cannot read %.300s: %s", path, strerror(errno));
    out[n] = 0;
    if (st.st_mode & 077)
        return keys_fail(why, ERR_IO, "%.300s can be read by others: chmod 600", path);
    return OK;
}

/* The object LABEL of a file that may have others beside it. */
static err_t find_pem(const char *text, const char *label, uint8_t out[TLS_MUTUAL_DER_MAX],
                      size_t *len)
{
    char begin[64], end[64];
    snprintf(begin, sizeof begin, "-----BEGIN %s-----", label);
    snprintf(end, sizeof end, "-----END %s-----", label);
    const char *from = strstr(text, begin), *to = from ? strstr(from, end) : NULL;
    if (!to)
        return ERR_NOT_FOUND;
    struct text object = {from, (size_t)(to - from) + strlen(end)};
    return pem_decode(object, label, out, TLS_MUTUAL_DER_MAX, len);
}

static err_t read_tls(const char *path, bool server, struct keys *out, char why[KEYS_WHY])
{
    char text[KEYS_FILE_MOST];
    uint8_t cert[TLS_MUTUAL_DER_MAX], key[TLS_MUTUAL_DER_MAX];
    size_t cert_len, key_len;
    TRY(read_file(path, text, why));
    err_t e = find_pem(text, KEYS_CERT_LABEL, cert, &cert_len);
    if (e == OK)
        e = find_pem(text, KEYS_KEY_LABEL, key, &key_len);
    if (e == OK)
        e = tls_cert_spki_sha256(cert, cert_len, &out->pin);
    if (e == OK)
        e = tls_ctx_new_mutual(server, cert, cert_len, key, key_len, &out->tls);
    secret_wipe(text, sizeof text);
    secret_wipe(key, sizeof key);
    if (e == OK)
        return OK;
    return keys_fail(why, e, "%.300s has to hold a \"PRIVATE KEY\" and a \"CERTIFICATE\" of it: %s",
                     path, err_text(e));
}

static err_t read_identity(struct env *env, const char *path, struct link_identity *out,
                           char why[KEYS_WHY])
{
    char text[KEYS_FILE_MOST];
    struct identity id;
    TRY(read_file(path, text, why));
    err_t e = identity_file_read(env, text_of(text), &id);
    secret_wipe(text, sizeof text);
    if (e == OK) {
        e = link_identity_make(env, id.rsa, &id.ed, out);
        identity_wipe(&id);
    }
    return e == OK ? OK : keys_fail(why, e, "%.300s is no identity: %s", path, err_text(e));
}

err_t keys_read(struct env *env, const char *tls_path, const char *identity_path, bool server,
                struct keys *out, char why[KEYS_WHY])
{
    *out = (struct keys){.tls = NULL};
    TRY(read_tls(tls_path, server, out, why));
    err_t e = read_identity(env, identity_path, &out->identity, why);
    if (e != OK)
        tls_ctx_free(out->tls);
    return e;
}

void keys_free(struct keys *k)
{
    tls_ctx_free(k->tls);
    link_identity_wipe(&k->identity);
    k->tls = NULL;
}
