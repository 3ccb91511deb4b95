/* "tunic measure coord". */
#ifndef TUNIC_APP_MEASURE_COORD_H
#define TUNIC_APP_MEASURE_COORD_H

int measure_coord_main(int argc, char **argv);

#endif
