#include "app/testnet/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "host/folder.h"

enum { OWN_DIR = 0700, REMOVE_FDS = 16 };

static err_t fail(char *why, const char *what, const char *path)
{
    snprintf(why, TESTNET_FILES_WHY, "cannot %s %.200s: %s", what, path, strerror(errno));
    return ERR_IO;
}

/* ---- the folder ---- */

static err_t make_temporary(struct testnet_dir *d, char *why)
{
    const char *tmp = getenv("TMPDIR");
    static const char blanks[] = {'X', 'X', 'X', 'X', 'X', 'X', 0}; /* for mkdtemp() */
    int n = snprintf(d->path, sizeof d->path, "%s/tunic-testnet-%s", tmp && *tmp ? tmp : "/tmp",
                     blanks);
    if (n >= (int)sizeof d->path || !mkdtemp(d->path))
        return fail(why, "make a folder in", tmp && *tmp ? tmp : "/tmp");
    d->temporary = true;
    return OK;
}

/* The files' paths get a name behind this one. */
static err_t make_wished(struct testnet_dir *d, const char *wish, char *why)
{
    struct stat st;
    char *absolute;
    if (mkdir(wish, OWN_DIR) != 0 && errno != EEXIST)
        return fail(why, "make --dir", wish);
    if (stat(wish, &st) == 0 && !S_ISDIR(st.st_mode)) {
        errno = ENOTDIR;
        return fail(why, "use --dir", wish);
    }
    if (access(wish, W_OK | X_OK) != 0)
        return fail(why, "write to --dir", wish);
    absolute = realpath(wish, NULL);
    if (!absolute || strlen(absolute) > sizeof d->path - 64) {
        errno = absolute ? ENAMETOOLONG : errno;
        free(absolute);
        return fail(why, "use --dir", wish);
    }
    snprintf(d->path, sizeof d->path, "%s", absolute);
    free(absolute);
    return OK;
}

err_t testnet_dir_open(const char *wish, struct testnet_dir *out, char why[TESTNET_FILES_WHY])
{
    struct conf_err e;
    *out = (struct testnet_dir){.lock_fd = -1};
    TRY(wish ? make_wished(out, wish, why) : make_temporary(out, why));
    int fd = open(out->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return fail(why, "use --dir", out->path);
    err_t status = folder_lock(fd, out->path, &out->lock_fd, &e);
    close(fd);
    if (status == ERR_STATE)
        snprintf(why, TESTNET_FILES_WHY, "another test network uses --dir %.200s", out->path);
    else if (status != OK)
        snprintf(why, TESTNET_FILES_WHY, "%.300s", e.text);
    return status;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
    (void)st, (void)type, (void)where;
    return remove(path);
}

void testnet_dir_close(struct testnet_dir *d)
{
    if (d->lock_fd >= 0)
        close(d->lock_fd);
    d->lock_fd = -1;
    if (d->temporary)
        (void)nftw(d->path, remove_one, REMOVE_FDS, FTW_DEPTH | FTW_PHYS);
    d->temporary = false;
}

/* ---- what is in it ---- */

err_t testnet_dir_make(const struct testnet_dir *d, const char *name, char why[TESTNET_FILES_WHY])
{
    char path[TESTNET_DIR_MAX + 64];
    snprintf(path, sizeof path, "%s/%s", d->path, name);
    return mkdir(path, OWN_DIR) == 0 || errno == EEXIST ? OK : fail(why, "make", path);
}

err_t testnet_draft_open(struct testnet_draft *w, const struct testnet_dir *d, const char *name,
                         mode_t mode, char why[TESTNET_FILES_WHY])
{
    snprintf(w->path, sizeof w->path, "%s/%s", d->path, name);
    snprintf(w->aside, sizeof w->aside, "%s.tmp", w->path);
    (void)unlink(w->aside);
    int fd = open(w->aside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    w->f = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (w->f)
        return OK;
    err_t e = fail(why, "write", w->path);
    if (fd >= 0)
        close(fd);
    return e;
}

err_t testnet_draft_done(struct testnet_draft *w, char why[TESTNET_FILES_WHY])
{
    bool good = !ferror(w->f);
    if (fclose(w->f) != 0 || !good || rename(w->aside, w->path) != 0) {
        err_t e = fail(why, "write", w->path);
        (void)unlink(w->aside);
        return e;
    }
    return OK;
}

err_t testnet_dir_seed(const struct testnet_dir *d, uint64_t *seed)
{
    char path[TESTNET_DIR_MAX + 64], text[32];
    snprintf(path, sizeof path, "%s/keys/seed", d->path);
    FILE *f = fopen(path, "re");
    if (!f)
        return ERR_NOT_FOUND;
    bool got = fgets(text, sizeof text, f);
    fclose(f);
    text[got ? strcspn(text, "\n") : 0] = 0;
    return text_u64(text, UINT64_MAX, seed) == OK ? OK : ERR_NOT_FOUND;
}
