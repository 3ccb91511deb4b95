/* Pages: "tunic measure report --out DIR": a page, tables and plots of all results. */
#ifndef TUNIC_APP_MEASURE_PAGES_H
#define TUNIC_APP_MEASURE_PAGES_H

#include "app/measure/offline.h"
#include "base/log.h"

/* The exit status, after a complaint if need be. */
int pages_write(const struct offline_options *o, int64_t now_s, struct log *log);

#endif
