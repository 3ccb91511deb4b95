/* "tunic measure ctl": orders to a running coordinator. */
#ifndef TUNIC_APP_MEASURE_CTL_H
#define TUNIC_APP_MEASURE_CTL_H

int measure_ctl_main(int argc, char **argv);

#endif
