#include "app/measure/folder.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static err_t make_one(const char *path)
{
    struct stat st;
    if (mkdir(path, 0700) == 0)
        return OK;
    int error = errno;
    /* Where nothing may be made, what is there does as well. */
    bool there = stat(path, &st) == 0 && S_ISDIR(st.st_mode);
    errno = error == EEXIST ? ENOTDIR : error;
    return there ? OK : ERR_IO;
}

err_t folder_make(const char *path, char at[FOLDER_PATH_MAX])
{
    size_t len = strlen(path);
    snprintf(at, FOLDER_PATH_MAX, "%s", path);
    errno = ENAMETOOLONG;
    if (!len || len >= FOLDER_PATH_MAX)
        return ERR_IO;
    for (size_t i = 1; i < len; i++) {
        if (path[i] != '/')
            continue;
        at[i] = 0;
        TRY(make_one(at));
        at[i] = '/';
    }
    return make_one(at);
}
