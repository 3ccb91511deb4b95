/* New keys, in files that were not there. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app/measure/folder.h"
#include "app/measure/keys_int.h"
#include "crypto/secret.h"
#include "dirdoc/identity_file.h"

enum { YEARS_S = 20 * 365 * 24 * 3600, DAY_S = 24 * 3600 };

static err_t write_new(const char *path, const void *bytes, size_t len, char why[KEYS_WHY])
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 && errno == EEXIST)
        return keys_fail(why, ERR_STATE, "%.300s is there already, and stays as it is", path);
    bool good = fd >= 0 && write(fd, bytes, len) == (ssize_t)len && fsync(fd) == 0;
    int error = errno;
    if (fd >= 0)
        close(fd);
    if (!good && fd >= 0)
        unlink(path);
    return good ? OK : keys_fail(why, ERR_IO, "cannot write %.300s: %s", path, strerror(error));
}

static err_t make_tls(struct env *env, const char *name, char text[KEYS_FILE_MOST],
                      struct sha256 *pin)
{
    uint8_t cert[TLS_MUTUAL_DER_MAX], key[TLS_MUTUAL_DER_MAX];
    struct wr c = wr_over(cert, sizeof cert), k = wr_over(key, sizeof key);
    int64_t now_s = env_wall_s(env);
    TRY(tls_mutual_make(name, now_s - DAY_S, now_s + YEARS_S, &c, &k));
    (void)pem_encode(KEYS_KEY_LABEL, key, k.len, text);
    (void)pem_encode(KEYS_CERT_LABEL, cert, c.len, text + strlen(text));
    secret_wipe(key, sizeof key);
    return tls_cert_spki_sha256(cert, c.len, pin);
}

static err_t make_identity(struct env *env, char text[KEYS_FILE_MOST], size_t *len,
                           struct ed_id *ed)
{
    struct identity id;
    struct wr w = wr_over(text, KEYS_FILE_MOST);
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
    char path[KEYS_WHY], tls[KEYS_FILE_MOST], identity[KEYS_FILE_MOST], at[FOLDER_PATH_MAX];
    size_t identity_len;
    if (folder_make(dir, at) != OK)
        return keys_fail(why, ERR_IO, "cannot make the folder %.300s: %s", at, strerror(errno));
    err_t e = make_tls(env, name, tls, pin);
    if (e == OK)
        e = make_identity(env, identity, &identity_len, ed);
    if (e != OK)
        return keys_fail(why, e, "no keys could be made: %s", err_text(e));
    snprintf(path, sizeof path, "%.400s/%s.pem", dir, name);
    e = write_new(path, tls, strlen(tls), why);
    snprintf(path, sizeof path, "%.400s/%s.id", dir, name);
    if (e == OK)
        e = write_new(path, identity, identity_len, why);
    secret_wipe(tls, sizeof tls);
    secret_wipe(identity, sizeof identity);
    return e;
}
