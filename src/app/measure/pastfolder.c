#include "app/measure/pastfolder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

/* XDG Base Directory Specification: "All paths set in these environment variables must be
 * absolute", and "a default equal to $HOME/.local/state should be used". */
static err_t find(char path[FOLDER_PATH_MAX])
{
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    int n = -1;
    if (state && *state == '/')
        n = snprintf(path, FOLDER_PATH_MAX, "%s/tunic-measure", state);
    else if (home && *home == '/')
        n = snprintf(path, FOLDER_PATH_MAX, "%s/.local/state/tunic-measure", home);
    return n > 0 && n < FOLDER_PATH_MAX ? OK : ERR_IO;
}

static err_t failed(char why[PASTFOLDER_WHY], const char *what, const char *path)
{
    snprintf(why, PASTFOLDER_WHY, "cannot %s %s: %s", what, path, strerror(errno));
    return ERR_IO;
}

err_t pastfolder_take(char path[FOLDER_PATH_MAX], int *lock, char why[PASTFOLDER_WHY])
{
    char at[FOLDER_PATH_MAX];
    *lock = -1;
    if (find(path) != OK) {
        snprintf(why, PASTFOLDER_WHY,
                 "runs of relays that are not of this computer have to be remembered, and neither "
                 "HOME nor XDG_STATE_HOME says where");
        return ERR_IO;
    }
    if (folder_make(path, at) != OK)
        return failed(why, "make the folder", at);
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return failed(why, "open", path);
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        snprintf(why, PASTFOLDER_WHY,
                 "another tunic measure run of yours measures a relay that is not of this "
                 "computer");
        close(fd);
        return ERR_STATE;
    }
    *lock = fd;
    return OK;
}
