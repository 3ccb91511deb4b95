/* "tunic measure ...": relays' capacity measured, as FlashFlow does it. */
#ifndef TUNIC_APP_MEASURE_MEASURE_H
#define TUNIC_APP_MEASURE_MEASURE_H

int measure_main(int argc, char **argv);

#endif
