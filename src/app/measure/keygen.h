/* "tunic measure keygen". */
#ifndef TUNIC_APP_MEASURE_KEYGEN_H
#define TUNIC_APP_MEASURE_KEYGEN_H

int measure_keygen_main(int argc, char **argv);

#endif
