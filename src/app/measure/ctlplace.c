#include "app/measure/ctlplace.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static err_t make_folder(const char *datadir, const struct log *log)
{
    if (mkdir(datadir, 0700) == 0 || errno == EEXIST)
        return OK;
    log_err(log, "Cannot make the folder %s: %s", datadir, strerror(errno));
    return ERR_IO;
}

static err_t check_folder(const char *path, const struct log *log)
{
    char folder[CTLPLACE_MAX];
    struct stat st;
    snprintf(folder, sizeof folder, "%s", path);
    *(strrchr(folder + 1, '/') ? strrchr(folder + 1, '/') : folder + 1) = 0;
    if (stat(folder, &st) != 0) {
        log_err(log, "The folder of ctrl_addr, %s: %s", folder, strerror(errno));
        return ERR_IO;
    }
    if (!(st.st_mode & 077))
        return OK;
    log_err(log,
            "tunic measure coord takes orders in the folder %s (datadir, or that of ctrl_addr), "
            "which others can enter (mode %04o): chmod 700 %s, or, of a systemd unit, "
            "StateDirectoryMode=0700",
            folder, (unsigned)st.st_mode & 07777, folder);
    return ERR_STATE;
}

err_t ctlplace_make(const struct mconf_coord *conf, const struct log *log, char path[CTLPLACE_MAX])
{
    char here[PATH_MAX] = "";
    bool absolute = conf->ctrl_addr[0] == '/';
    TRY(make_folder(conf->datadir, log));
    if (!absolute && !getcwd(here, sizeof here)) {
        log_err(log, "The folder that this is in: %s", strerror(errno));
        return ERR_IO;
    }
    snprintf(path, CTLPLACE_MAX, "%s%s%s", here, absolute ? "" : "/", conf->ctrl_addr);
    return check_folder(path, log);
}
