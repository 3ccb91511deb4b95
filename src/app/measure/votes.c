#include "app/measure/votes.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/measure/reading.h"

enum { PATH_SIZE = 4096, VOTE_NAME = 40 };

static err_t of_file(const char *path, struct log *log, votes_fn *fn, void *arg)
{
    struct blob blob;
    TRY(reading_file(path, log, &blob));
    fn(arg, blob.text);
    blob_drop(&blob);
    return OK;
}

/* `tunic fetch -o FOLDER/` calls a vote by its digest. */
static int is_vote(const struct dirent *d)
{
    return strlen(d->d_name) == VOTE_NAME &&
           strspn(d->d_name, "0123456789abcdefABCDEF") == VOTE_NAME;
}

static err_t of_folder(const char *path, struct log *log, votes_fn *fn, void *arg)
{
    struct dirent **names;
    int n = scandir(path, &names, is_vote, alphasort);
    err_t e = n ? OK : ERR_NOT_FOUND;
    if (n < 0)
        return errno == ENOTDIR ? of_file(path, log, fn, arg) : ERR_NOT_FOUND;
    for (int i = 0; i < n; i++) {
        char file[PATH_SIZE];
        snprintf(file, sizeof file, "%s/%s", path, names[i]->d_name);
        if (e == OK)
            e = of_file(file, log, fn, arg);
        free(names[i]);
    }
    free(names);
    return e;
}

err_t votes_read(const struct offline_options *o, struct log *log, votes_fn *fn, void *arg)
{
    char path[PATH_SIZE];
    if (o->votes) {
        err_t e = of_folder(o->votes, log, fn, arg);
        if (e == ERR_NOT_FOUND)
            log_warn(log,
                     "There are no votes in \"%s\", as `tunic fetch -o FOLDER/ "
                     "vote/current/...` writes them.",
                     o->votes);
        return e;
    }
    if (!o->folder)
        return OK;
    snprintf(path, sizeof path, "%s/v3-status-votes", o->folder);
    return access(path, R_OK) == 0 ? of_file(path, log, fn, arg) : OK;
}
