#include "measure/pin.h"

#include "support/test.h"

START_TEST(test_pin_there_and_back)
{
    struct sha256 pin;
    char text[PIN_TEXT_MAX];
    const char *want = "sha256//AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    ck_ok(pin_parse(text_of(want), &pin));
    for (unsigned i = 0; i < 32; i++)
        ck_assert_uint_eq(pin.b[i], i);
    ck_assert_str_eq(pin_text(&pin, text), want);
}
END_TEST

START_TEST(test_pin_what_is_none)
{
    static const char *const bad[] = {"",
                                      "sha256//",
                                      "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
                                      "sha256//AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
                                      "sha256//AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHg==",
                                      "sha256//AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8= "};
    struct sha256 pin;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_err(pin_parse(text_of(bad[i]), &pin), ERR_MALFORMED);
}
END_TEST

TESTS("measure/pin", test_pin_there_and_back, test_pin_what_is_none)
