/* Each cell draws from its own purpose number, so that a change of one leaves the others as they were. */
#include "portfolio.h"

#include <assert.h>

/* ---- numbers ---- */

static uint64_t mix(uint64_t value)
{
    value += 0x9E3779B97F4A7C15u;
    value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9u;
    value = (value ^ (value >> 27)) * 0x94D049BB133111EBu;
    return value ^ (value >> 31);
}

int64_t portfolio_draw(const struct options *options, int64_t place, unsigned purpose, int64_t below)
{
    uint64_t value = mix(options->seed ^ mix((uint64_t)place * 64 + purpose));
    return (int64_t)((value >> 1) % (uint64_t)below);
}

int64_t portfolio_shuffled(const struct options *options, int64_t place, unsigned purpose, int64_t count)
{
    unsigned half = 1;
    uint64_t mask, value = (uint64_t)place;

    if (!options->shuffle || count < 2)
        return place;
    while (((uint64_t)1 << (2 * half)) < (uint64_t)count)
        half++;
    mask = ((uint64_t)1 << half) - 1;
    do {
        uint64_t left = value >> half, right = value & mask;
        for (unsigned round = 0; round < 4; round++) {
            uint64_t next = left ^ (mix(options->seed ^ (right * 256 + purpose * 8 + round)) & mask);
            left = right;
            right = next;
        }
        value = left << half | right;
    } while (value >= (uint64_t)count);
    return (int64_t)value;
}

/* The digit that makes `head` followed by it pass the Luhn test. */
static int luhn_digit(int64_t head)
{
    int sum = 0;

    for (bool twice = true; head > 0; head /= 10, twice = !twice) {
        int digit = (int)(head % 10) * (twice ? 2 : 1);
        sum += digit > 9 ? digit - 9 : digit;
    }
    return (10 - sum % 10) % 10;
}

/* Identifiers of a kind: eight or nine digits, or beyond 2^53 down from 2^63 - 1, where a double goes
 * wrong. */
int64_t portfolio_id(const struct options *options, enum id_kind kind, int64_t place, int64_t count)
{
    static const int64_t FIRST[] = {
        [ID_CUSTOMER] = 10000001, [ID_ACCOUNT] = 200000001, [ID_CARD] = 400000001};
    int64_t step, head;

    place = portfolio_shuffled(options, place, 32 + (unsigned)kind, count);
    if (!options->big_ids)
        return FIRST[kind] + place;
    step = (INT64_MAX / 10 - ((int64_t)1 << 53) / 10) / (count + 1);
    head = INT64_MAX / 10 - place * step - (kind == ID_CARD);
    return head * 10 + (kind == ID_CARD ? (luhn_digit(head) + 1) % 10 : 7);
}

int64_t portfolio_pan(int64_t place)
{
    int64_t head = 999000000000000 + place;

    return head * 10 + luhn_digit(head);
}

/* ---- the plan ---- */

static const struct fault_kind FAULTS[FAULT_COUNT] = {
#define X(id, code, file, field) {code, file, field},
    FAULT_TABLE(X)
#undef X
};

const struct fault_kind *portfolio_fault(enum fault fault)
{
    assert(fault >= 0 && fault < FAULT_COUNT);
    return &FAULTS[fault];
}

__extension__ typedef __int128 wide;

/* floor(place * share / whole) without overflow. */
static int64_t portion(int64_t place, int64_t share, int64_t whole)
{
    return (int64_t)((wide)place * share / whole);
}

/* Cards owned by all customers before `customer`, which starts a group. */
static int64_t cards_before(const struct options *options, int64_t customer)
{
    int64_t extra = options->cards - options->customers;

    if (extra < 0)
        return customer < options->cards ? customer : options->cards;
    return customer + portion(customer, extra, options->customers);
}

/* Spreads the group's further cards: a few customers get several, no one more than CARDS_MOST. */
static void plan_cards(const struct options *options, struct group *group, int64_t cards)
{
    static const int FIRST_SERVED[] = {1, 2, 1, 3, 1, 1, 2, 1};
    int64_t start = portfolio_draw(options, group->first, 1, group->size);

    for (int i = 0; i < group->size && cards > 0; i++, cards--)
        group->cards[i] = 1;
    for (int i = 0; i < 2 * group->size && cards > 0; i++) {
        int *own = &group->cards[(start + i) % group->size];
        int more = i < group->size ? FIRST_SERVED[i % 8] : CARDS_MOST - 1;
        while (cards > 0 && *own - 1 < more && *own < CARDS_MOST) {
            (*own)++;
            cards--;
        }
    }
    assert(cards == 0);
}

/* Plants the group's faults, on customers with few cards first. */
static void plan_faults(const struct options *options, struct group *group)
{
    int64_t owners = options->cards < options->customers ? options->cards : options->customers;
    int64_t first = group->first < owners ? group->first : owners;
    int64_t last = first + group->size < owners ? first + group->size : owners;
    int64_t next = portion(first, options->bad, owners);
    int64_t end = portion(last, options->bad, owners);
    int64_t kinds = options->one_file ? FAULT_COUNT_ONE_FILE : FAULT_COUNT;

    for (int cards = 1; cards <= CARDS_MOST; cards++)
        for (int i = 0; i < group->size && next < end; i++)
            if (group->cards[i] == cards)
                group->fault[i] = (enum fault)(next++ % kinds);
}

struct group portfolio_plan(const struct options *options, int64_t customer)
{
    struct group group = {.first = customer / GROUP * GROUP};
    int64_t rest = options->customers - group.first;

    group.size = rest < GROUP ? (int)rest : GROUP;
    group.first_card = cards_before(options, group.first);
    for (int i = 0; i < GROUP; i++)
        group.fault[i] = FAULT_NONE;
    plan_cards(options, &group, cards_before(options, group.first + group.size) - group.first_card);
    plan_faults(options, &group);
    return group;
}

struct group portfolio_plan_of_card(const struct options *options, int64_t card)
{
    int64_t whole = options->cards > options->customers ? options->cards : options->customers;
    int64_t customer = portion(card, options->customers, whole) / GROUP * GROUP;

    while (cards_before(options, customer) > card)
        customer -= GROUP;
    while (customer + GROUP < options->customers && cards_before(options, customer + GROUP) <= card)
        customer += GROUP;
    return portfolio_plan(options, customer);
}

/* ---- cells ---- */

struct place {
    const char *alpha3, *locale, *city, *state, *street; /* street: what follows the house number */
    const char *phone;                                   /* what goes before seven digits */
    const char *postal;                                  /* 0: any digit */
};

static const struct place PLACES[] = {
    {"USA", "en_US", "Springfield", "IL", "Maple Street", "+1 217 ", "00000"},
    {"BRA", "pt_BR", "São Paulo", "SP", "Rua das Acácias", "+55 11 9", "00000-000"},
    {"DEU", "de_DE", "München", "", "Lindenstraße", "+49 89 ", "00000"},
    {"FRA", "fr_FR", "Nîmes", "", "Allée des Tilleuls", "+33 4", "00000"},
    {"POL", "pl_PL", "Łódź", "", "ulica Jaśminowa", "+48 42 ", "00-000"},
    {"GBR", "en_GB", "Bristol", "", "Orchard Lane", "+44 117", "BS0 0XY"},
    {"MEX", "es_MX", "Ciudad de México", "CMX", "Calle Jacarandas", "+52 55 1", "00000"},
    {"GRC", "el_GR", "Αθήνα", "", "Οδός Ανέμων", "+30 210", "000 00"},
};
enum { PLACE_COUNT = sizeof PLACES / sizeof PLACES[0] };

static const char *const FIRST_NAMES[] = {"Ada",   "Bruno",  "Chloé", "Dário",  "Elif",  "Frédéric",
                                          "Gözde", "Henrik", "Inês",  "Jürgen", "Kasia", "Łucja",
                                          "Μαρία", "Niko",   "Ольга", "Zoë"};
static const char *const LAST_NAMES[] = {
    "Abel",    "Brandão", "Çelik",     "Dvorsky",   "Ekström",   "Fournier", "Grzyb",  "Huber",
    "Ionescu", "Jäger",   "Kowalczyk", "Lindqvist", "Παπαδάκης", "Ng",       "O'Dell", "van der Ley"};

/* The canary after a value, so that a leak of any of them can be found. */
static void add_canary(const struct options *options, struct buf *out, const char *gap)
{
    if (options->canary) {
        buf_add_text(out, gap);
        buf_add_text(out, options->canary);
    }
}

void portfolio_add_number(struct buf *out, int64_t number)
{
    char digits[20];
    size_t at = sizeof digits;

    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    buf_add(out, digits + at, sizeof digits - at);
}

/* The pattern with random digits in place of '0'. */
static void add_pattern(struct buf *out, const char *pattern, int64_t random)
{
    for (; *pattern; pattern++) {
        buf_add_char(out, *pattern == '0' ? (char)('0' + random % 10) : *pattern);
        if (*pattern == '0')
            random /= 10;
    }
}

void portfolio_add_address(const struct options *options, struct buf *out, int64_t place, enum fault fault)
{
    const struct place *where = &PLACES[portfolio_draw(options, place, 2, PLACE_COUNT)];
    int64_t number = 1 + portfolio_draw(options, place, 3, 190);
    bool quoted = portfolio_draw(options, place, 4, 100) < options->quoted;

    buf_add_text(out, quoted ? ",\"" : ",");
    portfolio_add_number(out, number);
    buf_add_char(out, ' ');
    buf_add_text(out, where->street);
    add_canary(options, out, " ");
    if (fault == FAULT_BAD_CHARACTER)
        buf_add_text(out, " #12");
    buf_add_text(out, quoted ? ", 2nd floor\"," : ",");
    if (number % 4 == 0) {
        buf_add_text(out, "Building ");
        portfolio_add_number(out, number % 7 + 1);
        add_canary(options, out, " ");
    }
    buf_add_char(out, ',');
    buf_add_text(out, where->city);
    add_canary(options, out, " ");
    if (fault == FAULT_BAD_UTF8)
        buf_add_text(out, " S\xE3o");
    buf_add_char(out, ',');
    buf_add_text(out, fault == FAULT_BAD_FORMAT ? "QQ" : where->state);
    buf_add_char(out, ',');
    add_pattern(out, where->postal, portfolio_draw(options, place, 5, 1000000000));
    buf_add_char(out, ',');
    buf_add_text(out, fault == FAULT_BAD_FORMAT ? "USA" : where->alpha3);
}

static void add_name(const struct options *options, struct buf *out, const char *name, int64_t place,
                     enum fault fault)
{
    bool quoted = portfolio_draw(options, place, 6, 100) < options->quoted;

    buf_add_text(out, quoted ? ",\"" : ",");
    buf_add_text(out, name);
    add_canary(options, out, "");
    if (fault == FAULT_TOO_LONG)
        buf_add_text(out, "-Featherstonehaugh-Cholmondeley-Marjoribanks");
    if (quoted)
        buf_add_char(out, '"');
}

static void add_emails(const struct options *options, struct buf *out, int64_t place, enum fault fault)
{
    int64_t count = 1 + (portfolio_draw(options, place, 7, 5) == 0);

    if (fault == FAULT_TOO_MANY || fault == FAULT_BAD_EMAIL)
        count = fault == FAULT_TOO_MANY ? 6 : 1;
    for (int64_t i = 0; i < count; i++) {
        buf_add_text(out, i == 0 ? ",p" : ";alt");
        portfolio_add_number(out, i);
        buf_add_char(out, '.');
        portfolio_add_number(out, place);
        add_canary(options, out, ".");
        buf_add_text(out, fault == FAULT_BAD_EMAIL ? ".example.com" : "@example.com");
    }
}

/* With a canary every number holds the digits 7700900. */
static void add_phones(const struct options *options, struct buf *out, int64_t place, enum fault fault)
{
    const struct place *where = &PLACES[portfolio_draw(options, place, 2, PLACE_COUNT)];

    buf_add_char(out, ',');
    if (fault == FAULT_BAD_PHONE) {
        buf_add_text(out, "5.54E+12");
    } else if (options->canary) {
        buf_add_text(out, "+44 7700 900");
        add_pattern(out, "000", portfolio_draw(options, place, 8, 1000));
    } else {
        buf_add_text(out, where->phone);
        add_pattern(out, "5550000", portfolio_draw(options, place, 8, 10000));
    }
}

static void add_identifiers(const struct options *options, struct buf *out, int64_t place, enum fault fault)
{
    buf_add_char(out, ',');
    if (fault != FAULT_BAD_IDENTIFIER && portfolio_draw(options, place, 9, 4) > 0)
        return;
    buf_add_text(out, fault == FAULT_BAD_IDENTIFIER ? "TAX:" : "PASSPORT:");
    add_canary(options, out, "");
    add_pattern(out, "X0000000", portfolio_draw(options, place, 10, 10000000));
}

static void add_consent(const struct options *options, struct buf *out, int64_t place, enum fault fault)
{
    if (fault == FAULT_BAD_TIMESTAMP)
        buf_add_text(out, ",2024-02-30T08:00:00.000Z,1.0,Example Bank");
    else if (fault == FAULT_IN_FUTURE)
        buf_add_text(out, ",2099-01-01T00:00:00.000Z,1.0,Example Bank");
    else if (portfolio_draw(options, place, 11, 5) == 0)
        buf_add_text(out, ",,,");
    else
        buf_addf(out, ",2024-0%d-11T08:30:00.000Z,1.0,Example Bank",
                 1 + (int)portfolio_draw(options, place, 12, 9));
}

void portfolio_add_customer(const struct options *options, struct buf *out, int64_t place, enum fault fault)
{
    const struct place *where = &PLACES[portfolio_draw(options, place, 2, PLACE_COUNT)];

    if (fault == FAULT_CUSTOMER_INVALID)
        buf_add_char(out, ',');
    else
        add_name(options, out, FIRST_NAMES[portfolio_draw(options, place, 13, 16)], place, FAULT_NONE);
    if (portfolio_draw(options, place, 14, 8) == 0)
        add_name(options, out, "Robin", place, FAULT_NONE);
    else
        buf_add_char(out, ',');
    add_name(options, out, LAST_NAMES[portfolio_draw(options, place, 15, 16)], place, fault);
    buf_add_char(out, ',');
    buf_add_text(out, fault == FAULT_BAD_LOCALE ? "en_UK" : where->locale);
    buf_add_char(out, ',');
    buf_add_text(out, fault == FAULT_BAD_COUNTRY ? "XX" : where->alpha3);
    add_emails(options, out, place, fault);
    add_phones(options, out, place, fault);
    add_identifiers(options, out, place, fault);
    add_consent(options, out, place, fault);
}
