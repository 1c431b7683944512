/* The sentences for people, from one table: what is wrong, the detail in brackets, what to do. Details are
 * our own words, counts, or codes of at most three letters: never a value that could identify a person. */
#include "rule/record.h"

#include "value/country.h"

#include <string.h>

static const struct {
    const char *wrong, *remedy;
} SENTENCES[PROBLEM_COUNT] = {
    [PROBLEM_REQUIRED] = {"required but not given", "fill it in"},
    [PROBLEM_TOO_LONG] = {"too long", "shorten it"},
    [PROBLEM_BAD_INTEGER] = {"not a whole number from 1 to 9223372036854775807",
                             "give the Pismo ID in digits only; in a spreadsheet format the column as text"},
    [PROBLEM_BAD_FORMAT] = {"not in the expected form", "correct it at the source and export again"},
    [PROBLEM_BAD_CHARACTER] = {"holds a character that is not allowed", "remove or replace that character"},
    [PROBLEM_BAD_UTF8] = {"not valid UTF-8",
                          "export as UTF-8, or name the file's encoding in input.encoding"},
    [PROBLEM_BAD_COUNTRY] = {"not a country code of ISO 3166-1",
                             "use the alpha-2, alpha-3 or three-digit numeric code"},
    [PROBLEM_BAD_LOCALE] = {"not a locale",
                            "give an ISO 639-1 language and an ISO 3166-1 alpha-2 country, such as en_US"},
    [PROBLEM_BAD_EMAIL] = {"not an e-mail address", "correct it, or leave it out if another one is given"},
    [PROBLEM_BAD_PHONE] = {"not a telephone number",
                           "give 8 to 15 digits that begin with the country's calling code, or set "
                           "input.calling_code; in a spreadsheet format the column as text"},
    [PROBLEM_BAD_IDENTIFIER] =
        {"not a national identifier",
         "give TYPE:VALUE; TYPE is PASSPORT, DRIVING_LICENSE or NATIONAL_IDENTITY, VALUE has "
         "1 to 24 characters"},
    [PROBLEM_BAD_TIMESTAMP] = {"not a date and time",
                               "write YYYY-MM-DDThh:mm:ss.000Z, or a date as YYYY-MM-DD"},
    [PROBLEM_IN_FUTURE] = {"lies in the future",
                           "give the time at which consent was given, with its UTC offset"},
    [PROBLEM_TOO_MANY] = {"more than 5 values", "keep the 5 that matter most"},
    [PROBLEM_LOOKS_LIKE_PAN] = {"looks like a payment card's number (PAN)",
                                "give Pismo's card ID, and remove card numbers from this file"},
    [PROBLEM_COLUMN_COUNT] = {"the record has not as many cells as the header",
                              "look for a missing delimiter, or for one inside a value without quotes"},
    [PROBLEM_RECORD_TOO_LONG] =
        {"the record is longer than input.max_record_bytes",
         "look for a quote that is not closed where it should be, or raise the limit"},
    [PROBLEM_UNCLOSED_QUOTE] = {"a quote is opened and never closed",
                                "close it, or double a quote that belongs to the value"},
    [PROBLEM_SOURCE_LOST] = {"the input file of this row is gone or changed",
                             "load the row again from a new file"},
    [PROBLEM_NO_CUSTOMER] = {"no record of the customers file has this customer_id",
                             "add the customer, or remove the card"},
    [PROBLEM_CUSTOMER_INVALID] = {"the record of this customer in the customers file is refused",
                                  "correct the customer's record"},
    [PROBLEM_DUPLICATE_CUSTOMER] =
        {"another record with this customer_id says otherwise; the first one stands", "keep one of the two"},
    [PROBLEM_DUPLICATE_CARD] = {"another record with this card_id says otherwise; the first one stands",
                                "keep one of the two"},
    [PROBLEM_CUSTOMER_TWO_ACCOUNTS] = {"this customer's cards stand under two accounts",
                                       "check account_id, or set input.one_account_per_customer = no"},
};

/* Where the field tells more than the code. */
static const struct {
    enum problem_code code;
    enum field field;
    const char *wrong, *remedy;
} SPECIAL[] = {
    {PROBLEM_REQUIRED, FIELD_OWNER_BID, "required but not given", "fill it in, or set enroll.owner_bid"},
    {PROBLEM_REQUIRED, FIELD_LOCALE, "required but not given", "fill it in, or set enroll.locale"},
    {PROBLEM_REQUIRED, FIELD_CONSENT_TIME,
     "required with consent_version or consent_presenter, but not given",
     "fill it in, or leave all three out"},
    {PROBLEM_REQUIRED, FIELD_BILLING_LINE1, "no billing address, neither with the card nor with the customer",
     "fill in the billing columns of one of them"},
    {PROBLEM_BAD_FORMAT, FIELD_BILLING_STATE, "not a subdivision of the billing country",
     "give the part after the hyphen of its ISO 3166-2 code, such as RJ of BR-RJ, or leave it empty"},
    {PROBLEM_BAD_FORMAT, FIELD_BILLING_POSTAL_CODE, "not a postal code",
     "use letters, digits, single blanks and hyphens; in a spreadsheet format the column as text"},
};

/* "country UK" and plain "UK", and what a person means by them; true when the sentence is complete. */
static bool add_country_hint(const struct problem *problem, struct buf *out)
{
    bool locale = problem->code == PROBLEM_BAD_LOCALE;
    const char *code = problem->detail, *meant;

    if (locale && strncmp(code, "country ", 8) == 0)
        code += 8;
    else if (locale || code[0] == '\0')
        return false;
    meant = code[0] == '=' ? code + 1 : country_meant(span_of(code));
    if (code[0] == '=')
        buf_addf(out, "a country's name instead of its code");
    else
        buf_addf(out, "'%s' is not in ISO 3166-1", code);
    if (!meant || !country_name(meant))
        return false;
    buf_addf(out, "; the code of %s is %s", country_name(meant), locale ? country_alpha2(meant) : meant);
    return true;
}

static void find_sentence(const struct problem *problem, const char **wrong, const char **remedy)
{
    *wrong = SENTENCES[problem->code].wrong;
    *remedy = SENTENCES[problem->code].remedy;
    for (size_t i = 0; i < sizeof SPECIAL / sizeof SPECIAL[0]; i++) {
        if (SPECIAL[i].code == problem->code && SPECIAL[i].field == problem->field) {
            *wrong = SPECIAL[i].wrong;
            *remedy = SPECIAL[i].remedy;
        }
    }
}

void record_problem_text(const struct problem *problem, struct buf *out)
{
    const char *wrong, *remedy;
    size_t before;

    find_sentence(problem, &wrong, &remedy);
    if (problem->field != FIELD_RECORD)
        buf_add_text(out, field_name(problem->field));
    if (problem->item > 0)
        buf_addf(out, " (value %u)", problem->item);
    if (problem->field != FIELD_RECORD)
        buf_add_text(out, ": ");
    before = out->len;
    if ((problem->code == PROBLEM_BAD_COUNTRY || problem->code == PROBLEM_BAD_LOCALE) &&
        add_country_hint(problem, out))
        return;
    if (problem->code == PROBLEM_BAD_UTF8 && problem->detail[0] != '\0') {
        buf_addf(out, "does not decode as %s", problem->detail);
    } else if (out->len == before) {
        buf_add_text(out, wrong);
        if (problem->detail[0] != '\0')
            buf_addf(out, " (%s)", problem->detail);
    }
    buf_addf(out, "; %s", remedy);
}
