/* "tunic measure measurer". */
#ifndef TUNIC_APP_MEASURE_MEASURER_H
#define TUNIC_APP_MEASURE_MEASURER_H

int measure_measurer_main(int argc, char **argv);

#endif
