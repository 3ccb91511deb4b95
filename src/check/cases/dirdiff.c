/* Directory: consensus diffs (dir-spec 4.5). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check/cases/directory.h"
#include "crypto/encode.h"
#include "crypto/hash.h"

#define CONSENSUS "/tor/status-vote/current/consensus-microdesc"
#define NO_DIGEST "00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF"
#define ASK       "X-Or-Diff-From-Consensus: "

enum { HEADER_MAX = 512 };
typedef char digest_hex[HEX_SIZE(SHA3_256_LEN)];

/* dir-spec 4.5.1: "the hex-encoded SHA3-256 digest of the _signed part_", which 3.4.1 ends with the
 * space behind the first "directory-signature". */
static bool digest_signed(struct trial *t, struct text consensus, digest_hex out)
{
    static const char end[] = "\ndirectory-signature ";
    const char *at = consensus.len ? memmem(consensus.s, consensus.len, end, sizeof end - 1) : NULL;
    uint8_t digest[SHA3_256_LEN];
    TRIAL_EXPECT(
        t, at && sha3_256(consensus.s, (size_t)(at - consensus.s) + sizeof end - 1, digest) == OK,
        "what came is no signed consensus");
    if (trial_goes_on(t))
        hex_upper(digest, sizeof digest, out);
    return trial_goes_on(t);
}

/* Asks for the consensus, and then for what HEADERS say with its digest in the place of "%s". */
static void ask_with_current(struct trial *t, const char *headers, int status)
{
    struct pdir_answer a, b = {.status = 0};
    struct pcirc *c = pcirc_fast(t);
    digest_hex current;
    char header[HEADER_MAX];
    const char *at = strstr(headers, "%s");
    if (at && pdir_expect(c, CONSENSUS, "", 200, &a) && digest_signed(t, a.body, current)) {
        snprintf(header, sizeof header, "%.*s%s%s", (int)(at - headers), headers, current, at + 2);
        (void)pdir_expect(c, CONSENSUS, header, status, &b);
    }
    pdir_free(&b);
    pdir_free(&a);
}

void dir_diff_current(struct trial *t)
{
    ask_with_current(t, ASK "%s\r\n", 304);
}

void dir_diff_list(struct trial *t)
{
    ask_with_current(t, ASK "%s, " NO_DIGEST "\r\n", 304);
}

void dir_diff_unknown(struct trial *t)
{
    struct pdir_answer a;
    if (pdir_expect(pcirc_fast(t), CONSENSUS, ASK NO_DIGEST "\r\n", 200, &a))
        TRIAL_EXPECT(t, text_starts(a.body, "network-status-version "),
                     "what came is no whole consensus");
    pdir_free(&a);
}

void dir_diff_only_unknown(struct trial *t)
{
    struct pdir_answer a;
    (void)pdir_expect(pcirc_fast(t), CONSENSUS "/diff/" NO_DIGEST, "", 404, &a);
    pdir_free(&a);
}

/* ---- a diff undone ---- */

/* The new document is made of parts of the old one and of the diff, found from back to front. */
struct patch {
    struct text *line; /* of the old document, with their newlines */
    size_t n_lines;
    struct text *part; /* last one first */
    size_t n_parts;
};

static size_t count_lines(struct text t)
{
    size_t n = 0;
    for (struct text line; text_line(&t, &line);)
        n++;
    return n;
}

static bool patch_begin(struct patch *p, struct text old, struct text diff)
{
    struct text line;
    p->line = calloc(count_lines(old) + 1, sizeof *p->line);
    p->part = calloc(2 * count_lines(diff) + 2, sizeof *p->part);
    if (!p->line || !p->part)
        return false;
    for (const char *at = old.s; text_line(&old, &line); at = old.s)
        p->line[p->n_lines++] = (struct text){at, (size_t)(old.s - at)};
    return true;
}

static void patch_end(struct patch *p)
{
    free(p->line);
    free(p->part);
}

/* Lines FROM to TO (the first is 1) stay as they are. */
static void keep_lines(struct patch *p, size_t from, size_t to)
{
    if (from > to)
        return;
    const char *begin = p->line[from - 1].s, *end = p->line[to - 1].s + p->line[to - 1].len;
    p->part[p->n_parts++] = (struct text){begin, (size_t)(end - begin)};
}

/* "17c", "17,19d", "17,$d", "17a" */
static bool read_command(struct text line, size_t n_lines, size_t *from, size_t *to, char *how)
{
    uint64_t a, b;
    struct text first;
    if (line.len < 2)
        return false;
    *how = line.s[--line.len];
    if (!text_split(&line, ',', &first) || text_to_u64(first, n_lines, &a) != OK)
        return false;
    if (!line.len)
        b = a;
    else if (text_is(line, "$"))
        b = n_lines;
    else if (text_to_u64(line, n_lines, &b) != OK)
        return false;
    *from = (size_t)a;
    *to = (size_t)b;
    return a <= b && (*how == 'a' ? a == b : a > 0 && (*how == 'c' || *how == 'd'));
}

/* What stands before the line with a dot. */
static struct text take_block(struct text *rest)
{
    struct text block = {rest->s, 0}, line;
    while (text_line(rest, &line) && !text_is(line, "."))
        block.len = (size_t)(rest->s - block.s);
    return block;
}

/* dir-spec E: "The commands MUST apply to the file from back to front". */
static bool patch_apply(struct patch *p, struct text commands)
{
    struct text line;
    size_t end = p->n_lines, from, to;
    char how;
    while (text_line(&commands, &line)) {
        if (!read_command(line, p->n_lines, &from, &to, &how) || to > end)
            return false;
        keep_lines(p, to + 1, end);
        if (how != 'd')
            p->part[p->n_parts++] = take_block(&commands);
        end = how == 'a' ? to : from - 1;
    }
    keep_lines(p, 1, end);
    return true;
}

static bool digest_new(const struct patch *p, uint8_t out[SHA3_256_LEN])
{
    struct sha3 *s = sha3_new(SHA3_KIND_256);
    for (size_t i = p->n_parts; i-- > 0;)
        sha3_add(s, p->part[i].s, p->part[i].len);
    bool ok = sha3_final(s, out, SHA3_256_LEN) == OK;
    sha3_free(s);
    return ok;
}

/* DIFF makes of OLD what it says. */
static void check_diff(struct trial *t, struct text old, struct text diff, const char *from)
{
    struct text line, word[3];
    struct patch p = {.n_lines = 0};
    uint8_t said[SHA3_256_LEN], made[SHA3_256_LEN];
    TRIAL_EXPECT(t, text_line(&diff, &line) && text_is(line, "network-status-diff-version 1"),
                 "what came is no diff");
    TRIAL_EXPECT(t,
                 text_line(&diff, &line) && text_token(&line, &word[0]) &&
                     text_token(&line, &word[1]) && text_token(&line, &word[2]) &&
                     text_is_nocase(word[1], from) &&
                     hex_decode_exact(word[2], said, sizeof said) == OK,
                 "its line \"hash\" does not tell from what to what it leads");
    if (!trial_goes_on(t))
        return;
    bool applied = patch_begin(&p, old, diff) && patch_apply(&p, diff) && digest_new(&p, made);
    TRIAL_EXPECT(t, applied, "the diff does not fit the consensus that it is from");
    TRIAL_EXPECT(t, !applied || memcmp(said, made, sizeof said) == 0,
                 "the diff leads to another document than its line \"hash\" says");
    patch_end(&p);
}

void dir_diff_known(struct trial *t)
{
    struct text old = t->run->config->old_consensus;
    struct pdir_answer a = {.status = 0};
    digest_hex from;
    char header[HEADER_MAX];
    struct pcirc *c;
    if (!old.len)
        trial_skip(t, "no older consensus is at hand (see --consensus)");
    if (!trial_goes_on(t) || !digest_signed(t, old, from))
        return;
    snprintf(header, sizeof header, ASK "%s\r\n", from);
    c = pcirc_fast(t);
    pdir_get(c, CONSENSUS, header, &a);
    if (a.status == 304)
        trial_skip(t, "the older consensus that was given is the relay's present one");
    TRIAL_EXPECT(t, a.status == 200, "it is answered with %d, not 200", a.status);
    if (trial_goes_on(t))
        check_diff(t, old, a.body, from);
    pdir_free(&a);
}
