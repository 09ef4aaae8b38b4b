/* scale.c - "million", "bn", "Mrd.", "億": what the digits in front of them are times. */
#include "jobs/scale.h"

#include "base/utf8.h"
#include "jobs/unit.h"
#include "jobs/word.h"

#include <string.h>

static const struct named scales[] = {
    { "hundred", 2 },    { "thousand", 3 },
    { "thousands", 3 },  { "k", 3 },
    { "million", 6 },    { "millions", 6 },
    { "mn", 6 },         { "mio", 6 },
    { "billion", 9 },    { "billions", 9 },
    { "bn", 9 },         { "trillion", 12 },
    { "trillions", 12 }, { "tn", 12 },
    { "lakh", 5 },       { "lakhs", 5 },
    { "crore", 7 },      { "crores", 7 },
    { "tausend", 3 },    { "tsd", 3 },
    { "millionen", 6 },  { "milliarde", 9 },
    { "milliarden", 9 }, { "mrd", 9 },
    { "billionen", 12 }, { "mille", 3 },
    { "milliard", 9 },   { "milliards", 9 },
    { "millon", 6 },     { "millones", 6 },
    { "billones", 12 },  { "mila", 3 },
    { "milione", 6 },    { "milioni", 6 },
    { "miliardo", 9 },   { "miliardi", 9 },
    { "mld", 9 },        { "mil", SCALE_UNSURE },
};
/* These only with an amount of money: 5m is five metres. */
static const struct named money_scales[] = { { "m", 6 },  { "mm", 6 }, { "b", 9 },
                                             { "t", 12 }, { "md", 9 }, { "mds", 9 } };
/* Right behind the digits, whatever comes then. */
static const struct named signs[] = { { "千", 3 }, { "万", 4 }, { "萬", 4 },
                                      { "億", 8 }, { "亿", 8 }, { "兆", 12 } };

static bool is_currency_at(const char *s)
{
    uint32_t cp;
    return *s && (utf8_decode(s, s + strnlen(s, 4), &cp), utf8_is_currency(cp));
}

/* A scale's word, with a letter alone only where it can be nothing else: right behind
 * the digits, or with money and nothing behind it ("$5 M", not "$5 T-shirts"). */
static const struct named *scale_word(const char *s, bool apart, bool money, size_t *len)
{
    char word[WORD_MAX];
    *len = word_at(s, word);
    if (*len == 0) return NULL;
    const char *behind = s + *len;
    money = money || is_currency_at(word_skip_blank(behind));
    const struct named *scale = WORD_FIND(scales, word);
    if (!scale && money) scale = WORD_FIND(money_scales, word);
    if (!scale || *len > 1 || !apart) return scale;
    bool ends = !*behind || strchr(" .,;:)!?", *behind) || is_currency_at(behind);
    return money && ends ? scale : NULL;
}

static const struct named *scale_sign(const char *s, size_t *len)
{
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
        *len = strlen(signs[i].name);
        if (strncmp(s, signs[i].name, *len) == 0) return &signs[i];
    }
    return NULL;
}

int scale_read(const char **s, bool money)
{
    int power = 0;
    for (;;) {
        size_t len, gap = 0;
        const struct named *scale = scale_sign(*s, &len);
        if (!scale) {
            gap = (size_t)(word_skip_blank(*s) - *s);
            if (gap == 0) gap = **s == '-';
            scale = scale_word(*s + gap, gap > 0, money, &len);
        }
        if (!scale) return power;
        power += scale->value;
        *s += gap + len;
        bool cut = len > 1 && len <= 3 && **s == '.'; /* "Mrd. Euro" */
        if (cut && word_skip_blank(*s + 1) > *s + 1) *s += 1;
    }
}

/* "USD mil": behind its money it is the street's; "mil euros" is Spain's. */
static int scale_behind_money(const char *unit, const char *word, int scale)
{
    struct unit_found u;
    unit_in_words(unit, &u);
    bool money = unit_is_money(&u) && u.end <= (size_t)(word - unit);
    return scale == SCALE_UNSURE && money ? 6 : scale;
}

int scale_of_unit(const char *unit)
{
    char word[WORD_MAX];
    size_t len;
    for (const char *s = unit ? unit : ""; *s; s += len > 0 ? len : 1) {
        len = word_at(s, word);
        const struct named *scale = len > 1 ? WORD_FIND(scales, word) : NULL;
        if (scale) return scale_behind_money(unit, s, scale->value);
    }
    return 0;
}
