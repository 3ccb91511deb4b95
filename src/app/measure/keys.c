#include "app/measure/keys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/measure/folder.h"
#include "crypto/encode.h"
#include "crypto/secret.h"
#include "dirdoc/identity_file.h"

enum { FILE_MOST = 16 * 1024, YEARS_S = 20 * 365 * 24 * 3600, DAY_S = 24 * 3600 };

static const char KEY_LABEL[] = "PRIVATE KEY", CERT_LABEL[] = "CERTIFICATE";

static err_t fail(char why[KEYS_WHY], err_t e, const char *fmt, ...) PRINTF_LIKE(3, 4);
static err_t fail(char why[KEYS_WHY], err_t e, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(why, KEYS_WHY, fmt, args);
    va_end(args);
    return e;
}

/* ---- reading ---- */

/* All of the file, with a NUL; nobody but its owner may read it. */
static err_t read_file(const char *path, char out[FILE_MOST], char why[KEYS_WHY])
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return fail(why, ERR_IO, "cannot open %.300s: %s; tunic measure keygen makes it", path,
                    strerror(errno));
    ssize_t n = fstat(fd, &st) == 0 ? read(fd, out, FILE_MOST - 1) : -1;
    close(fd);
    if (n < 0)
        return fail(why, ERR_IO, "cannot read %.300s: %s", path, strerror(errno));
    out[n] = 0;
    if (st.st_mode & 077)
        return fail(why, ERR_IO, "%.300s can be read by others: chmod 600", path);
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
    char text[FILE_MOST];
    uint8_t cert[TLS_MUTUAL_DER_MAX], key[TLS_MUTUAL_DER_MAX];
    size_t cert_len, key_len;
    TRY(read_file(path, text, why));
    err_t e = find_pem(text, CERT_LABEL, cert, &cert_len);
    if (e == OK)
        e = find_pem(text, KEY_LABEL, key, &key_len);
    if (e == OK)
        e = tls_cert_spki_sha256(cert, cert_len, &out->pin);
    if (e == OK)
        e = tls_ctx_new_mutual(server, cert, cert_len, key, key_len, &out->tls);
    secret_wipe(text, sizeof text);
    secret_wipe(key, sizeof key);
    if (e == OK)
        return OK;
    return fail(why, e, "%.300s has to hold a \"PRIVATE KEY\" and a \"CERTIFICATE\" of it: %s",
                path, err_text(e));
}

static err_t read_identity(struct env *env, const char *path, struct link_identity *out,
                           char why[KEYS_WHY])
{
    char text[FILE_MOST];
    struct identity id;
    TRY(read_file(path, text, why));
    err_t e = identity_file_read(env, text_of(text), &id);
    secret_wipe(text, sizeof text);
    if (e == OK) {
        e = link_identity_make(env, id.rsa, &id.ed, out);
        identity_wipe(&id);
    }
    return e == OK ? OK : fail(why, e, "%.300s is no identity: %s", path, err_text(e));
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

/* ---- making ---- */

static err_t write_new(const char *path, const void *bytes, size_t len, char why[KEYS_WHY])
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 && errno == EEXIST)
        return fail(why, ERR_STATE, "%.300s is there already, and stays as it is", path);
    bool good = fd >= 0 && write(fd, bytes, len) == (ssize_t)len && fsync(fd) == 0;
    int error = errno;
    if (fd >= 0)
        close(fd);
    if (!good && fd >= 0)
        unlink(path);
    return good ? OK : fail(why, ERR_IO, "cannot write %.300s: %s", path, strerror(error));
}

static err_t make_tls(struct env *env, const char *name, char text[FILE_MOST], struct sha256 *pin)
{
    uint8_t cert[TLS_MUTUAL_DER_MAX], key[TLS_MUTUAL_DER_MAX];
    struct wr c = wr_over(cert, sizeof cert), k = wr_over(key, sizeof key);
    int64_t now_s = env_wall_s(env);
    TRY(tls_mutual_make(name, now_s - DAY_S, now_s + YEARS_S, &c, &k));
    (void)pem_encode(KEY_LABEL, key, k.len, text);
    (void)pem_encode(CERT_LABEL, cert, c.len, text + strlen(text));
    secret_wipe(key, sizeof key);
    return tls_cert_spki_sha256(cert, c.len, pin);
}

static err_t make_identity(struct env *env, char text[FILE_MOST], size_t *len, struct ed_id *ed)
{
    struct identity id;
    struct wr w = wr_over(text, FILE_MOST);
    TRY(identity_make(env, &id));
    err_t e = identity_file_write(&id, &w);
    *ed = id.ed.pub;
    *len = w.len;
    identity_wipe(&id);
    return e;
}

err_t keys_make(struct env *env, const char *dir, const char *name, struct sha256 *pin,
                struct ed_id *ed, char why[KEYS_WHY])
{
    char path[KEYS_WHY], tls[FILE_MOST], identity[FILE_MOST], at[FOLDER_PATH_MAX];
    size_t identity_len;
    if (folder_make(dir, at) != OK)
        return fail(why, ERR_IO, "cannot make the folder %.300s: %s", at, strerror(errno));
    err_t e = make_tls(env, name, tls, pin);
    if (e == OK)
        e = make_identity(env, identity, &identity_len, ed);
    if (e != OK)
        return fail(why, e, "no keys could be made: %s", err_text(e));
    snprintf(path, sizeof path, "%.400s/%s.pem", dir, name);
    e = write_new(path, tls, strlen(tls), why);
    snprintf(path, sizeof path, "%.400s/%s.id", dir, name);
    if (e == OK)
        e = write_new(path, identity, identity_len, why);
    secret_wipe(tls, sizeof tls);
    secret_wipe(identity, sizeof identity);
    return e;
}
