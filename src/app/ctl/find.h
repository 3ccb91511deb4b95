/* Where a control port may be: what the user says, the environment, configuration files, running
 * processes, the usual places; in that order. It only looks: whether something answers there is
 * seen by ctl_login(). */
#ifndef TUNIC_APP_CTL_FIND_H
#define TUNIC_APP_CTL_FIND_H

#include "app/ctl/candidates.h"
#include "conf/confline.h"

/* All of them but the user's word. If the environment names one, that is the only one: who sets it
 * does not mean another program. An error: what is in *VARIABLE names no place. */
MUST_USE err_t ctl_find(struct ctl_candidates *out, const char **variable);

/* ---- its parts, for tests ---- */

enum { CTL_PORTS_MAX = 64 };

/* What else a configuration says of ports. */
struct ctl_ports {
    bool is_auto; /* a control port of any number */
    size_t n;
    uint16_t others[CTL_PORTS_MAX]; /* which are no control ports */
};

/* What LINES name, and the files of ControlPortWriteToFile. BASE is the folder of relative paths;
 * FROM is called in words. */
void ctl_find_lines(struct ctl_candidates *out, const struct conf_line *lines, const char *base,
                    const char *from, struct ctl_ports *ports);
/* The same of a torrc; false if it cannot be read. */
bool ctl_find_torrc(struct ctl_candidates *out, const char *path, const char *base,
                    const char *from, struct ctl_ports *ports);
/* Processes under PROC ("/proc") that are tor or tunic, of our own user; of all users for root. */
void ctl_find_processes(struct ctl_candidates *out, const char *proc);

#endif
