/* What every header of the library needs. */
#ifndef TUNIC_API_H
#define TUNIC_API_H

#include <stddef.h>
#include <stdint.h>

/* Part of the library's interface; all else is hidden. */
#define TUNIC_API __attribute__((visibility("default")))

/* A result that must not be dropped. */
#define TUNIC_MUST_USE __attribute__((warn_unused_result))

#endif
