#include "base/version.h"

#include "tunic/tunic.h"

const char *tunic_version(void)
{
    return TUNIC_VERSION;
}

const char *version_for_controllers(void)
{
    return TOR_COMPAT_VERSION " (tunic-" TUNIC_VERSION ")";
}
