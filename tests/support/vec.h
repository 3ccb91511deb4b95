/* Reader of vector files (vectors/<topic>/<name>.txt).
 *
 * A file is a list of records parted by blank lines; a record is lines "key value"; a line that
 * begins with '#' is a comment, and the first comment names the published source. A value is text
 * to the end of the line; most are hex. Paths are relative to the top of the repository, where the
 * tests run. Anything missing or malformed fails the test. */
#ifndef TUNIC_TESTS_VEC_H
#define TUNIC_TESTS_VEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vec;

struct vec *vec_open(const char *path);
void vec_close(struct vec *v);
bool vec_next(struct vec *v);                         /* to the next record; false at the end */
bool vec_has(struct vec *v, const char *key);         /* in this record */
const char *vec_text(struct vec *v, const char *key); /* valid until the next vec_next() */
long vec_int(struct vec *v, const char *key);
/* Decodes hex into OUT and returns the number of bytes; fails the test if they are over CAP. */
size_t vec_hex(struct vec *v, const char *key, uint8_t *out, size_t cap);

#endif
