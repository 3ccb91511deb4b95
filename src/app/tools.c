/* What "tunic NAME ..." becomes (app/main.c): all that is no client. */
#include <stdio.h>
#include <string.h>

#include "app/check/check.h"
#include "app/cmdline.h"
#include "app/ctl/ctl.h"
#include "app/fetch/fetch.h"
#include "app/forge/forge.h"
#include "app/measure/measure.h"
#include "app/testnet/testnet.h"

/* In the order of cmdline_programs. */
static int (*const programs[])(int argc, char **argv) = {
    testnet_main, fetch_main, check_main, forge_main, measure_main, ctl_main,
};

int main(int argc, char **argv)
{
    for (size_t i = 0; argc > 1 && cmdline_programs[i]; i++)
        if (strcmp(argv[1], cmdline_programs[i]) == 0)
            return programs[i](argc - 1, argv + 1);
    fputs("This is a part of tunic, which runs it: see tunic --help.\n", stderr);
    return 2;
}
