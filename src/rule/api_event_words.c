/* Free text of the remote side may repeat a name, an address, a number, and at this place there is no record
 * at hand to hide the values of. So the rule is turned round: only what is known to be harmless is let
 * through: the words of one list, which are what such texts are made of, and codes of errors. A person called
 * "Card" would be let through, and reads like an error. */
#include "api_event_impl.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* By their first letter, lower case, a blank before and behind each. */
/* clang-format off */
static const char *const WORDS[] = {
    " a able about absent accept accepted account accounts action activation active add added address after"
    " again agreement all allowed already also an and another any api app application apply approval approved"
    " are as at attempt attempts attribute authentication authorisation authorization authorized available ",
    " back bad bank be because been before being below between bid billing bin blank blocked body both brand"
    " but by ",
    " call called came can cancelled cannot card cardholder cards changed channel characters check city click"
    " closed code codes combination commercial complete completed condition conditions configuration"
    " configured conflict connection consent consumer contact contain contains correct could country create"
    " created credential customer customers ",
    " data date debit declined deleted denied detail details device did digital directory disabled do does"
    " done down due duplicate ",
    " eligible email empty enabled end enrol enroll enrolled enrollment enrolment entity entry environment"
    " error errors event exceeded exist existing exists expected expiration expired expiry external ",
    " fail failed failure fault feature field fields file filled final first for forbidden form format found"
    " from full further ",
    " gateway general generic given group ",
    " has have header held hold host ",
    " id identification identifier identifiers identity if in inactive incomplete incorrect ineligible"
    " information initiated input instrument instruments internal into invalid is issue issuer issuing it its ",
    "",
    " key ",
    " language last later least length limit limits line list locale locked long longer lookup lost ",
    " made maintenance management mandatory many maximum merchant message method minimum mismatch missing"
    " mobile mode more must ",
    " name names national network never new no none not nothing null number numbers ",
    " object of off on once one only open operation operations option optional or org organisation"
    " organization original other out over owner ",
    " pan parameter partial partially participant participating party passed pattern pay payload payment"
    " pending per permanent permanently permission permitted phone physical platform please policy postal"
    " prepaid present primary process processed processing processor product profile program programme"
    " prohibited property provided provider provision provisioned provisioning ",
    " quota ",
    " range rate reached read reason received record reference refused region registered registration reject"
    " rejected related removed replaced request requested requests required resource response restricted"
    " result retry rule rules ",
    " same schema scheme section security sent server service session set settings short should size some"
    " source stage state status stolen stop stopped stored string submitted subscription success successful"
    " successfully such support supported suspended system ",
    " take taken technical temporarily temporary tenant terminated terms than that the their then there this"
    " time timed timeout to token tokenisation tokenise tokenised tokenization tokenize tokenized tokens too"
    " transaction transport try type ",
    " unable unauthorised unauthorized unavailable under unexpected unknown unsupported until update updated"
    " upstream use used user using ",
    " valid validation value values verification verified verify version via virtual visa ",
    " was were when where whether which while with within without wrong ",
    "",
    " yet ",
    " zip ",
};
/* clang-format on */

enum {
    LONGEST_WORD = 24,
    DIGITS_PLAIN = 3,
    CODE_LETTERS = 6,
    CODE_DIGITS = 5,
    NAME_MOST = 40,
    WORDS_CAP = 4096
};

static bool is_known(struct span word)
{
    char lower[LONGEST_WORD] = " ";

    if (word.len == 0 || word.len + 3 > sizeof lower)
        return false;
    for (size_t i = 0; i < word.len; i++)
        lower[i + 1] = (char)tolower((unsigned char)word.ptr[i]);
    lower[word.len + 1] = ' ';
    lower[word.len + 2] = '\0';
    return lower[1] >= 'a' && lower[1] <= 'z' && strstr(WORDS[lower[1] - 'a'], lower);
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

static size_t count_front(struct span text, bool (*is)(char))
{
    size_t n = 0;

    while (n < text.len && is(text.ptr[n]))
        n++;
    return n;
}

/* VIDC-2003, E1042, HTTP_503: capital letters, then a few digits. */
static bool is_code(struct span token)
{
    size_t letters = count_front(token, is_upper), digits;

    if (letters == 0 || letters > CODE_LETTERS)
        return false;
    token.ptr += letters;
    token.len -= letters;
    if (token.len > 0 && (token.ptr[0] == '-' || token.ptr[0] == '_')) {
        token.ptr++;
        token.len--;
    }
    digits = count_front(token, is_digit);
    return digits > 0 && digits <= CODE_DIGITS && digits == token.len;
}

static bool is_part(char c)
{
    return is_upper(c) || is_lower(c) || is_digit(c) || c == '-' || c == '_';
}

bool api_event_has_code(struct span message, struct span code)
{
    if (!is_code(code))
        return false;
    for (size_t i = 0; i + code.len <= message.len; i++) {
        size_t end = i + code.len;
        if (memcmp(message.ptr + i, code.ptr, code.len) == 0 && (i == 0 || !is_part(message.ptr[i - 1])) &&
            (end == message.len || !is_part(message.ptr[end])))
            return true;
    }
    return false;
}

/* The length of the part in front: INVALID of INVALID_CARD, card of cardExpired, 3 digits of 503. */
static size_t part_length(struct span text)
{
    size_t n = count_front(text, is_digit);

    if (n > 0)
        return n;
    n = count_front(text, is_upper);
    if (n > 1 && n < text.len && is_lower(text.ptr[n]))
        return n - 1; /* the last of several capitals begins the next part: APIError */
    return n + count_front((struct span){text.ptr + n, text.len - n}, is_lower);
}

static size_t count_digits(struct span text)
{
    size_t digits = 0;

    for (size_t i = 0; i < text.len; i++)
        digits += is_digit(text.ptr[i]);
    return digits;
}

/* A token whose parts are all known. Its digits are counted as a whole: 123.456.789-09 is a person's. */
static bool is_harmless(struct span token)
{
    if (is_code(token))
        return true;
    if (count_digits(token) > DIGITS_PLAIN)
        return false;
    while (token.len > 0) {
        size_t n = part_length(token);
        if (n == 0 && !strchr("-_/.:", token.ptr[0]))
            return false;
        if (n > 0 && !is_digit(token.ptr[0]) && !is_known((struct span){token.ptr, n}))
            return false;
        token.ptr += n > 0 ? n : 1;
        token.len -= n > 0 ? n : 1;
    }
    return true;
}

static bool has_letters(struct span text)
{
    for (size_t i = 0; i < text.len; i++)
        if (is_upper(text.ptr[i]) || is_lower(text.ptr[i]))
            return true;
    return false;
}

static bool is_mark(char c)
{
    return c != '\0' && strchr(".,;:!?()[]{}<>\"\'", c);
}

/* One word of the text with the marks around it. */
struct token {
    struct span text;
    bool hidden, number;
};

/* The marks say nothing. */
static struct token judge_token(struct span text)
{
    size_t front = count_front(text, is_mark), back = text.len;
    struct span bare;

    while (back > front && is_mark(text.ptr[back - 1]))
        back--;
    bare = (struct span){text.ptr + front, back - front};
    return (struct token){
        .text = text, .hidden = !is_harmless(bare), .number = count_digits(bare) > 0 && !has_letters(bare)};
}

/* A number beside a hidden word or another number may be a part of it: of a street, of a telephone number. */
static void hide_numbers(struct token *tokens, size_t count)
{
    for (size_t i = 1; i < count; i++)
        if (tokens[i].number && (tokens[i - 1].hidden || tokens[i - 1].number))
            tokens[i].hidden = true;
    for (size_t i = count; i-- > 1;)
        if (tokens[i - 1].number && (tokens[i].hidden || tokens[i].number))
            tokens[i - 1].hidden = true;
}

static void write_tokens(const struct token *tokens, size_t count, struct buf *out)
{
    for (size_t i = 0; i < count; i++) {
        if (tokens[i].hidden && i > 0 && tokens[i - 1].hidden)
            continue;
        buf_add_text(out, i > 0 ? " " : "");
        buf_add_span(out, tokens[i].hidden ? SPAN("***") : tokens[i].text);
    }
}

static void copy_cut(struct span text, char *out, size_t size)
{
    static const char more[] = "...";
    size_t len = text.len;

    if (size == 0)
        return;
    if (len >= size)
        len = size > sizeof more ? size - sizeof more : 0;
    if (len > 0)
        memcpy(out, text.ptr, len);
    out[len] = '\0';
    if (len < text.len && size > sizeof more)
        memcpy(out + len, more, sizeof more);
}

static bool is_blank(char c)
{
    return (unsigned char)c <= ' ' || c == 0x7F;
}

static bool is_no_blank(char c)
{
    return !is_blank(c);
}

void api_event_words(struct span text, char *out, size_t size)
{
    struct buf words = {.cap = 3 * WORDS_CAP};
    struct token *tokens;
    size_t count = 0, n;

    if (text.len > WORDS_CAP)
        text.len = WORDS_CAP;
    tokens = mem_array(text.len / 2 + 1, sizeof *tokens);
    for (; text.len > 0; text.ptr += n, text.len -= n) {
        n = count_front(text, is_blank);
        if (n > 0)
            continue;
        n = count_front(text, is_no_blank);
        tokens[count++] = judge_token((struct span){text.ptr, n});
    }
    hide_numbers(tokens, count);
    write_tokens(tokens, count, &words);
    copy_cut(buf_span(&words), out, size);
    buf_free(&words);
    free(tokens);
}

/* A name of the other side's: one token of letters, with few digits. */
static bool is_name(struct span text)
{
    if (text.len == 0 || text.len > NAME_MOST || count_digits(text) > DIGITS_PLAIN)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (!is_digit(c) && !is_upper(c) && !is_lower(c) && (c == '\0' || !strchr("-_.:/", c)))
            return false;
    }
    return true;
}

void api_event_name(struct span text, char *out, size_t size)
{
    if (is_name(text))
        copy_cut(text, out, size);
    else
        api_event_words(text, out, size < NAME_MOST + 1 ? size : NAME_MOST + 1);
}
