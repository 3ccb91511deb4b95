/* "tunic measure report": what results say, offline. */
#ifndef TUNIC_APP_MEASURE_REPORT_H
#define TUNIC_APP_MEASURE_REPORT_H

int measure_report_main(int argc, char **argv);

#endif
