/* "tunic measure run" and "tunic measure probe": relays measured, or asked, from here. */
#ifndef TUNIC_APP_MEASURE_RUN_H
#define TUNIC_APP_MEASURE_RUN_H

int measure_run_main(int argc, char **argv);
int measure_probe_main(int argc, char **argv);

#endif
