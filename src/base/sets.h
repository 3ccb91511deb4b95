/* Sets of numbers from 0 on, by union and find: SET[i] is a number before i in the same set, or i
 * itself, which then stands for the set. Whoever has the array begins it with SET[i] = i. */
#ifndef TUNIC_BASE_SETS_H
#define TUNIC_BASE_SETS_H

#include <stdint.h>

/* The first of the set that I is in; ways to it become shorter. */
uint32_t sets_first(uint32_t *set, uint32_t i);
/* What A and B are in becomes one. */
void sets_join(uint32_t *set, uint32_t a, uint32_t b);

#endif
