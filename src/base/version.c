#include "tunic/tunic.h"

const char *tunic_version(void)
{
    return TUNIC_VERSION;
}
