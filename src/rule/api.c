/* The request bodies, in the key order of the remote API's description, so that a body can be laid beside it.
 * An empty part is left out with its key; which parts are required is the record rules' business. */
#include "rule/api.h"

#include "kit/json.h"

#include <assert.h>

struct member {
    const char *key;
    enum field field;
};

static void add_member(struct json *json, const char *key, struct span text)
{
    if (text.len == 0)
        return;
    json_key(json, key);
    json_span(json, text);
}

static void add_members(struct json *json, const struct record *record, const struct member *members,
                        size_t count)
{
    for (size_t i = 0; i < count; i++)
        add_member(json, members[i].key, record->text[members[i].field]);
}

#define ADD_MEMBERS(json, record, list) add_members(json, record, list, sizeof(list) / sizeof(list)[0])

static void add_address(struct json *json, const struct record *record)
{
    static const struct member members[] = {{"address_line1", FIELD_BILLING_LINE1},
                                            {"address_line2", FIELD_BILLING_LINE2},
                                            {"address_line3", FIELD_BILLING_LINE3},
                                            {"city", FIELD_BILLING_CITY},
                                            {"state", FIELD_BILLING_STATE},
                                            {"postal_code", FIELD_BILLING_POSTAL_CODE},
                                            {"country_code", FIELD_BILLING_COUNTRY_CODE}};

    if (!record->has_address)
        return;
    json_key(json, "billing_address");
    json_object(json);
    ADD_MEMBERS(json, record, members);
    json_end_object(json);
}

static void add_list(struct json *json, const char *key, const struct span *items, size_t count)
{
    if (count == 0)
        return;
    json_key(json, key);
    json_array(json);
    for (size_t i = 0; i < count; i++)
        json_span(json, items[i]);
    json_end_array(json);
}

static void add_identifiers(struct json *json, const struct record *record)
{
    if (record->identifier_count == 0)
        return;
    json_key(json, "national_identifiers");
    json_array(json);
    for (size_t i = 0; i < record->identifier_count; i++) {
        json_object(json);
        add_member(json, "type", record->identifiers[i].type);
        add_member(json, "value", record->identifiers[i].value);
        json_end_object(json);
    }
    json_end_array(json);
}

static void add_consent(struct json *json, const struct record *record)
{
    static const struct member members[] = {{"time_of_consent", FIELD_CONSENT_TIME},
                                            {"version", FIELD_CONSENT_VERSION},
                                            {"presenter", FIELD_CONSENT_PRESENTER}};

    if (record->text[FIELD_CONSENT_TIME].len == 0)
        return;
    json_key(json, "consent");
    json_object(json);
    ADD_MEMBERS(json, record, members);
    json_end_object(json);
}

static void add_customer(struct json *json, const struct record *record)
{
    static const struct member members[] = {{"locale", FIELD_LOCALE},
                                            {"first_name", FIELD_FIRST_NAME},
                                            {"middle_name", FIELD_MIDDLE_NAME},
                                            {"last_name", FIELD_LAST_NAME},
                                            {"country_code", FIELD_COUNTRY_CODE}};

    json_key(json, "customer_information");
    json_object(json);
    ADD_MEMBERS(json, record, members);
    add_list(json, "emails", record->emails, record->email_count);
    add_list(json, "phones", record->phones, record->phone_count);
    add_identifiers(json, record);
    add_consent(json, record);
    json_end_object(json);
}

static void add_card(struct json *json, const struct record *card, const struct record *customer)
{
    assert(card->card_id > 0);
    json_key(json, "card_id");
    json_int(json, card->card_id);
    add_address(json, card->has_address ? card : customer);
}

void api_enroll_body(const struct record *card, const struct record *customer, struct buf *out)
{
    struct json json;

    json_init(&json, out, false);
    json_object(&json);
    add_member(&json, "owner_bid", card->text[FIELD_OWNER_BID]);
    json_key(&json, "card_information");
    json_object(&json);
    add_card(&json, card, customer);
    json_end_object(&json);
    add_customer(&json, customer);
    json_end_object(&json);
}

void api_enroll_card_body(const struct record *card, const struct record *customer, struct buf *out)
{
    struct json json;

    json_init(&json, out, false);
    json_object(&json);
    add_member(&json, "owner_bid", card->text[FIELD_OWNER_BID]);
    add_card(&json, card, customer);
    json_end_object(&json);
}
