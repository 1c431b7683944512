/* ASCII domains, nearly all, are judged by hand; only others, and labels in "xn--" form, go through libidn2,
 * whose ASCII form is then judged by the same hand. */
#include "value/email.h"

#include <idn2.h>
#include <stdlib.h>
#include <string.h>
#include <unicase.h>
#include <uninorm.h>

enum { LOCAL_MOST = 64, DOMAIN_MOST = 253, LABEL_MOST = 63, UNICODE_DOMAIN_MOST = 1024 };

static bool is_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* What stands in a mailbox name beside letters and digits (RFC 5322 atext). */
static const bool ATOM_SIGNS[256] = {
    ['!'] = true, ['#'] = true, ['$'] = true, ['%'] = true, ['&'] = true, ['\''] = true, ['*'] = true,
    ['+'] = true, ['/'] = true, ['='] = true, ['?'] = true, ['^'] = true, ['_'] = true,  ['`'] = true,
    ['{'] = true, ['|'] = true, ['}'] = true, ['~'] = true, ['-'] = true};

static bool is_atom_char(char c)
{
    return is_alnum(c) || ATOM_SIGNS[(unsigned char)c];
}

static const char *local_fault(struct span local)
{
    if (local.len == 0)
        return "nothing before the @";
    if (local.len > LOCAL_MOST)
        return "more than 64 characters before the @";
    if (local.ptr[0] == '\'') /* RFC 5322 allows it, but it is a spreadsheet's or a quotation's */
        return "an apostrophe in front";
    if (local.ptr[0] == '.' || local.ptr[local.len - 1] == '.')
        return "a dot at the edge of the name";
    for (size_t i = 0; i < local.len; i++) {
        if (local.ptr[i] == '.' && local.ptr[i - 1] == '.')
            return "two dots in a row";
        if (local.ptr[i] != '.' && !is_atom_char(local.ptr[i]))
            return "a character no mailbox name has";
    }
    return NULL;
}

static const char *label_fault(struct span label)
{
    if (label.len == 0)
        return "an empty part in the domain";
    if (label.len > LABEL_MOST)
        return "a domain part over 63 characters";
    if (label.ptr[0] == '-' || label.ptr[label.len - 1] == '-')
        return "a hyphen at the edge of a domain part";
    for (size_t i = 0; i < label.len; i++)
        if (!is_alnum(label.ptr[i]) && label.ptr[i] != '-')
            return "a character no domain has";
    return NULL;
}

static bool all_digits(struct span label)
{
    for (size_t i = 0; i < label.len; i++)
        if (label.ptr[i] < '0' || label.ptr[i] > '9')
            return false;
    return true;
}

static const char *domain_fault(struct span domain)
{
    struct span rest = domain, label = {"", 0};
    size_t labels = 0;

    if (domain.len == 0)
        return "nothing after the @";
    if (domain.len > DOMAIN_MOST)
        return "a domain over 253 characters";
    while (span_cut(&rest, '.', &label)) {
        const char *fault = label_fault(label);
        if (fault)
            return fault;
        labels++;
    }
    if (labels < 2)
        return "a domain without a dot";
    return all_digits(label) ? "a domain that ends in digits" : NULL;
}

/* libidn2 leaves a hyphen at a label's edge to its caller. */
static bool has_edge_hyphen(struct span domain)
{
    struct span rest = domain, label;

    while (span_cut(&rest, '.', &label))
        if (label.len > 0 && (label.ptr[0] == '-' || label.ptr[label.len - 1] == '-'))
            return true;
    return false;
}

/* Valid IDNA 2008 whose ASCII form is a valid domain. `domain` ends in NUL. */
static const char *idna_fault(const char *domain)
{
    uint8_t *ascii = NULL;
    const char *fault = "an invalid international domain";

    if (has_edge_hyphen(span_of(domain)))
        return fault;
    if (idn2_lookup_u8((const uint8_t *)domain, &ascii, IDN2_NFC_INPUT | IDN2_NO_TR46) == IDN2_OK)
        fault = domain_fault(span_of((const char *)ascii));
    idn2_free(ascii);
    return fault;
}

/* Lower-cases and judges a domain with characters beyond ASCII or an "xn--" label; result in `text`. */
static const char *international(char *text, size_t *len, size_t room)
{
    size_t lower_len = 0;
    const char *fault = "an invalid international domain";
    uint8_t *lower = NULL;
    char *domain = NULL;

    if (*len == 0 || *len > UNICODE_DOMAIN_MOST)
        return fault;
    lower = u8_tolower((const uint8_t *)text, *len, NULL, UNINORM_NFC, NULL, &lower_len);
    if (!lower || lower_len > room || memchr(lower, '\0', lower_len))
        goto out;
    domain = strndup((const char *)lower, lower_len);
    fault = domain ? idna_fault(domain) : fault;
    if (!fault) {
        memcpy(text, lower, lower_len);
        *len = lower_len;
    }
out:
    free(domain);
    free(lower);
    return fault;
}

/* Lower-cases ASCII on the way; true when hand judgement is enough. */
static bool lower_ascii(char *domain, size_t len)
{
    bool plain = true;

    for (size_t i = 0; i < len; i++) {
        if (domain[i] >= 'A' && domain[i] <= 'Z')
            domain[i] = (char)(domain[i] + ('a' - 'A'));
        else if ((unsigned char)domain[i] >= 0x80)
            plain = false;
    }
    for (size_t i = 0; plain && i + 4 <= len; i++)
        if ((i == 0 || domain[i - 1] == '.') && memcmp(domain + i, "xn--", 4) == 0)
            plain = false;
    return plain;
}

const char *email_normalise(char *text, size_t *len, size_t room)
{
    const char *at = memchr(text, '@', *len), *fault;
    size_t local_len, domain_len;
    char *domain;

    if (!at)
        return "no @";
    local_len = (size_t)(at - text);
    if (memchr(at + 1, '@', *len - local_len - 1))
        return "more than one @";
    fault = local_fault((struct span){text, local_len});
    if (fault)
        return fault;
    domain = text + local_len + 1;
    domain_len = *len - local_len - 1;
    if (lower_ascii(domain, domain_len))
        return domain_fault((struct span){domain, domain_len});
    fault = international(domain, &domain_len, room - local_len - 1);
    *len = local_len + 1 + domain_len;
    return fault;
}
