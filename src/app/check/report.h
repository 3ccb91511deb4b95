/* What "tunic check" says: TAP as it goes on; JSON and JUnit's XML at the end. */
#ifndef TUNIC_APP_CHECK_REPORT_H
#define TUNIC_APP_CHECK_REPORT_H

#include <stdio.h>

#include "check/check.h"

struct check_report;

enum check_detail { CHECK_QUIET, CHECK_USUAL, CHECK_VERBOSE };

/* TAP goes to TAP (NULL: nowhere); PLANNED cases will come. NULL out of memory. */
struct check_report *check_report_new(FILE *tap, enum check_detail detail,
                                      const struct check_config *config, unsigned planned);
void check_report_free(struct check_report *r);

void check_report_add(struct check_report *r, const struct check_result *result);
/* Says the sum, also of what was not tried. Returns how many MUSTs failed. */
unsigned check_report_end(struct check_report *r, unsigned connections);

/* The report as a text that the caller frees; NULL out of memory. */
char *check_report_json(const struct check_report *r);
char *check_report_junit(const struct check_report *r);

#endif
