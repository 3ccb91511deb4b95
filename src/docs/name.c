/* What documents say of themselves: whose they are, and by which digest they are known. */
#include <stdio.h>
#include <string.h>

#include "crypto/encode.h"
#include "crypto/hash.h"
#include "crypto/rsa.h"
#include "dir/consensus.h"
#include "docs/docs_int.h"

/* The first item called KEYWORD before a malformed line. */
static bool line_of(struct text doc, const char *keyword, struct doc_item *out)
{
    struct doc_lines d = doc_over(doc.s, doc.len);
    while (doc_next(&d, out))
        if (doc_is(out, keyword))
            return true;
    *out = (struct doc_item){0};
    return false;
}

size_t docs_signed_len(struct text doc, const char *keyword, char after)
{
    size_t len = strlen(keyword);
    struct text rest = doc, line;
    while (text_line(&rest, &line)) {
        const char *end = line.s + len;
        if (text_starts(line, keyword) && end < doc.s + doc.len && *end == after)
            return (size_t)(end + 1 - doc.s);
    }
    return 0;
}

/* ---- digests ---- */

static void set_digest(struct docs_item *doc, bool is_sha256, size_t len)
{
    if (is_sha256)
        sha256(doc->text.s, len, doc->digest);
    else
        sha1(doc->text.s, len, doc->digest);
    doc->digested = len;
    doc->digest_len = is_sha256 ? SHA256_LEN : SHA1_LEN;
}

/* Digests the signed part, or the whole text if there is none. */
static void digest_signed(struct docs_item *doc, bool is_sha256, const char *keyword, char after)
{
    size_t len = docs_signed_len(doc->text, keyword, after);
    set_digest(doc, is_sha256, len ? len : doc->text.len);
}

static void digest(struct docs_item *doc)
{
    switch (doc->kind) {
    case DOCS_SERVER:
    case DOCS_EXTRA:
        digest_signed(doc, false, "router-signature", '\n');
        return;
    case DOCS_VOTE:
        digest_signed(doc, false, "directory-signature", ' ');
        return;
    case DOCS_CONSENSUS:
        digest_signed(doc, true, "directory-signature", ' ');
        return;
    case DOCS_SIGNATURES:
    case DOCS_KEYS:
    case DOCS_MICRO:
    case DOCS_BANDWIDTH:
    case DOCS_OTHER:
        break;
    }
    set_digest(doc, true, doc->text.len);
}

/* ---- identities ---- */

/* The fingerprint of a key that stands as an object. */
static bool id_of_key(struct text doc, const char *keyword, struct rsa_id *out)
{
    uint8_t der[RSA_DER_MAX];
    size_t len;
    struct doc_item item;
    if (!line_of(doc, keyword, &item) ||
        doc_object(&item, "RSA PUBLIC KEY", der, sizeof der, &len) != OK)
        return false;
    sha1(der, len, out->b);
    return true;
}

static bool id_of_arg(struct text doc, const char *keyword, size_t arg, struct rsa_id *out)
{
    struct doc_item item;
    struct text args[4];
    return line_of(doc, keyword, &item) && doc_args(&item, args, arg + 1) &&
           hex_decode_exact(args[arg], out->b, sizeof out->b) == OK;
}

static void identify(struct docs_item *doc)
{
    switch (doc->kind) {
    case DOCS_SERVER:
        doc->has_id = id_of_key(doc->text, "signing-key", &doc->id);
        break;
    case DOCS_EXTRA:
        doc->has_id = id_of_arg(doc->text, "extra-info", 1, &doc->id);
        break;
    case DOCS_KEYS:
        doc->has_id = id_of_key(doc->text, "dir-identity-key", &doc->id) &&
                      id_of_key(doc->text, "dir-signing-key", &doc->sk);
        break;
    case DOCS_VOTE:
        doc->has_id = id_of_arg(doc->text, "dir-source", 1, &doc->id) &&
                      id_of_key(doc->text, "dir-signing-key", &doc->sk);
        break;
    case DOCS_CONSENSUS:
    case DOCS_SIGNATURES:
    case DOCS_MICRO:
    case DOCS_BANDWIDTH:
    case DOCS_OTHER:
        break;
    }
}

static void find_flavor(struct docs_item *doc)
{
    struct doc_item item;
    struct text args[2];
    bool flavored = line_of(doc->text, "network-status-version", &item) &&
                    doc_args(&item, args, 2) && text_is(args[1], "microdesc");
    doc->flavor = flavored ? DOCS_MICRODESC : DOCS_NS;
}

/* ---- names and titles ---- */

/* "of NICKNAME (FP)", as far as the document says it. */
static void title_of(struct docs_item *doc, const char *what, const char *keyword)
{
    struct doc_item item;
    struct text nickname = {"", 0};
    char fp[HEX_SIZE(20)] = "";
    if (line_of(doc->text, keyword, &item) && doc_args(&item, &nickname, 1) &&
        !nickname_valid(nickname))
        nickname.len = 0;
    if (doc->has_id)
        hex_upper(doc->id.b, sizeof doc->id.b, fp);
    bool both = nickname.len && fp[0];
    (void)snprintf(doc->title, sizeof doc->title, "%s%s%.*s%s%s%s", what,
                   nickname.len || fp[0] ? " of " : "", TEXT_ARG(nickname), both ? " (" : "", fp,
                   both ? ")" : "");
}

static void title_of_consensus(struct docs_item *doc)
{
    struct doc_item item;
    struct text args[2];
    char date[DOC_TIME_TEXT_MAX];
    int64_t t;
    const char *what = doc->flavor == DOCS_MICRODESC ? "microdesc consensus" : "consensus";
    if (line_of(doc->text, "valid-after", &item) && doc_args(&item, args, 2) &&
        doc_time(args[0], args[1], &t) == OK)
        (void)snprintf(doc->title, sizeof doc->title, "%s of %s", what, doc_time_text(t, date));
    else
        (void)snprintf(doc->title, sizeof doc->title, "%s", what);
}

static void title_of_micro(struct docs_item *doc)
{
    char text[BASE64_SIZE(32)];
    base64_encode(doc->digest, 32, false, text);
    (void)snprintf(doc->title, sizeof doc->title, "microdescriptor %s", text);
}

static void set_title(struct docs_item *doc)
{
    switch (doc->kind) {
    case DOCS_SERVER:
        title_of(doc, "server descriptor", "router");
        return;
    case DOCS_EXTRA:
        title_of(doc, "extra-info document", "extra-info");
        return;
    case DOCS_VOTE:
        title_of(doc, "vote", "dir-source");
        return;
    case DOCS_KEYS:
        title_of(doc, "key certificate", "nickname"); /* a certificate has no nickname */
        return;
    case DOCS_CONSENSUS:
        title_of_consensus(doc);
        return;
    case DOCS_MICRO:
        title_of_micro(doc);
        return;
    case DOCS_SIGNATURES:
        (void)snprintf(doc->title, sizeof doc->title, "document of detached signatures");
        return;
    case DOCS_BANDWIDTH:
        (void)snprintf(doc->title, sizeof doc->title, "bandwidth file");
        return;
    case DOCS_OTHER:
        (void)snprintf(doc->title, sizeof doc->title, "document");
        return;
    }
}

void docs_item_name(struct docs_item *doc)
{
    char id[HEX_SIZE(20)], sk[HEX_SIZE(20)];
    digest(doc);
    identify(doc);
    if (doc->kind == DOCS_CONSENSUS)
        find_flavor(doc);
    if (doc->kind == DOCS_KEYS && doc->has_id)
        (void)snprintf(doc->name, sizeof doc->name, "%s-%s", hex_lower(doc->id.b, 20, id),
                       hex_lower(doc->sk.b, 20, sk));
    else
        hex_lower(doc->digest, doc->digest_len, doc->name);
    set_title(doc);
}

const char *docs_item_type_line(const struct docs_item *doc)
{
    static const char *const lines[] = {
        [DOCS_CONSENSUS] = "@type network-status-consensus-3 1.0\n",
        [DOCS_VOTE] = "@type network-status-vote-3 1.0\n",
        [DOCS_SIGNATURES] = "@type detached-signature-3 1.0\n",
        [DOCS_KEYS] = "@type dir-key-certificate-3 1.0\n",
        [DOCS_SERVER] = "@type server-descriptor 1.0\n",
        [DOCS_EXTRA] = "@type extra-info 1.0\n",
        [DOCS_MICRO] = "@type microdescriptor 1.0\n",
        [DOCS_BANDWIDTH] = "@type bandwidth-file 1.0\n",
        [DOCS_OTHER] = "",
    };
    if (doc->kind == DOCS_CONSENSUS && doc->flavor == DOCS_MICRODESC)
        return "@type network-status-microdesc-consensus-3 1.0\n";
    return lines[doc->kind];
}
