/* One table a JSON object: a member's name, its shape, its greatest length in code points, whether it must be
 * there. NEEDED is what the notes of the API text call mandatory though the schema does not; --allow-internal
 * lets it be missing. */
#include "judge.h"

#include "kit/clock.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum shape {
    TEXT,
    EMAIL,
    PHONE,
    LOCALE,
    COUNTRY,
    STATE,
    IDENTIFIER_TYPE,
    CONSENT_TIME,
    CARD_ID,
    OBJECT,
    HALF, /* an object whose name paths leave out: "first_name", not "customer_information.first_name" */
    LIST
};

enum need { OPTIONAL, NEEDED, REQUIRED };

enum { LIST_MAX = 5, EMAIL_MAX = 255, PHONE_DIGITS_MIN = 8, PHONE_DIGITS_MAX = 15, NO_LIMIT = 1000 };

struct member {
    const char *name;
    enum shape shape;
    enum need need;
    size_t max;                  /* code points */
    const struct member *inside; /* of an object, or of a list's objects; ends with a nameless one */
    enum shape item;             /* of a list */
};

static const struct member address[] = {
    {"address_line1", TEXT, OPTIONAL, 64, NULL, 0},  {"address_line2", TEXT, OPTIONAL, 64, NULL, 0},
    {"address_line3", TEXT, OPTIONAL, 64, NULL, 0},  {"city", TEXT, OPTIONAL, 32, NULL, 0},
    {"state", STATE, OPTIONAL, 3, NULL, 0},          {"postal_code", TEXT, OPTIONAL, 9, NULL, 0},
    {"country_code", COUNTRY, OPTIONAL, 3, NULL, 0}, {0},
};

static const struct member identifier[] = {
    {"type", IDENTIFIER_TYPE, REQUIRED, 17, NULL, 0},
    {"value", TEXT, REQUIRED, 24, NULL, 0},
    {0},
};

static const struct member consent[] = {
    {"time_of_consent", CONSENT_TIME, REQUIRED, 24, NULL, 0},
    {"version", TEXT, OPTIONAL, 9, NULL, 0},
    {"presenter", TEXT, OPTIONAL, 30, NULL, 0},
    {0},
};

static const struct member card_information[] = {
    {"card_id", CARD_ID, REQUIRED, 0, NULL, 0},
    {"billing_address", OBJECT, NEEDED, 0, address, 0},
    {0},
};

static const struct member customer_information[] = {
    {"locale", LOCALE, REQUIRED, 5, NULL, 0},
    {"first_name", TEXT, NEEDED, 35, NULL, 0},
    {"middle_name", TEXT, OPTIONAL, 35, NULL, 0},
    {"last_name", TEXT, NEEDED, 35, NULL, 0},
    {"country_code", COUNTRY, OPTIONAL, 3, NULL, 0},
    {"emails", LIST, NEEDED, EMAIL_MAX, NULL, EMAIL},
    {"phones", LIST, NEEDED, PHONE_DIGITS_MAX, NULL, PHONE},
    {"national_identifiers", LIST, OPTIONAL, 0, identifier, OBJECT},
    {"consent", OBJECT, OPTIONAL, 0, consent, 0},
    {0},
};

static const struct member enroll_customer[] = {
    {"owner_bid", TEXT, REQUIRED, NO_LIMIT, NULL, 0},
    {"card_information", HALF, REQUIRED, 0, card_information, 0},
    {"customer_information", HALF, REQUIRED, 0, customer_information, 0},
    {0},
};

/* Not in the API text: the sibling call as its reference page describes it. The address is looked up when it
 * is missing. */
static const struct member enroll_card[] = {
    {"owner_bid", TEXT, REQUIRED, NO_LIMIT, NULL, 0},
    {"card_id", CARD_ID, REQUIRED, 0, NULL, 0},
    {"billing_address", OBJECT, OPTIONAL, 0, address, 0},
    {0},
};

struct trial {
    struct judge *judge;
    struct judgement *out;
};

void judge_open(struct judge *judge, bool allow_internal)
{
    *judge = (struct judge){.allow_internal = allow_internal};
    jtree_init(&judge->tree);
    buf_init(&judge->path, 256);
}

void judge_close(struct judge *judge)
{
    jtree_free(&judge->tree);
    buf_free(&judge->path);
}

static void complain(struct judgement *out, const char *format, ...) PRINTF_LIKE(2, 3);

static void complain(struct judgement *out, const char *format, ...)
{
    va_list args;

    if (out->count == JUDGE_COMPLAINTS)
        return;
    va_start(args, format);
    (void)vsnprintf(out->complaints[out->count], JUDGE_TEXT_SIZE, format, args);
    va_end(args);
    out->count++;
}

static void complain_here(struct trial *trial, const char *what)
{
    complain(trial->out, "%s: %s", buf_text(&trial->judge->path), what);
}

static void enter(struct buf *path, const char *name)
{
    if (path->len > 0)
        buf_add_char(path, '.');
    buf_add_text(path, name);
}

static void leave(struct buf *path, size_t len)
{
    path->len = len;
    if (path->ptr)
        path->ptr[len] = '\0';
}

static bool is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

static bool is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Letters of the mask: 0 a digit, a and A a letter of that case, any other character itself. */
static bool fits(struct span text, const char *mask)
{
    if (text.len != strlen(mask))
        return false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i], m = mask[i];
        if (m == '0' ? !is_digit(c) : m == 'a' ? !is_lower(c) : m == 'A' ? !is_upper(c) : c != m)
            return false;
    }
    return true;
}

static bool is_state(struct span text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!is_upper(text.ptr[i]) && !is_digit(text.ptr[i]))
            return false;
    return true;
}

static bool is_phone(struct span text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!is_digit(text.ptr[i]))
            return false;
    return text.len >= PHONE_DIGITS_MIN;
}

static bool is_domain(struct span domain)
{
    struct span rest = domain, label;
    size_t labels = 0;

    while (span_cut(&rest, '.', &label) == 1) {
        if (label.len == 0 || label.len > 63 || label.ptr[0] == '-' || label.ptr[label.len - 1] == '-')
            return false;
        for (size_t i = 0; i < label.len; i++)
            if (!is_lower((char)(label.ptr[i] | 0x20)) && !is_digit(label.ptr[i]) && label.ptr[i] != '-')
                return false;
        labels++;
    }
    return labels >= 2;
}

/* The dot-string form of RFC 5321; quoted local parts are nothing an issuer sends. */
static bool is_email(struct span text)
{
    struct span domain = text, local, rest, atom;

    if (span_cut(&domain, '@', &local) != 1 || !domain.ptr || local.len > 64 || !is_domain(domain))
        return false;
    rest = local;
    while (span_cut(&rest, '.', &atom) == 1) {
        if (atom.len == 0)
            return false;
        for (size_t i = 0; i < atom.len; i++)
            if (atom.ptr[i] <= ' ' || atom.ptr[i] > '~' || strchr("()<>[]:;,\\\"@", atom.ptr[i]))
                return false;
    }
    return true;
}

static int64_t number_at(struct span text, size_t from, size_t len)
{
    int64_t value = 0;

    for (size_t i = from; i < from + len; i++)
        value = value * 10 + (text.ptr[i] - '0');
    return value;
}

/* NULL when it is a time that exists and has passed. */
static const char *fault_of_time(struct span text)
{
    static const unsigned days_of[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int64_t year, month, day, hour, minute, second, days;

    if (!fits(text, "0000-00-00T00:00:00.000Z") || memcmp(text.ptr + 20, "000", 3) != 0)
        return "must read YYYY-MM-DDThh:mm:ss.000Z";
    year = number_at(text, 0, 4);
    month = number_at(text, 5, 2);
    day = number_at(text, 8, 2);
    hour = number_at(text, 11, 2);
    minute = number_at(text, 14, 2);
    second = number_at(text, 17, 2);
    if (month < 1 || month > 12 || hour > 23 || minute > 59 || second > 59)
        return "no such time";
    days = days_of[month - 1] + (month == 2 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0));
    if (day < 1 || day > days)
        return "no such day";
    days = clock_days(year, (unsigned)month, (unsigned)day);
    if (((days * 24 + hour) * 60 + minute) * 60 + second > clock_wall_ms() / 1000)
        return "lies in the future";
    return NULL;
}

static bool has_control(struct span text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.ptr[i] < 0x20 || text.ptr[i] == 0x7F)
            return true;
    return false;
}

/* What is wrong with a text that is neither empty nor too long; NULL: nothing. */
static const char *fault_of_text(enum shape shape, struct span text)
{
    switch (shape) {
    case EMAIL:
        return is_email(text) ? NULL : "not an e-mail address";
    case PHONE:
        return is_phone(text) ? NULL : "must be 8 to 15 digits";
    case LOCALE:
        return fits(text, "aa_AA") ? NULL : "must read ll_CC";
    case COUNTRY:
        return fits(text, "AAA") ? NULL : "must be three upper-case letters";
    case STATE:
        return is_state(text) ? NULL : "must be a subdivision code of ISO 3166-2";
    case IDENTIFIER_TYPE:
        if (span_is(text, "PASSPORT") || span_is(text, "DRIVING_LICENSE") ||
            span_is(text, "NATIONAL_IDENTITY"))
            return NULL;
        return "not one of the identifier types";
    case CONSENT_TIME:
        return fault_of_time(text);
    default:
        return has_control(text) ? "a control character" : NULL;
    }
}

static void check_object(struct trial *trial, const struct jtree_node *node, const struct member *members);

static void check_text(struct trial *trial, const struct jtree_node *node, enum shape shape, size_t max)
{
    const char *fault;

    if (node->type != JTREE_STRING)
        fault = "must be a string";
    else if (node->points == 0)
        fault = "cannot be blank";
    else if (node->points > max)
        fault = "too long";
    else
        fault = fault_of_text(shape, node->text);
    if (fault)
        complain_here(trial, fault);
}

static void check_card_id(struct trial *trial, const struct jtree_node *node)
{
    if (node->type != JTREE_NUMBER)
        complain_here(trial, "must be a number");
    else if (span_to_id(node->text, &trial->out->card) != 0)
        complain_here(trial, "must be an integer of 1 to 2^63-1, written in digits");
}

static void check_list(struct trial *trial, const struct jtree_node *node, const struct member *member)
{
    const struct jtree *tree = &trial->judge->tree;
    struct buf *path = &trial->judge->path;
    size_t len = path->len, index = 0;

    if (node->type != JTREE_ARRAY) {
        complain_here(trial, "must be an array");
        return;
    }
    if (node->count < 1 || node->count > LIST_MAX)
        complain_here(trial, "must have 1 to 5 elements");
    for (const struct jtree_node *at = jtree_child(tree, node); at; at = jtree_next(tree, at)) {
        buf_addf(path, "[%zu]", index++);
        if (member->item == OBJECT)
            check_object(trial, at, member->inside);
        else
            check_text(trial, at, member->item, member->max);
        leave(path, len);
    }
}

static void check_member(struct trial *trial, const struct jtree_node *node, const struct member *member)
{
    struct buf *path = &trial->judge->path;
    size_t len = path->len;

    if (member->shape != HALF || node->type != JTREE_OBJECT)
        enter(path, member->name);
    if (node->type == JTREE_NULL)
        complain_here(trial, "must not be null");
    else if (member->shape == OBJECT || member->shape == HALF)
        check_object(trial, node, member->inside);
    else if (member->shape == LIST)
        check_list(trial, node, member);
    else if (member->shape == CARD_ID)
        check_card_id(trial, node);
    else
        check_text(trial, node, member->shape, member->max);
    leave(path, len);
}

/* Names are ours to print only when they cannot be somebody's data. */
static void complain_of_key(struct trial *trial, struct span name)
{
    struct buf *path = &trial->judge->path;
    size_t len = path->len;

    for (size_t i = 0; i < name.len; i++)
        if (!is_lower(name.ptr[i]) && name.ptr[i] != '_')
            name = SPAN("?");
    if (name.len > 40)
        name = SPAN("?");
    if (len > 0)
        buf_add_char(path, '.');
    buf_add_span(path, name);
    complain_here(trial, "unknown key");
    leave(path, len);
}

static const struct member *member_of(const struct member *members, struct span name)
{
    for (; members->name; members++)
        if (span_is(name, members->name))
            return members;
    return NULL;
}

static void check_object(struct trial *trial, const struct jtree_node *node, const struct member *members)
{
    const struct jtree *tree = &trial->judge->tree;
    struct buf *path = &trial->judge->path;
    enum need least = trial->judge->allow_internal ? REQUIRED : NEEDED;
    size_t len = path->len;

    if (node->type != JTREE_OBJECT) {
        complain_here(trial, "must be an object");
        return;
    }
    for (const struct jtree_node *at = jtree_child(tree, node); at; at = jtree_next(tree, at)) {
        const struct member *member = member_of(members, at->name);
        if (member)
            check_member(trial, at, member);
        else
            complain_of_key(trial, at->name);
    }
    for (const struct member *member = members; member->name; member++) {
        if (member->need < least || jtree_member(tree, node, member->name))
            continue;
        /* The documented example of an answer spells this one so. */
        enter(path, member->shape == CARD_ID ? "cardId" : member->name);
        complain_here(trial, member->shape == CARD_ID ? "cannot be blank." : "cannot be blank");
        leave(path, len);
    }
}

static bool is_uuid(struct span text)
{
    if (text.len != 36)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        char c = text.ptr[i], low = (char)(c | 0x20);
        if (dash ? c != '-' : !is_digit(c) && (low < 'a' || low > 'f'))
            return false;
    }
    return true;
}

bool judge_is_json(struct span content_type)
{
    struct span rest = content_type, type;

    return span_cut(&rest, ';', &type) == 1 && span_is_nocase(span_trim(type), "application/json");
}

static void check_headers(const struct judge_headers *headers, struct judgement *out)
{
    if (!judge_is_json(headers->content_type))
        complain(out, "Content-Type: must be application/json");
    if (headers->tenant.len == 0)
        complain(out, "OrgID: cannot be blank.");
    if (headers->customer.len == 0)
        complain(out, "CustomerID: cannot be blank");
    else if (span_to_id(headers->customer, &out->customer) != 0)
        complain(out, "x-customer-id: must be an integer of 1 to 2^63-1");
    out->cid_ok = headers->cid.ptr && is_uuid(headers->cid);
    if (headers->cid.ptr && !out->cid_ok)
        complain(out, "x-cid: must be a UUID");
}

/* What echo400 sends back. */
static void find_echo(const struct jtree *tree, const struct jtree_node *root, struct judgement *out)
{
    const struct jtree_node *customer = jtree_member(tree, root, "customer_information");
    const struct jtree_node *name = customer ? jtree_member(tree, customer, "first_name") : NULL;
    const struct jtree_node *emails = customer ? jtree_member(tree, customer, "emails") : NULL;
    const struct jtree_node *email = emails ? jtree_child(tree, emails) : NULL;

    if (name && name->type == JTREE_STRING)
        out->first_name = name->text;
    if (email && email->type == JTREE_STRING)
        out->email = email->text;
}

void judge_request(struct judge *judge, enum judge_call call, const struct judge_headers *headers,
                   struct span body, struct judgement *out)
{
    struct trial trial = {.judge = judge, .out = out};
    const struct jtree_node *root;

    /* Not the texts: 1.7 KiB to clear for nothing on every request. */
    out->customer = out->card = 0;
    out->count = 0;
    out->first_name = out->email = SPAN("");
    buf_reset(&judge->path);
    check_headers(headers, out);
    root = jtree_read(&judge->tree, body);
    if (!root) {
        complain(out, "body: byte %zu: %s", judge->tree.error_at, judge->tree.error);
        return;
    }
    if (root->type != JTREE_OBJECT) {
        complain(out, "body: must be an object");
        return;
    }
    check_object(&trial, root, call == JUDGE_ENROLL_CUSTOMER ? enroll_customer : enroll_card);
    find_echo(&judge->tree, root, out);
}
