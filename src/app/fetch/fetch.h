/* "tunic fetch": documents of the directory, verified, for programs and people. */
#ifndef TUNIC_APP_FETCH_FETCH_H
#define TUNIC_APP_FETCH_FETCH_H

/* ARGV[0] is "fetch". The program's exit status: see args.h. */
int fetch_main(int argc, char **argv);

#endif
