/* Where the values of options are, for the files that make, fill and show them. */
#ifndef TUNIC_CONF_OPTIONS_INT_H
#define TUNIC_CONF_OPTIONS_INT_H

#include "conf/options.h"

bool opt_has_place(const struct opt *opt);
/* The value of an option that has one: of the type that its opt_type says. */
void *opt_place(const struct options *o, const struct opt *opt);
/* Back to its default, under TestingTorNetwork's if those are in force. */
MUST_USE err_t options_set_initial(struct options *o, const struct opt *opt);

#endif
