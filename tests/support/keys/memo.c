/* RSA keys that tests of a program had before. To find primes is most of what tests of networks
 * compute, and from the same seeds: so rsa_key_generate_from() is wrapped (Makefile), draws what it
 * would draw, and if another test of this program drew the same, gives the key that was found then.
 * Those of rsa_key_generate() come from seeds that are counted. tests/crypto goes without. */
#include <string.h>
#include <sys/mman.h>

#include "crypto/rsa_key.h"

enum { BITS_MOST = 2048, DRAW_MOST = BITS_MOST / 16, DER_MOST = 1300, KEYS_MOST = 2000 };

struct draws {
    uint8_t of[2][DRAW_MOST]; /* where the search for each prime begins */
    unsigned next;
};

struct known {
    unsigned bits;
    struct draws draws;
    size_t len;
    uint8_t der[DER_MOST];
};

/* Tests run in processes of their own, one after the other: they share this. */
struct memo {
    size_t n;
    struct known keys[KEYS_MOST];
};
static struct memo *memo;

__attribute__((constructor)) static void share(void)
{
    void *at = mmap(NULL, sizeof *memo, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    memo = at == MAP_FAILED ? NULL : at;
}

err_t __real_rsa_key_generate_from(struct env *env, unsigned bits, struct rsa_key **out);
err_t __wrap_rsa_key_generate_from(struct env *env, unsigned bits, struct rsa_key **out);
err_t __wrap_rsa_key_generate(unsigned bits, struct rsa_key **out);

static void draw_again(void *arg, void *out, size_t len)
{
    struct draws *d = arg;
    memcpy(out, d->of[d->next++ % 2], len);
}

static void remember(unsigned bits, const struct draws *d, const struct rsa_key *key)
{
    if (memo->n == KEYS_MOST)
        return;
    struct known *k = &memo->keys[memo->n];
    struct wr w = wr_over(k->der, sizeof k->der);
    if (rsa_key_to_der(key, &w) != OK)
        return;
    k->bits = bits;
    k->draws = *d;
    k->len = w.len;
    memo->n++;
}

err_t __wrap_rsa_key_generate_from(struct env *env, unsigned bits, struct rsa_key **out)
{
    struct draws d = {.next = 0};
    struct env again = {.random = draw_again, .random_arg = &d};
    if (!memo || bits < RSA_ID_BITS || bits > BITS_MOST || bits % 16)
        return __real_rsa_key_generate_from(env, bits, out);
    env_random(env, d.of[0], bits / 16);
    env_random(env, d.of[1], bits / 16);
    for (size_t i = 0; i < memo->n; i++) {
        const struct known *k = &memo->keys[i];
        if (k->bits == bits && memcmp(k->draws.of, d.of, sizeof d.of) == 0)
            return rsa_key_from_der(k->der, k->len, out);
    }
    TRY(__real_rsa_key_generate_from(&again, bits, out));
    d.next = 0;
    remember(bits, &d, *out);
    return OK;
}

static void count(void *arg, void *out, size_t len)
{
    uint64_t *n = arg;
    uint8_t *to = out;
    for (size_t i = 0; i < len; i++) {
        uint64_t z = *n += 0x9e3779b97f4a7c15u;
        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
        to[i] = (uint8_t)((z ^ z >> 27) * 0x94d049bb133111ebu >> 56);
    }
}

err_t __wrap_rsa_key_generate(unsigned bits, struct rsa_key **out)
{
    static uint64_t n;
    struct env env = {.random = count, .random_arg = &n};
    return __wrap_rsa_key_generate_from(&env, bits - bits % 16, out);
}
