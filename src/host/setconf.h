/* Options as a controller changes, loads and keeps them (control-spec 3.1 to 3.3, 3.6, 3.22). */
#ifndef TUNIC_HOST_SETCONF_H
#define TUNIC_HOST_SETCONF_H

#include "host/host.h"

/* LINES (of CONF_FROM_CONTROLLER) over the options that hold: SETCONF, with ASSIGN_CLEAR_FIRST, and
 * RESETCONF, with ASSIGN_USE_DEFAULTS, too. All of them count, or none; E says why not:
 * ERR_NOT_FOUND (no such option), ERR_MALFORMED and ERR_UNSUPPORTED (a value), ERR_STATE (not while
 * it runs), or what else keeps host_change() from it. */
MUST_USE err_t setconf_assign(struct host *h, const struct conf_line *lines, unsigned flags,
                              struct conf_err *e);
/* LOADCONF: TEXT in place of torrc. As setconf_assign(), but what is wrong with TEXT is always
 * ERR_MALFORMED. ERR_UNSUPPORTED: there is no torrc, and never was. */
MUST_USE err_t setconf_load(struct host *h, const char *text, struct conf_err *e);
/* SAVECONF: torrc becomes what the options are. ERR_STATE: it has an %include, which would be lost,
 * and FORCE does not say that it may; there is no torrc. The rest as torrc_write(); all logged. */
MUST_USE err_t setconf_save(struct host *h, bool force);
/* Whether setconf_save() will write without FORCE. */
bool setconf_can_save(const struct host *h);
/* The path of torrc, or of defaults-torrc; "" if there is no such file and never was. */
const char *setconf_torrc(const struct host *h, bool defaults);

#endif
