/* "tunic measure bwfile" and "tunic measure report": what is made of results, offline. */
#ifndef TUNIC_APP_MEASURE_BWFILE_H
#define TUNIC_APP_MEASURE_BWFILE_H

int measure_bwfile_main(int argc, char **argv);

#endif
