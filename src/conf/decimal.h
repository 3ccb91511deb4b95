/* Numbers with a decimal point, whatever locale the program that embeds us has chosen: strtod() and
 * printf() would take and write a comma in some. */
#ifndef TUNIC_CONF_DECIMAL_H
#define TUNIC_CONF_DECIMAL_H

/* As strtod(); errno as there. END == TEXT also out of memory. */
double decimal_read(const char *text, char **end);

/* "%f" of X, for the caller to free; NULL out of memory. */
char *decimal_text(double x);

#endif
