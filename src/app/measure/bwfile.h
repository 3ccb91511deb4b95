/* "tunic measure bwfile": the file that authorities vote by, of results, offline. */
#ifndef TUNIC_APP_MEASURE_BWFILE_H
#define TUNIC_APP_MEASURE_BWFILE_H

int measure_bwfile_main(int argc, char **argv);

#endif
