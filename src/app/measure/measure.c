#include "app/measure/measure.h"

#include <stdio.h>
#include <string.h>

#include "app/measure/bwfile.h"
#include "app/measure/coord.h"
#include "app/measure/ctl.h"
#include "app/measure/keygen.h"
#include "app/measure/measurer.h"
#include "app/measure/report.h"
#include "app/measure/run.h"
#include "app/measure/tool.h"

static const struct {
    const char *name;
    int (*main)(int argc, char **argv);
    const char *what;
} parts[] = {
    {"run", measure_run_main, "relays measured from this computer"},
    {"probe", measure_probe_main, "relays asked whether they let themselves be measured"},
    {"keygen", measure_keygen_main, "keys of a coordinator or a measurer"},
    {"coord", measure_coord_main, "the coordinator, as a service"},
    {"measurer", measure_measurer_main, "a measurer, as a service"},
    {"ctl", measure_ctl_main, "orders to the coordinator"},
    {"bwfile", measure_bwfile_main, "the file that authorities vote by, from results"},
    {"report", measure_report_main, "what results say, in words"},
};
enum { N_PARTS = sizeof parts / sizeof *parts };

static void help(FILE *to)
{
    fputs("usage: tunic measure PART ...\n"
          "\n"
          "Measures what Tor relays carry, in bytes a second, as FlashFlow does it.\n"
          "\n",
          to);
    for (size_t i = 0; i < N_PARTS; i++)
        fprintf(to, "tunic measure %-8s ...  %s; see tunic measure %s --help\n", parts[i].name,
                parts[i].what, parts[i].name);
    fputs("\n  tunic testnet --measurable --rate 3MB -- tunic measure run --local guard1\n", to);
}

int measure_main(int argc, char **argv)
{
    if (argc > 1 && !strcmp(argv[1], "--help")) {
        help(stdout);
        return MEASURE_DONE;
    }
    for (size_t i = 0; argc > 1 && i < N_PARTS; i++)
        if (!strcmp(argv[1], parts[i].name))
            return parts[i].main(argc - 1, argv + 1);
    help(stderr);
    if (argc > 1)
        fprintf(stderr, "\ntunic measure: there is no part \"%.60s\"\n", argv[1]);
    return MEASURE_USAGE;
}
