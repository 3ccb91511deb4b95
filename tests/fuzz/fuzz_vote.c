/* Votes: whatever parses speaks for one authority, and the whole is judged with a reason by one who
 * trusts that authority. */
#include "consensus_checks.h"
#include "docs/docs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct consensus *c = consensus_checked(data, size, CONSENSUS_VOTE);
    struct docs_want want;
    struct docs docs;
    char why[DOCS_WHY_MAX];
    if (!c)
        return 0;
    if (c->n_auths != 1)
        abort();
    struct docs_trust trust = {.auths = c->auths, .n_auths = 1, .now_s = c->valid_after_s};
    if (docs_want_parse("vote/current/authority", &want, why) != OK)
        abort();
    if (docs_split(&want, (struct text){(const char *)data, size}, &docs) == OK) {
        if (docs_verify(&want, &trust, &docs) != OK)
            abort();
        for (size_t i = 0; i < docs.n; i++)
            if (docs.list[i].verdict == DOCS_UNJUDGED ||
                (docs.list[i].verdict != DOCS_GOOD && !docs.list[i].why[0]))
                abort();
    }
    docs_free(&docs);
    docs_want_clear(&want);
    consensus_free(&c);
    return 0;
}
