/* Random bytes in plenty, for padding: nobody can foresee them, but they are no secret.
 *
 * The system is asked once, for a key; ChaCha20 makes of it the next key and some hundred bytes,
 * which are wiped as they are taken, and so on ("fast key erasure"). Who sees a filler's memory
 * does not learn what it gave before. To ask the system each time costs a call for 256 bytes, which
 * was a twentieth of a download's processor time. Keys do not come from here. */
#ifndef TUNIC_CRYPTO_FILLER_H
#define TUNIC_CRYPTO_FILLER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FILLER_KEY_LEN = 32, FILLER_BLOCK_LEN = 1024 };

/* Zeroed: ready for use. After fork() both processes would take the same bytes. */
struct filler {
    uint8_t key[FILLER_KEY_LEN];
    uint8_t block[FILLER_BLOCK_LEN];
    size_t left; /* at the block's end */
    bool is_seeded;
};

/* Fills OUT. For struct env's padding member, with a struct filler as its argument. */
void filler_take(void *filler, void *out, size_t len);

#endif
