/* "tunic check": a relay is tried rule by rule. */
#ifndef TUNIC_APP_CHECK_CHECK_H
#define TUNIC_APP_CHECK_CHECK_H

/* ARGV[0] is "check". The exit status of the process. */
int check_main(int argc, char **argv);

#endif
