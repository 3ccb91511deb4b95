/* tunic ctl: steers a running Tunic or tor through its control port. docs/ctl.md. */
#ifndef TUNIC_APP_CTL_CTL_H
#define TUNIC_APP_CTL_CTL_H

int ctl_main(int argc, char **argv);

#endif
