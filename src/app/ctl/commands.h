/* The commands of "tunic ctl": each returns an exit status, and has said what is wrong if that is
 * not 0. WORDS of the command line behind the command's own are what they are about. */
#ifndef TUNIC_APP_CTL_COMMANDS_H
#define TUNIC_APP_CTL_COMMANDS_H

#include "app/ctl/tool.h"

int ctl_cmd_status(struct ctl_tool *t);
int ctl_cmd_circuits(struct ctl_tool *t);
int ctl_cmd_streams(struct ctl_tool *t);
int ctl_cmd_guards(struct ctl_tool *t);
int ctl_cmd_newnym(struct ctl_tool *t);
int ctl_cmd_signal(struct ctl_tool *t);
int ctl_cmd_close(struct ctl_tool *t);
int ctl_cmd_get(struct ctl_tool *t);
int ctl_cmd_conf(struct ctl_tool *t);
int ctl_cmd_events(struct ctl_tool *t);

/* The words are control lines. */
int ctl_cmd_lines(struct ctl_tool *t);
/* PATH has control lines; "-": standard input. */
int ctl_cmd_file(struct ctl_tool *t, const char *path);

/* Shows events as they come, COUNT of them (0: all), until a signal ends it or nobody reads. */
int ctl_follow(struct ctl_tool *t, uint32_t count);

#endif
