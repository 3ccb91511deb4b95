#include "measure/alloc.h"

#include "measure/estimate.h"

/* f = m (1 + e2) / (1 - e1), with m in hundredths: m * 1.05 / 80; accepted under (1 - e1) / m of
 * what was allotted: 80 / m. */
enum { F_UPPER = 105, F_LOWER = 80 * 100, ACCEPT_UPPER = 80 };

__extension__ typedef unsigned __int128 wide;

/* X * UPPER / LOWER, rounded down, or UINT64_MAX. */
static uint64_t scaled(uint64_t x, uint64_t upper, uint64_t lower)
{
    wide y = (wide)x * upper / lower;
    return y > UINT64_MAX ? UINT64_MAX : (uint64_t)y;
}

uint64_t alloc_wanted(uint64_t prior, unsigned multiplier)
{
    return scaled(prior, (uint64_t)F_UPPER * multiplier, F_LOWER);
}

uint64_t alloc_wanted_known(uint64_t prior)
{
    return scaled(prior, 7, 5);
}

bool alloc_accepts(uint64_t z, uint64_t allotted, unsigned multiplier)
{
    return (wide)z * multiplier < (wide)allotted * ACCEPT_UPPER;
}

unsigned alloc_sockets(uint64_t wanted, unsigned most)
{
    uint64_t n = wanted / ALLOC_SOCKET_BW + 1;
    n = n < ALLOC_SOCKETS_LEAST ? ALLOC_SOCKETS_LEAST : n;
    return n < most ? (unsigned)n : most;
}

uint64_t alloc_next_prior(uint64_t z, uint64_t prior)
{
    uint64_t twice = scaled(prior, 2, 1);
    return z > twice ? z : twice;
}

/* ---- over measurers ---- */

static uint64_t free_of_all(const struct alloc_part *parts, size_t n)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++)
        if (parts[i].sockets_free)
            sum = sum > UINT64_MAX - parts[i].free_bw ? UINT64_MAX : sum + parts[i].free_bw;
    return sum;
}

/* Bytes that rounding left over go to whoever has room for them. */
static void split_bw(struct alloc_part *parts, size_t n, uint64_t allotted, uint64_t all)
{
    uint64_t left = allotted;
    for (size_t i = 0; i < n; i++) {
        parts[i].bw = all && parts[i].sockets_free ? scaled(parts[i].free_bw, allotted, all) : 0;
        parts[i].bw = parts[i].bw < left ? parts[i].bw : left;
        left -= parts[i].bw;
    }
    for (size_t i = 0; i < n && left; i++) {
        uint64_t room = parts[i].sockets_free ? parts[i].free_bw - parts[i].bw : 0;
        uint64_t more = room < left ? room : left;
        parts[i].bw += more;
        left -= more;
    }
}

/* The one that gives most for each of its sockets, and may have one more; N if nobody may. */
static size_t most_loaded(const struct alloc_part *parts, size_t n)
{
    size_t best = n;
    for (size_t i = 0; i < n; i++) {
        if (!parts[i].bw || parts[i].sockets >= parts[i].sockets_free)
            continue;
        if (best == n ||
            parts[i].bw / (parts[i].sockets + 1) > parts[best].bw / (parts[best].sockets + 1))
            best = i;
    }
    return best;
}

uint64_t alloc_split(struct alloc_part *parts, size_t n, uint64_t wanted, unsigned sockets)
{
    uint64_t all = free_of_all(parts, n), allotted = wanted < all ? wanted : all;
    split_bw(parts, n, allotted, all);
    for (size_t i = 0; i < n; i++)
        parts[i].sockets = 0;
    /* Everybody who gives has one before anybody has two. */
    for (size_t i = 0; i < n && sockets; i++)
        if (parts[i].bw) {
            parts[i].sockets = 1;
            sockets--;
        }
    for (size_t at; sockets && (at = most_loaded(parts, n)) < n; sockets--)
        parts[at].sockets++;
    for (size_t i = 0; i < n; i++)
        if (!parts[i].sockets) {
            allotted -= parts[i].bw;
            parts[i].bw = 0;
        }
    return allotted;
}

/* ---- raising ---- */

void alloc_raise_init(struct alloc_raise *r, uint64_t allotted, uint64_t most)
{
    *r = (struct alloc_raise){.allotted = allotted, .most = most > allotted ? most : allotted};
}

bool alloc_raise_second(struct alloc_raise *r, unsigned sec, unsigned blocked)
{
    r->seconds++;
    r->blocked += blocked;
    if (r->seconds < ALLOC_RAISE_S)
        return false;
    bool free = r->blocked < r->seconds * ESTIMATE_BLOCKED_LEAST;
    r->seconds = r->blocked = 0;
    if (!free || r->allotted >= r->most)
        return false;
    r->allotted = r->allotted > r->most / 2 ? r->most : 2 * r->allotted;
    r->last_s = sec;
    return true;
}
