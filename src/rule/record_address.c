/* The billing address: the country first, since the state and the postal code are judged by it; the problems
 * come out in field order all the same (desk_problem sorts). */
#include "record_impl.h"

#include "value/address.h"
#include "value/country.h"
#include "value/text.h"

#include <stdio.h>
#include <string.h>

static void judge_forbidden(struct desk *desk, struct place place, const char *character)
{
    char detail[40];

    (void)snprintf(detail, sizeof detail, "%s is refused by Visa", character);
    desk_problem(desk, PROBLEM_BAD_CHARACTER, place, detail);
}

/* A line or the city: true when it is given. */
static bool judge_line(struct desk *desk, enum field field, struct span raw)
{
    struct place place = {field, 0};
    struct text text;
    enum taken taken = desk_take(desk, place, raw, &text);
    const char *damage, *forbidden = NULL;
    bool too_long, unusual;

    if (taken != TAKEN_TEXT)
        return taken == TAKEN_FAULT;
    damage = text_damage(text.span);
    too_long = desk_too_long(desk, place, text.points);
    unusual = address_unusual(text.span);
    if (unusual && desk->rules->check_address)
        forbidden = address_forbidden(text.span);
    if (forbidden)
        judge_forbidden(desk, place, forbidden);
    else if (damage)
        desk_problem(desk, PROBLEM_BAD_FORMAT, place, damage);
    if (too_long || forbidden || damage)
        return true;
    desk->record->unusual_address |= unusual;
    desk->record->text[field] = desk_keep(desk, text.span.len);
    return true;
}

/* "RJ", or "BR-RJ" with the country in front. */
static bool judge_state(struct desk *desk, const char *country, struct span raw)
{
    struct place place = {FIELD_BILLING_STATE, 0};
    char part[STATE_MOST + 1];
    struct text text;
    enum taken taken = desk_take(desk, place, raw, &text);
    const char *forbidden = NULL, *fault;
    bool prefixed;

    if (taken != TAKEN_TEXT)
        return taken == TAKEN_FAULT;
    prefixed = text.span.len > 3 && text.span.ptr[2] == '-';
    if (desk->rules->check_address)
        forbidden = address_forbidden(text.span);
    if (forbidden)
        judge_forbidden(desk, place, forbidden);
    if (desk_too_long(desk, place, prefixed && text.points > 3 ? text.points - 3 : text.points) || forbidden)
        return true;
    fault = country_state(text.span, country, part);
    if (fault) {
        desk_problem(desk, PROBLEM_BAD_FORMAT, place, fault);
        return true;
    }
    memcpy(desk->next, part, strlen(part));
    desk->record->text[FIELD_BILLING_STATE] = desk_keep(desk, strlen(part));
    return true;
}

static bool judge_postal(struct desk *desk, const char *country, struct span raw)
{
    struct place place = {FIELD_BILLING_POSTAL_CODE, 0};
    struct text text;
    enum taken taken = desk_take(desk, place, raw, &text);
    const char *forbidden = NULL, *fault = NULL;
    bool too_long;

    if (taken != TAKEN_TEXT)
        return taken == TAKEN_FAULT;
    if (desk->rules->check_address)
        forbidden = address_forbidden(text.span);
    too_long = desk_too_long(desk, place, text.points);
    if (forbidden)
        judge_forbidden(desk, place, forbidden);
    if (forbidden || too_long)
        return true;
    fault = text_damage(text.span);
    if (!fault)
        fault = address_postal_fault(text.span, country);
    if (fault)
        desk_problem(desk, PROBLEM_BAD_FORMAT, place, fault);
    else
        desk->record->text[FIELD_BILLING_POSTAL_CODE] = desk_keep(desk, text.span.len);
    return true;
}

void record_judge_address(struct desk *desk, const struct raw_fields *raw)
{
    bool given = desk_country(desk, FIELD_BILLING_COUNTRY_CODE, raw->whole[FIELD_BILLING_COUNTRY_CODE]);
    const char *country = desk->record->text[FIELD_BILLING_COUNTRY_CODE].ptr; /* a static alpha-3, or NULL */

    for (enum field field = FIELD_BILLING_LINE1; field <= FIELD_BILLING_CITY; field++)
        given |= judge_line(desk, field, raw->whole[field]);
    given |= judge_state(desk, country, raw->whole[FIELD_BILLING_STATE]);
    given |= judge_postal(desk, country, raw->whole[FIELD_BILLING_POSTAL_CODE]);
    desk->record->has_address = given;
}
